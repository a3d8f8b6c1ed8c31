"""Values that tools of YAML 1.1 read otherwise: `NO`, `on`, `1:30`, `010`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.span import Span
from mlpolicy.document.node import Mapping, scalars

_TRUTH = re.compile(r"[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF")
_SIXTIES = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_FIRST = frozenset("+-0123456789yYnNoO")
"""What each of them begins with."""
_OCTAL = re.compile(r"[-+]?0[0-7_]+")


def older_readings(
    root: Mapping, texts: Iterable[str], wrong: Iterable[Span]
) -> Iterator[Diagnostic]:
    """Yield the values that mean another thing to older tools, but for those that are *wrong*.

    Args:
        root: What a file says.
        texts: Each value that stands without quotes in that file, once.
        wrong: Where something else was found.
    """
    if not any(map(_otherwise, texts)):
        return
    said = {(span.line, span.column) for span in wrong}
    for scalar in scalars(root):
        meant = "" if scalar.quoted else _otherwise(scalar.text)
        if meant and (scalar.span.line, scalar.span.column) not in said:
            quoted = f'"{scalar.text}"' if isinstance(scalar.value, str) else str(scalar.value)
            yield Diagnostic(
                "MP105",
                f"`{scalar.text}` is {meant} to tools that read YAML 1.1",
                scalar.span,
                "warning",
                help=f"write {quoted}",
                suggestions=(Suggestion(f"write {quoted}", scalar.span, quoted, safe=True),),
            )


def _otherwise(text: str) -> str:
    if text[:1] not in _FIRST:
        return ""
    if _TRUTH.fullmatch(text):
        return "a truth value"
    if _SIXTIES.fullmatch(text):
        return "a number of base 60"
    return "a number of base 8" if _OCTAL.fullmatch(text) else ""
