"""The resolved rules of one target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from functools import cache, reduce
from typing import Any

from mlpolicy.core import program
from mlpolicy.core.allowed import OWN, Allowed
from mlpolicy.core.argpath import ArgPath, ArgPathError, parse
from mlpolicy.core.classes import frozen
from mlpolicy.core.quantity import Duration
from mlpolicy.core.site import KILL_SWITCH, Control, Mode, Rollout
from mlpolicy.core.span import Span
from mlpolicy.core.target import Given, Glob, Target, function_of
from mlpolicy.model.policy import CODE, Placement, Policy, Setting, one
from mlpolicy.rules import KINDS
from mlpolicy.rules import rank as position

Rank = tuple[int, int, int, bool, int, int, int]
"""Final, nearness (imported ones are below), priority, exactness, literal components, literal
characters, number of further conditions; higher wins."""
ROLLOUT = "rollout.by"
"""The only setting whose argument is not looked for in `**options`."""


@frozen()
class Value:
    """One setting that holds, and where it was set; no span means that it is built in."""

    value: Any
    source: Span | None = None
    policy: str = ""
    """The policy that set it, `defaults`, or nothing for what is built in."""
    key: Span | None = None
    """Where its key stands."""
    layer: str = ""
    """The part of its file where it stands: `policies.NAME`, `environments.prod`."""
    written: str = ""
    """The text that variables were put into, where there were any."""
    rank: Rank | None = None
    """The rank of the policy that set it."""
    secret: bool = False
    """Whether a variable in it holds what must not be shown."""
    places: Mapping[str, Span] = field(default_factory=dict)
    """Where what is inside of it stands: `1` of a list, `call` of a mapping, `1.call` of both."""

    def at(self, path: str) -> Span | None:
        """Return where *path* inside of it stands; where all of it does if that has no place."""
        return self.places.get(path) or self.source


@frozen()
class PlannedRule:
    """One rule of a plan."""

    kind: str
    mode: Mode
    rule: Any = field(repr=False)
    """The frozen model of the kind, complete; None for a rule that is off and lacks a setting."""
    values: Mapping[str, Value]
    source: Span
    """Where the rule stands in the policy that ranks highest among those that wrote it."""
    policy: str
    keys: Mapping[str, Span] = field(default_factory=dict)
    """Where the keys of its blocks of settings stand."""
    control: Control | None = field(default=None, repr=False)
    """What was written of whether it holds; `mode` is what follows from it here and now."""
    lost: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    """The values that higher ones have beaten, by path, the lowest first."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What its settings hold that must not be shown."""
        kept = {path: value.value for path, value in self.values.items() if value.secret}
        made = (reduce(_inside, path.split("."), self.rule) for path in kept)
        hidden = [*kept.values(), *made]
        for value in hidden:  # which grows
            if isinstance(value, dict | list | tuple):
                hidden += value.values() if isinstance(value, dict) else value
        return tuple(str(one) for one in hidden if isinstance(one, str | int | float))

    @property
    def live(self) -> bool:
        """Whether it is complete, and not switched off."""
        return self.rule is not None and self.mode != "disabled"

    @property
    def rollout(self) -> Rollout | None:
        """The share of calls that it holds for, where that is not all of them."""
        rollout = self.control.rollout if self.control else None
        return rollout if rollout and self.mode == "enforce" and rollout.percent < 1 else None

    def place(self, *settings: str) -> Span:
        """Return where the first of *settings* that was written stands, else the rule.

        Of a block that is its key; a number at the end of a setting is an item of a list.
        """
        for setting in settings:
            above, _, last = setting.rpartition(".")
            value = self.values.get(setting) or (
                self.values.get(above) if last.isdecimal() else None
            )
            span = value.at(last) or value.key if value is not None else self.keys.get(setting)
            if span is not None:
                return span
        return self.source

    def arguments(self) -> Iterator[tuple[str, ArgPath, str]]:
        """Yield each argument of the function that it names: (code, path, setting).

        The code is of the finding that the function has none of that name.
        """
        rollout = self.control.rollout if self.control else None
        for _, path in _paths([rollout.by] if rollout and rollout.by else ()):
            yield "MP507", path, ROLLOUT
        for setting, code in KINDS[self.kind].argument_fields.items():
            value = self._setting(setting)
            if isinstance(value, dict):
                yield from ((code, ArgPath(name), f"{setting}.{name}") for name in value)
            else:
                yield from ((code, path, f"{setting}.{number}") for number, path in _paths(value))

    def is_of_many(self, setting: str) -> bool:
        """Whether *setting* says for all functions of a pattern what some of them may take."""
        name, value = KINDS[self.kind].private, self.values.get(KINDS[self.kind].private)
        exact = value is not None and (value.policy == CODE or bool(value.rank and value.rank[3]))
        return bool(name) and setting.startswith(name) and not exact

    @property
    def private(self) -> tuple[ArgPath, ...]:
        """The paths to what no rule may show of arguments, though it be disabled itself."""
        setting = KINDS[self.kind].private
        return tuple(path for _, path in _paths(self._setting(setting))) if setting else ()

    def _setting(self, name: str) -> Any:
        """Return the value of a setting, perhaps in blocks (`log.redact`); None where there is none."""
        return reduce(lambda held, key: getattr(held, key, None), name.split("."), self.rule)

    def called(self) -> Iterator[tuple[str, Span]]:
        """Yield each function that it names with `call`, and where the name stands."""
        return ((text, span) for text, span, path, _ in self.imported() if path.endswith(".call"))

    def imported(self) -> Iterator[tuple[str, Span, str, bool]]:
        """Yield each function and class that it imports by name: (name, place, setting, by code).

        By code are those that a decorator names, or a plugin by itself.
        """
        for path, text in _imports(self.rule):
            above, rest = path[1:], ""
            while above and above not in self.values:
                above, _, last = above.rpartition(".")
                rest = f"{last}.{rest}" if rest else last
            value = self.values.get(above, Value(None, self.source))
            by_code = value.source is None or (value.layer, value.policy) == (CODE, CODE)
            yield text, value.at(rest) or self.source, path, by_code


