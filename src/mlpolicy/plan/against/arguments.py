"""Arguments that rules name, against the signature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mlpolicy.core.argpath import ArgPath
from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.span import Span
from mlpolicy.core.words import closest
from mlpolicy.plan.against.about import About, at, key_of
from mlpolicy.plan.plan import PlannedRule
from mlpolicy.plan.references import ROLLOUT, Named, named, paths


def look(about: About) -> Iterator[Diagnostic]:
    """Yield the arguments that rules name and the function does not have."""
    parameters = about.looked.parameters
    if parameters is None:
        return
    known = [one.name for one in parameters]
    takes_any = any(one.kind == "var_keyword" for one in parameters)
    for rule in about.plan.rules:
        for code, path, setting in (*named(rule), *_hidden(about, rule)):
            name = path.name
            if name not in known and not (takes_any and setting != ROLLOUT):
                source = key_of(rule, setting) if code == "MP202" else at(rule, setting)
                near = closest(name, known)
                listed = f"its arguments: {', '.join(known)}" if known else "it takes none"
                help = f"did you mean `{near}`?" if near else listed
                message = f"`{about.target}` has no argument `{name}`"
                repair = (_repair(replace(path, name=near), source),) if near else ()
                yield Diagnostic(code, message, source, help=help, suggestions=repair)


def _repair(meant: ArgPath, source: Span) -> Suggestion:
    text = str(meant)
    return Suggestion(f"write `{text}`", source, f'"{text}"' if "[" in text else text)


def _hidden(about: About, rule: PlannedRule) -> Iterator[Named]:
    """Yield what a log is to hide, where a policy for this function alone says it.

    A policy for many says it for those of them that have the argument.
    """
    hidden = (
        getattr(getattr(rule.rule, "log", None), "redact", ()) if rule.kind == "monitor" else ()
    )
    own = [
        one.name
        for one in [one for _, one in about.rulebook.candidates(about.target)]
        if len(one.match) == 1
    ]
    if hidden and rule.values["log.redact"].policy in own:
        for number, path in paths(hidden):
            yield "MP908", path, f"log.redact.{number}"


def heads(texts: Any) -> Iterator[str]:
    """Yield the argument that each of the paths *texts* begins with."""
    return (path.name for _, path in paths(texts))
