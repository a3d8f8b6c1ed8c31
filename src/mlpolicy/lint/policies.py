"""What is wrong with policies as a whole, without looking at any code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from mlpolicy.core.control import end_of
from mlpolicy.core.diagnostic import Diagnostic, Related, repair
from mlpolicy.core.facts import Where
from mlpolicy.core.quantity import Ratio
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.model.policy import Block, Policy, PolicyFile, RuleBlock, Setting, Tree, one
from mlpolicy.plan.gather import DEPTH
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.references import called
from mlpolicy.plan.rulebook import Candidate, Rulebook, rank
from mlpolicy.rules import KINDS


def lint(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield what is wrong with policies, and with the plans that they make."""
    for policy in rulebook.policies:
        yield from _required(policy, rulebook)
        yield from _holding(policy, rulebook)
        if rulebook.tells_absence:
            yield from _covered(policy)
            yield from _beaten(policy, rulebook)
    for target in rulebook.exact:
        candidates = rulebook.candidates(target)
        if candidates:
            yield from rulebook.findings(target, candidates)
    for policy, _ in rulebook.broad:
        yield from rulebook.findings(*rulebook.alone(policy), alone=True)
    yield from _rivals(rulebook)
    yield from _twice(rulebook)
    yield from _resources(rulebook)
    yield from _refused_calls(rulebook)
    if rulebook.tells_absence:
        yield from _idle_defaults(rulebook)
        yield from _idle_profiles(rulebook)


# --- when and where policies hold -----------------------------------------------------


