"""Mappings that are made when somebody first looks into them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


class Lazily(Mapping[str, T]):
    """What *make* returns, once it is asked for."""

    __slots__ = ("_held", "_make")

    def __init__(self, make: Callable[[], Mapping[str, T]]) -> None:
        self._make = make
        self._held: Mapping[str, T] | None = None

    def _made(self) -> Mapping[str, T]:
        held = self._held
        if held is None:
            held = self._held = self._make()
        return held

    def __getitem__(self, key: str) -> T:
        return self._made()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())

    def __reduce__(self) -> tuple[type, tuple[dict[str, T]]]:
        """Be pickled as what it holds."""
        return dict, (dict(self),)

    def __repr__(self) -> str:
        return repr(dict(self))
