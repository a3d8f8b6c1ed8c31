"""What rules mean together that no kind says of itself: calls that are not allowed, effects unseen."""

from __future__ import annotations

from collections.abc import Iterator

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.plan.lint.allowed import calls_of, refused
from mlpolicy.plan.rulebook import Rulebook


def lint(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the functions that rules call and may not."""
    if rulebook.settings.allow_call:
        yield from refused(calls_of(rulebook), rulebook.settings)


def unseen(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the targets with rules in force that no monitor sees, where there are monitors."""
    watched = any(policy.rule("monitor") for policy in rulebook.policies)
    for target in rulebook.exact if watched and rulebook.tells_absence else ():
        plan = rulebook.plan(target)
        if plan is None or plan.rule("monitor") or plan.sources[0] in rulebook.elsewhere:
            continue
        if any(rule.mode == "enforce" for rule in plan.rules):
            text = f"`{target}` has rules in force and no `monitor`: their effect will not be seen"
            help = "add `monitor: {}`"
            yield Diagnostic("MP906", text, plan.sources[0], "info", help=help)
