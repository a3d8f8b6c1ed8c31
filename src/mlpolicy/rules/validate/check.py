"""Whether the settings of a validate rule make sense together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlpolicy.core.default import function_of
from mlpolicy.core.kind import Lacking
from mlpolicy.core.quantity import ByteSize
from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.checks.containers import size_of
from mlpolicy.rules.validate.look import Look

if TYPE_CHECKING:
    from mlpolicy.rules.validate.rule import Spec, ValidateRule

Finding = tuple[str, ...]

HUGE = ByteSize(1024**2)
"""A default beyond this costs more to copy than the call that it stands in for."""


def check(rule: ValidateRule) -> Iterator[Finding]:
    """Yield (code, field, message) for what is wrong."""
    if not rule.args and rule.returns is None:
        yield (
            "MP011",
            "args",
            "`validate` needs `args` or `returns`: there is nothing to look at",
        )
    yield from _lone(rule)
    given = "default" in rule.model_fields_set
    if given != (rule.on_fail == "default"):
        yield _half(rule)
    elif given and not function_of(rule.default):
        yield from _value(rule)


def _lone(rule: ValidateRule) -> Iterator[Finding]:
    """Yield names of dimensions that stand at one place only: they compare with nothing."""
    places: dict[str, list[str]] = {}
    for name, spec in rule.args.items():
        _collect(spec, f"args.{name}", places)
    if rule.returns is not None:
        _collect(rule.returns, "returns", places)
    lone = {symbol: where[0] for symbol, where in places.items() if len(where) == 1}
    if lone:
        # Two of them are one slip as a rule: the last was meant to be the other.
        *others, last = lone
        beside = "".join(f", as does `{one}`" for one in others)
        text = f"the dimension `{last}` stands at one place only{beside}, so any size will do"
        help = "name it where the same size is expected, or write `null`"
        yield "MP204", lone[last], text, help, "info"


def _collect(spec: Spec, path: str, places: dict[str, list[str]]) -> None:
    for number, size in enumerate(spec.shape or ()):
        if isinstance(size, str):
            places.setdefault(size, []).append(f"{path}.shape.{number}")
    for name, inner in spec.fields.items():
        _collect(inner, f"{path}.fields.{name}", places)
    if spec.items is not None:
        for _ in range(2):  # (each item, and the next)
            _collect(spec.items, f"{path}.items", places)


def _half(rule: ValidateRule) -> Finding:
    if rule.on_fail == "default":
        return Lacking(("MP205", "on_fail", "`on_fail: default` needs a `default` to give"))
    text = f"`default` is never given while `on_fail` is `{rule.on_fail}`"
    return Lacking(("MP205", "default", text))


def _value(rule: ValidateRule) -> Iterator[Finding]:
    if rule.returns is not None:
        look = Look()
        checker(rule.returns, None).look(rule.default, "default", look)
        if look.failures:
            wrong = "; ".join(str(one) for one in look.failures)
            yield "MP206", "default", f"what `returns` refuses is no default: {wrong}"
    if isinstance(rule.default, dict | list) and size_of(rule.default, HUGE) > HUGE:
        text = f"the default takes more than {HUGE} and is copied each time; name a function"
        yield "MP207", "default", text
