"""What is told of failures: counters, the log's notes, and one warning each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mlpolicy.core.metrics import Counter
from mlpolicy.core.report import say_once
from mlpolicy.rules.validate.checks.containers import (
    ColumnsCheck,
    FieldsCheck,
    ItemsCheck,
    LengthCheck,
    RequiredCheck,
)
from mlpolicy.rules.validate.checks.numbers import BoundsCheck
from mlpolicy.rules.validate.look import Look, Where, field

if TYPE_CHECKING:
    from mlpolicy.core.site import Site
    from mlpolicy.rules.validate.checker import Check, Checker

NAME = "mlpolicy_validation_failures_total"
HELP = "Checks that arguments or results did not pass."


class Counters:
    """Tells of the failures at one site."""

    def __init__(self, site: Site, on_fail: str, checkers: Mapping[str, Checker]) -> None:
        self._site = site
        if site.shadow:
            self._would = site.would("validate", "reject")
            return
        if on_fail != "warn":
            self._refusals = site.refused("validate")
        for name, checker in checkers.items():
            for where, check in labels_of(checker, name):
                self._counter(check, where)

    def _counter(self, check: str, where: str) -> Counter:
        labels = {"function": self._site.target, "check": check, "field": self._site.hide(where)}
        return self._site.meters.counter(NAME, HELP, **labels)

    def count(self, look: Look) -> None:
        """Count every failure."""
        for failure, where in zip(look.failures, look.fields, strict=True):
            self._counter(failure.check, where).add()

    def shadow(self) -> None:
        """Count a call that would have been refused."""
        self._would.add()

    def refused(self) -> None:
        """Count a call that was refused."""
        self._refusals.add()

    def note(self, call: int, decision: str) -> None:
        """Put the decision into the log of the call."""
        self._site.decided(call, "validate", decision)

    def warn(self, look: Look) -> None:
        """Warn of each check that failed, once."""
        for failure, where in zip(look.failures, look.fields, strict=True):
            key = f"validate:{self._site.target}:{where}:{failure.check}"
            say_once(key, f"{self._site.target}: {failure.what}; the call goes on (said once)")


def labels_of(checker: Checker, where: Where) -> Iterator[tuple[str, str]]:
    """Yield (field, check) of every failure that a policy can lead to."""
    here = field(where)
    if checker.type is not None:
        yield here, "type"
    if checker.not_null:
        yield here, "not_null"
    if checker.model is not None:
        yield here, "model"
    for check in checker.checks:
        yield from _of_check(check, where)


def _of_check(check: Check, where: Where) -> Iterator[tuple[str, str]]:
    here = field(where)
    match check:
        case BoundsCheck() | LengthCheck():
            yield from ((here, name) for name in check.names())
        case RequiredCheck():
            yield from ((field((where, key)), "required") for key in check.keys)
        case FieldsCheck():
            for key, inner in check.fields.items():
                yield from labels_of(inner, (where, key))
        case ItemsCheck():
            yield here, "items"
            yield from labels_of(check.item, where)
        case ColumnsCheck():
            yield here, "columns"
            for key, column in check.columns.items():
                yield from ((field((where, key)), name) for name in ("columns", *column.names()))
        case _:
            yield here, check.name
