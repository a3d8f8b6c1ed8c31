"""Patterns and paths that differ by one slip in one of their components."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from mlpolicy.core.frozen import frozen
from mlpolicy.core.target import Glob, Target
from mlpolicy.core.words import closest


@frozen()
class Respelt:
    """What a pattern and a function, of which one was misspelt, were meant to be."""

    glob: Glob
    """The pattern that takes the function."""
    target: Target
    """The function that the pattern takes."""


def respelt(glob: Glob, target: Target) -> Respelt | None:
    """Return how *glob* takes *target* if one of them was misspelt; None where more differs."""
    written, named = _parts(glob.text), _parts(str(target))
    at = written.index("**") if "**" in written else len(written)
    spread = len(named) - len(written) + 1  # so many components `**` stands for
    wide = written if spread == 1 else [*written[:at], *["*"] * spread, *written[at + 1 :]]
    if len(wide) != len(named) or wide.index(":") != named.index(":"):
        return None
    wrong = [at for at, part in enumerate(wide) if not fnmatchcase(named[at], part)]
    if len(wrong) != 1:
        return None
    there = wrong[0]
    here = there if there < at else there - spread + 1
    for part, name in _near(written[here], named[there]):
        return Respelt(
            Glob(_joined([*written[:here], part, *written[here + 1 :]])),
            Target.parse(_joined([*named[:there], name, *named[there + 1 :]])),
        )
    return None


def _near(part: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield *part* as it takes *name*, and *name* as it is taken, if they are alike."""
    stem = part.removesuffix("*")
    if "*" in stem or not stem:
        return
    size = len(stem)
    begins = [name] if stem == part else [name[:end] for end in (size, size - 1, size + 1)]
    near = closest(stem, begins)
    if near is not None:
        yield near + part[size:], stem + name[len(near) :]


def _parts(text: str) -> list[str]:
    module, _, qualname = text.partition(":")
    return [*module.split("."), ":", *qualname.split(".")]


def _joined(parts: list[str]) -> str:
    return ".".join(parts).replace(".:.", ":")
