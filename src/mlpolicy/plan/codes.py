"""Every code that can be found, of the language and of the kinds of rule."""

from __future__ import annotations

from mlpolicy.core.codes import Code, Level, shared
from mlpolicy.rules import KINDS

__all__ = ["Level", "codes", "found_at"]


def codes() -> dict[str, Code]:
    """Return every code that can be found, in order."""
    found = [*shared(), *(code for name in KINDS for code in KINDS[name].finding_codes())]
    return {code.code: code for code in sorted(found, key=lambda code: code.code)}


def found_at(code: str, level: Level) -> bool:
    """Return whether a command that looks as far as *level* would find *code*."""
    known, levels = codes().get(code), ("none", "ast", "import")
    return known is None or levels.index(known.level) <= levels.index(level)
