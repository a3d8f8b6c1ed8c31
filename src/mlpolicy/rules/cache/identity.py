"""Instances as parts of keys: each by itself, and none kept alive by it."""

from __future__ import annotations

from typing import Any, cast
from weakref import ref

from mlpolicy.core.live import Live


class Identity(ref[Any]):
    """Stands for one object in keys; equal to itself alone, and dead with its object.

    Unlike a plain `weakref.ref` it compares and hashes as an object does, so that no method
    of the instance runs.
    """

    __slots__ = ("place",)

    place: int

    __hash__ = object.__hash__
    __eq__ = object.__eq__
    __ne__ = object.__ne__


class Identities(dict[int, Identity], Live):
    """Who is known by which `id`, while they live."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # (a constant of drivers)

    def of(self, instance: object) -> Identity:
        """Return what stands for *instance*.

        Raises:
            TypeError: It cannot be referred to weakly.
        """
        place = id(instance)
        known = self.get(place)
        if known is not None and known() is instance:
            return known
        identity = Identity(instance, _forget)
        identity.place = place
        # Another thread may have been first: both use what it put there.
        first = self.setdefault(place, identity)
        if first() is instance:
            return first
        self[place] = identity
        return identity

    def __reduce__(self) -> str:  # type: ignore[override]  # (a name is a full answer to pickle)
        """Travel as the one of this module."""
        return "IDENTITIES"


IDENTITIES = Identities()
"""Of this process; shared by all caches, so that a key outlives a reload."""


def _forget(identity: ref[Any]) -> None:
    # Runs when the instance dies, before its id can serve another object.
    place = cast("Identity", identity).place
    if IDENTITIES.get(place) is identity:
        IDENTITIES.pop(place, None)
