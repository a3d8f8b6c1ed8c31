"""Every code that can be found, of the language and of the kinds of rule."""

from __future__ import annotations

from typing import Literal

from mlpolicy.core.codes import Code, shared
from mlpolicy.rules import KINDS


def codes() -> dict[str, Code]:
    """Return every code that can be found, in order."""
    found = [*shared(), *(code for name in KINDS for code in KINDS[name].finding_codes())]
    return {code.code: code for code in sorted(found, key=lambda code: code.code)}


Level = Literal["none", "ast", "import"]
"""How far a command looks for targets."""

_OF_SOURCE = frozenset(f"MP3{number:02}" for number in range(12)) | {
    *("MP202", "MP209", "MP210", "MP409", "MP507", "MP603", "MP604", "MP607"),
    *("MP702", "MP703", "MP704"),
}
_OF_IMPORT = frozenset({"MP208", "MP321", "MP802", "MP805", "MP905"})


def found_at(code: str, level: Level) -> bool:
    """Whether a command that looks as far as *level* would find *code*."""
    if level == "import":
        return True
    return code not in _OF_IMPORT and (level == "ast" or code not in _OF_SOURCE)
