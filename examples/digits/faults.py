"""What goes wrong in the feature store, decided by a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT_ROWS = (0, 1, 7)
SHORT_VECTOR = 40


class Fault(Enum):
    """One way in which the store fails a request."""

    UNAVAILABLE = "503"
    BUSY = "503 with Retry-After"
    RESET = "connection reset"
    SLOW = "slow answer"
    STALLED = "answer after the client has gone"
    NULLS = "missing pixels"
    SHAPE = "wrong number of pixels"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the store does with one request."""

    pixels: list[float | None]
    status: int = 200
    delay: float = 0.0
    retry_after: int | None = None
    reset: bool = False


class Faults(Protocol):
    """Says what goes wrong, and when."""

    def draw(self, image_id: int, attempt: int) -> Fault | None:
        """Return the fault of this attempt, or None if the store answers as it should."""
        ...


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Faults that depend on the seed, the image and the number of the attempt alone.

    The attempts of one image are drawn one by one, so the same requests meet the same
    faults in every run, whatever the order of the images, and asking again can help.
    """

    rate: float
    seed: int

    def draw(self, image_id: int, attempt: int) -> Fault | None:
        """Return the fault of this attempt, or None if the store answers as it should."""
        dice = random.Random(f"{self.seed}:{image_id}:{attempt}")
        if dice.random() >= self.rate:
            return None
        return dice.choice(list(Fault))


def spoil(pixels: list[float], fault: Fault | None) -> Reply:
    """Return what the store does under *fault* when it was asked for *pixels*."""
    sound = Reply(pixels=list(pixels))
    return sound if fault is None else _EFFECTS[fault](sound)


def _without_most_rows(pixels: list[float | None]) -> list[float | None]:
    return [value if place // 8 in KEPT_ROWS else None for place, value in enumerate(pixels)]


_EFFECTS: dict[Fault, Callable[[Reply], Reply]] = {
    Fault.UNAVAILABLE: lambda sound: replace(sound, status=503),
    Fault.BUSY: lambda sound: replace(sound, status=503, retry_after=1),
    Fault.RESET: lambda sound: replace(sound, reset=True),
    Fault.SLOW: lambda sound: replace(sound, delay=0.15),
    Fault.STALLED: lambda sound: replace(sound, delay=0.9),
    Fault.NULLS: lambda sound: replace(sound, pixels=_without_most_rows(sound.pixels)),
    Fault.SHAPE: lambda sound: replace(sound, pixels=sound.pixels[-SHORT_VECTOR:]),
}
