"""The arguments of a function that its rules name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlpolicy.core.argpath import ArgPath, ArgPathError, parse
from mlpolicy.core.given import Given
from mlpolicy.plan.plan import PlannedRule

Named = tuple[str, ArgPath, str]
"""The code of the finding that it is not there, the path to it, and the setting that names it."""
AMONG_KEYWORDS = ("MP202", "MP702")
"""What these are about is found in `**options`, too."""


def named(rule: PlannedRule) -> Iterator[Named]:
    """Yield (code, path, setting) of each argument that *rule* names."""
    rollout = rule.control.rollout if rule.control else None
    for _, path in paths([rollout.by] if rollout and rollout.by else ()):
        yield "MP507", path, "rollout.by"
    if rule.kind == "validate":
        for name in getattr(rule.rule, "args", None) or {}:
            yield "MP202", ArgPath(name), f"args.{name}"
    if rule.kind == "cache":
        for field in ("key", "ignore"):
            for number, path in paths(getattr(rule.rule, field, None)):
                yield "MP702", path, f"{field}.{number}"


def paths(texts: Any) -> Iterator[tuple[int, ArgPath]]:
    """Yield each path in a list of *texts*, with its number; a function in its place names none."""
    for number, one in enumerate(() if isinstance(texts, Given) else texts or ()):
        try:
            yield number, parse(str(one))
        except ArgPathError:
            continue
