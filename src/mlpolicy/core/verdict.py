"""What a step may answer: the driver alone acts on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mlpolicy.core.waiting import Waiter


@dataclass(frozen=True, slots=True)
class Answer:
    """Hand *value* to the caller in place of what the inner block would give."""

    value: object


@dataclass(frozen=True, slots=True)
class Refuse:
    """Raise *error* to the caller."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Again:
    """Run the inner block again after *pause* seconds."""

    pause: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Block or await until *waiter* is woken, *at_most* seconds, then ask the step again."""

    waiter: Waiter
    at_most: float


@dataclass(frozen=True, slots=True)
class Do:
    """Call (or await) *function* without arguments; what it gives is the result."""

    function: Callable[[], object]


PROCEED: Final = None
"""Nothing to say: the call goes on."""

Verdict = Answer | Refuse | Again | Wait | Do | None
