"""Patterns and paths that differ by one slip in one of their components."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from mlpolicy.core.frozen import frozen
from mlpolicy.core.target import Glob, Target
from mlpolicy.core.words import closest, differing, is_one_slip


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
    near = closest(stem, [name]) if stem == part else _beginning(stem, name)
    if near:
        yield near + part[len(stem) :], stem + name[len(near) :]


def _beginning(stem: str, name: str) -> str:
    """Return the beginning of *name* that *stem* was meant to be, if they differ by one letter."""
    size = len(stem)
    each = [name[:size], name[: size - 1], name[: size + 1]]
    # A `_` that divides words stands in both.
    each.sort(key=lambda one: one.count("_") != stem.count("_"))
    return next((one for one in each if is_one_slip(*differing(stem, one))), "")


def _parts(text: str) -> list[str]:
    module, _, qualname = text.partition(":")
    return [*module.split("."), ":", *qualname.split(".")]


def _joined(parts: list[str]) -> str:
    return ".".join(parts).replace(".:.", ":")
