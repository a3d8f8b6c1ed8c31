"""Dates as policy files write them."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from mlpolicy.core.model import finding
from mlpolicy.core.written import DAY


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and re.fullmatch(DAY, value):
        return date.fromisoformat(value)
    meant = _meant(str(value))
    hint = f": did you mean `{meant}`?" if meant else ""
    raise finding("MP010", f"expected a date such as `2027-03-31`, found `{value}`{hint}")


def _meant(text: str) -> str:
    """Return the date of a year, a month and a day that are written otherwise, in that order."""
    parts = _PARTS.match(text)
    try:
        return date(*map(int, parts.groups())).isoformat() if parts else ""
    except ValueError:
        return ""


_PARTS = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[T ].*)?$")


Day = Annotated[
    date,
    BeforeValidator(_day),
    Field(
        json_schema_extra={
            "type": "string",
            "format": "date",
            "pattern": DAY,
            "examples": ["2027-03-31"],
        }
    ),
]
"""The last day on which something holds, until midnight UTC."""
