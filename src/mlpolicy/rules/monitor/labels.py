"""Which class a result is of, and how often each came: read as it is stored, by no code of the user's."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, Final

from mlpolicy.core.argpath import parse
from mlpolicy.core.classes import mro_of
from mlpolicy.core.metrics import Meters
from mlpolicy.core.report import redacted
from mlpolicy.rules.monitor.rule import LabelsBlock
from mlpolicy.rules.monitor.summary import REDACTED, library_class, own_attribute

MOST_LABELS: Final = 20
"""Labels that are told apart where the policy names none."""
LONGEST_LABEL: Final = 64
OTHER: Final = "other"
_BITS: Final = 63
_READERS: Final = (GetSetDescriptorType, MemberDescriptorType)
"""What reads an attribute of an instance by no code of its class."""
_ABSENT: Final = object()


def plain(value: Any) -> Any:
    """Return *value*, a scalar of numpy as one of Python."""
    return value.item() if library_class(type(value)) == ("numpy", "generic") else value


def label_of(value: Any) -> str | None:
    """Return *value* as a label: a short text, an integer, a truth value; None if it is none."""
    value = plain(value)
    made_of = mro_of(type(value))
    if value is True or value is False:
        return "true" if value else "false"
    if int in made_of:
        return int.__repr__(value) if int.bit_length(value) <= _BITS else None
    if str not in made_of or not 0 < str.__len__(value) <= LONGEST_LABEL:
        return None
    text = str.__str__(value)
    return text if text.isprintable() else None


def reached(value: Any, steps: tuple[str | int, ...]) -> Any:
    """Return what the *steps* lead to in *value*: keys, indexes, fields, attributes that are stored."""
    for step in steps:
        value = value.get(step, _ABSENT) if type(value) is dict else _part(value, step)
    return value


def _part(value: Any, step: str | int) -> Any:
    made_of = mro_of(type(value))
    if dict in made_of:
        return dict.get(value, step, _ABSENT)
    for base in (tuple, list):
        if base in made_of and type(step) is int:
            return base.__getitem__(value, step) if step < base.__len__(value) else _ABSENT
    fields = own_attribute(type(value), "_fields") if tuple in made_of else None
    if type(fields) is tuple and step in fields:
        return tuple.__getitem__(value, fields.index(step))
    slot = own_attribute(type(value), str(step))
    if type(slot) is MemberDescriptorType:
        return slot.__get__(value)
    attribute = own_attribute(type(value), "__dict__")
    state = attribute.__get__(value) if type(attribute) in _READERS else None
    return state.get(step, _ABSENT) if type(state) is dict else _ABSENT


class Predictions:
    """The series of one function that count its results by label, those that have none as `other`.

    Each label has a counter of its own, found without a lock. Where the policy names the labels
    there are no others; else the first that come, each of which takes one of a number of places.
    """

    def __init__(self, asked: str | LabelsBlock, meters: Meters, labels: dict[str, str]) -> None:
        block = LabelsBlock(path=asked) if isinstance(asked, str) else asked
        self._steps = parse(block.path).steps
        self._meters = meters
        self._labels = labels
        self._places = count(MOST_LABELS if block.values else 0)
        named = [label_of(value) for value in block.values]
        self._adds = {one: self._counter(one) for one in [*named, OTHER] if one is not None}

    def count(self, result: object) -> None:
        """Count *result* by its label."""
        found = reached(result, self._steps)
        add = self._adds.get(found) if type(found) is str else None
        if add is None:
            label = label_of(found) or OTHER
            add = self._adds.get(label) or self._first(label)
        add()

    def _first(self, label: str) -> Callable[[], int]:
        """Return what counts *label*, which takes one of the places that are left."""
        if next(self._places) >= MOST_LABELS or redacted(label, REDACTED) != label:
            return self._adds[OTHER]
        return self._adds.setdefault(label, self._counter(label))

    def _counter(self, label: str) -> Callable[[], int]:
        labels = {**self._labels, "label": label}
        help = "Results of calls, by the label that `labels_from` finds in them."
        return self._meters.counter("mlpolicy_predictions_total", help, **labels).add
