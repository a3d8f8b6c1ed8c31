"""Rulebooks from text, for tests of plans."""

from __future__ import annotations

from textwrap import dedent

from mlpolicy.model.read import read_text
from mlpolicy.plan.load import Loaded, check


def loaded(*texts: str) -> Loaded:
    """Return what *texts*, each a policy file, make together."""
    files = [
        read_text("version: 1\n" + dedent(text), file=f"{at}.yaml") for at, text in enumerate(texts)
    ]
    return check(files)


def found(*texts: str) -> list[tuple[str, int, int]]:
    """Return (code, line, column) of every finding; the first line of each text is line 2."""
    return [(one.code, one.span.line, one.span.column) for one in loaded(*texts).diagnostics]
