"""Values: classes of named fields that nobody changes once they are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(*, order: bool = False) -> Callable[[type[_T]], type[_T]]:
    """Return a decorator: a slotted dataclass, which type checkers know to be frozen.

    Nothing guards the fields while the program runs: a guarded one takes four times as long to
    make, and reading a large policy makes a hundred thousand.
    """
    return dataclass(slots=True, unsafe_hash=True, order=order)
