"""The key of a call: which parts of its arguments decide, and their canonical form."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from types import CellType
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from weakref import ref

from mlpolicy.core.argpath import ArgPath, parse
from mlpolicy.core.classes import frozen
from mlpolicy.core.default import given
from mlpolicy.core.report import interrupts, say_once
from mlpolicy.core.step import indented
from mlpolicy.core.target import Given
from mlpolicy.core.threads import Live
from mlpolicy.rules.cache.canonical import ENCODER_OF, FLAT, LONG, SEED, WIDE, Token, digest, encode
from mlpolicy.rules.cache.classes import Unkeyable

if TYPE_CHECKING:
    from mlpolicy.core.site import Parameter, Site
    from mlpolicy.core.step import Lines, Loom
    from mlpolicy.rules.cache.rule import CacheRule

_MISSING: Final[Token] = (None, Unkeyable)


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


class Same:
    """Stands for an object that cannot be referred to weakly; it lives as long as the key."""

    __slots__ = ("_held",)

    def __init__(self, held: object) -> None:
        self._held = held

    def __hash__(self) -> int:
        return id(self._held)

    def __eq__(self, other: object) -> bool:
        return type(other) is Same and other._held is self._held


@frozen()
class Part:
    """One argument, or a part of one, that belongs to the key."""

    name: str
    """The parameter that holds it."""
    how: Literal["value", "instance", "read"]
    """A whole argument, the instance of a method, or what must be read from an argument."""
    token: Callable[[Any], Sequence[object]]
    """Gives what the argument adds to the key."""
    absent: str = ""
    """How the rule names it, where the function has no such argument."""


def _parts(rule: CacheRule, by_name: dict[str, Parameter]) -> Iterator[Part]:
    """Yield what the key is made of.

    The instance of a method always belongs to it, by identity, unless the rule names it or
    a part of it.
    """
    instance = next((name for name in [*by_name][:1] if name in ("self", "cls")), "")
    keywords = next((one.name for one in by_name.values() if one.kind == "var_keyword"), "")
    for path in _paths(rule, by_name, instance):
        name = path.name
        if name not in by_name:
            absent = "" if keywords else str(path)
            yield Part(keywords, "read", partial(_of_keyword, path), absent)
        elif path.steps:
            yield Part(name, "read", partial(_of_path, path))
        elif name == instance:
            yield Part(name, "instance", _of_instance)
        elif name == keywords and rule.key is None:
            yield Part(name, "read", partial(_of_keywords, frozenset(rule.ignore)))
        else:  # (`*rest` is one value, a tuple, and never a plain scalar)
            yield Part(name, "read" if by_name[name].kind.startswith("var_") else "value", encode)


def _paths(rule: CacheRule, names: Iterable[str], instance: str) -> list[ArgPath]:
    if rule.key is None:
        return [ArgPath(name) for name in names if name not in rule.ignore]
    paths = [parse(path) for path in rule.key]
    if instance and all(path.name != instance for path in paths):
        paths.insert(0, ArgPath(instance))
    return paths


def _of_instance(value: object) -> Sequence[object]:
    return (IDENTITIES.of(value),)


def _of_path(path: ArgPath, value: object) -> Token:
    return encode(path.read(value))


def _of_keyword(path: ArgPath, value: dict[str, Any]) -> Token:
    return _of_path(path, value[path.name]) if path.name in value else _MISSING


def _of_keywords(ignored: frozenset[str], value: dict[str, Any]) -> Token:
    return encode({name: one for name, one in value.items() if name not in ignored})


class Keys(Live):
    """Makes the keys that the lines of a driver cannot make by themselves."""

    parts: tuple[Part, ...] = ()
    target = ""
    """Empty in a process where the policy is not in force: nothing has a key there."""
    by_function = False
    """Whether a function of the user's makes the key of all arguments."""
    absent = ""
    """An argument that the key names and the function does not have."""
    last: tuple[str, bytes] = ("", b"")
    """The long text before, and its digest: one that stands in the program comes each time."""

    def __init__(self, rule: CacheRule, site: Site) -> None:
        self.target = site.target
        if isinstance(rule.key, Given):
            made: Callable[..., object] = rule.key.held
            self.by_function = True
            self.parts = (Part("", "read", lambda given: encode(made(*given[0], **given[1]))),)
            return
        self.parts = tuple(_parts(rule, {one.name: one for one in site.parameters}))
        self.absent = next((part.absent for part in self.parts if part.absent), "")

    def make(self, *arguments: Any, cells: tuple[CellType, ...] = ()) -> Hashable | None:
        """Return the key of a call, given the argument of each part; None where it has none.

        Where the function has captured *cells*, their contents belong to it.
        """
        try:
            key: list[object] = []
            for part, argument in zip(self.parts, arguments, strict=True):
                key += part.token(argument)
            return (*key, *map(_captured, cells))
        except Exception as error:  # noqa: BLE001 (to read an argument may run the user's code)
            self.refuse(error)
            return None

    def refuse(self, error: Exception) -> None:
        """Say once that calls of this sort have no key; by classes alone, never by values."""
        known = type(error) is Unkeyable
        if not known and interrupts(error):
            raise error
        if self.target:
            why = str(error) if known else type(error).__name__
            say_once(
                f"cache:{self.target}:key",
                f"{self.target}: a call has no cache key ({why}); such calls are not cached. "
                "Name what decides the result with `key`, or leave the argument out with `ignore`.",
            )


