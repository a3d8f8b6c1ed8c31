"""What the rules report of a call, in order: the same counters and notes that a service has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from mlpolicy.core.kind import Counted
from mlpolicy.core.metrics import Counter, Meters
from mlpolicy.core.site import Notes
from mlpolicy.rules import KINDS, ORDER

ENDS: Final = {
    "ok": "at the end: the caller got the answer of the function, or one that was kept",
    "default": "at the end: the caller got the default of a rule",
    "refused": "at the end: the caller got the refusal of a rule",
    "error": "at the end: the caller got the error of the function",
}
"""How a call may end, and what that says."""
_CALLED = "called"


def events() -> dict[str, str]:
    """Return the events that a test may name, and what each says."""
    return {name: text for kind in KINDS for name, text in KINDS[kind].events.items()} | ENDS


def is_event(name: str) -> bool:
    """Return whether a test may name that event; a plugin need not list those of its kind."""
    kind = name.partition(".")[0]
    unlisted = "." in name and KINDS.look_for(kind) and not KINDS[kind].events
    return name in events() or bool(unlisted)


class Journal(Notes):
    """Takes down what the rules of one function report of the call under way."""

    def __init__(self) -> None:
        super().__init__()
        self.begin()

    def begin(self) -> None:
        """Forget the last call."""
        self._events: list[str] = []
        self._late: list[str] = []
        self.fallback = False
        self.answered = ""
        """The kind of the rule that answered in place of the function."""

    def called(self) -> None:
        """Note that the function is called."""
        self._events.append(_CALLED)

    def count(self, counted: Counted) -> None:
        """Note an event that a counter tells of."""
        (self._late if counted.late else self._events).append(counted.event)
        if counted.answers:
            self.answered = counted.event.partition(".")[0]

    def add(self, call: int, fact: str, value: object) -> None:
        """Note one fact of a call, for the monitor too."""
        super().add(call, fact, value)
        self.fallback = self.fallback or (fact, value) == ("outcome", "fallback")

    def append(self, call: int, fact: str, value: Any) -> None:
        """Note a decision of a rule, for the monitor too."""
        super().append(call, fact, value)
        if fact != "rules":
            return
        kind, decision = value["kind"], value["decision"]
        event = f"{kind}.{'reject' if decision == 'default' else decision}"
        if decision == "default" and event in self._events:
            return  # that the result was refused was told before; the default is told at the end
        if KINDS[kind].events and event not in KINDS[kind].events:
            return
        if self._events[-1:] == [kind]:
            self._events.pop()  # the failure that this decision is about
        self._events.append(event)

    @property
    def attempts(self) -> int:
        """How often the function was called."""
        return self._events.count(_CALLED)

    def events(self) -> list[str]:
        """Return the events in the order in which a reader expects them."""
        ordered = list(self._events)
        for late in self._late:
            inner = (at for at, event in enumerate(ordered) if _rank(event) > _rank(late))
            ordered.insert(next(inner, len(ordered)), late)
        return [event for event in ordered if event != _CALLED]


def _rank(event: str) -> int:
    """Return where the rule of *event* stands in the order of the rules, the outermost first."""
    kind = event.partition(".")[0]
    return ORDER.index(kind) if kind in ORDER else len(ORDER) if event == _CALLED else 0


class JournalMeters(Meters):
    """Meters whose counters tell a journal what happened."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._telling: set[Counter] = set()

    def counter(self, name: str, help: str, **labels: str) -> Counter:
        """Return the counter of that name and those labels."""
        counter = super().counter(name, help, **labels)
        keys = {f"{name}{{{label}={value}}}" for label, value in labels.items()}
        known = (KINDS[kind].counted for kind in KINDS)
        counted = next((of[key] for of in known for key in keys & of.keys()), None)
        if name == "mlpolicy_shadow_total":
            counted = Counted(f"{labels['kind']}.would_{labels['would']}")
        if counted is not None and counter not in self._telling:
            counter.add = partial(self._tell, counted, counter.add)
            self._telling.add(counter)
        return counter

    def _tell(self, counted: Counted, count: Callable[[], int]) -> int:
        self._journal.count(counted)
        return count()
