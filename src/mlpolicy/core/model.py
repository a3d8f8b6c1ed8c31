"""What every block of a policy file is made of; imported only when a policy is read."""

from __future__ import annotations

from typing import Annotated, LiteralString, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

T = TypeVar("T")

Many = Annotated[tuple[T, ...], Field(strict=False)]
"""A list in the file, a tuple in the code: `Many[str]`."""


class RuleModel(BaseModel):
    """A frozen block of settings that knows its keys; any other key is a finding."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        use_attribute_docstrings=True,
        arbitrary_types_allowed=False,
    )


def finding(code: LiteralString, message: str) -> PydanticCustomError:
    """Return what a validator raises so that the finding bears *code*."""
    return PydanticCustomError(code, "{text}", {"text": message})
