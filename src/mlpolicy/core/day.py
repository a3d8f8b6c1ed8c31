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
    raise finding("MP010", f"expected a date such as `2027-03-31`, found `{value}`")


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
