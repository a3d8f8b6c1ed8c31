"""What was expected of a call against what came: the fields that differ, and no others."""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlpolicy.core.quantity import Duration
from mlpolicy.document.node import entries_of
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.show import shown as policy_text
from mlpolicy.rules import KINDS
from mlpolicy.testing.grammar import ErrorClass, ExpectBlock, holds
from mlpolicy.testing.journal import ENDS
from mlpolicy.testing.plans import FieldDifference
from mlpolicy.testing.read import Act
from mlpolicy.testing.stage import CallOutcome

_LONGEST = 200
_Part = tuple[str, Any, Any]
"""A path, with what is expected there and what was found."""


def call_differs(act: Act, outcome: CallOutcome, plan: Plan) -> Iterator[FieldDifference]:
    """Yield each field of *outcome* that is not as expected."""
    expected, error = act.expected or ExpectBlock(), outcome.error
    names = [entry.key for entry in entries_of(act.node.get("expect"))]
    if error is not None and "raises" not in names:
        name, wanted = "raises", "an answer"
        if "returns" in names:
            name, wanted = "returns", shown(expected.returns)
        yield _unexpected(name, wanted, error)
    for name in names:
        if name == "returns":
            if error is None:
                yield from _value_differs(expected.returns, outcome.value)
        elif name != "raises":
            yield from _fact_differs(name, outcome, getattr(expected, name), plan)
        elif error is None:
            yield FieldDifference("raises", expected.raises, f"returned {shown(outcome.value)}")
        elif not _is_expected(error, expected.raises):
            yield _unexpected("raises", expected.raises, error)


def _value_differs(expected: Any, found: Any) -> Iterator[FieldDifference]:
    part = difference("returns", expected, found)
    if part is not None:
        texts = shown(part[1]), shown(part[2])
        if texts[0] == texts[1]:  # they differ in type
            texts = _cut(repr(part[1])), _cut(repr(part[2]))
        yield FieldDifference(part[0], *texts)


def _fact_differs(
    name: str, outcome: CallOutcome, wanted: Any, plan: Plan
) -> Iterator[FieldDifference]:
    """Yield the difference in one fact of a call, with the rules that it comes from."""
    found: Any = outcome.attempts > 0 if name == "called" else getattr(outcome, name)
    kinds: list[str] = []
    if name in ("attempts", "slept"):  # of the kinds that make another attempt
        kinds = [kind for kind in KINDS if kind in KINDS[kind].events]
    if name == "events":
        has_end = wanted[-1:] and wanted[-1] in ENDS  # how the call ended may be left out
        wanted, found = list(wanted), list(found if has_end else found[:-1])
        kinds = list(dict.fromkeys(event.partition(".")[0] for event in (*wanted, *found)))
    as_expected = wanted == found
    if name in ("slept", "took"):
        as_expected = holds(str(wanted), found)
        found = Duration.worked_out(found)
    if not as_expected:
        where = ", ".join(rule.source.place for rule in filter(None, map(plan.rule, kinds)))
        yield FieldDifference(name, policy_text(wanted), policy_text(found), where)


def _is_expected(error: BaseException, expected: ErrorClass) -> bool:
    if expected.status is None:
        return isinstance(error, expected.cls)
    response = getattr(error, "response", None)
    statuses = (getattr(error, "status_code", None), getattr(response, "status_code", None))
    return expected.status in statuses


def _unexpected(name: str, wanted: str, error: BaseException) -> FieldDifference:
    """Return the difference that *error* makes, with the line of the user's code that raised it."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1].filename if frames else "<"
    ours = last.startswith("<") or Path(last).is_relative_to(Path(__file__).parents[1])
    note = "" if ours else f"raised at {last}:{frames[-1].lineno}"
    return FieldDifference(name, wanted, text, note=note)


# --- values ---------------------------------------------------------------------------


def difference(path: str, expected: Any, found: Any) -> _Part | None:
    """Return the one part in which *found* is not what a test file wrote, all where several are.

    A tuple is a list there; of an array written as plain values, the type does not count.
    """
    whole = (path, expected, found)
    if _is_array(expected) or _is_array(found):
        return None if _same_arrays(expected, found) else whole
    parts = _parts(path, expected, found)
    if parts is None:
        return None if _is_equal(expected, found) else whole
    differing = [part for part in (difference(*part) for part in parts) if part is not None]
    return whole if len(differing) > 1 else next(iter(differing), None)


def _same_arrays(expected: Any, found: Any) -> bool:
    if _is_array(expected):
        if not _is_array(found) or (expected.dtype, expected.shape) != (found.dtype, found.shape):
            return False
        expected = expected.tolist()
    return difference("", expected, found.tolist()) is None


def _parts(path: str, expected: Any, found: Any) -> list[_Part] | None:
    """Return what two values of one form hold, each with its path; None for other forms."""
    if isinstance(expected, dict) and isinstance(found, Mapping):
        if expected.keys() == found.keys():
            return [(f"{path}.{key}", one, found[key]) for key, one in expected.items()]
    elif isinstance(expected, list) and isinstance(found, Sequence):
        pairs = enumerate(zip(expected, found, strict=False))
        if len(expected) == len(found) and not isinstance(found, str):
            return [(f"{path}[{at}]", one, other) for at, (one, other) in pairs]
    return None


def _is_equal(expected: Any, found: Any) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, float) and isinstance(found, int | float):
        both_nan = math.isnan(expected) and math.isnan(found)
        return both_nan or math.isclose(expected, found, rel_tol=1e-9, abs_tol=1e-9)
    return bool(expected == found)


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
