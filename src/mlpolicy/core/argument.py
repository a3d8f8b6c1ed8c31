"""Paths to arguments as policy files write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from mlpolicy.core.argpath import ArgPathError, parse
from mlpolicy.core.model import Many, finding
from mlpolicy.core.written import ARGUMENT


def _path(text: str, *, at: tuple[int, ...] = ()) -> str:
    try:
        parse(text)
    except ArgPathError as error:
        raise finding("MP010", str(error), at=at) from None
    return text


def _paths(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_path(text, at=(number,)) for number, text in enumerate(texts))


_WRITTEN = Field(json_schema_extra={"pattern": ARGUMENT})
Argument = Annotated[str, AfterValidator(_path), _WRITTEN]
"""An argument, or a part of one: `user.id`."""
Arguments = Annotated[Many[Annotated[str, _WRITTEN]], AfterValidator(_paths)]
"""Several of them."""
