"""A kind of rule: its names, and where its parts are, imported only when needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

if TYPE_CHECKING:
    from mlpolicy.core.diagnostic import Code, Diagnostic
    from mlpolicy.core.function import Function
    from mlpolicy.core.step import Step


@dataclass(frozen=True, slots=True)
class Synonym:
    """A word that people type from habit, and the field that they mean."""

    field: str
    note: str = ""
    """What else must change; without a `shift` or a `form` only the author can."""
    shift: int = 0
    """What to add to the number when the word is put right (`max_retries` counts one less)."""
    form: str = ""
    """How a single value is written then: `[{}, null]`."""


def habits(words: Mapping[str, str]) -> dict[str, Synonym]:
    """Return the synonyms that *words* lists: under each field those that mean it."""
    return {word: Synonym(field) for field, typed in words.items() for word in typed.split()}


class Lacking(tuple[str, ...]):
    """A finding of a kind's check that something is not written.

    It is not made where values could not be read.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Clash:
    """Settings of a rule that do not go with another rule of the same function, or its deadline."""

    code: str
    message: str
    fields: tuple[str, ...]
    """The settings that make it so: one of them is what is wrong."""
    help: str
    other: tuple[str, str] | None = None
    """The kind and the setting that they do not go with; a clash with the deadline names none."""
    with_deadline: bool = False


@dataclass(frozen=True, slots=True)
class Worst:
    """What a rule can make of one call at worst."""

    calls: int = 1
    seconds: float = 0.0
    """What it adds to them."""
    asked: float = 0.0
    """What it adds where the other side may ask for pauses."""
    lines: tuple[str, ...] = ()
    """The sum, for people."""


@dataclass(frozen=True, slots=True)
class Counted:
    """An event that a counter of the rule tells of, and what it means for the call."""

    event: str
    late: bool = False
    """Whether it is counted once the answer is there, and belongs before what it led to."""
    answers: bool = False
    """Whether the answer comes from the rule, in place of the function."""


