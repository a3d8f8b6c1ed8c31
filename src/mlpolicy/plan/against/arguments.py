"""Arguments that rules name, against the signature."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from mlpolicy.core.argpath import ArgPath, ArgPathError, parse
from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.given import Given
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.core.words import closest
from mlpolicy.plan.against.about import About, at, key_of
from mlpolicy.plan.plan import PlannedRule

Named = tuple[str, ArgPath, str]
"""The code of the finding, the path to an argument, and the setting that names it."""
_AMONG_KEYWORDS = ("MP202", "MP702", "MP908")
"""What these are about is found in `**options`, too."""


def look(about: About) -> Iterator[Diagnostic]:
    """Yield the arguments that rules name and the function does not have."""
    parameters = about.looked.parameters
    if parameters is None:
        return
    known = [one.name for one in parameters]
    takes_any = any(one.kind == "var_keyword" for one in parameters)
    for rule in about.plan.rules:
        yield from _lacking(about.target, rule, _hidden(about, rule), known, takes_any=takes_any)
        yield from absent(about.target, rule, known, takes_any=takes_any)


def absent(
    target: Target, rule: PlannedRule, known: Sequence[str], *, takes_any: bool
) -> Iterator[Diagnostic]:
    """Yield the arguments that *rule* names and that are not among those *known*."""
    return _lacking(target, rule, _named(rule), known, takes_any=takes_any)


def _lacking(
    target: Target,
    rule: PlannedRule,
    named: Iterable[Named],
    known: Sequence[str],
    *,
    takes_any: bool,
) -> Iterator[Diagnostic]:
    for code, path, setting in named:
        name = path.name
        if name not in known and not (takes_any and code in _AMONG_KEYWORDS):
            source = key_of(rule, setting) if code == "MP202" else at(rule, setting)
            near = closest(name, known)
            listed = f"its arguments: {', '.join(known)}" if known else "it takes none"
            help = f"did you mean `{near}`?" if near else listed
            message = f"`{target}` has no argument `{name}`"
            repair = (_repair(replace(path, name=near), source),) if near else ()
            yield Diagnostic(code, message, source, help=help, suggestions=repair)


def _repair(meant: ArgPath, source: Span) -> Suggestion:
    text = str(meant)
    return Suggestion(f"write `{text}`", source, f'"{text}"' if "[" in text else text)


def _named(rule: PlannedRule) -> Iterator[Named]:
    """Yield (code, path, setting) of each argument that *rule* names."""
    rollout = rule.control.rollout if rule.control else None
    for _, path in _paths([rollout.by] if rollout and rollout.by else ()):
        yield "MP507", path, "rollout.by"
    if rule.kind == "validate":
        for name in getattr(rule.rule, "args", None) or {}:
            yield "MP202", ArgPath(name), f"args.{name}"
    if rule.kind == "cache":
        for field in ("key", "ignore"):
            for number, path in _paths(getattr(rule.rule, field, None)):
                yield "MP702", path, f"{field}.{number}"


def _hidden(about: About, rule: PlannedRule) -> Iterator[Named]:
    """Yield what a log is to hide, where a policy for this function alone says it.

    A policy for many says it for those of them that have the argument.
    """
    paths = getattr(getattr(rule.rule, "log", None), "redact", ()) if rule.kind == "monitor" else ()
    own = [one.name for one in about.rulebook.naming(about.target) if len(one.match) == 1]
    if paths and rule.values["log.redact"].policy in own:
        for number, path in _paths(paths):
            yield "MP908", path, f"log.redact.{number}"


def heads(paths: Any) -> Iterator[str]:
    """Yield the argument that each of *paths* begins with."""
    return (path.name for _, path in _paths(paths))


def _paths(texts: Any) -> Iterator[tuple[int, ArgPath]]:
    for number, one in enumerate(() if isinstance(texts, Given) else texts or ()):
        try:
            yield number, parse(str(one))
        except ArgPathError:
            continue
