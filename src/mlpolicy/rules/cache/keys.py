"""The key of a call: which parts of its arguments decide, and their canonical form."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from types import CellType
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from weakref import ref

from mlpolicy.core.argpath import ArgPath, parse
from mlpolicy.core.default import given
from mlpolicy.core.frozen import frozen
from mlpolicy.core.interrupt import interrupts
from mlpolicy.core.live import Live
from mlpolicy.core.report import say_once
from mlpolicy.core.target import Given
from mlpolicy.rules.cache.canonical import ENCODERS, Tag, Token, encode
from mlpolicy.rules.cache.classes import Unkeyable

if TYPE_CHECKING:
    from mlpolicy.core.block import Lines, Loom
    from mlpolicy.core.site import Parameter, Site
    from mlpolicy.rules.cache.rule import CacheRule

# With `python -b`, comparing text with bytes warns, and equal ones meet in one dict.
BARE: Final[tuple[type, ...]] = (int, str) if sys.flags.bytes_warning else (int, str, bytes)
"""Of these classes exactly, a single argument is its own key."""

_MISSING: Final[Token] = (None, Tag("missing"))
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
    by_name = {one.name: one for one in parameters}
    instance = next((name for name in [*by_name][:1] if name in ("self", "cls")), "")
    if rule.key is None:
        paths = [ArgPath(name) for name in by_name if name not in rule.ignore]
    else:
        paths = [parse(path) for path in rule.key]
        if instance and all(path.name != instance for path in paths):
            paths.insert(0, ArgPath(instance))
    return tuple(_part(path, by_name, instance, rule) for path in paths)


def _part(path: ArgPath, by_name: dict[str, Parameter], instance: str, rule: CacheRule) -> Part:
    if path.name not in by_name:
        keywords = [name for name, one in by_name.items() if one.kind == "var_keyword"]
        return Part(keywords[0] if keywords else NOWHERE, "keyword", path)
    kind = by_name[path.name].kind
    if path.name == instance and not path.steps:
        return Part(path.name, "instance")
    if kind == "var_keyword" and rule.key is None:
        return Part(path.name, "keywords", dropped=frozenset(rule.ignore))
    # `*rest` is one value, a tuple; it is never a plain scalar.
    plain = not path.steps and not kind.startswith("var_")
    return Part(path.name, "value" if plain else "path", path)


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
                token = self.parts[0].token(arguments[0])
                return token[0] if token[1] in BARE else token
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


# --- keys that the lines of a driver make ----------------------------------------------

_MOST_INLINE = 4
"""With more arguments than this the lines cost more than the call that they save."""


def key_lines(keys: Keys, site: Site, key: str, loom: Loom) -> Lines:
    """Return lines that leave the key of the call, or None, in the local *key*.

    Plain scalars are keyed here: the tests of their exact classes cost 3 ns each.
    """
    arguments = [loom.arguments[part.name] for part in keys.parts]
    if keys.by is not None or loom.closure:
        by_function = keys.called, [f"*{given(site, loom)}"]
        by_cells = keys.of_closure, [loom.closure, *arguments]
        method, values = by_cells if keys.by is None else by_function
        return [f"{key} = {loom.constant('make_key', method)}({', '.join(values)})"]
    hows = [part.how for part in keys.parts]
    if not hows:
        return [f"{key} = ()"]
    if hows == ["value"]:
        kind = loom.local("kind")
        bare = " or ".join(f"{kind} is {loom.constant(one.__name__, one)}" for one in BARE)
        make = loom.constant("make_key", keys.one)
        return [
            f"{kind} = {loom.constant('type', type)}({arguments[0]})",
            f"{key} = {arguments[0]} if {bare} else {make}({arguments[0]})",
        ]
    make = f"{loom.constant('make_key', keys.make)}({', '.join(arguments)})"
    if len(hows) > _MOST_INLINE or not {"value", "instance"}.issuperset(hows):
        return [f"{key} = {make}"]
    tests, items = [], []
    for how, argument in zip(hows, arguments, strict=True):
        if how == "instance":
            who, identity = loom.local("who"), loom.constant("id", id)
            found = f"({who} := {loom.constant('known', IDENTITIES.get)}({identity}({argument})))"
            tests.append(f"{found} is not None and {who}() is {argument}")
            items.append(who)
        else:
            kind = loom.local("kind")
            tests.append(_is_scalar(kind, argument, loom))
            items += [argument, kind]
    return [f"{key} = ({', '.join(items)},) if {' and '.join(tests)} else {make}"]


def _is_scalar(kind: str, value: str, loom: Loom) -> str:
    """Return the test for a plain scalar; a zero or NaN is none, as `0.0 == -0.0`."""
    plain = [
        f"{kind} is {loom.constant(one.__name__, one)}" for one in (str, bool, type(None), bytes)
    ]
    floating = f"{kind} is {loom.constant('float', float)} and {value} and {value} == {value}"
    first = f"({kind} := {loom.constant('type', type)}({value})) is {loom.constant('int', int)}"
    return f"({' or '.join([first, plain[0], floating, *plain[1:]])})"