def _required(policy: Policy, rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield what `settings.require` asks for and *policy* does not say."""
    if policy.depth >= DEPTH or not rulebook.read.filled:
        return  # (the owner of an installed package answers for it)
    if rulebook.read.of_environment and not rulebook.read.whole:
        return  # (what is wrong may be what makes another policy of it)
    given = {*policy.meta, *policy.controls}
    missing = [name for name in rulebook.settings.require if name not in given]
    removed = {
        name: place
        for file in rulebook.files
        if file.file == policy.span.file
        for (owner, name), place in file.removed.items()
        if owner == policy.name and name in missing
    }
    help = "`settings.require` asks every policy for it"
    for name, place in removed.items():
        text = f"`{name}` is taken out of policy `{policy.name}`"
        yield Diagnostic("MP505", text, place, help=help)
    names = [f"`{name}`" for name in missing if name not in removed]
    if names:
        text = f"policy `{policy.name}` lacks {' and '.join(names)}"
        yield Diagnostic("MP505", text, policy.span, help=help)


def _holding(policy: Policy, rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield what is wrong with the modes, dates and rollouts of *policy* and its rules."""
    yield from _dates(policy.name, policy.controls, rulebook)
    # (an expiry on each of its rules ends the shadow too)
    each = [one(block.settings, "expires") for block in policy.rules]
    if rulebook.read.filled and (not each or None in each):
        yield from _forever(policy.name, policy.controls)
    for block in policy.rules:
        name = f"{policy.name}: {block.kind}"
        yield from _dates(name, block.settings, rulebook)
        if KINDS[block.kind].shadowable:
            if rulebook.read.filled and one(policy.controls, "expires") is None:
                yield from _forever(name, block.settings)
        elif block.mode == "shadow":
            yield Diagnostic(
                "MP503",
                f"`{block.kind}` has no shadow mode: watching changes nothing",
                block.span,
                help="leave `mode` out",
            )
        yield from _rollout(block)


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
        help = "`settings.expiry_warning` says how early this is reported"
        yield Diagnostic("MP501", text, written.span, "warning", help=help)


def _forever(name: str, settings: Tree) -> Iterator[Diagnostic]:
    """Yield a shadow without an end."""
    mode = one(settings, "mode")
    if mode is None or mode.value != "shadow" or one(settings, "expires") is not None:
        return
    if not mode.layer.startswith(("defaults", "profiles")):
        text, help = (
            f"`{name}` is in shadow for ever",
            "give it an `expires`, so that somebody decides",
        )
        yield Diagnostic("MP504", text, mode.span, "warning", help=help)


def _rollout(block: RuleBlock) -> Iterator[Diagnostic]:
    rollout = block.settings.get("rollout")
    if not isinstance(rollout, Block):
        return
    percent = rollout.settings.get("percent")
    if block.mode == "disabled":
        text = f"a rollout of a rule `{block.kind}` that is disabled"
        yield Diagnostic("MP503", text, rollout.key, help="leave one of the two out")
    elif isinstance(percent, Setting) and not 0 < (share := Ratio.of_number(percent.value)) < 1:
        what = "takes every call" if share else "takes no call"
        help = "leave `rollout` out" if share else "write `mode: disabled` or `mode: shadow`"
        text = f"the rollout of `{block.kind}` {what}"
        yield Diagnostic("MP508", text, percent.span, "warning", help=help)


# --- policies that contradict each other ----------------------------------------------


def _rivals(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the conflicts of policies that have a pattern in common, and ask the same besides.

    Whether a function has what each of two others asks is seen in its source.
    """
    alike: dict[tuple[str, Where], list[Candidate]] = {}
    for policy, patterns in rulebook.broad:
        for pattern in patterns:
            key = (pattern.glob.text, policy.where)
            alike.setdefault(key, []).append((rank(policy, pattern), policy))
    for candidates in alike.values():
        if len(candidates) > 1:
            yield from rulebook.conflicts(candidates)


def _twice(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the names and targets that stand in two files."""
    names: dict[tuple[str, str], tuple[Span, int]] = {}
    for file in rulebook.files:
        for what, name, span in _named(file, rulebook):
            first, depth = names.setdefault((what, name), (span, file.depth))
            both = what == "target" and depth != file.depth  # the importer beats the imported
            if first.file != span.file and not both:
                yield Diagnostic(
                    "MP403",
                    f"{what} `{name}` stands in another file too",
                    span,
                    related=(Related("first here", first),),
                    help="keep it in one file, so that one place says what holds",
                )


def _named(file: PolicyFile, rulebook: Rulebook) -> Iterator[tuple[str, str, Span]]:
    for policy in file.policies:
        if ":" not in policy.name:
            yield "policy", policy.name, policy.span
        for pattern in policy.match:
            if pattern.glob.exact and not policy.where.count:
                yield "target", str(rulebook.own(Target.parse(pattern.glob.text))), pattern.span
    for profile in file.profiles:
        yield "profile", profile.name, profile.span
    for resource in file.resources:
        yield "resource", resource.text, resource.span


# --- what never takes effect ----------------------------------------------------------


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


def _idle_profiles(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the profiles that no policy uses; a file without policies is a library of them."""
    for file in rulebook.files:
        for profile in file.profiles if file.policies and not file.depth else ():
            if profile.name not in rulebook.profiles.used:
                text = f"no policy uses profile `{profile.name}`"
                help = "name it under a policy's `use`, or take it out"
                yield Diagnostic("MP404", text, profile.span, "warning", help=help)


def _resources(rulebook: Rulebook) -> Iterator[Diagnostic]:
    known = {resource.text for file in rulebook.files for resource in file.resources}
    for policy in rulebook.policies:
        named = policy.resource
        if named is None or not rulebook.read.named or "${" in named.text:
            continue  # (nobody knows what there is, or that a variable is not a name was said)
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
    excludes = [pattern.glob for pattern in policy.exclude]
    texts = [pattern.glob.text for pattern in policy.match] if excludes else []
    covered = [
        any(
            glob.text == text or ("*" not in text and glob.matches(Target.parse(text)))
            for glob in excludes
        )
        for text in texts
    ]
    if covered and all(covered):
        yield Diagnostic(
            "MP405",
            f"policy `{policy.name}` excludes everything that it matches",
            policy.exclude[0].span,
            "warning",
            related=(Related("matched here", policy.match[0].span),),
        )


def _beaten(policy: Policy, rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield a policy of exact targets whose every setting is beaten on every one of them."""
    exact = [pattern.glob.text for pattern in policy.match if pattern.glob.exact]
    if len(exact) != len(policy.match) or not all(map(rulebook.is_shared, exact)):
        return
    winners = [_winner(policy, Target.parse(text), rulebook) for text in exact]
    if winners and all(winners) and any(block.settings for block in policy.rules):
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
    if any(other.final for _, other in rulebook.candidates(target)):
        return ""  # what a final policy fixes is a finding at the field (MP402)
    writers = {rule.policy for rule in plan.rules}
    writers.update(value.policy for rule in plan.rules for value in rule.values.values())
    if policy.name in writers:
        return ""
    return next((name for name in plan.policies if name != policy.name), "")


# --- rules that meet in one function --------------------------------------------------


def unseen(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the targets with rules in force that no monitor sees, where there are monitors."""
    is_watched = any(policy.rule("monitor") for policy in rulebook.policies)
    for target in rulebook.exact if is_watched and rulebook.tells_absence else ():
        plan = rulebook.plan(target)
        if plan is None or plan.rule("monitor") or plan.sources[0] in rulebook.elsewhere:
            continue
        if any(rule.mode == "enforce" for rule in plan.rules):
            text = f"`{target}` has rules in force and no `monitor`: their effect will not be seen"
            help = "add `monitor: {}`"
            yield Diagnostic("MP906", text, plan.sources[0], "info", help=help)


def _refused_calls(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the functions that rules call and `settings.allow_call` does not allow."""
    settings = rulebook.settings
    if not settings.allow_call:
        return
    each = [", ".join(f"`{one.glob}`" for one in allowed) for allowed in settings.allow_call]
    help = "allowed: " + " and ".join(listed or "none" for listed in each)
    plans: list[Plan | None] = [rulebook.plan(target) for target in rulebook.exact]
    plans += (rulebook.plan_alone(policy) for policy, _ in rulebook.broad)
    for plan in plans:
        for rule in plan.rules if plan is not None else ():
            for text, span in called(rule):
                if not settings.allows(text):
                    message = (
                        f"`{text}` is not among the functions that `settings.allow_call` allows"
                    )
                    yield Diagnostic("MP010", message, span, help=help)
