"""The files of a policy: those given, what they import, and what installed packages carry."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlpolicy.core import plugins
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.frozen import frozen
from mlpolicy.core.plugins import Plugin, PluginError
from mlpolicy.core.span import Span
from mlpolicy.document.parse import read
from mlpolicy.model.policy import Name
from mlpolicy.model.read import ImportRefused, Source, folder_of, located, source
from mlpolicy.plan.files import once, policy_files, real, vanished

DEEPEST = 32
"""How many files may import one another in a chain."""
DEPTH = 1000
"""How deep below all files that were given those of packages lie."""


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
    complete: bool = True
    """Whether every import was found."""
    _depth: int = 0

    @property
    def files(self) -> tuple[Located, ...]:
        """Every file, by its real path."""
        return tuple(self.known[path] for path in sorted(self.known))

    @property
    def environments(self) -> tuple[str, ...]:
        """Every environment that a file names."""
        return tuple(sorted({name for file in self.files for name in file.source.environments}))

    def inmost_first(self) -> list[Located]:
        """Return every file after those that it imports."""
        return sorted(self.files, key=lambda file: -file.depth)

    def add(self, path: Path, *, root: Path, shown: str) -> Located:
        """Read the file at *path*, and what it imports; *shown* is how places name it."""
        place = real(path)
        if place in self.known:
            return self.known[place]
        file = self.known[place] = Located(place, source(read(_as_shown(path, shown))), root)
        for name in file.source.imports:
            self._import(file, name, Path(shown))
        return file

    def _import(self, importer: Located, name: Name, shown: Path) -> None:
        try:
            path, root = located(name.text, importer=importer.path, root=importer.root)
        except ImportRefused as error:
            self._refuse(name, str(error), error.help)
            return
        if self._depth >= DEEPEST:
            text = f"files import each other more than {DEEPEST} deep"
            self._refuse(name, text, "nobody can follow that; import them from fewer files")
            return
        display = path if name.text.startswith("pkg:") else shown.parent / name.text
        self._depth += 1
        file = self.add(path, root=root, shown=str(_tidy(display)))
        self._depth -= 1
        if self._reaches(file, importer.path):
            text = f"`{name.text}` imports this file: imports go in a circle"
            self._refuse(name, text, "move what both need into a third file")
            return
        importer.imports.append(file.path)

    def _refuse(self, name: Name, text: str, help: str) -> None:
        self.complete = False
        self.diagnostics.append(Diagnostic("MP120", text, name.span, help=help))

    def _reaches(self, start: Located, goal: Path) -> bool:
        seen, ahead = {start.path}, [start.path]
        while ahead and ahead[-1] != goal:
            new = [path for path in self.known[ahead.pop()].imports if path not in seen]
            ahead += new
            seen.update(new)
        return bool(ahead)

    def settle(self, path: Path, depth: int) -> None:
        """Let a file lie *depth* below those given, and what it imports deeper."""
        file = self.known[path]
        if not depth or depth > file.depth:
            file.depth = max(file.depth, depth)
            for imported in file.imports:
                self.settle(imported, file.depth + 1)


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
    roots: dict[Path, Path] = {}
    listed: set[Path] = set()
    for path in paths:
        if not os.path.exists(path):
            text = f"`{path}` does not exist"
            gathered.diagnostics.append(Diagnostic("MP001", text, Span(str(path))))
            continue
        folder = os.path.isdir(path)
        for one in policy_files(path):
            roots.setdefault(one, path if folder else path.parent)
            listed.update([one] if folder else ())
    led: dict[Path, Path] = {}
    for path in once(roots):
        file = gathered.add(path, root=roots[path], shown=str(path))
        if path in listed and file.source.root is None and vanished(path):
            if not any(file.path in other.imports for other in gathered.known.values()):
                del gathered.known[file.path]
        else:
            gathered.settle(file.path, 0)
            led[path] = file.path
    return any(real(path) != place for path, place in led.items())


def _add_carried(gathered: Gathered) -> None:
    """Add the files of installed packages, below all others."""
    packages, wrong = carried()
    for package in packages:
        for path in package.files:
            if real(path) not in gathered.known:
                file = gathered.add(path, root=package.folder, shown=str(path))
                gathered.settle(file.path, DEPTH)
    start = next((Span(file.source.file) for file in gathered.files), Span(""))
    gathered.diagnostics += (
        Diagnostic(error.code, str(error), start, help=error.help) for error in wrong.values()
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
    return Path(*parts)


# --- what installed packages carry ----------------------------------------------------


@frozen()
class Carried:
    """The policy files of one plugin: an entry point of the group `mlpolicy.policies`."""

    plugin: Plugin
    folder: Path
    files: tuple[Path, ...]


def carried() -> tuple[tuple[Carried, ...], Mapping[str, PluginError]]:
    """Return what packages carry, and by name what is wrong with others.

    None of their code is run.
    """
    found: list[Carried] = []
    wrong: dict[str, PluginError] = {}
    for plugin in plugins.installed("policies"):
        try:
            plugins.find("policies", plugin.name)
            found.append(_carried_by(plugin))
        except PluginError as error:
            wrong[plugin.name] = error
    return tuple(found), wrong


def _carried_by(plugin: Plugin) -> Carried:
    package, _, beyond = plugin.value.partition(":")
    if beyond:
        raise plugin.broken("policies are the folder of a package: write it without `:`")
    try:
        folder = folder_of(package)
    except ImportRefused as error:
        raise plugin.broken(str(error)) from None
    files = tuple(policy_files(folder))
    if not files:
        raise plugin.broken(f"there is no policy file in `{folder}`")
    return Carried(plugin, folder, files)
