"""The key of a call: which parts of its arguments decide, and their canonical form."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from types import CellType
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from weakref import ref

from mlpolicy.core.argpath import ArgPath, parse
from mlpolicy.core.frozen import frozen
from mlpolicy.core.given import Given
from mlpolicy.core.live import Live
from mlpolicy.core.report import interrupts, say_once
from mlpolicy.rules.cache import encoders as _encoders  # noqa: F401 (they join `ENCODERS`)
from mlpolicy.rules.cache.canonical import ENCODERS, Tag, Token, encode
from mlpolicy.rules.cache.classes import Unkeyable

if TYPE_CHECKING:
    from mlpolicy.core.site import Parameter, Site
    from mlpolicy.rules.cache.rule import CacheRule

# With `python -b`, comparing text with bytes warns, and equal ones meet in one dict.
BARE: Final[tuple[type, ...]] = (int, str) if sys.flags.bytes_warning else (int, str, bytes)
"""Of these classes exactly, a single argument is its own key."""

_MISSING: Final[Token] = (None, Tag("missing"))
_INSTANCE = ("self", "cls")
NOWHERE: Final = ""
"""The parameter of a part that the function has no argument for."""


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


@frozen()
class Part:
    """One argument, or a part of one, that belongs to the key."""

    name: str
    """The parameter that holds it."""
    how: Literal["value", "instance", "path", "keyword", "keywords"] = "value"
    path: ArgPath | None = None
    dropped: frozenset[str] = frozenset()
    """Of `**keywords`: the names that are left out."""

    def token(self, value: Any) -> Token:
        """Return the token of this part, where *value* is the argument."""
        if self.how == "path":
            assert self.path is not None
            return encode(self.path.read(value))
        if self.how == "keyword":
            assert self.path is not None
            given = self.path.name in value
            return encode(self.path.read(value[self.path.name])) if given else _MISSING
        if self.how == "keywords" and self.dropped:
            value = {name: one for name, one in value.items() if name not in self.dropped}
        return encode(value)


def parts(rule: CacheRule, parameters: tuple[Parameter, ...]) -> tuple[Part, ...]:
    """Return what the key is made of.

    The instance of a method always belongs to it, by identity, unless the rule names it or
    a part of it; where a function makes the key, what it returns is all of it.
    """
    if isinstance(rule.key, Given):
        return ()
    named = [parse(path) for path in rule.key or ()]
    instance = [one for one in parameters[:1] if one.name in _INSTANCE]
    if rule.key is None:
        kept = [one for one in parameters if one.name not in rule.ignore]
        return tuple(_whole(one, instance, frozenset(rule.ignore)) for one in kept)
    first = [one for one in instance if all(path.name != one.name for path in named)]
    return (
        *(Part(one.name, "instance") for one in first),
        *(_named(path, parameters, instance) for path in named),
    )


def _whole(one: Parameter, instance: list[Parameter], ignored: frozenset[str]) -> Part:
    if one in instance:
        return Part(one.name, "instance")
    if one.kind == "var_keyword":
        return Part(one.name, "keywords", dropped=ignored)
    # `*rest` is one value, a tuple; it is never a plain scalar.
    return Part(one.name, "path" if one.kind == "var_positional" else "value", ArgPath(one.name))


def _named(path: ArgPath, parameters: tuple[Parameter, ...], instance: list[Parameter]) -> Part:
    found = next((one for one in parameters if one.name == path.name), None)
    if found is None:
        keywords = next((one.name for one in parameters if one.kind == "var_keyword"), NOWHERE)
        return Part(keywords, "keyword", path)
    if found in instance and not path.steps:
        return Part(found.name, "instance")
    plain = not path.steps and not found.kind.startswith("var_")
    return Part(found.name, "value" if plain else "path", path)


class Same:
    """Stands for an object that cannot be referred to weakly; it lives as long as the key."""

    __slots__ = ("_held",)

    def __init__(self, held: object) -> None:
        self._held = held

    def __hash__(self) -> int:
        return id(self._held)

    def __eq__(self, other: object) -> bool:
        return type(other) is Same and other._held is self._held


class Keys(Live):
    """Makes the keys that the lines of a driver cannot make by themselves."""

    parts: tuple[Part, ...] = ()
    target = ""
    """Empty in a process where the policy is not in force: nothing has a key there."""
    single = False

    by: Callable[..., object] | None = None
    """The function that makes the key of the arguments, where a decorator was given one."""

    def __init__(self, parts: tuple[Part, ...], site: Site, key: object = None) -> None:
        self.parts = parts
        self.by = key.held if isinstance(key, Given) else None
        self.target = site.target
        self.single = len(parts) == 1 and parts[0].how != "instance"

    def make(self, *arguments: Any) -> Hashable | None:
        """Return the key of a call, given the argument of each part; None where it has none."""
        try:
            if self.single:
                return self._one(arguments[0])
            key: list[object] = []
            for part, argument in zip(self.parts, arguments, strict=True):
                if part.how == "instance":
                    key.append(IDENTITIES.of(argument))
                else:
                    key += part.token(argument)
            return tuple(key)
        except Exception as error:  # noqa: BLE001 (to read an argument may run the user's code)
            self._without(error)
            return None

    def of_closure(self, cells: tuple[CellType, ...], *arguments: Any) -> Hashable | None:
        """Return the key of a call of a function that has captured the content of *cells*."""
        key = self.make(*arguments)
        if key is None:
            return None
        try:
            return key, *map(_captured, cells)
        except Exception as error:  # noqa: BLE001 (as above)
            self._without(error)
            return None

    def one(self, argument: Any) -> Hashable | None:
        """Return the key of a call whose one part is a whole argument, and no bare one."""
        try:
            return (ENCODERS.get(type(argument)) or encode)(argument, 0)
        except Exception as error:  # noqa: BLE001 (to read an argument may run the user's code)
            self._without(error)
            return None

    def called(self, positional: tuple[Any, ...], named: dict[str, Any]) -> Hashable | None:
        """Return the key that the function `by` makes of the arguments; None where it makes none."""
        try:
            return encode(self.by(*positional, **named)) if self.by is not None else None
        except Exception as error:  # noqa: BLE001 (a function of the user's may raise anything)
            self._without(error)
            return None

    def _one(self, argument: Any) -> Hashable:
        token = self.parts[0].token(argument)
        return token[0] if token[1] in BARE else token

    def _without(self, error: Exception) -> None:
        """Say once that calls of this sort are not cached; by classes alone, never by values."""
        if type(error) is not Unkeyable and interrupts(error):
            raise error
        if not self.target:
            return
        why = str(error) if type(error) is Unkeyable else type(error).__name__
        say_once(
            f"cache:{self.target}:key",
            f"{self.target}: a call has no cache key ({why}); such calls are not cached. "
            "Name what decides the result with `key`, or leave the argument out with `ignore`.",
        )


_SCALARS = (str, int, float, bool, bytes, type(None))


def _captured(cell: CellType) -> Hashable:
    """Return what stands for the content of *cell*: its value where that never changes.

    All else is told apart by identity, as instances are: a closure may change what it holds.
    """
    try:
        content = cell.cell_contents
    except ValueError:  # (not assigned yet)
        return _MISSING
    if type(content) in _SCALARS:
        return encode(content)
    try:
        return IDENTITIES.of(content)
    except TypeError:
        return Same(content)
