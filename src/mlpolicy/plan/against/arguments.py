"""Arguments that rules name, against the signature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlpolicy.core.argpath import ArgPathError, parse
from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.span import Span
from mlpolicy.core.words import closest
from mlpolicy.plan.against.about import About, at, item_of, key_of
from mlpolicy.plan.plan import PlannedRule


def look(about: About) -> Iterator[Diagnostic]:
    """Yield the arguments that rules name and the function does not have."""
    parameters = about.looked.parameters
    if parameters is None:
        return
    known = [one.name for one in parameters]
    for rule in about.plan.rules:
        for code, name, source in _named(rule):
            if name not in known:
                near = closest(name, known)
                listed = f"its arguments: {', '.join(known)}" if known else "it takes none"
                help = f"did you mean `{near}`?" if near else listed
                message = f"`{about.target}` has no argument `{name}`"
                whole = near is not None and code == "MP202"
                repair = (Suggestion(f"write `{near}`", source, str(near)),) if whole else ()
                yield Diagnostic(code, message, source, help=help, suggestions=repair)


def _named(rule: PlannedRule) -> Iterator[tuple[str, str, Span]]:
    """Yield (code, argument, place) of each argument that *rule* names."""
    rollout = rule.control.rollout if rule.control else None
    for name in heads([rollout.by] if rollout and rollout.by else ()):
        yield "MP507", name, at(rule, "rollout.by")
    if rule.kind == "validate":
        for name in getattr(rule.rule, "args", None) or {}:
            yield "MP202", name, key_of(rule, f"args.{name}")
    if rule.kind == "cache":
        for field in ("key", "ignore"):
            for number, name in enumerate(heads(getattr(rule.rule, field, None))):
                yield "MP702", name, item_of(rule, field, number)


def heads(paths: Any) -> Iterator[str]:
    """Yield the argument that each of *paths* begins with."""
    for one in paths or ():
        try:
            yield parse(str(one)).name
        except ArgPathError:
            continue