def _inside(value: Any, name: str) -> Any:
    return getattr(value, name, None)


def _paths(texts: Any) -> Iterator[tuple[int, ArgPath]]:
    """Yield each path in a list of *texts*, with its number; a function in its place names none."""
    for number, text in enumerate(() if isinstance(texts, Given) else texts or ()):
        try:
            yield number, parse(str(text))
        except ArgPathError:
            continue


@cache
def _may_import(model: Any) -> Mapping[str, bool]:
    """Return the settings of *model* that may name code, and whether they do nothing else."""
    from mlpolicy.core.model import Imports, models_in  # (it imports pydantic)

    found: dict[str, bool] = {}
    for name, of in model.model_fields.items():
        itself = name == "call" or any(isinstance(one, Imports) for one in of.metadata)
        if itself or of.annotation is Any or any(True for _ in models_in(of.annotation)):
            found[name] = itself
    return found


def _imports(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of each setting in *value* that names code to import, and what it names."""
    kind: Any = type(value)
    inside: Iterable[tuple[Any, Any]] = ()
    if kind is tuple:
        inside = enumerate(value)
    elif named := function_of(value):
        yield f"{path}.call", named
    elif kind is dict:  # (one of plain values is a value)
        inside = ((key, one) for key, one in value.items() if hasattr(type(one), "model_fields"))
    elif hasattr(kind, "model_fields"):
        for name, itself in _may_import(kind).items():
            held = getattr(value, name)
            if not itself and held is not None:
                yield from _imports(held, f"{path}.{name}")
            elif isinstance(held, str):
                yield f"{path}.{name}", held
    for key, each in inside:
        if type(each) is not str:
            yield from _imports(each, f"{path}.{key}")


@frozen()
class Plan:
    """What holds for one target: its rules in the order in which a call meets them."""

    target: Target
    mode: Mode
    rules: tuple[PlannedRule, ...]
    placement: Placement = "auto"
    policies: tuple[str, ...] = ()
    """The policies that took part, the highest-ranked first."""
    exact: bool = True
    """Whether a policy names the target itself, not only by a glob."""
    sources: tuple[Span, ...] = field(default=())
    """Where those policies stand, in the same order."""
    deadline: float | None = field(default=None, repr=False)
    """The longest that a call may take with all that rules add to it, in seconds."""
    packages: tuple[str, ...] = ()
    """The packages of all names of the target, if it has others."""
    lists: tuple[tuple[Glob, ...], ...] = ()
    """What `settings.allow_call` says, by file."""

    @property
    def allowed(self) -> Allowed:
        """What its rules may import by name."""
        if self.lists and not any(OWN in each for each in self.lists):
            return Allowed((), self.lists)
        names = (name.partition(".")[0] for name in program.names_of(self.target.module))
        return Allowed(tuple(dict.fromkeys([*self.packages, *names])), self.lists)

    def __str__(self) -> str:
        """Return what `mlpolicy explain` prints."""
        from mlpolicy.plan.show import describe

        return describe(self)

    @property
    def active(self) -> tuple[PlannedRule, ...]:
        """The rules that are not disabled; without any, the function is left as it is."""
        return tuple(rule for rule in self.rules if rule.mode != "disabled")

    def rule(self, kind: str) -> PlannedRule | None:
        """Return the rule of that kind, if there is one."""
        return next((rule for rule in self.rules if rule.kind == kind), None)


def at_moment(rule: PlannedRule, now: datetime, environ: Mapping[str, str]) -> PlannedRule:
    """Return *rule* with the mode that it has at the moment *now*."""
    control = rule.control
    if control is None:
        return rule
    if control.mode == "enforce" and control.expires is None and not environ.get(KILL_SWITCH):
        return rule
    mode = control.mode_at(now, environ.get(KILL_SWITCH, ""))
    return rule if mode == rule.mode else replace(rule, mode=mode)


def mode_of(rules: Sequence[PlannedRule]) -> Mode:
    """Return the mode of a whole plan: the strongest that a rule has which can be in shadow.

    A plan whose other rules are all in shadow is in shadow, though its `monitor` is in force.
    """
    active = [rule for rule in rules if rule.mode != "disabled"]
    if {rule.mode for rule in active if KINDS[rule.kind].shadowable} == {"shadow"}:
        return "shadow"
    return "enforce" if active or not rules else "disabled"


def deadline_of(candidates: Iterable[tuple[Rank, Policy]]) -> Setting | None:
    """Return the deadline of the highest of *candidates*, of equals and of final ones the shortest.

    Of those as long as each other it is one that no environment wrote.
    """
    each = ((ranked, one(policy.controls, "deadline")) for ranked, policy in candidates)
    written = [(ranked, setting) for ranked, setting in each if setting is not None]
    equals = (setting for ranked, setting in written if ranked[0] or ranked == written[0][0])

    def key(each: Setting) -> tuple[Duration, bool, Span]:
        return Duration.of(each.value), each.layer.startswith("environments."), each.span

    return min(equals, key=key, default=None)


def in_order(kind: str) -> tuple[float, str]:
    """Sort key of kinds: in the order in which a call meets their rules."""
    return position(KINDS[kind].position), kind


def plan(target: str | Callable[..., Any]) -> Plan | None:
    """Return what the policy in force, and decorators, say of *target*; None where they do not.

    Args:
        target: A function, or its path, `package.module:function`.

    Raises:
        ValueError: *target* is no function path.
        LookupError: No policy is in force, and the function has no decorator.
    """
    plan_of = program.plan_in_force or program.plan_in_code
    if plan_of is None:
        raise LookupError(program.NO_POLICY)
    found: Plan | None = plan_of(target)
    return found
