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
from mlpolicy.plan.arguments import AMONG_KEYWORDS, named, paths


def look(about: About) -> Iterator[Diagnostic]:
    """Yield the arguments that rules name and the function does not have."""
    parameters = about.looked.parameters
    if parameters is None:
        return
    known = [one.name for one in parameters]
    takes_any = any(one.kind == "var_keyword" for one in parameters)
    for rule in about.plan.rules:
        for code, path, setting in named(rule):
            name = path.name
            if name not in known and not (takes_any and code in AMONG_KEYWORDS):
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


def heads(texts: Any) -> Iterator[str]:
    """Yield the argument that each of the paths *texts* begins with."""
    return (path.name for _, path in paths(texts))
