"""Blocks of a test file against their models, keys that are missing among the findings."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span
from mlpolicy.document.node import Mapping, Node
from mlpolicy.model.check import check, locate
from mlpolicy.model.unknown import Words


def checked(node: Mapping, model: type[BaseModel], about: Words, found: list[Diagnostic]) -> Any:
    """Return *node* as an instance of *model*, None where it is none; what is wrong to *found*."""
    outcome = check(node, model, about)
    found += outcome.diagnostics
    for loc in outcome.missing:
        held, entry = locate(node, loc[:-1])
        section = f"`{entry.key}`" if entry is not None else about.section
        span = entry.key_span if entry is not None else begin(held)
        if loc == ("version",):
            text, help = "`version` is missing", "begin with `version: 1`"
            found.append(Diagnostic("MP003", text, Span(span.file), help=help))
        else:
            found.append(Diagnostic("MP011", f"{section} needs `{loc[-1]}`", span))
    return outcome.value


def begin(node: Node) -> Span:
    """Return where *node* begins: a whole block is too much to point at."""
    if isinstance(node, Mapping) and node.entries:
        return node.entries[0].key_span
    return node.span
