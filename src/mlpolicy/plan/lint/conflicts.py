"""Policies that contradict each other, or themselves."""

from __future__ import annotations

from collections.abc import Iterator

from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.core.facts import Where
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.model.policy import PolicyFile
from mlpolicy.plan.rulebook import Candidate, Rulebook, rank


def lint(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield what is wrong with the plans that *rulebook* makes, and what stands there twice."""
    for target in rulebook.exact:
        candidates = rulebook.candidates(target)
        if candidates:
            yield from rulebook.findings(target, candidates)
    for policy, _ in rulebook.broad:
        yield from rulebook.findings(*rulebook.alone(policy), alone=True)
    yield from _rivals(rulebook)
    if len(rulebook.files) > 1:
        yield from _twice(rulebook)


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
                yield _again(f"{what} `{name}`", span, first)


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


def _again(what: str, span: Span, first: Span) -> Diagnostic:
    return Diagnostic(
        "MP403",
        f"{what} stands in another file too",
        span,
        related=(Related("first here", first),),
        help="keep it in one file, so that one place says what holds",
    )
