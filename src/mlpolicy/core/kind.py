"""A kind of rule: its names, and where its parts are, imported only when needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

if TYPE_CHECKING:
    from mlpolicy.core.diagnostic import Code
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
    """A finding of a check that something is not written: not made where values were not read."""

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


Hook = Literal["check", "standing", "lint", "together", "risk", "doctor"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of rule.

    Its parts are paths `module:name`, imported when they are needed: of classes, of the tuple of
    its finding codes, and of functions that are asked about a rule.
    """

    name: str
    rule: str
    """The pydantic model of what an operator writes."""
    step: str
    """The Step class of what happens at a call."""
    codes: str | None = None
    check: str | None = None
    """Takes (rule), gives (code, field, message), perhaps a remedy too: meaning, not shape."""
    standing: str | None = None
    """Takes (rule, target, standing, code_of), gives (code, field, message, remedy): what the
    functions that stand under the target show, and what these use."""
    lint: str | None = None
    """Takes (rule, function), gives diagnostics: what a `core.function.Function` shows."""
    arguments: str | None = None
    """Takes (settings, function, names) of a decorator, gives the settings of the rule, where its
    arguments are more than those: names of parameters, annotations."""
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
    """Where its steps stand in the order of the rules, if not under its name."""
    together: str | None = None
    """Takes (rule, beside, deadline), gives each `Clash` with the rules *beside* it, by kind, or
    with the deadline in seconds, where there is one."""
    worst: str | None = None
    """Takes (rule, calls), of which rules around it make so many of one, gives its `Worst`."""
    risk: str | None = None
    """Takes (old, new), gives sentences: what to look at where one rule replaces the other."""
    argument_fields: Mapping[str, str] = field(default_factory=dict)
    """The settings that name arguments of the function, each with the code of the finding that it
    has none of that name."""
    private: str = ""
    """The setting that lists paths to what no rule may show of arguments."""
    events: Mapping[str, str] = field(default_factory=dict)
    """What may happen at a call, for policy tests, with a sentence: `KIND.DECISION`, or `KIND`
    alone for an attempt that another one follows."""
    counted: Mapping[str, Counted] = field(default_factory=dict)
    """The events that a counter tells of, by `COUNTER{LABEL=VALUE}`."""
    virtual: str | None = None
    """Takes the virtual machine of a policy test, gives further arguments of the step class: what
    stands in for whatever it reads of the machine."""
    doctor: str | None = None
    """Takes the rules of each function, by its name and their kinds, gives what this machine
    lacks for them: each a `MachineCheck`."""
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

    def ask(self, hook: Hook, *what: Any) -> tuple[Any, ...]:
        """Return all that the function of that *hook* gives for *what*; nothing if there is none."""
        path: str | None = getattr(self, hook)
        return tuple(cast("Any", part(path))(*what)) if path else ()

    @property
    def position(self) -> str:
        """Where in the order of the rules it is listed: at the first place where its steps stand."""
        return self.positions[0] if self.positions else self.name

    def worst_case(self, rule: Any, calls: int) -> Worst:
        """Return what *rule* makes at worst of a call that others make *calls* of."""
        return cast("Worst", cast("Any", part(self.worst))(rule, calls)) if self.worst else Worst()

    def settings(
        self, given: Mapping[str, Any], function: object, names: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the settings that the arguments *given* to a decorator on *function* say.

        *names* are what names in its source stand for, beside its globals.
        """
        change: Any = part(self.arguments) if self.arguments else None
        return dict(change(given, function, names) if change else given)


def load(path: str) -> object:
    """Import `module:name` and return what it names."""
    import importlib
    from operator import attrgetter

    module, _, name = path.partition(":")
    found: object = attrgetter(name)(importlib.import_module(module))
    return found


@cache
def part(path: str) -> object:
    """Return what `module:name`, a part of a kind, names; it is looked up once."""
    return load(path)
