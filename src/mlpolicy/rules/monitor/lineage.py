"""The ids by which records join: of a call, of the one that made it, and of the outermost one.

A call hands nothing on to those within it: that would cost each of them.
Whoever makes an event reads off the stack which calls are under way, and makes an id of the
number of each, so that the events of an inner and of an outer call agree by themselves.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from hashlib import blake2b
from types import FrameType
from typing import Any, Final

from mlpolicy.core.step import Step
from mlpolicy.rules.monitor.streams import HANDING_OUT

_BYTES: Final = 16
_serials = itertools.count()


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
        parent = next(filter(None, (_id(*one) for one in around)), "")
        if not parent:
            return {"call_id": own, "own_id": own}
        outermost = next(filter(None, (_id(*one, "call_id") for one in reversed(around))))
        return {"call_id": outermost, "own_id": own, "parent_id": parent}

    def _drivers(self) -> Iterator[tuple[Numbered | None, FrameType]]:
        """Yield what numbers each call that is under way in this thread, and its frame.

        A call that gives the items of a stream is within the one that returned it, whoever reads.
        """
        cls = type(self)
        frame: FrameType | None = sys._getframe(1)  # (its own would hold itself, and all before it)
        while frame is not None:
            if any(frame.f_code is one for one in HANDING_OUT):
                yield None, frame
                return
            constants = frame.f_code.co_consts
            if cls in map(type, constants):
                yield next(one for one in constants if type(one) is cls), frame
            frame = frame.f_back


def _id(step: Numbered | None, frame: FrameType, which: str = "own_id") -> str:
    """Return the id of the call in *frame*; nothing where it has no number, or none that is known."""
    held = frame.f_locals
    if sys.version_info < (3, 13) and sys.gettrace() is None:
        # The frame keeps this copy, and the traceback of an error the frame: a circle.
        for name in [one for one, value in held.items() if issubclass(type(value), BaseException)]:
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
