"""What is written and never takes effect."""

from __future__ import annotations

from collections.abc import Iterator

from mlpolicy.core.diagnostic import Diagnostic, Related, repair
from mlpolicy.core.target import Target
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.model.policy import Policy
from mlpolicy.plan.rulebook import Rulebook


def lint(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield defaults, profiles, resources and policies without any effect."""
    yield from _resources(rulebook)
    if rulebook.tells_absence:
        yield from _idle_defaults(rulebook)
        yield from _profiles(rulebook)
        for policy in rulebook.policies:
            yield from _covered(policy)
            yield from _beaten(policy, rulebook)


def _idle_defaults(rulebook: Rulebook) -> Iterator[Diagnostic]:
    used = {block.kind for policy in rulebook.policies for block in policy.rules}
    for file in rulebook.files:
        for block in file.defaults if file.policies else ():
            if block.kind not in used:
                yield Diagnostic(
                    "MP408",
                    f"`defaults` fills in `{block.kind}`, which no policy uses",
                    block.span,
                    "warning",
                    help="defaults never switch a rule on; write it in a policy",
                )


def _profiles(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the profiles that no policy uses; a file without policies is a library of them."""
    for file in rulebook.files:
        for profile in file.profiles if file.policies and not file.depth else ():
            if profile.name not in rulebook.profiles.used:
                text = f"no policy uses profile `{profile.name}`"
                help = "name it under a policy's `use`, or take it out"
                yield Diagnostic("MP404", text, profile.span, "warning", help=help)


def _resources(rulebook: Rulebook) -> Iterator[Diagnostic]:
    known = {one.text for file in rulebook.files for one in file.resources}
    for policy in rulebook.policies:
        named = policy.resource
        if named is None or not rulebook.read.named or "${" in named.text:
            continue  # (nobody knows what there is, or that a variable is no name was said)
        if named.text not in known:
            near = closest(named.text, known)
            yield Diagnostic(
                "MP406",
                f"there is no resource `{named.text}`",
                named.span,
                help=did_you_mean(near, "define it under `resources`"),
                suggestions=repair(named.span, near),
            )


def _covered(policy: Policy) -> Iterator[Diagnostic]:
    """Yield a policy that excludes all that it matches."""
    if not policy.match or not policy.exclude:
        return
    if all(_covers(policy, one.glob.text) for one in policy.match):
        yield Diagnostic(
            "MP405",
            f"policy `{policy.name}` excludes everything that it matches",
            policy.exclude[0].span,
            "warning",
            related=(Related("matched here", policy.match[0].span),),
        )


def _covers(policy: Policy, text: str) -> bool:
    for one in policy.exclude:
        if one.glob.text == text:
            return True
        if "*" not in text and one.glob.matches(Target.parse(text)):
            return True
    return False


def _beaten(policy: Policy, rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield a policy of exact targets whose every setting is beaten on every one of them."""
    exact = [one.glob.text for one in policy.match if one.glob.exact]
    if len(exact) != len(policy.match) or not all(map(rulebook.is_shared, exact)):
        return
    winners = [_winner(policy, Target.parse(text), rulebook) for text in exact]
    if winners and all(winners) and any(rule.settings for rule in policy.rules):
        yield Diagnostic(
            "MP405",
            f"policy `{policy.name}` has no effect: others set all that it sets",
            policy.span,
            "warning",
            help=f"they are in `{winners[0]}`; `mlpolicy explain {exact[0]}` shows both",
        )


def _winner(policy: Policy, target: Target, rulebook: Rulebook) -> str:
    """Return a policy that beats all of *policy* on *target*; nothing where it has an effect."""
    plan = rulebook.plan(target)
    if plan is None or policy.where.count or policy.name not in plan.policies:
        return ""
    if any(one.final for _, one in rulebook.candidates(target)):
        return ""  # what a final policy fixes is said at the field (MP402)
    if any(rule.policy == policy.name for rule in plan.rules):
        return ""  # it is the highest of those that write the rule
    set_by = {value.policy for rule in plan.rules for value in rule.values.values()}
    if policy.name in set_by:
        return ""
    return next((one for one in plan.policies if one != policy.name), "")
