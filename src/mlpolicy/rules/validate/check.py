"""Whether the settings of a validate rule make sense together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlpolicy.core.quantity import ByteSize
from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.checks.containers import size_of
from mlpolicy.rules.validate.default import function_of
from mlpolicy.rules.validate.look import Look

if TYPE_CHECKING:
    from mlpolicy.rules.validate.rule import ValidateRule

Finding = tuple[str, str, str]

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
    given = "default" in rule.model_fields_set
    if given != (rule.on_fail == "default"):
        yield _half(rule)
    elif given and not function_of(rule.default):
        yield from _value(rule)


def _half(rule: ValidateRule) -> Finding:
    if rule.on_fail == "default":
        return "MP205", "on_fail", "`on_fail: default` needs a `default` to give"
    return (
        "MP205",
        "default",
        f"`default` is never given while `on_fail` is `{rule.on_fail}`",
    )


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
