"""What is wrong with policies as a whole, without looking at any code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from mlpolicy.core.control import NEVER_SHADOWED, end_of
from mlpolicy.core.diagnostic import Diagnostic, Related, repair
from mlpolicy.core.facts import Where
from mlpolicy.core.quantity import Duration, Ratio
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.core.usual import oddity
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.lint.function import setting_at
from mlpolicy.model.grammar import PolicyBlock
from mlpolicy.model.policy import Block, Policy, PolicyFile, RuleBlock, Setting, Tree, one
from mlpolicy.plan.called import called
from mlpolicy.plan.installed import DEPTH
from mlpolicy.plan.merge import OF_TWO
from mlpolicy.plan.plan import Plan, PlannedRule, Value
from mlpolicy.plan.ranking import Candidate, deadline_of, rank
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.rules.retry.check import OF_PAUSES, worst_pause


def lint(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield what is wrong with policies, and with the plans that they make."""
    for policy in rulebook.policies:
        yield from _required(policy, rulebook)
        yield from _holding(policy, rulebook)
        yield from _covered(policy)
        yield from _beaten(policy, rulebook)
    for target in rulebook.exact:
        yield from rulebook.resolve(target)[1]
    for policy, _ in rulebook.broad:
        yield from _alone(rulebook, policy)
    yield from _rivals(rulebook)
    yield from _twice(rulebook)
    yield from _idle_defaults(rulebook)
    yield from _idle_profiles(rulebook)
    yield from _resources(rulebook)
    yield from _together(rulebook)


# --- when and where policies hold -----------------------------------------------------


