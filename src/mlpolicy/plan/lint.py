"""What is wrong with policies as a whole, without looking at any code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlpolicy.core.diagnostic import Diagnostic, Related, in_order
from mlpolicy.core.span import Span
from mlpolicy.model.policy import Policy
from mlpolicy.plan.complete import NEVER_SHADOWED
from mlpolicy.plan.rulebook import Rulebook, rank


def lint(rulebook: Rulebook) -> tuple[Diagnostic, ...]:
    """Return everything wrong with the policies of *rulebook*, in the order of the files."""
    found = [
        *_twice(rulebook),
        *_plans(rulebook),
        *_shadowed_monitor(rulebook.policies),
        *_idle_defaults(rulebook),
    ]
    return in_order(found)


def _plans(rulebook: Rulebook) -> Iterator[Diagnostic]:
    for target in rulebook.exact:
        yield from rulebook.resolve(target)[1]
    for policy in rulebook.policies:
        for pattern in policy.match:
            if not pattern.glob.exact:
                yield from _alone(rulebook, policy)
                break
    yield from _rivals(rulebook)


def _alone(rulebook: Rulebook, policy: Policy) -> Iterator[Diagnostic]:
    """Yield what is wrong with a policy of patterns, where no other policy may complete it."""
    highest = max(rank(policy, pattern) for pattern in policy.match)
    for completed in rulebook.completed([(highest, policy)]):
        for finding in completed.diagnostics:
            kinds = [one.rule for one in rulebook.policies if one is not policy]
            others = any(rule(block.kind) for rule in kinds for block in policy.rules)
            if finding.code != "MP011" or not others:
                yield finding


def _rivals(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the conflicts of policies that have a pattern in common."""
    by_text: dict[str, list[tuple[object, Policy]]] = {}
    for policy in rulebook.policies:
        for pattern in policy.match:
            if not pattern.glob.exact:
                by_text.setdefault(pattern.glob.text, []).append((rank(policy, pattern), policy))
    for candidates in by_text.values():
        if len(candidates) > 1:
            for completed in rulebook.completed(candidates):  # type: ignore[arg-type]  # (ranks)
                yield from (one for one in completed.diagnostics if one.code == "MP401")


def _twice(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield the names and targets that stand in two files."""
    names: dict[str, Policy] = {}
    targets: dict[str, Span] = {}
    for policy in rulebook.policies:
        earlier = names.setdefault(policy.name, policy)
        if earlier.span.file != policy.span.file:
            yield _again(f"policy `{policy.name}`", policy.span, earlier.span)
            continue
        for pattern in policy.match:
            first = targets.setdefault(pattern.glob.text, pattern.span)
            if pattern.glob.exact and first.file != pattern.span.file:
                yield _again(f"target `{pattern.glob}`", pattern.span, first)


def _again(what: str, span: Span, first: Span) -> Diagnostic:
    return Diagnostic(
        "MP403",
        f"{what} stands in another file too",
        span,
        related=(Related("first here", first),),
        help="keep it in one file, so that one place says what holds",
    )


def _shadowed_monitor(policies: Iterable[Policy]) -> Iterator[Diagnostic]:
    for policy in policies:
        block = policy.rule(NEVER_SHADOWED)
        if block is not None and block.mode == "shadow":
            yield Diagnostic(
                "MP503",
                "`monitor` has no shadow mode: watching changes nothing",
                block.span,
                help="leave `mode` out",
            )


def _idle_defaults(rulebook: Rulebook) -> Iterator[Diagnostic]:
    used = {block.kind for policy in rulebook.policies for block in policy.rules}
    for file in rulebook.files:
        for block in file.defaults:
            if block.kind not in used:
                yield Diagnostic(
                    "MP408",
                    f"`defaults` fills in `{block.kind}`, which no policy uses",
                    block.span,
                    "warning",
                    help="defaults never switch a rule on; write it in a policy",
                )
