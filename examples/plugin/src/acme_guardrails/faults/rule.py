"""What an operator writes under `faults`, and what is doubted in it."""

from collections.abc import Iterator

from mlpolicy.plugin import Code, Ratio, RuleModel


class FaultsRule(RuleModel):
    """Let a share of the calls fail, to rehearse what happens then."""

    percent: Ratio
    """How many of a hundred calls fail."""
    message: str = "a fault, injected on purpose"
    """What the error says."""


CODES = (
    Code(
        "ACME001",
        "warning",
        "most calls fail",
        "A `faults` rule lets more than half of the calls fail.",
        "That is no rehearsal but an outage.",
        "version: 1\npolicies:\n  mypkg:f:\n    faults: 80%\n",
        "version: 1\npolicies:\n  mypkg:f:\n    faults: 5%\n",
    ),
)


def check(rule: FaultsRule) -> Iterator[tuple[str, str, str]]:
    """Yield (code, field, message) for what is doubted."""
    if rule.percent > 0.5:
        yield "ACME001", "percent", f"{rule.percent} of all calls are to fail"
