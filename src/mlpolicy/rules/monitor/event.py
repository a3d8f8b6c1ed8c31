"""One event a call, whose schema is `event.schema.json`, and the ids by which events join.

The ids are those of a call, of the one that made it, and of the outermost one. A call hands
nothing on to those within it: that would cost each of them. Whoever makes an event reads off
the stack which calls are under way, and makes an id of the number of each, so that the events
of an inner and of an outer call agree by themselves.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from hashlib import blake2b
from types import FrameType
from typing import Any, Final, Literal

from mlpolicy.core.report import interrupts
from mlpolicy.core.step import Step
from mlpolicy.rules.monitor.streams import HANDING_OUT

EVENT_SCHEMA: Final = "mlpolicy.event/1"
MOST_DECISIONS: Final = 100
Outcome = Literal["ok", "error", "refused", "fallback"]
SEVERITY: Final[dict[str, str]] = {
    "ok": "INFO",
    "fallback": "WARNING",
    "refused": "WARNING",
    "error": "ERROR",
}
_BYTES: Final = 16
_serials = itertools.count()


def current_trace() -> dict[str, str]:
    """Return the ids of the span that OpenTelemetry has open here, if it is in use."""
    api = sys.modules.get("opentelemetry.trace")
    try:
        context = api.get_current_span().get_span_context() if api is not None else None
        if context is None or not context.is_valid:
            return {}
        return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
    except Exception as failure:
        if interrupts(failure):
            raise
        return {}  # (it is a library's)


def frames() -> Iterator[FrameType]:
    """Yield the frames of this thread, the caller's first."""
    frame: FrameType | None = sys._getframe(1)  # (its own would hold itself, and all before it)
    while frame is not None:
        yield frame
        frame = frame.f_back


class Numbered(Step):
    """A step that numbers calls; drivers that have one of its class as a constant are looked for."""

    number_in: str = ""
    """The local of the driver that holds the number of the call, 0 until it has one."""

    def __init__(self, rule: Any, site: Any) -> None:
        super().__init__(rule, site)
        self.serial = next(_serials)
        """What tells it from others of this process: targets of one name are numbered apart."""

    def lineage(self) -> dict[str, str]:
        """Return the ids for the event of the call of this driver that ends here."""
        first, *around = self._drivers()
        own = _id(*first) or os.urandom(_BYTES).hex()
        parent = next(filter(None, (_id(*driver) for driver in around)), "")
        if not parent:
            return {"call_id": own, "own_id": own}
        ids = (_id(*driver, "call_id") for driver in reversed(around))
        return {"call_id": next(filter(None, ids)), "own_id": own, "parent_id": parent}

    def _drivers(self) -> Iterator[tuple[Numbered | None, FrameType]]:
        """Yield what numbers each call that is under way in this thread, and its frame.

        A call that gives the items of a stream is within the one that returned it, whoever reads.
        """
        cls = type(self)
        for frame in frames():
            if any(frame.f_code is code for code in HANDING_OUT):
                yield None, frame
                return
            constants = frame.f_code.co_consts
            if cls in map(type, constants):
                yield next(value for value in constants if type(value) is cls), frame


def _id(step: Numbered | None, frame: FrameType, which: str = "own_id") -> str:
    """Return the id of the call in *frame*; nothing where it has no number, or none that is known."""
    held = frame.f_locals
    if sys.version_info < (3, 13) and sys.gettrace() is None:
        # The frame keeps this copy, and the traceback of an error the frame: a circle.
        for name in [name for name in held if issubclass(type(held[name]), BaseException)]:
            del held[name]
    if step is None:
        return str(held["ending"].ids[which])
    number = held.get(step.number_in)
    if not number:
        return ""
    text = f"{step.serial}.{number}".encode()
    return blake2b(text, key=_PROCESS.key, digest_size=_BYTES).hexdigest()


class _Process:
    """What no other process has."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Be another: in a forked child."""
        self.key = os.urandom(_BYTES)


_PROCESS: Final = _Process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_PROCESS.begin)
