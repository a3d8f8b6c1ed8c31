"""Values of test files: arrays among plain ones, and whether two of them are the same."""

from __future__ import annotations

import math
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence as AnySequence
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.document.node import Mapping, Node, Sequence
from mlpolicy.model.check import check
from mlpolicy.model.unknown import Words
from mlpolicy.plan.show import shown as policy_text
from mlpolicy.testing.grammar import ArrayBlock

ARRAY = "ndarray"
_NAMED = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_EXACT = 1e-9
_LONGEST = 200
_MOST = 10_000_000
"""Elements of an array."""


def value_of(node: Node, found: list[Diagnostic]) -> Any:
    """Return what *node* writes, `{ndarray: ...}` made into arrays; what is wrong goes to *found*."""
    if isinstance(node, Sequence):
        return [value_of(item, found) for item in node.items]
    if not isinstance(node, Mapping):
        return node.value
    if [entry.key for entry in node.entries] == [ARRAY]:
        return _array(node.entries[0].value, found)
    return {entry.key: value_of(entry.value, found) for entry in node.entries}


def _array(node: Node, found: list[Diagnostic]) -> Any:
    if not isinstance(node, Mapping):
        help = f"write `{{{ARRAY}: {{shape: [2, 3], dtype: float32, fill: 0}}}}`"
        found.append(Diagnostic("MP010", "expected a mapping of an array", node.span, help=help))
        return None
    checked = check(node, ArrayBlock, Words(f"`{ARRAY}`", {}, {}))
    found += checked.diagnostics
    if checked.value is None:
        return None
    try:
        return _made(checked.value)
    except ImportError:
        message, help = "an array needs numpy, which is not installed", "pip install numpy"
        found.append(Diagnostic("MP010", message, node.span, help=help))
    except (ValueError, TypeError) as error:
        found.append(Diagnostic("MP204", f"no such array: {error}", node.span))
    return None


def _made(block: ArrayBlock) -> Any:
    import numpy as np

    if block.values is not None:
        made = np.array(_numbers(list(block.values)), dtype=block.dtype)
        return made if block.shape is None else made.reshape(block.shape)
    if block.shape is None:
        raise ValueError("give its `shape`, or its `values`")
    if math.prod(block.shape) > _MOST:
        raise ValueError(f"more than {_MOST} elements are no test")
    return np.full(block.shape, _number(block.fill), dtype=block.dtype)


def _numbers(values: list[Any]) -> list[Any]:
    return [_numbers(one) if isinstance(one, list) else _number(one) for one in values]


def _number(value: Any) -> Any:
    return _NAMED.get(value, value) if isinstance(value, str) else value


# --- comparing ------------------------------------------------------------------------


def same(expected: Any, found: Any) -> bool:
    """Whether *found* is what a test file wrote as *expected*; a tuple is a list there."""
    if _is_array(expected) or _is_array(found):
        return _same_arrays(expected, found)
    match expected:
        case dict():
            return isinstance(found, AnyMapping) and _same_mappings(expected, found)
        case list():
            return _is_sequence(found) and _same_items(expected, found)
    return _same_scalars(expected, found)


def _same_scalars(expected: Any, found: Any) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, float) and isinstance(found, int | float):
        return _same_numbers(expected, float(found))
    return bool(expected == found)


def _same_numbers(expected: float, found: float) -> bool:
    both_nan = math.isnan(expected) and math.isnan(found)
    return both_nan or math.isclose(expected, found, rel_tol=_EXACT, abs_tol=_EXACT)


def _same_mappings(expected: AnyMapping[Any, Any], found: AnyMapping[Any, Any]) -> bool:
    return expected.keys() == found.keys() and all(same(expected[k], found[k]) for k in expected)


def _same_items(expected: list[Any], found: AnySequence[Any]) -> bool:
    pairs = zip(expected, found, strict=False)
    return len(expected) == len(found) and all(same(one, other) for one, other in pairs)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, AnySequence) and not isinstance(value, str | bytes)


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "shape") and hasattr(value, "tolist")


def _same_arrays(expected: Any, found: Any) -> bool:
    if not _is_array(found):
        return False
    if not _is_array(expected):  # written as plain values: what its elements are is not asked
        return same(expected, found.tolist())
    alike = expected.dtype == found.dtype and expected.shape == found.shape
    return bool(alike) and same(expected.tolist(), found.tolist())


def narrowed(path: str, expected: Any, found: Any) -> tuple[str, Any, Any]:
    """Return the one part in which two values differ, and its path; all where several do."""
    parts = [part for part in _parts(path, expected, found) if not same(*part[1:])]
    return narrowed(*parts[0]) if len(parts) == 1 else (path, expected, found)


def _parts(path: str, expected: Any, found: Any) -> list[tuple[str, Any, Any]]:
    """Return what two values of one form hold, each with its path; nothing of other forms."""
    if isinstance(expected, dict) and isinstance(found, AnyMapping):
        if expected.keys() == found.keys():
            return [(f"{path}.{key}", one, found[key]) for key, one in expected.items()]
    elif isinstance(expected, list) and _is_sequence(found) and len(expected) == len(found):
        pairs = zip(expected, found, strict=True)
        return [(f"{path}[{at}]", one, other) for at, (one, other) in enumerate(pairs)]
    return []


# --- showing --------------------------------------------------------------------------


def told_apart(expected: Any, found: Any) -> tuple[str, str]:
    """Return both values as a test file would write them, with their types where these differ."""
    texts = shown(expected), shown(found)
    return texts if texts[0] != texts[1] else (_cut(repr(expected)), _cut(repr(found)))


def shown(value: Any) -> str:
    """Return *value* as a test file would write it, cut where it is long."""
    if _is_array(value):
        dtype, shape = str(value.dtype), list(value.shape)
        text = f"{{{ARRAY}: {{shape: {shape}, dtype: {dtype}, values: {value.tolist()}}}}}"
    elif isinstance(value, set | frozenset) or not _plain(value):
        text = repr(value)
    else:
        text = policy_text(value)
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _plain(value: Any) -> bool:
    plain = (str, int, float, bool, type(None), list, tuple, dict)
    return isinstance(value, plain) or hasattr(value, "model_dump")
