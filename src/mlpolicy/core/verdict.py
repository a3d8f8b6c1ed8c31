"""What a step may answer: the driver alone acts on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mlpolicy.core.frozen import frozen
from mlpolicy.core.waiting import Waiter


@frozen()
class Answer:
    """Hand *value* to the caller in place of what the inner block would give."""

    value: object


@frozen()
class Refuse:
    """Raise *error* to the caller."""

    error: BaseException


@frozen()
class Again:
    """Run the inner block again after *pause* seconds."""

    pause: float


@frozen()
class Wait:
    """Block or await until *waiter* is woken, *at_most* seconds, then ask the step again."""

    waiter: Waiter
    at_most: float


@frozen()
class Do:
    """Call (or await) *function* without arguments; what it gives is the result."""

    function: Callable[[], object]


@frozen()
class Within:
    """Go on; what is inside may take *seconds* at each attempt, or `TimeoutError` ends it.

    Only what awaits can be ended: the answer of a step whose class says `bounds`.
    """

    seconds: float


PROCEED: Final = None
"""Nothing to say: the call goes on."""

Verdict = Answer | Refuse | Again | Wait | Do | Within | None
