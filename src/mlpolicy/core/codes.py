"""What can be found wrong with a policy: each code once, with its reason and an example.

Ours are Markdown files in `mlpolicy/findings`, one a code; a file is read when somebody asks what
it says. The kinds of plugins bring a tuple of `Code`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

from mlpolicy.core.diagnostic import Severity
from mlpolicy.core.frozen import frozen

FOLDER = Path(__file__).parents[1] / "findings"
Level = Literal["none", "ast", "import"]
"""How far a command looks for targets."""
_SECTION = re.compile(r"^## (\w+)\n\n(.*?)(?=\n## |\Z)", re.M | re.S)


@frozen()
class Code:
    """One finding, as `mlpolicy explain CODE` shows it."""

    code: str
    severity: Severity
    title: str
    finds: str
    """What it finds."""
    why: str
    """Why it matters."""
    before: str
    """A policy file in which it is found, and nothing else."""
    after: str
    """The same file put right."""
    level: Level = "none"
    """How far a command must look to find it."""


class _Written(Code):
    """A code of ours: all but its name is read from its file when it is asked for."""

    __slots__ = ()

    def __init__(self, code: str) -> None:
        object.__setattr__(self, "code", code)

    def __getattr__(self, name: str) -> Any:
        if name not in Code.__annotations__:
            raise AttributeError(f"{type(self).__name__} has no {name}")
        text = FOLDER.joinpath(f"{self.code}.md").read_text(encoding="utf-8")
        _, front, body = text.split("---\n", 2)
        said: dict[str, Any] = dict(line.split(": ", 1) for line in front.splitlines())
        sections = {title.lower(): content for title, content in _SECTION.findall(body)}
        said |= {part: " ".join(sections[part].split("\n")).strip() for part in ("finds", "why")}
        for part in ("before", "after"):
            fenced = sections.get(part, "")
            said[part] = fenced.removeprefix("~~~yaml\n").removesuffix("~~~\n")
        for key, value in said.items():
            setattr(self, key, value)
        return said[name]


@cache
def shared() -> tuple[Code, ...]:
    """Return the codes of ours, in order."""
    return tuple(_Written(path.stem) for path in sorted(FOLDER.glob("MP*.md")))
