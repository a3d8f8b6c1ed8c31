"""The garbage collector stays away while many objects are made that all stay.

What stands on thousands of functions would have it look through the whole heap once more: in
a service that imports pandas, that takes as long as all else that placing does.
"""

from __future__ import annotations

import gc

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    pass


class Uncollected:
    """Has no garbage collected in a `with` block, if it would be."""

    __slots__ = ("_was_on",)

    def __enter__(self) -> None:
        self._was_on = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_on:
            gc.enable()
