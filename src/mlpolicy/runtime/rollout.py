"""Which calls a rule that is rolled out to a share of them holds for."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from mlpolicy.core.argpath import ArgPath
from mlpolicy.core.chance import draw
from mlpolicy.core.frozen import frozen
from mlpolicy.core.interrupt import interrupts
from mlpolicy.core.report import say_once

_DEEPEST = 8
_PLAIN = (str, int, float, bool, bytes, type(None), uuid.UUID, decimal.Decimal, datetime.date)
_STEPS = float(1 << 64)


@frozen()
class Draw:
    """Takes calls by chance, each by itself."""

    percent: float

    def __call__(self) -> bool:
        """Whether the rule holds for this call."""
        return draw() < self.percent


@frozen()
class Share:
    """Takes calls by an argument: equal values are decided alike, in every process."""

    percent: float
    path: ArgPath
    salt: str
    """What tells this rollout from others, so that not the same users get all of them."""

    def __call__(self, argument: Any) -> bool:
        """Whether the rule holds for a call with that *argument*."""
        try:
            where = position(self.path.read(argument), self.salt)
        except Exception as error:  # (the path leads through the user's values)
            if interrupts(error):
                raise
            say_once(
                f"rollout:{self.salt}:{self.path}",
                f"a rollout by `{self.path}` leaves out calls for which it cannot be read: {error}",
            )
            return False
        return where < self.percent


def position(value: Any, salt: str) -> float:
    """Return where *value* stands from 0 to 1, the same in every process and every release.

    It is the first 64 bits of BLAKE2b over the salt and the value, as a share.

    Raises:
        TypeError: The value has no content that is the same in every process.
    """
    state = blake2b(salt.encode(), digest_size=8)
    for part in _parts(value, 0):
        state.update(part)
    return int.from_bytes(state.digest(), "big") / _STEPS


def _parts(value: Any, depth: int) -> Iterator[bytes]:
    if depth > _DEEPEST:
        raise TypeError("nested too deep")
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, _PLAIN):
        yield f"{type(value).__name__}:{value!s};".encode()
    elif isinstance(value, list | tuple):
        yield f"{len(value)}[".encode()
        for item in value:
            yield from _parts(item, depth + 1)
    elif callable(getattr(value, "item", None)) and getattr(value, "ndim", None) == 0:
        yield from _parts(value.item(), depth + 1)  # (a number of numpy)
    else:
        raise TypeError(f"`{type(value).__name__}` is not the same in every process")