def _captured(cell: CellType) -> Hashable:
    """Return what stands for the content of *cell*: its value where that never changes.

    All else is told apart by identity, as instances are: a closure may change what it holds.
    """
    try:
        content = cell.cell_contents
    except ValueError:  # (not assigned yet)
        return _MISSING
    if type(content) in FLAT:
        return encode(content)
    try:
        return IDENTITIES.of(content)
    except TypeError:
        return Same(content)


# --- keys that the lines of a driver make ----------------------------------------------

_REMEMBERED = 65_536
"""Characters of a text up to which it is kept until the next long one comes."""
_MOST_INLINE = 4
"""With more arguments than this the lines cost more than the call that they save."""


def key_lines(
    keys: Keys, site: Site, key: str, loom: Loom, *, find: str = "", entry: str = ""
) -> Lines:
    """Return lines that leave the key of the call, or None, in the local *key*.

    Plain scalars are keyed here: the tests of their exact classes cost 3 ns each. Where they
    *find* an *entry*, it is there too. What is equal or hashed alike and yet not the same is looked
    for only where there is none, which a hit does not pay for: long integers, zeros and NaN.
    """
    look = [f"{entry} = {find}({key})"] if find else []
    hows = [part.how for part in keys.parts]
    if not hows and not loom.closure:
        return [f"{key} = ()", *look]
    arguments = _arguments(keys, site, loom)
    make = f"{loom.constant('make_key', keys.make)}({', '.join(arguments)})"
    if loom.closure or len(hows) > _MOST_INLINE or "read" in hows:
        return [f"{key} = {make}", *look]
    if hows == ["value"]:
        made, again = _alone(keys, arguments[0], key, loom)
        kind = f"{loom.constant('type', type)}({key})"
        wide = f"{_is(int, kind, loom)} and not {-WIDE} < {key} < {WIDE}:"
        missed = f"{entry} is None and {wide}" if find else wide
        return [*made, *look, f"if {missed}", f"    {again}", *indented(look)]
    tests, items = _inline(hows, arguments, loom, whole=True)
    whole = [f"{key} = ({items}) if {tests} else {make}", *look]
    if not find:
        return whole
    tests, items = _inline(hows, arguments, loom, whole=False)
    found = [f"{key} = ({items})", *look]
    quick = [f"if {tests}:", *indented(found), "else:", f"    {entry} = None"]
    return [*quick, f"if {entry} is None:", *indented(whole)]


