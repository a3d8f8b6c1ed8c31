"""Lines of generated source, and what a step may ask of the one that joins them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

Lines = list[str]
"""Source lines without their outer indentation; a block leaves its value in `loom.result`."""


def indented(lines: Iterable[str]) -> Lines:
    """Return *lines* one level deeper."""
    return [f"    {line}" for line in lines]


class Loom(Protocol):
    """The template's side of weaving: it names things and spells what differs by function.

    Whatever a line mentions is a parameter of the function, a name from `local`, or a name
    from `constant`; nothing is looked up as a global, builtins included.
    """

    @property
    def result(self) -> str:
        """The local that holds the value of the call."""
        ...

    @property
    def arguments(self) -> Mapping[str, str]:
        """Parameter names, as in the signature, to the locals that hold them."""
        ...

    @property
    def closure(self) -> str:
        """The expression of the cells that the function has captured; empty where it has none."""
        ...

    @property
    def call(self) -> str:
        """The local that holds the number of this call: 0 until it has one. `0` where nothing counts."""
        ...

    def now(self) -> str:
        """Return the local that holds the clock at the start of the call, in seconds."""
        ...

    def clock(self) -> str:
        """Return the name of the function that reads the clock, for a reading later in the call."""
        ...

    def local(self, hint: str) -> str:
        """Return a new local name like *hint* that collides with nothing."""
        ...

    def constant(self, hint: str, value: object) -> str:
        """Return the name under which lines reach *value*; it must be hashable."""
        ...

    def method(self, hint: str, method: Callable[..., object], otherwise: object = None) -> str:
        """Return the name of *method* made safe: a bug in it is reported once and gives *otherwise*."""
        ...

    def guarded(self, call: str, result: str) -> Lines:
        """Return lines that leave the value of *call* in the local *result*, None after a bug in it.

        What `method` does, at no cost beyond the call: for what runs at every failure.
        """
        ...

    def pause(self, seconds: str) -> str:
        """Return the statement that sleeps for the expression *seconds*."""
        ...

    def within(self, seconds: str) -> str:
        """Return the head of a block that may take the expression *seconds*, None for any time.

        Empty where the function cannot be ended from outside.
        """
        ...

    def wait(self, waiter: str, at_most: str) -> str:
        """Return the expression that waits for a `Waiter`: True when it was woken."""
        ...

    def perform(self, call: str) -> str:
        """Return the expression that gives the value of *call*, awaited where it can be."""
        ...

    def settle(self, ask: str, verdict: str) -> Lines:
        """Return lines that ask for a verdict until it is final, and act on it.

        They leave None in the local *verdict* where the call goes on, and leave the result
        (or raise) where not.
        """
        ...

    settled: list[str]
    """The locals of the verdicts of steps within: None, unless one answers for the function."""

    def act(self, verdict: str) -> Lines:
        """Return lines that do what the final verdict in the local *verdict* says."""
        ...
