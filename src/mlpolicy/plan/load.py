"""Policy files become a rulebook, with everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlpolicy.core.diagnostic import Diagnostic, in_order
from mlpolicy.core.span import Span
from mlpolicy.document.parse import Document
from mlpolicy.model.policy import PolicyFile
from mlpolicy.model.read import Reading, read_file
from mlpolicy.plan.lint import lint
from mlpolicy.plan.rulebook import Rulebook

SUFFIXES = (".yaml", ".yml")
TESTS = (".test.yaml", ".test.yml")
NOT_POLICIES = "examples"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A set of files: the rulebook that they make, and the findings."""

    rulebook: Rulebook
    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that keep the policy from being used."""
        return tuple(one for one in self.diagnostics if one.severity == "error")

    @property
    def files(self) -> tuple[PolicyFile, ...]:
        """The files, by name."""
        return self.rulebook.files


def load(paths: Iterable[Path]) -> Loaded:
    """Read the files at *paths*, directories searched, and check them together."""
    files, absent = [], []
    for path in paths:
        if path.exists():
            files += policy_files(path)
        else:
            absent.append(Diagnostic("MP001", f"`{path}` does not exist", Span(str(path))))
    readings = [read_file(path) for path in _once(files)]
    return check(readings, absent)


def check(readings: Iterable[Reading], before: Iterable[Diagnostic] = ()) -> Loaded:
    """Return what *readings* make together."""
    readings = tuple(readings)
    rulebook = Rulebook(reading.file for reading in readings)
    found = [*before, *(one for reading in readings for one in reading.diagnostics)]
    broken = any(one.severity == "error" for one in found)
    # A rule that could not be read is missing here: what its absence would make others say is noise.
    found += (one for one in lint(rulebook) if not broken or one.code not in _OF_ABSENCE)
    return Loaded(rulebook, tuple(one.document for one in readings), in_order(found))


_OF_ABSENCE = ("MP011", "MP408")


def policy_files(path: Path) -> list[Path]:
    """Return the policy files at *path*: itself, or those of a directory.

    A folder `examples` is no policy, and neither are policy tests.
    """
    if not path.is_dir():
        return [path]
    found = (one for one in path.rglob("*") if one.suffix in SUFFIXES and one.is_file())
    return sorted(
        one
        for one in found
        if not one.name.endswith(TESTS) and NOT_POLICIES not in one.relative_to(path).parts[:-1]
    )


def _once(paths: Iterable[Path]) -> list[Path]:
    """Return *paths* without those that are the same file by another name."""
    return list({path.resolve(): path for path in reversed(list(paths))}.values())[::-1]
