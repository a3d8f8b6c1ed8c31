"""The general weave: a step with plain methods becomes lines that call them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

from mlpolicy.core.block import Lines, Loom, indented
from mlpolicy.core.report import say_once
from mlpolicy.core.verdict import Again, Refuse, Verdict, Within

if TYPE_CHECKING:
    from mlpolicy.core.step import Call, Step


def weave(step: Step, inner: Lines, loom: Loom) -> Lines:
    """Return *inner* with the calls of *step* around it.

    `before` is asked until it says something final; `failed` and `after` may ask for
    another attempt.
    In shadow the verdicts are reported and dropped.
    """
    from mlpolicy.core.step import Call

    call, verdict = loom.local("call"), loom.local("verdict")
    make = loom.constant("Call", Call)
    pairs = ", ".join(f"({name!r}, {local})" for name, local in loom.arguments.items())
    arguments = f"{loom.constant('dict', dict)}(({pairs}{',' if pairs else ''}))"
    ask = _Asking(step, loom)
    limit = loom.within(f"{call}.within") if step.bounds else ""
    if limit:
        inner = [limit, *indented(inner)]
    elif step.bounds:
        text = "is no coroutine: nothing can end it, and its time is not bounded"
        say_once(f"bounds:{step.site.target}", f"{step.site.target} {text}")
    attempt = _attempt(ask, inner, loom, call, verdict)
    return [
        f"{call} = {make}({arguments})",
        *loom.settle(ask("before", call), verdict),
        f"if {verdict} is None:",
        *indented(attempt),
    ]


class _Asking:
    """Spells the question to one method of a step; shadow reports the answer and drops it."""

    def __init__(self, step: Step, loom: Loom) -> None:
        self._step = step
        self._loom = loom

    def __call__(self, method: str, *arguments: str) -> str:
        bound = getattr(self._step, method)
        bound = (shadowed if self._step.site.shadow else counting)(self._step, bound)
        if self._step.bounds and method == "before":
            bound = _bounding(bound)
        name = self._loom.method(f"{self._step.kind}_{method}", bound)
        return f"{name}({', '.join(arguments)})"


def _attempt(ask: _Asking, inner: Lines, loom: Loom, call: str, settled: str) -> Lines:
    """Return lines that run *inner*; *settled* is None unless an error was answered."""
    verdict, error = loom.local("verdict"), loom.local("error")
    again, exception = loom.constant("Again", Again), loom.constant("Exception", Exception)
    return [
        "while True:",
        "    try:",
        *indented(indented(inner)),
        f"        {verdict} = {ask('after', call, loom.result)}",
        f"    except {exception} as {error}:",
        f"        {verdict} = {ask('failed', call, error)}",
        f"        if {verdict} is None:",
        "            raise",
        f"        {settled} = True",
        f"    if {verdict} is None:",
        "        break",
        f"    if {verdict}.__class__ is not {again}:",
        *indented(indented(loom.act(verdict))),
        "        break",
        f"    {settled} = None",
        f"    {loom.pause(f'{verdict}.pause')}",
        f"    {call}.attempt += 1",
    ]


def _bounding(before: Callable[..., Verdict]) -> Callable[..., Verdict]:
    """Return *before* with what it says of time put where the lines of the attempt read it."""

    @wraps(before)
    def ask(call: Call) -> Verdict:
        verdict = before(call)
        if isinstance(verdict, Within):
            call.within = verdict.seconds
            return None
        return verdict

    return ask


def counting(step: Step, method: Callable[..., Verdict]) -> Callable[..., Verdict]:
    """Return *method*, its refusals counted."""
    refused = step.site.refused(step.kind)

    @wraps(method)
    def ask(*arguments: object) -> Verdict:
        verdict = method(*arguments)
        if isinstance(verdict, Refuse):
            refused.add()
        return verdict

    return ask


class shadowed:  # noqa: N801 (reads as the word at its only use)
    """A method of a step whose verdicts are counted and dropped."""

    __slots__ = ("_method", "_step")

    def __init__(self, step: Step, method: object) -> None:
        self._step = step
        self._method = method

    def __call__(self, *arguments: object) -> None:
        """Ask, count, and say nothing."""
        verdict = self._method(*arguments)  # type: ignore[operator]  # bound above
        if verdict is not None and not isinstance(verdict, Within):
            would = _WOULD.get(type(verdict).__name__, "refuse")
            self._step.site.would(self._step.kind, would).add()


_WOULD = {"Again": "retry", "Refuse": "refuse", "Answer": "hit", "Wait": "refuse", "Do": "hit"}