class MachineCheck(NamedTuple):
    """One thing that `mlpolicy doctor` looked at."""

    check: str
    state: Literal["ok", "note", "warn", "fail"]
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of rule.

    `rule`, `step` and `codes` are paths `module:name` of the pydantic model, the Step class
    and the tuple of finding codes.
    """

    name: str
    rule: str
    step: str
    codes: str | None = None
    check: str | None = None
    """`module:function` taking (rule) and giving (code, field, message), perhaps a remedy too:
    meaning, not shape."""
    standing: str | None = None
    """`module:function` taking (rule, target, standing, code_of) and giving (code, field, message, remedy):
    what the functions that stand under the target show, and what these use."""
    lint: str | None = None
    """`module:function` taking (rule, function) and giving diagnostics: what a `core.function.Function`
    shows, by its source or once it is imported."""
    arguments: str | None = None
    """`module:function` taking (settings, function, names) of a decorator and giving the settings of
    the rule, where its arguments are more than those: names of parameters, annotations."""
    decorator: str | None = None
    """The name of its decorator."""
    shadowable: bool = True
    """Whether it may be tried out without effect; what changes nothing has nothing to try."""
    numbers_calls: bool = False
    """Whether its driver numbers the calls, and it logs what others note of each."""
    keeps_results: bool = False
    """Whether it hands out results again, which the items of a generator cannot be."""
    shorthand: str | None = None
    """The field that a bare value fills: `retry: 3`."""
    synonyms: Mapping[str, Synonym] = field(default_factory=dict)
    inside: str = "memory"
    """The position in the order of the rules that a plugin's kind stands just inside of."""
    positions: tuple[str, ...] = ()
    """Where its steps stand in the order of the rules, if not under its name; it is listed at the
    first."""
    together: str | None = None
    """`module:function` taking (rule, beside, deadline) and giving each `Clash` with the rules
    *beside* it, by kind, or with the deadline in seconds, where there is one."""
    worst: str | None = None
    """`module:function` taking (rule, calls), of which rules around it make so many of one, and
    giving the `Worst` of it."""
    risk: str | None = None
    """`module:function` taking (old, new) and giving sentences: what to look at twice where one
    rule takes the place of the other."""
    argument_fields: Mapping[str, str] = field(default_factory=dict)
    """The settings that name arguments of the function, each with the code of the finding that it
    has none of that name."""
    events: Mapping[str, str] = field(default_factory=dict)
    """What may happen at a call, for policy tests: `KIND.DECISION`, or `KIND` alone for an attempt
    that another one follows, and one sentence about each."""
    counted: Mapping[str, Counted] = field(default_factory=dict)
    """The events that a counter tells of, by `COUNTER{LABEL=VALUE}`."""
    virtual: str | None = None
    """`module:function` taking the virtual machine of a policy test and giving further arguments of
    the step class: what stands in for whatever it reads of the machine."""
    doctor: str | None = None
    """`module:function` taking the rules of each function, by its name and their kinds, and giving
    checks: what this machine lacks for them."""
    api: int | None = None
    """The version of the interface that a plugin is made for; ours need not say it."""

    def rule_model(self) -> type[Any]:
        """Return the pydantic model of what an operator writes."""
        return cast("type[Any]", part(self.rule))

    def step_class(self) -> type[Step]:
        """Return the class of what happens at a call."""
        return cast("type[Step]", part(self.step))

    def finding_codes(self) -> tuple[Code, ...]:
        """Return the codes that only this kind reports."""
        return cast("tuple[Code, ...]", part(self.codes)) if self.codes else ()

    def findings(self, rule: Any) -> tuple[tuple[str, str, str], ...]:
        """Return (code, field, message) for each thing wrong with the meaning of *rule*."""
        return tuple(cast("Any", part(self.check))(rule)) if self.check else ()

    def checked(self, rules: Mapping[str, Mapping[str, Any]]) -> tuple[MachineCheck, ...]:
        """Return what `mlpolicy doctor` says of this machine and the *rules* of each function."""
        return tuple(cast("Any", part(self.doctor))(rules)) if self.doctor else ()

    @property
    def position(self) -> str:
        """Where in the order of the rules it is listed."""
        return self.positions[0] if self.positions else self.name

    def clashes(
        self, rule: Any, beside: Mapping[str, Any], deadline: float | None
    ) -> tuple[Clash, ...]:
        """Return what in *rule* does not go with the rules *beside* it, or with the deadline."""
        return tuple(
            cast("Any", part(self.together))(rule, beside, deadline) if self.together else ()
        )

    def worst_case(self, rule: Any, calls: int) -> Worst:
        """Return what *rule* makes at worst of a call that others make *calls* of."""
        return cast("Worst", cast("Any", part(self.worst))(rule, calls)) if self.worst else Worst()

    def risks(self, old: Any, new: Any) -> tuple[str, ...]:
        """Return what to look at twice where the rule *new* takes the place of *old*."""
        return tuple(cast("Any", part(self.risk))(old, new)) if self.risk else ()

    def settings(
        self,
        given: Mapping[str, Any],
        function: Callable[..., Any] | None,
        names: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return the settings that the arguments of a decorator on *function* say.

        Args:
            given: The arguments.
            function: The function that it stands on.
            names: What names in its source stand for, beside its globals.
        """
        return dict(
            given
            if self.arguments is None
            else cast("Any", part(self.arguments))(given, function, names)
        )

    def linted(self, rule: Any, function: Function) -> tuple[Diagnostic, ...]:
        """Return what is wrong with *rule* on *function*."""
        return tuple(cast("Any", part(self.lint))(rule, function)) if self.lint else ()

    def on_standing(self, rule: Any, *what: Any) -> tuple[tuple[str, ...], ...]:
        """Return (code, field, message, remedy) for what stands under a target of *rule*."""
        return tuple(cast("Any", part(self.standing))(rule, *what)) if self.standing else ()


def load(path: str) -> object:
    """Import `module:name` and return what it names."""
    import importlib

    module, _, name = path.partition(":")
    found: object = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


@cache
def part(path: str) -> object:
    """Return what `module:name`, a part of a kind, names; it is looked up once."""
    return load(path)
