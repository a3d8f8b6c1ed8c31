"""What was expected against what came: the fields that differ, and no others."""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.core.quantity import Duration
from mlpolicy.document.node import entries_of
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.show import origin
from mlpolicy.plan.show import shown as policy_text
from mlpolicy.rules import KINDS
from mlpolicy.testing.grammar import ErrorClass, ExpectBlock, holds
from mlpolicy.testing.journal import ENDS
from mlpolicy.testing.plans import ABSENT, WHOLE, is_as_expected, is_from, place, setting, value_at
from mlpolicy.testing.read import Act, settings_of
from mlpolicy.testing.stage import CallOutcome

_LONGEST = 200


@frozen()
class FieldDifference:
    """One field of a test in which expectation and truth differ."""

    field: str
    expected: str
    found: str
    set_at: str = ""
    """Where what was found was set: `file:line`."""
    note: str = ""
    """What else helps: the line that raised an error that nobody expected."""


def plan_differs(plan: Plan, act: Act) -> Iterator[FieldDifference]:
    """Yield each field of *plan* that is not as expected."""
    for name, entry in settings_of(act.node.get("expect")):
        path, expected = name.removeprefix("from."), entry.value.plain()
        value = value_at(plan, path)
        if name != path:
            if value is None or not is_from(value, str(expected)):
                found = ABSENT if value is None else place(value)
                yield FieldDifference(name, str(expected), found)
            continue
        actual = setting(plan, path)
        if not is_as_expected(expected, actual):
            where = origin(value) if value is not None else ""
            if path in WHOLE:
                where = ", ".join(span.place for span in plan.sources)
            yield FieldDifference(path, policy_text(expected), policy_text(actual), where)


def call_differs(act: Act, outcome: CallOutcome, plan: Plan) -> Iterator[FieldDifference]:
    """Yield each field of *outcome* that is not as expected."""
    expected, error = act.expected or ExpectBlock(), outcome.error
    names = [entry.key for entry in entries_of(act.node.get("expect"))]
    if error is not None and "raises" not in names:
        name, wanted = "raises", "an answer"
        if "returns" in names:
            name, wanted = "returns", shown(expected.returns)
        yield FieldDifference(name, wanted, _error_text(error), note=_raised_at(error))
    for name in names:
        if name == "raises":
            yield from _error_differs(expected.raises, outcome)
        elif name != "returns":
            yield from _fact_differs(name, outcome, getattr(expected, name), plan)
        elif error is None and not same(expected.returns, outcome.value):
            yield _value_differs(expected.returns, outcome.value)


def _value_differs(expected: Any, found: Any) -> FieldDifference:
    path, expected, found = _narrowed("returns", expected, found)
    texts = shown(expected), shown(found)
    if texts[0] == texts[1]:  # they differ in type
        texts = _cut(repr(expected)), _cut(repr(found))
    return FieldDifference(path, *texts)


def _error_differs(expected: ErrorClass, outcome: CallOutcome) -> Iterator[FieldDifference]:
    error = outcome.error
    if error is None:
        yield FieldDifference("raises", expected, f"returned {shown(outcome.value)}")
    elif not _is_expected(error, expected):
        yield FieldDifference("raises", expected, _error_text(error), note=_raised_at(error))


def _fact_differs(
    name: str, outcome: CallOutcome, wanted: Any, plan: Plan
) -> Iterator[FieldDifference]:
    """Yield the difference in one fact of a call, with the rules that it comes from."""
    found: Any = outcome.attempts > 0 if name == "called" else getattr(outcome, name)
    kinds: list[str] = []
    if name in ("attempts", "slept"):  # of the kinds that make another attempt
        kinds = [kind for kind in KINDS if kind in KINDS[kind].events]
    if name == "events":
        # How the call ended may be left out.
        wanted, found = (
            list(wanted),
            list(found if wanted[-1:] and wanted[-1] in ENDS else found[:-1]),
        )
        kinds = list(dict.fromkeys(event.partition(".")[0] for event in (*wanted, *found)))
    as_expected = wanted == found
    if name in ("slept", "took"):
        as_expected = holds(str(wanted), found)
        found = Duration.worked_out(found)
    if not as_expected:
        rules = filter(None, map(plan.rule, kinds))
        where = ", ".join(rule.source.place for rule in rules)
        yield FieldDifference(name, policy_text(wanted), policy_text(found), where)


def _is_expected(error: BaseException, expected: ErrorClass) -> bool:
    if expected.status is None:
        return isinstance(error, expected.cls)
    response = getattr(error, "response", None)
    statuses = (getattr(error, "status_code", None), getattr(response, "status_code", None))
    return expected.status in statuses


def _error_text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _raised_at(error: BaseException) -> str:
    """Return the line of code that raised *error*; nothing where that is a stub, or ours."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1].filename if frames else "<"
    ours = Path(last).is_relative_to(Path(__file__).parents[1])
    return "" if ours or last.startswith("<") else f"raised at {last}:{frames[-1].lineno}"


# --- values ---------------------------------------------------------------------------


def same(expected: Any, found: Any) -> bool:
    """Return whether *found* is what a test file wrote as *expected*; a tuple is a list there."""
    if _is_array(expected):
        alike = _is_array(found) and (expected.dtype, expected.shape) == (found.dtype, found.shape)
        return alike and same(expected.tolist(), found.tolist())
    if _is_array(found):  # written as plain values: the type of the elements does not count
        return same(expected, found.tolist())
    if isinstance(expected, dict | list):
        parts = _parts("", expected, found)
        return parts is not None and all(same(one, other) for _, one, other in parts)
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, float) and isinstance(found, int | float):
        return _same_number(expected, found)
    return bool(expected == found)


def _same_number(expected: float, found: float) -> bool:
    both_nan = math.isnan(expected) and math.isnan(found)
    return both_nan or math.isclose(expected, found, rel_tol=1e-9, abs_tol=1e-9)


def _parts(path: str, expected: Any, found: Any) -> list[tuple[str, Any, Any]] | None:
    """Return what two values of one form hold, each with its path; None for other forms."""
    if isinstance(expected, dict):
        if isinstance(found, Mapping) and expected.keys() == found.keys():
            return [(f"{path}.{key}", one, found[key]) for key, one in expected.items()]
    elif isinstance(expected, list) and isinstance(found, Sequence) and not isinstance(found, str):
        pairs = enumerate(zip(expected, found, strict=False))
        if len(expected) == len(found):
            return [(f"{path}[{at}]", one, other) for at, (one, other) in pairs]
    return None


def _narrowed(path: str, expected: Any, found: Any) -> tuple[str, Any, Any]:
    """Return the one part in which two values differ, and its path; all where several do."""
    parts = [part for part in _parts(path, expected, found) or () if not same(*part[1:])]
    return _narrowed(*parts[0]) if len(parts) == 1 else (path, expected, found)


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "shape") and hasattr(value, "tolist")


def shown(value: Any) -> str:
    """Return *value* as a test file would write it, cut where it is long."""
    if _is_array(value):
        shape, values = list(value.shape), value.tolist()
        return _cut(f"{{ndarray: {{shape: {shape}, dtype: {value.dtype}, values: {values}}}}}")
    plain = (str, int, float, bool, type(None), list, tuple, dict)
    is_plain = isinstance(value, plain) or hasattr(value, "model_dump")
    return _cut(policy_text(value) if is_plain else repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
