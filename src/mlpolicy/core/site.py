"""The place where a rule works: one function under one plan; and whether it holds there."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

from mlpolicy.core.argpath import ArgPath
from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Related
from mlpolicy.core.metrics import METERS, Counter, Meters
from mlpolicy.core.report import is_secret_key, without
from mlpolicy.core.span import Span
from mlpolicy.core.threads import Table

FunctionKind = Literal["function", "coroutine", "generator", "async_generator"]
ParameterKind = Literal["positional_only", "positional", "var_positional", "keyword", "var_keyword"]
Mode = Literal["enforce", "shadow", "disabled"]
GENERATORS: Final = ("generator", "async_generator")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, how it is passed, its default and its annotation, if any."""

    name: str
    kind: ParameterKind
    has_default: bool = False
    annotation: object = None


class Notes(Table[int, dict[str, Any]]):
    """What happened inside calls in flight that a log may want: call number to facts.

    Only rare paths write here; the monitor takes a call's facts out when it ends.
    """

    def add(self, call: int, fact: str, value: object) -> None:
        """Note one fact of the call numbered *call*; 0 is no call."""
        if call:
            self.setdefault(call, {})[fact] = value

    def append(self, call: int, fact: str, value: object) -> None:
        """Add *value* to the list of facts of that name."""
        if call:
            self.setdefault(call, {}).setdefault(fact, []).append(value)


@dataclass(frozen=True, slots=True)
class Site:
    """The place where a step works: one function under one plan."""

    target: str
    function: FunctionKind = "function"
    parameters: tuple[Parameter, ...] = ()
    returns: object = None
    """What its result is annotated to be."""
    mode: Mode = "enforce"
    source: str = ""
    """Where the rule stands: `file:line`."""
    code_hash: str = ""
    """A digest of the function's code, for keys that must not outlive it."""
    kinds: frozenset[str] = frozenset()
    """All kinds of the plan."""
    modes: Mapping[str, Mode] = field(default_factory=dict)
    """The mode of each kind of the plan."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """`file:line` of each rule of the plan, by kind."""
    notes: Notes | None = None
    meters: Meters = METERS
    resolve: Callable[[str], object] | None = None
    """Imports a `module:function` or dotted name when it is first needed."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What the rule holds that must not be shown."""
    private: tuple[ArgPath, ...] = ()
    """Paths to what must not be shown of arguments, whichever rule would."""

    def hide(self, text: str) -> str:
        """Return *text* as it may be shown: with none of the secrets that the rule holds."""
        return without(text, self.secrets) if self.secrets else text

    def is_private(self, place: tuple[str | int, ...]) -> bool:
        """Whether *place*, an argument and the steps into it, is not to be shown by a message."""
        if any(isinstance(step, str) and is_secret_key(step) for step in place):
            return True
        own = self.in_options(ArgPath(str(place[0])))
        return any(path.goes_to((own.name, *own.steps, *place[1:])) for path in self.private)

    def in_options(self, path: ArgPath) -> ArgPath:
        """Return *path*, one of an argument that has no parameter of its own from `**options` on."""
        spare = next((one.name for one in self.parameters if one.kind == "var_keyword"), "")
        if not spare or path.name in [one.name for one in self.parameters]:
            return path
        return ArgPath(spare, (path.name, *path.steps))

    @property
    def shadow(self) -> bool:
        """Whether the rule decides and reports, and changes nothing."""
        return self.mode == "shadow"

    def refused(self, kind: str) -> Counter:
        """Return the counter of the calls that a rule of *kind* refused here."""
        name, help = "mlpolicy_refusals_total", "Calls that were refused, by the kind of rule."
        return self.meters.counter(name, help, function=self.target, kind=kind)

    def would(self, kind: str, would: str) -> Counter:
        """Return the counter of what a rule in shadow would have done to calls."""
        name, help = "mlpolicy_shadow_total", "What rules in shadow mode would have done."
        return self.meters.counter(name, help, function=self.target, kind=kind, would=would)

    def decided(self, call: int, kind: str, decision: str) -> None:
        """Put what a rule decided about the call of that number into its log event."""
        if self.notes is not None:
            fact = {"kind": kind, "decision": decision, "source": self.source}
            self.notes.append(call, "rules", fact)


OnExpiry = Literal["disable", "shadow", "keep"]
Otherwise = Literal["shadow", "disabled"]

KILL_SWITCH = "MLPOLICY_DISABLE"
EVERYTHING = frozenset({"1", "true", "yes", "on", "all"})
"""What switches everything off, in small letters or not: in an emergency nobody looks it up."""


@frozen()
class Rollout:
    """The share of calls that a rule holds for."""

    percent: float
    """From 0 to 1."""
    by: str | None = None
    """The path to an argument: calls with equal values are decided alike, in every process."""
    otherwise: Otherwise = "disabled"
    """What the rule is for all other calls."""


@frozen()
class Control:
    """What was written of whether a rule holds."""

    kind: str
    mode: Mode = "enforce"
    expires: date | None = None
    on_expiry: OnExpiry = "disable"
    rollout: Rollout | None = None
    policies: tuple[str, ...] = ()
    """The policies that wrote the rule; the kill switch names them."""
    shadowable: bool = True
    """Whether the kind can be tried out: watching changes nothing, so it is in force instead."""

    def ends(self) -> datetime | None:
        """Return the moment from which the rule has expired: 00:00 UTC after its date."""
        return None if self.expires is None else end_of(self.expires)

    def mode_at(self, now: datetime, switch: str) -> Mode:
        """Return how the rule holds: the kill *switch* first, then its date, then its mode."""
        killed, own = switches(switch), {self.kind, *(f"policy:{name}" for name in self.policies)}
        if not own.isdisjoint(killed) or not EVERYTHING.isdisjoint(map(str.lower, killed)):
            return "disabled"
        end = self.ends()
        mode = self.mode
        if mode != "disabled" and end is not None and now >= end and self.on_expiry != "keep":
            mode = "shadow" if self.on_expiry == "shadow" else "disabled"
        return "enforce" if mode == "shadow" and not self.shadowable else mode


