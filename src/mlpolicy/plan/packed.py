"""Policies of very large sets, held in as few bytes as they take."""

from __future__ import annotations

import pickle
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from mlpolicy.model.policy import Policy, PolicyFile

_TOGETHER = 64
"""Policies that are packed as one: they repeat themselves."""


class Packed(Sequence[Policy]):
    """Policies as bytes, each made anew when somebody asks: its place tells it from others.

    One takes about 80 bytes, where an object takes 2,000.
    """

    def __init__(self, policies: Iterable[Policy] = ()) -> None:
        self._content: list[bytes] = []
        self._starts: list[int] = []
        self._length = 0
        self.by_target = ByTarget(self)
        self.broad: list[Policy] = []
        """Those with patterns that may name more than one function."""
        self.kinds: Counter[str] = Counter()
        """How many of them have a rule of each kind."""
        self.use = False
        """Whether any of them uses a profile."""
        left = iter(policies)
        while some := tuple(islice(left, _TOGETHER)):
            for place, policy in enumerate(some, self._length):
                self._know(place, policy)
            content = pickle.dumps(some, pickle.HIGHEST_PROTOCOL)
            self._append(zlib.compress(content, 1), len(some))

    def _know(self, place: int, policy: Policy) -> None:
        for text in {one.glob.text for one in policy.match if one.glob.exact}:
            self.by_target.add(text, place)
        if not all(one.glob.exact for one in policy.match):
            self.broad.append(policy)
        self.kinds.update([block.kind for block in policy.rules])
        self.use = self.use or bool(policy.use)

    def _append(self, content: bytes, length: int) -> None:
        self._content.append(content)
        self._starts.append(self._length)
        self._length += length

    @classmethod
    def of(cls, files: Iterable[PolicyFile], each: Iterable[Policy]) -> Packed:
        """Return *each* policy of *files*; where none uses a profile, none is made for it."""
        parts = [file.policies for file in files if isinstance(file.policies, Packed)]
        if any(part.use for part in parts):
            return cls(each)
        made = cls()
        for part in parts:
            start, ends = made._length, (*part._starts[1:], part._length)
            for text, place in part.by_target.places():
                made.by_target.add(text, start + place)
            for content, begin, end in zip(part._content, part._starts, ends, strict=False):
                made._append(content, end - begin)
            made.broad += part.broad
            made.kinds += part.kinds
        return made

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Policy]:
        for content in self._content:
            yield from _unpacked(content)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        place = range(self._length)[index]
        at = bisect_right(self._starts, place) - 1
        return _unpacked(self._content[at])[place - self._starts[at]]


class ByTarget(Mapping[str, list[Policy]]):
    """Which of packed policies name a target itself, by the target."""

    def __init__(self, policies: Packed) -> None:
        self._policies = policies
        self._places: dict[str, int | tuple[int, ...]] = {}

    def add(self, target: str, place: int) -> None:
        """Note that the policy at *place* names *target*."""
        known = self._places.setdefault(target, place)
        if known != place:  # (most targets have one)
            self._places[target] = (*_several(known), place)

    def places(self) -> Iterator[tuple[str, int]]:
        """Yield each target with each place of a policy that names it."""
        for target, known in self._places.items():
            yield from ((target, place) for place in _several(known))

    def __getitem__(self, target: str) -> list[Policy]:
        return [self._policies[place] for place in _several(self._places[target])]

    def __contains__(self, target: object) -> bool:
        return target in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _several(places: int | tuple[int, ...]) -> tuple[int, ...]:
    return (places,) if isinstance(places, int) else places


@lru_cache(32)
def _unpacked(content: bytes) -> tuple[Policy, ...]:
    policies: tuple[Policy, ...] = pickle.loads(zlib.decompress(content))  # nosec B301  # noqa: S301 (packed by this process)
    return policies
