"""What can be found wrong with a policy: each code once, with its reason and an example."""

from __future__ import annotations

from mlpolicy.core.diagnostic import Severity
from mlpolicy.core.frozen import frozen


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


def policy(target: str, *lines: str, head: str = "") -> str:
    """Return a file with one policy: *lines* are its keys, *head* is what stands above."""
    body = "".join(f"    {line}\n" for line in lines)
    return f"version: 1\n{head}policies:\n  {target}:\n{body}"


def shared() -> tuple[Code, ...]:
    """Return the codes that belong to no kind of rule."""
    from mlpolicy.core.codes import (
        conflicts,
        files,
        functions,
        holding,
        meaning,
        targets,
        values,
        variables,
    )

    each = (files, values, variables, targets, functions, conflicts, holding, meaning)
    return tuple(code for one in each for code in one.CODES)