def end_of(day: date) -> datetime:
    """Return the moment when *day* is over, in UTC."""
    if day == date.max:
        return datetime.max.replace(tzinfo=UTC)  # as people write `never`
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def switches(written: str) -> frozenset[str]:
    """Return what the kill switch names."""
    return frozenset(part.strip() for part in written.split(",") if part.strip())


@frozen()
class Facts:
    """A function as selectors see it."""

    kind: FunctionKind = "function"
    parameters: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    decorators: Callable[[], tuple[str, ...]] = field(default=tuple)
    """Gives the dotted names of its decorators; they are looked up in its source, so not often."""


@frozen()
class Where:
    """What a `match` asks besides a target: each key must hold, by any of its words."""

    tag: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    has_param: tuple[str, ...] = ()
    decorated_by: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many things are asked."""
        return bool(self.tag) + bool(self.kind) + bool(self.has_param) + bool(self.decorated_by)

    def holds(self, facts: Facts | None) -> bool:
        """Whether a function is meant; where nothing is known of it, only if nothing is asked."""
        if facts is None:
            return not self.count
        return (
            (not self.kind or facts.kind in self.kind)
            and _any(self.tag, facts.tags)
            and _any(self.has_param, facts.parameters)
            and (not self.decorated_by or _any(self.decorated_by, facts.decorators()))
        )


def _any(wanted: tuple[str, ...], found: tuple[str, ...]) -> bool:
    return not wanted or any(fnmatchcase(one, word) for word in wanted for one in found)


# --- function ------------------------------------------------------------------------------


def text_of(node: ast.AST) -> str:
    """Return the source of *node*; dots where it has more levels or digits than Python prints."""
    try:
        return ast.unparse(node)
    except (RecursionError, ValueError):
        return "…"


FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@frozen()
class Lookup:
    """What a dotted name leads to, as far as that is known for sure."""

    kind: Literal["unknown", "absent", "class", "function", "value"] = "unknown"
    closest: str = ""
    """Of one that is absent: the name in its module that is most like it."""
    builtin_bases: tuple[str, ...] | None = None
    """Of a class: the builtin classes that it inherits from; None where that is not sure."""


UNKNOWN = Lookup()


class Function:
    """One function under one rule; where nothing more is known of it, every check is silent."""

    kind: FunctionKind = "function"
    parameters: tuple[Parameter, ...] | None = None
    """None where they are not known for sure."""
    is_method = False
    node: FunctionNode | None = None
    """Its tree, where it is known for sure that a call runs it as it stands."""
    decorators: tuple[tuple[str, ast.expr], ...] = ()
    """The full names of what decorates it, with the expressions, outermost first."""
    resolve: Callable[[str], object] | None = None
    """Imports what a path names; None where nothing of the user's may be imported."""

    def __init__(self, name: str, at: Callable[..., Span], *, is_disabled: bool = False) -> None:
        """Take its path as the policy has it, and what finds where settings of the rule stand.

        *at* gives where the first of the settings that it is given stands, if it was written,
        else the rule: of a block its key, of `retry_on.1` an item of a list.
        """
        self.name = name
        self.at = at
        self.is_disabled = is_disabled

    @property
    def annotations(self) -> Mapping[str, ast.expr]:
        """The annotations of parameters that are passed one by one, and of `return`."""
        if self.node is None:
            return {}
        given = self.node.args
        each = [*given.posonlyargs, *given.args, *given.kwonlyargs]
        found = {one.arg: one.annotation for one in each if one.annotation is not None}
        returns = getattr(self.node, "returns", None)
        return found | ({"return": returns} if returns is not None else {})

    def nodes(self) -> tuple[ast.AST, ...]:
        """Return the nodes that a call of it runs, not those in functions that it makes."""
        return ()

    def returned(self) -> tuple[ast.expr, ...]:
        """Return the expressions that it returns."""
        return ()

    def calls(self) -> tuple[tuple[str, FunctionKind, ast.Call], ...]:
        """Return the path and kind of each function that it calls by name, and whose source is known."""
        return ()

    def line(self, message: str, node: ast.expr | ast.stmt | None = None) -> tuple[Related, ...]:
        """Return the line of *node*, or of its definition, as a further place."""
        return ()

    def name_of(self, node: ast.expr) -> str:
        """Return the full name of what an expression in its body names."""
        return ""

    def annotated_name(self, node: ast.expr) -> str:
        """Return the full name of what an annotation names; nothing for a name of its own module."""
        return ""

    def lineage(self, node: ast.expr) -> tuple[ast.ClassDef | None, ...]:
        """Return the class that an annotation names, then its bases; None for one without source."""
        return ()

    def look_up(self, path: str, *, deep: bool = False) -> Lookup:
        """Return what *path* leads to; *deep*: a class may be named by a package that it lies deep in."""
        return UNKNOWN

    def rule_of(self, function: str, setting: str) -> tuple[Any, Span] | None:
        """Return the rule of the same kind on another function, and where it writes *setting*."""
        return None