def _required(policy: Policy, rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield what `settings.require` asks for and *policy* does not say."""
    if policy.depth >= DEPTH:
        return  # (the owner of an installed package answers for it)
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
    if not each or None in each:
        yield from _forever(policy.name, policy.controls)
    for block in policy.rules:
        name = f"{policy.name}: {block.kind}"
        yield from _dates(name, block.settings, rulebook)
        if block.kind != NEVER_SHADOWED and one(policy.controls, "expires") is None:
            yield from _forever(name, block.settings)
        if block.kind == NEVER_SHADOWED and block.mode == "shadow":
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


def _alone(rulebook: Rulebook, policy: Policy) -> Iterator[Diagnostic]:
    """Yield what is wrong with a policy of patterns, where no other policy may complete it."""
    highest = max(rank(policy, pattern) for pattern in policy.match)
    others = {
        block.kind for other in rulebook.policies if other is not policy for block in other.rules
    }
    kinds = {block.span: block.kind for block in policy.rules}
    for completed in rulebook.completed([(highest, policy)]):
        for finding in completed.diagnostics:
            if finding.code != "MP011" or others.isdisjoint(kinds.values()):
                yield finding


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
        for completed in rulebook.completed(candidates) if len(candidates) > 1 else ():
            yield from (found for found in completed.diagnostics if found.code in OF_TWO)


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
        if named is not None and named.text not in known:
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


def _together(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield times that do not fit, effects that nobody sees, and calls that are not allowed."""
    by_place = {policy.span: policy for policy in rulebook.policies}
    is_watched = any(policy.rule("monitor") for policy in rulebook.policies)
    named = [plan for target in rulebook.exact if (plan := rulebook.plan(target)) is not None]
    for plan in (*named, *(rulebook.alone(policy) for policy, _ in rulebook.broad)):
        deadlines = (deadline_of(by_place[place]) for place in plan.sources)
        deadline = next((setting for setting in deadlines if setting is not None), None)
        if deadline is not None:
            yield from _late(plan, deadline)
        yield from _pressure(plan)
        yield from _room(plan)
        yield from _refused_calls(plan, rulebook)
    for plan in named if is_watched else ():
        if plan.rule("monitor") is None and any(rule.mode == "enforce" for rule in plan.rules):
            yield Diagnostic(
                "MP906",
                f"`{plan.target}` has rules in force and no `monitor`: "
                "their effect will not be seen",
                plan.sources[0],
                "info",
                help="add `monitor: {}`",
            )


def _made(plan: Plan, kind: str) -> PlannedRule | None:
    rule = plan.rule(kind)
    return rule if rule is not None and rule.rule is not None else None


def _late(plan: Plan, deadline: Setting) -> Iterator[Diagnostic]:
    """Yield rules that may take longer than the *deadline* lets a call take."""
    limit = Duration.of(deadline.value)
    retry, memory = _made(plan, "retry"), _made(plan, "memory")
    if retry is not None and (worst := worst_pause(retry.rule)) > limit:
        text = (
            f"{retry.rule.max_attempts} attempts may pause for {Duration.worked_out(worst)} "
            f"together, the deadline is {limit}"
        )
        help = "fewer attempts, shorter delays, or `max_elapsed` below the deadline"
        span, related = _apart(retry, deadline, OF_PAUSES)
        yield Diagnostic("MP601", text, span, help=help, related=related)
        if span == deadline.span:
            return  # nothing fits in it
    if memory is not None and (wait := memory.rule.wait) is not None and wait > limit:
        text = f"a call may wait {wait} for memory, the deadline is {limit}"
        help = "wait for less than the deadline"
        span, related = _apart(memory, deadline, ("wait",))
        yield Diagnostic("MP803", text, span, "warning", help=help, related=related)


def _apart(
    rule: PlannedRule, deadline: Setting, names: Iterable[str]
) -> tuple[Span, tuple[Related, ...]]:
    """Return which of two places that do not fit is wrong, and the other one.

    It is what an environment changed, else what is farthest from what is usual.
    """
    written = [(name, value) for name in names if (value := rule.values.get(name)) and value.source]
    own = [
        (_is_changed(value), oddity(type(rule.rule), name, getattr(rule.rule, name)), value.source)
        for name, value in written
    ]
    changed, odd, span = max(own, key=lambda one: one[:2], default=(False, 0.0, rule.source))
    limit = -oddity(PolicyBlock, "deadline", Duration.of(deadline.value))
    if (_is_changed(deadline), limit) > (changed, odd):
        return deadline.span, (Related(f"the rule `{rule.kind}`", span or rule.source),)
    return span or rule.source, (Related("the deadline", deadline.span),)


def _is_changed(value: Value | Setting) -> bool:
    return value.layer.startswith("environments.")


def _pressure(plan: Plan) -> Iterator[Diagnostic]:
    """Yield a retry of what the memory rule refused, which adds to the pressure."""
    retry = _made(plan, "retry")
    if retry is None or plan.rule("memory") is None or retry.rule.retry_after.respect:
        return
    if any(text.rpartition(".")[2] == "MemoryPressure" for text in retry.rule.retry_on):
        yield Diagnostic(
            "MP806",
            "calls that were refused for memory are made again, and their pause is not respected",
            setting_at(retry, "retry_on"),
            "warning",
            help="write `retry_after: {respect: true}`, or leave MemoryPressure out",
        )


def _room(plan: Plan) -> Iterator[Diagnostic]:
    """Yield a cache that may fill the memory to where the memory rule acts on it."""
    cache, memory = _made(plan, "cache"), _made(plan, "memory")
    if cache is None or memory is None or cache.rule.max_bytes is None:
        return
    limit = memory.rule.limit
    if isinstance(limit, int) and cache.rule.max_bytes >= memory.rule.act_at * limit:
        room = f"{memory.rule.act_at} of {limit}"
        yield Diagnostic(
            "MP708",
            f"the cache may hold {cache.rule.max_bytes}, and memory is short from {room} on",
            setting_at(cache, "max_bytes"),
            "warning",
            help="write a `max_bytes` that leaves room for the calls themselves",
            related=(Related("the limit", setting_at(memory, "limit")),),
        )


def _refused_calls(plan: Plan, rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the functions that rules call and `settings.allow_call` does not allow."""
    settings = rulebook.settings
    if not settings.allow_call:
        return
    each = [", ".join(f"`{one.glob}`" for one in allowed) for allowed in settings.allow_call]
    help = "allowed: " + " and ".join(listed or "none" for listed in each)
    for rule in plan.rules:
        for text, span in called(rule):
            if not settings.allows(text):
                message = f"`{text}` is not among the functions that `settings.allow_call` allows"
                yield Diagnostic("MP010", message, span, help=help)
