"""The files of a policy: those given, and what they import."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span
from mlpolicy.document.parse import read
from mlpolicy.model.imports import ImportRefused, located
from mlpolicy.model.policy import Name
from mlpolicy.model.read import Source, source
from mlpolicy.plan.files import once, policy_files, real, vanished
from mlpolicy.plan.installed import DEPTH, carried

DEEPEST = 32
"""How many files may import one another in a chain."""


@dataclass(slots=True)
class Located:
    """One file: where it is, how deep below those given, and what it imports."""

    path: Path
    """Its real path."""
    source: Source
    root: Path
    """The folder that its imports may not leave."""
    depth: int = 0
    imports: list[Path] = field(default_factory=list)


@dataclass(slots=True)
class Gathered:
    """The files of a policy, read before an environment is chosen."""

    known: dict[Path, Located] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _depth: int = 0

    @property
    def files(self) -> tuple[Located, ...]:
        """Every file, by its real path."""
        return tuple(self.known[path] for path in sorted(self.known))

    @property
    def environments(self) -> tuple[str, ...]:
        """Every environment that a file names."""
        return tuple(sorted({name for one in self.files for name in one.source.environments}))

    def inmost_first(self) -> Iterator[Located]:
        """Yield every file after those that it imports."""
        yield from sorted(self.files, key=lambda one: -one.depth)

    # --- imports ----------------------------------------------------------------------

    def add(self, path: Path, *, root: Path, shown: str) -> Located:
        """Read the file at *path*, and what it imports; *shown* is how places name it."""
        place = real(path)
        if place in self.known:
            return self.known[place]
        held = self.known[place] = Located(place, source(read(_as_shown(path, shown))), root)
        for name in held.source.imports:
            self._import(held, name, Path(shown))
        return held

    def _import(self, importer: Located, name: Name, shown: Path) -> None:
        try:
            path, root = located(name.text, importer=importer.path, root=importer.root)
        except ImportRefused as error:
            self.diagnostics.append(Diagnostic("MP120", str(error), name.span, help=error.help))
            return
        display = shown.parent / name.text if not name.text.startswith("pkg:") else path
        if self._depth >= DEEPEST:
            text = f"files import each other more than {DEEPEST} deep"
            help = "nobody can follow that; import them from fewer files"
            self.diagnostics.append(Diagnostic("MP120", text, name.span, help=help))
            return
        self._depth += 1
        held = self.add(path, root=root, shown=str(_tidy(display)))
        self._depth -= 1
        if self._reaches(held, importer.path):
            text = f"`{name.text}` imports this file: imports go in a circle"
            help = "move what both need into a third file"
            self.diagnostics.append(Diagnostic("MP120", text, name.span, help=help))
            return
        importer.imports.append(held.path)

    def _reaches(self, start: Located, goal: Path) -> bool:
        seen, ahead = {start.path}, [start]
        while ahead:
            one = ahead.pop()
            if one.path == goal:
                return True
            ahead += (self.known[path] for path in one.imports if path not in seen)
            seen.update(one.imports)
        return False

    def drop(self, one: Located) -> None:
        """Leave out a file that is there no longer, unless another imports it."""
        if not any(one.path in other.imports for other in self.known.values()):
            del self.known[one.path]

    def settle(self, given: Iterable[Path], *, below: int = 0) -> None:
        """Give every file its depth: one more than the deepest of those that import it."""
        for path in given:
            self._sink(self.known[path], below)

    def _sink(self, one: Located, depth: int) -> None:
        if depth and depth <= one.depth:
            return
        one.depth = max(one.depth, depth)
        for path in one.imports:
            self._sink(self.known[path], one.depth + 1)


def gather(paths: Iterable[Path], *, turns: int = 50) -> Gathered:
    """Return the files at *paths*, directories searched, what they import, and what packages carry.

    Files that links lead to are read anew where the links are turned to others meanwhile.
    """
    paths, gathered = tuple(paths), Gathered()
    if _add_given(gathered, paths) and turns:
        return gather(paths, turns=turns - 1)
    _add_carried(gathered)
    return gathered


def _add_given(gathered: Gathered, paths: Iterable[Path]) -> bool:
    """Add the files at *paths*; return whether any of them is another file by now."""
    given: dict[Path, Path] = {}
    listed: set[Path] = set()
    for path in paths:
        if not os.path.exists(path):
            text = f"`{path}` does not exist"
            gathered.diagnostics.append(Diagnostic("MP001", text, Span(str(path))))
            continue
        root = path if os.path.isdir(path) else path.parent
        for one in policy_files(path):
            given.setdefault(one, root)
            if root == path:
                listed.add(one)
    led: dict[Path, Path] = {}
    for one in once(given):
        held = gathered.add(one, root=given[one], shown=str(one))
        if one in listed and held.source.root is None and vanished(one):
            gathered.drop(held)
        else:
            gathered.settle([held.path])
            led[one] = held.path
    return any(real(one) != path for one, path in led.items())


def _add_carried(gathered: Gathered) -> None:
    """Add the files of installed packages, below all others."""
    packages, wrong = carried()
    new: list[Path] = []
    for package in packages:
        new += (
            gathered.add(path, root=package.folder, shown=str(path)).path
            for path in package.files
            if real(path) not in gathered.known
        )
    gathered.settle(new, below=DEPTH)
    start = next((Span(one.source.file) for one in gathered.files), Span(""))
    gathered.diagnostics += (
        Diagnostic(one.code, str(one), start, help=one.help) for one in wrong.values()
    )


def _as_shown(path: Path, shown: str) -> Path:
    """Return the path under which places name a file, where that leads to the same file."""
    display = Path(shown)
    try:
        return display if display == path or display.samefile(path) else path
    except OSError:
        return path


def _tidy(path: Path) -> Path:
    """Return *path* without `.` and `..` where that is plain."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] not in ("..", "/"):
            parts.pop()
        elif part != ".":
            parts.append(part)
    return Path(*parts) if parts else Path()
