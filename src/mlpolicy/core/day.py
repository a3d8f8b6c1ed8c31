"""Dates as policy files write them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from mlpolicy.core.model import finding


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise finding("MP010", f"expected a date such as `2027-03-31`, found `{value}`") from None


Day = Annotated[
    date,
    BeforeValidator(_day),
    Field(json_schema_extra={"type": "string", "format": "date", "examples": ["2027-03-31"]}),
]
"""The last day on which something holds, until midnight UTC."""
