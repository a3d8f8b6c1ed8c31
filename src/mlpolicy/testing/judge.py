"""What was expected against what came: the fields that differ, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.core.quantity import Duration
from mlpolicy.plan.plan import Plan, Value
from mlpolicy.plan.show import origin
from mlpolicy.plan.show import shown as policy_text
from mlpolicy.testing.amounts import holds
from mlpolicy.testing.fields import ABSENT, PRESENT, WHOLE, actual, meant
from mlpolicy.testing.journal import ENDS
from mlpolicy.testing.raising import is_one
from mlpolicy.testing.stage import Happened
from mlpolicy.testing.suite import Expected, Looking
from mlpolicy.testing.values import narrowed, same, shown, told_apart


@frozen()
class Difference:
    """One field of a test in which expectation and truth differ."""

    field: str
    expected: str
    found: str
    where: str = ""
    """Where what was found was set: `file:line`."""
    note: str = ""
    """What else helps: the traceback of an error that nobody expected."""


# --- plans ----------------------------------------------------------------------------


def plan_differs(plan: Plan, looking: Looking) -> Iterator[Difference]:
    """Yield each field of *plan* that is not as expected."""
    for field in looking.fields:
        expected, found = meant(field), actual(plan, field.path)
        if not _matches(expected, found):
            where = _set_at(plan, field.path)
            yield Difference(field.path, policy_text(expected), policy_text(found), where)
    for field in looking.origins:
        value = _value(plan, field.path)
        expected = str(field.node.plain())
        if value is None:
            yield Difference(f"from.{field.path}", expected, ABSENT)
        elif not from_place(value, expected):
            yield Difference(f"from.{field.path}", expected, _place(value))


def _matches(expected: Any, found: Any) -> bool:
    if expected == PRESENT and isinstance(expected, str):
        return not (isinstance(found, str) and found == ABSENT)
    if isinstance(found, tuple) and isinstance(expected, list):
        found = list(found)
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    return bool(expected == found)


def _value(plan: Plan, path: str) -> Value | None:
    """Return the value that holds at *path*, or that of the nearest above or below it."""
    kind, _, rest = path.partition(".")
    rule = plan.rule(kind)
    if rule is None:
        return None
    if not rest:
        return Value(None, rule.source, rule.policy, layer=f"policies.{rule.policy}")
    for known, value in rule.values.items():
        if known == rest or rest.startswith(f"{known}.") or known.startswith(f"{rest}."):
            return value
    return None


def _set_at(plan: Plan, path: str) -> str:
    if path in WHOLE:
        return ", ".join(span.place for span in plan.sources)
    value = _value(plan, path)
    return origin(value) if value is not None else ""


def from_place(value: Value, expected: str) -> bool:
    """Whether *value* was set at *expected*: the end of a file's path, and the part after `#`."""
    if value.source is None:
        return expected == "built in"
    file, _, layer = expected.partition("#")
    path = value.source.file.replace("\\", "/")
    wanted = file.removeprefix("./")
    there = path == wanted or path.endswith(f"/{wanted}")
    return there and layer in ("", _layer(value))


def _layer(value: Value) -> str:
    return value.layer or value.policy


def _place(value: Value) -> str:
    if value.source is None:
        return "built in"
    layer = f"#{_layer(value)}" if _layer(value) else ""
    return f"{value.source.file}{layer} (line {value.source.line})"


# --- calls ----------------------------------------------------------------------------


def call_differs(happened: Happened, expected: Expected | None, plan: Plan) -> Iterator[Difference]:
    """Yield each field of what *happened* that is not as expected."""
    given = expected.given if expected is not None else ()
    error = happened.error
    if error is not None and "raises" not in given:
        wanted = shown(expected.returns) if expected and "returns" in given else "an answer"
        field = "returns" if "returns" in given else "raises"
        yield Difference(field, wanted, _said(error), note=_trace(error))
    if expected is None:
        return
    for name in given:
        if name in _JUDGES and not (error is not None and name == "returns"):
            yield from _JUDGES[name](happened, expected, plan)


def _returns(happened: Happened, expected: Expected, _: Plan) -> Iterator[Difference]:
    if not same(expected.returns, happened.value):
        path, wanted, found = narrowed("returns", expected.returns, happened.value)
        yield Difference(path, *told_apart(wanted, found))


def _raises(happened: Happened, expected: Expected, _: Plan) -> Iterator[Difference]:
    error, cls = happened.error, expected.raises
    if error is None:
        yield Difference("raises", str(expected.block.raises), f"returned {shown(happened.value)}")
    elif cls is not None and not is_one(error, cls, expected.block.raises):
        yield Difference("raises", str(expected.block.raises), _said(error), note=_trace(error))


def _attempts(happened: Happened, expected: Expected, plan: Plan) -> Iterator[Difference]:
    wanted = expected.block.attempts
    if happened.attempts != wanted:
        yield Difference("attempts", str(wanted), str(happened.attempts), _rule(plan, "retry"))


def _called(happened: Happened, expected: Expected, _: Plan) -> Iterator[Difference]:
    found = happened.attempts > 0
    if found is not expected.block.called:
        yield Difference("called", shown(expected.block.called), shown(found))


def _slept(happened: Happened, expected: Expected, plan: Plan) -> Iterator[Difference]:
    wanted = str(expected.block.slept)
    if not holds(wanted, happened.slept):
        yield Difference(
            "slept", wanted, str(Duration.worked_out(happened.slept)), _rule(plan, "retry")
        )


def _took(happened: Happened, expected: Expected, _: Plan) -> Iterator[Difference]:
    wanted = str(expected.block.took)
    if not holds(wanted, happened.took):
        yield Difference("took", wanted, str(Duration.worked_out(happened.took)))


def _events(happened: Happened, expected: Expected, plan: Plan) -> Iterator[Difference]:
    wanted = list(expected.block.events)
    found = list(happened.events)
    if not (wanted and wanted[-1] in ENDS):
        found = found[:-1]  # how the call ended may be left out
    if wanted != found:
        kinds = dict.fromkeys(name.partition(".")[0] for name in (*wanted, *found))
        places = (_rule(plan, kind) for kind in kinds)
        where = ", ".join(one for one in places if one)
        yield Difference("events", policy_text(wanted), policy_text(found), where)


def _via(happened: Happened, expected: Expected, _: Plan) -> Iterator[Difference]:
    if happened.via != expected.block.via:
        yield Difference("via", str(expected.block.via), happened.via)


_JUDGES: dict[str, Callable[[Happened, Expected, Plan], Iterator[Difference]]] = {
    "returns": _returns,
    "raises": _raises,
    "attempts": _attempts,
    "called": _called,
    "slept": _slept,
    "took": _took,
    "events": _events,
    "via": _via,
}


def _rule(plan: Plan, kind: str) -> str:
    """Return where the rule of that kind stands."""
    rule = plan.rule(kind)
    return rule.source.place if rule is not None else ""


def _said(error: BaseException) -> str:
    name = type(error).__name__
    text = str(error)
    return f"{name}: {text}" if text else name


def _trace(error: BaseException) -> str:
    """Return the line of code that raised *error*; nothing where that is a stub, or ours."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1].filename if frames else "<"
    ours = Path(last).is_relative_to(Path(__file__).parents[1])
    return "" if ours or last.startswith("<") else f"raised at {last}:{frames[-1].lineno}"
