"""Every code that can be found, of the language and of the kinds of rule."""

from __future__ import annotations

from mlpolicy.core.diagnostic import Code, Level, shared
from mlpolicy.rules import KINDS

__all__ = ["Level", "codes"]


def codes() -> dict[str, Code]:
    """Return every code that can be found, in order."""
    found = [*shared(), *(code for name in KINDS for code in KINDS[name].finding_codes())]
    return {code.code: code for code in sorted(found, key=lambda code: code.code)}
