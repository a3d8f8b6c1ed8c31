"""What an operator writes under `timeout`, and what is doubted in it."""

from collections.abc import Iterator

from mlpolicy.plugin import Code, Duration, RuleModel


class TimeoutRule(RuleModel):
    """End an attempt of a coroutine that takes too long."""

    attempt: Duration
    """How long one attempt may take."""


CODES = (
    Code(
        "ACME002",
        "warning",
        "attempt that nothing can finish in",
        "A `timeout` gives an attempt less than a millisecond.",
        "The event loop alone may take that long: every call would fail.",
        "version: 1\npolicies:\n  mypkg:f:\n    timeout: 100us\n",
        "version: 1\npolicies:\n  mypkg:f:\n    timeout: 2s\n",
    ),
)


def check(rule: TimeoutRule) -> Iterator[tuple[str, str, str]]:
    """Yield (code, field, message) for what is doubted."""
    if rule.attempt < 0.001:
        yield "ACME002", "attempt", f"an attempt may take {rule.attempt} only"
