"""Whether policies hold: modes, dates, rollouts, and what they must say of themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from mlpolicy.core.control import NEVER_SHADOWED, end_of
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.quantity import Ratio
from mlpolicy.core.span import Span
from mlpolicy.model.policy import Block, Policy, RuleBlock, Setting, Tree, one
from mlpolicy.plan.gather import DEPTH
from mlpolicy.plan.rulebook import Rulebook


def lint(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield what is wrong with when and where policies hold."""
    for policy in rulebook.policies:
        yield from _required(policy, rulebook)
        yield from _dates(policy.name, policy.controls, rulebook)
        if rulebook.read.filled:
            yield from _forever(policy.name, policy.controls, also=policy.rules)
        for block in policy.rules:
            name = f"{policy.name}: {block.kind}"
            yield from _dates(name, block.settings, rulebook)
            if rulebook.read.filled and one(policy.controls, "expires") is None:
                yield from _forever(name, block.settings)
            yield from _monitor(block)
            yield from _rollout(block)


def _required(policy: Policy, rulebook: Rulebook) -> Iterator[Diagnostic]:
    if policy.depth >= DEPTH or not rulebook.read.filled:
        return  # (the owner of an installed package answers for it)
    if rulebook.read.of_environment and not rulebook.read.whole:
        return  # (it may be what is wrong that makes another policy of it)
    said = {*policy.meta, *policy.controls}
    missing = [name for name in rulebook.settings.require if name not in said]
    if not missing:
        return
    help = "`settings.require` asks every policy for it"
    files = (one for one in rulebook.files if one.file == policy.span.file)
    removed = next(files).removed
    for name in missing:
        if place := removed.get((policy.name, name)):
            text = f"`{name}` is taken out of policy `{policy.name}`"
            yield Diagnostic("MP505", text, place, help=help)
    names = [f"`{name}`" for name in missing if (policy.name, name) not in removed]
    if names:
        text = f"policy `{policy.name}` lacks {' and '.join(names)}"
        yield Diagnostic("MP505", text, policy.span, help=help)


def _dates(name: str, settings: Tree, rulebook: Rulebook) -> Iterator[Diagnostic]:
    written = one(settings, "expires")
    if written is None:
        return
    left = end_of(date.fromisoformat(written.value)) - rulebook.now
    if left <= timedelta(0):
        text = f"`{name}` has expired: it held to the end of {written.value}, UTC"
        yield Diagnostic("MP502", text, written.span, help="take it out, or set a later date")
    elif left <= timedelta(seconds=rulebook.settings.expiry_warning):
        text = f"`{name}` expires in {max(left.days, 0)} days"
        help = "`settings.expiry_warning` says how early this is said"
        yield Diagnostic("MP501", text, written.span, "warning", help=help)


def _forever(name: str, settings: Tree, also: Sequence[RuleBlock] = ()) -> Iterator[Diagnostic]:
    """Yield a shadow without an end; an expiry on each of its rules ends it too."""
    mode = one(settings, "mode")
    if mode is None or mode.value != "shadow" or one(settings, "expires") is not None:
        return
    if also and all(one(block.settings, "expires") is not None for block in also):
        return
    if mode.layer.startswith(("defaults", "profiles")) or (not also and _watches(name)):
        return
    yield Diagnostic(
        "MP504",
        f"`{name}` is in shadow for ever",
        mode.span,
        "warning",
        help="give it an `expires`, so that somebody decides",
    )


def _watches(name: str) -> bool:
    return name.endswith(f": {NEVER_SHADOWED}")


def _monitor(block: RuleBlock) -> Iterator[Diagnostic]:
    if block.kind == NEVER_SHADOWED and block.mode == "shadow":
        yield Diagnostic(
            "MP503",
            "`monitor` has no shadow mode: watching changes nothing",
            block.span,
            help="leave `mode` out",
        )


def _rollout(block: RuleBlock) -> Iterator[Diagnostic]:
    rollout = block.settings.get("rollout")
    if not isinstance(rollout, Block):
        return
    percent = rollout.settings.get("percent")
    if block.mode == "disabled":
        text = f"a rollout of a rule `{block.kind}` that is disabled"
        yield Diagnostic("MP503", text, rollout.key, help="leave one of the two out")
    elif isinstance(percent, Setting) and not 0 < Ratio.of_number(percent.value) < 1:
        yield _pointless(block, Ratio.of_number(percent.value), percent.span)


def _pointless(block: RuleBlock, share: float, span: Span) -> Diagnostic:
    what = "takes every call" if share else "takes no call"
    help = "leave `rollout` out" if share else "write `mode: disabled` or `mode: shadow`"
    text = f"the rollout of `{block.kind}` {what}"
    return Diagnostic("MP508", text, span, "warning", help=help)