def _arguments(keys: Keys, site: Site, loom: Loom) -> list[str]:
    if keys.by_function:
        return [given(site, loom)]
    cells = [f"cells={loom.closure}"] if loom.closure else []
    return [loom.arguments[part.name] for part in keys.parts] + cells


def _alone(keys: Keys, value: str, key: str, loom: Loom) -> tuple[Lines, str]:
    """Return lines for the key of a call with one argument, and the line for that of a long integer.

    Text and integers are their own key; the digest of a long text, bytes, is none by itself.
    """
    kind, error = loom.local("kind"), loom.local("error")
    integer, text, number, raw = (_is(one, kind, loom) for one in (int, str, float, bytes))
    short = f"{loom.constant('len', len)}({value}) <= {LONG}"
    bare = integer.replace(kind, f"({kind} := {loom.constant('type', type)}({value}))")
    pair = f"{number} and ({value} < 0.0 or {value} > 0.0) or {raw} and {short}"
    made = f"{loom.constant('encoder', ENCODER_OF)}({kind})({value}, None)"
    last, known = f"{loom.constant('keys', keys)}.last", loom.local("known")
    return [
        "try:",
        f"    if {bare} or {text} and {short}:",
        f"        {key} = {value}",
        f"    elif {text}:",
        f"        {known} = {last}",
        f"        if {known}[0] is not {value}:",
        f"            {known} = {value}, {_of_text(value, loom)}",
        f"            if {loom.constant('len', len)}({value}) <= {_REMEMBERED}:",
        f"                {last} = {known}",
        f"        {key} = {known}[1]",
        "    else:",
        f"        {key} = ({value}, {kind}) if {pair} else {made}",
        f"except {loom.constant('Exception', Exception)} as {error}:",
        f"    {key} = {loom.constant('no_key', keys.refuse)}({error})",
    ], f"{key} = {made}"


def _inline(hows: list[Any], values: list[str], loom: Loom, *, whole: bool) -> tuple[str, str]:
    """Return the test for scalars, and the items of their key; unless *whole*, for most of them."""
    tests, items = "", ""
    for how, value in zip(hows, values, strict=True):
        tests += " and " if tests else ""
        if how == "instance":
            who, identity = loom.local("who"), loom.constant("id", id)
            found = f"({who} := {loom.constant('known', IDENTITIES.get)}({identity}({value})))"
            tests += f"{found} is not None and {who}() is {value}"
            items += f"{who}, "
            continue
        kind, item = loom.local("kind"), value
        integer, number, text, *rest, raw = (
            _is(one, kind, loom) for one in (int, float, str, bool, type(None), bytes)
        )
        short = f"{loom.constant('len', len)}({value}) <= {LONG}"
        other = f"{' or '.join(rest)} or {raw} and {short}"
        test = f"{integer} or {number} or ({short} if {text} else {other})"
        if whole:
            test = f"{integer} and {-WIDE} < {value} < {WIDE} or {number} and {value} == {value}"
            test = f"{text} or {test} or {other}"
            zero = f"{loom.constant('repr', repr)}({value}) if {number} and not {value}"
            item = f"{_of_text(value, loom)} if {text} and not {short} else {zero} else {value}"
        asked = f"({kind} := {loom.constant('type', type)}({value}))"
        tests += f"({test.replace(kind, asked, 1)})"
        items += f"{item}, {kind}, "
    return tests, items


def _is(one: type, kind: str, loom: Loom) -> str:
    return f"{kind} is {loom.constant(one.__name__, one)}"


def _of_text(value: str, loom: Loom) -> str:
    """Return what stands for a long text."""
    seed, hashed = loom.constant("seed", SEED), loom.constant("digest", digest)
    return f'{hashed}({value}.encode("utf-8", "surrogatepass"), {seed})'
