"""The garbage collector stays away while many objects are made that all stay.

What stands on thousands of functions would have it look through the whole heap once more: in
a service that imports pandas, that takes as long as all else that placing does. Where enough was
made for that, it is put with the old objects, and so is all that is young at that moment: freezing
moves objects without looking at them.
"""

from __future__ import annotations

import gc

_FROZEN_AT_START = 1_000
"""No interpreter has frozen as many by itself, and no program that freezes its heap fewer."""


class Uncollected:
    """Has no garbage collected in a `with` block, if it would be."""

    __slots__ = ("_was_on",)

    def __enter__(self) -> None:
        self._was_on = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_on:
            try:
                _age()
            finally:  # (a signal handler may raise at any moment)
                gc.enable()


def _age() -> None:
    """Put all young objects with the old ones, if a collection is due that looks at them."""
    due = 0 < gc.get_threshold()[0] < gc.get_count()[0]
    if due and gc.get_freeze_count() < _FROZEN_AT_START:  # (what a server froze stays so)
        try:
            gc.freeze()
        finally:
            gc.unfreeze()
