"""The recorded traffic of the demo: which image is asked for, in which order."""

from __future__ import annotations

import random
from dataclasses import dataclass

IMAGES = 1797
HALF_LIFE_RANK = 5


@dataclass(frozen=True, slots=True)
class Traffic:
    """Image ids in the order in which they are asked for."""

    image_ids: tuple[int, ...]

    @property
    def distinct(self) -> int:
        """How many images are asked for at least once."""
        return len(set(self.image_ids))

    @property
    def repeat_share(self) -> float:
        """The part of the requests that ask for an image again."""
        return 1 - self.distinct / len(self.image_ids)


def record(*, requests: int, seed: int) -> Traffic:
    """Return the traffic of *seed*: a few images are popular, most are asked for once."""
    dice = random.Random(seed)
    images = list(range(IMAGES))
    dice.shuffle(images)
    weights = [1 / (rank + HALF_LIFE_RANK) for rank in range(IMAGES)]
    return Traffic(tuple(dice.choices(images, weights, k=requests)))
