"""The files of a policy: those given, what they import, and what installed packages carry."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlpolicy.core import plugins
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.plugins import Plugin, PluginError
from mlpolicy.core.span import Span
from mlpolicy.document.parse import Document, read
from mlpolicy.model.policy import DEPTH, Name
from mlpolicy.model.read import ImportRefused, Source, folder_of, located, source

SUFFIXES = (".yaml", ".yml")
TESTS = (".test.yaml", ".test.yml")
NOT_POLICIES = "examples"
LARGE = 1 << 20
"""Letters of files from which on no more than the nodes of one are held at a time."""
DEEPEST = 32
"""How many files may import one another in a chain."""


def policy_files(path: Path) -> list[Path]:
    """Return the policy files at *path*: itself, or those of a directory.

    A folder `examples` is no policy, and neither are policy tests, nor what has a name that
    begins with a dot: editors, notebooks, git and volumes of Kubernetes keep their own things so.
    What cannot be read is among them, and so is a folder that cannot be searched, or that a link
    has outside: a policy must not be missed in silence. Other links to folders are followed, each
    folder once.
    """
    if not os.path.isdir(path):
        return [path]
    closed: list[OSError] = []
    found: list[Path] = []
    seen: set[str] = set()
    for folder, folders, names in os.walk(path, onerror=closed.append, followlinks=True):
        place = os.path.realpath(folder)
        if place in seen:  # links may go in a circle
            folders.clear()
            continue
        seen.add(place)
        if not lies_in(place, path):
            found.append(Path(folder))  # (which says so when it is read)
            folders.clear()
            continue
        folders[:] = (name for name in folders if name != NOT_POLICIES and name[0] != ".")
        found += (Path(folder, name) for name in names if _is_policy(name))
    found += (Path(error.filename) for error in closed if not _vanished(error.filename))
    return sorted(found)


def _is_policy(name: str) -> bool:
    return name[0] != "." and name.endswith(SUFFIXES) and not name.endswith(TESTS)


def _vanished(path: Path | str) -> bool:
    """Whether what was listed at *path* is there no longer.

    A volume of Kubernetes takes the link to a file away just after the file itself.
    """
    try:
        return os.readlink(path).startswith("..data/") and not os.path.exists(path)
    except FileNotFoundError:
        return True
    except OSError:  # it is there, and no link
        return False


def lies_in(path: Path | str, root: Path) -> bool:
    """Whether what *path* leads to is in the folder *root*, all links followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def read_within(path: Path, root: Path | None) -> Document:
    """Return the document at *path*, or the finding that a link leads out of the folder *root*.

    It is asked before anything is read, and once more of the file that was opened.
    """
    if root is None or lies_in(path, root):
        document = read(path)
        place = Path(document.place)
        if root is None or not document.text or place.is_relative_to(_real(root)):
            return document
    help = "put the file itself there, or name it by itself on the command line"
    text = f"`{path}` is a link that leads outside of `{root}`"
    return Document(str(path), "", None, (Diagnostic("MP120", text, Span(str(path)), help=help),))


def _real(path: Path) -> Path:
    """Return what *path* leads to; where links go in a circle, as far as that can be told."""
    return Path(os.path.realpath(path))


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
    size: int = 0
    """How many letters all of them have."""

    @property
    def is_large(self) -> bool:
        """Whether the nodes of all files are too many to be held at once."""
        return self.size > LARGE

    @property
    def files(self) -> tuple[Located, ...]:
        """Every file, by its real path."""
        return tuple(self.known[path] for path in sorted(self.known))

    @property
    def environments(self) -> tuple[str, ...]:
        """Every environment that a file names."""
        return tuple(sorted({name for file in self.files for name in file.source.environments}))

    def add(
        self, path: Path, *, root: Path, shown: Path, depth: int = 0, within: Path | None = None
    ) -> Located:
        """Read the file at *path*, and what it imports; *shown* is how places name it.

        It must lie *within* a folder, whatever links there turned meanwhile.
        """
        place = _real(path)
        if place in self.known:
            return self.known[place]
        same = shown == path or _real(shown) == place
        document = read_within(shown if same else path, within)
        file = self.known[place] = Located(place, source(document), root)
        self.size += len(document.text)
        if self.is_large:
            file.source.forget()
        for name in file.source.imports:
            try:
                self._import(file, name, shown, depth)
            except ImportRefused as error:
                self.complete = False
                self.diagnostics.append(Diagnostic("MP120", str(error), name.span, help=error.help))
        return file

    def _import(self, importer: Located, name: Name, shown: Path, depth: int) -> None:
        path, root = located(name.text, importer=importer.path, root=importer.root)
        if depth >= DEEPEST:
            text = f"files import each other more than {DEEPEST} deep"
            raise ImportRefused(text, "nobody can follow that; import them from fewer files")
        display = path if name.text.startswith("pkg:") else shown.parent / name.text
        display = Path(os.path.normpath(display))
        file = self.add(path, root=root, shown=display, depth=depth + 1, within=root)
        seen, ahead = {file.path}, [file.path]
        while ahead:
            reached = ahead.pop()
            if reached == importer.path:
                text = f"`{name.text}` imports this file: imports go in a circle"
                raise ImportRefused(text, "move what both need into a third file")
            new = set(self.known[reached].imports) - seen
            ahead += new
            seen |= new
        importer.imports.append(file.path)

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
    packages, wrong = carried()
    for folder, path in packages:
        if _real(path) not in gathered.known:
            file = gathered.add(path, root=folder, shown=path)
            gathered.settle(file.path, DEPTH)
    start = next((Span(file.source.file) for file in gathered.files), Span(""))
    for error in wrong.values():
        gathered.diagnostics.append(Diagnostic(error.code, str(error), start, help=error.help))
    return gathered


def _add_given(gathered: Gathered, paths: Iterable[Path]) -> bool:
    """Add the files at *paths*; return whether any of them is another file by now."""
    roots: dict[Path, tuple[Path, Path | None]] = {}
    for path in paths:
        if not os.path.exists(path):
            text = f"`{path}` does not exist"
            gathered.diagnostics.append(Diagnostic("MP001", text, Span(str(path))))
            continue
        root = (path, path) if os.path.isdir(path) else (path.parent, None)
        for file in policy_files(path):
            roots.setdefault(file, root)
    led: dict[Path, Path] = {}
    # (of several names of one file the first counts)
    for path in reversed({_real(path): path for path in reversed(roots)}.values()):
        folder, within = roots[path]
        added = gathered.add(path, root=folder, shown=path, within=within)
        if within and added.source.root is None and _vanished(path):
            if not any(added.path in other.imports for other in gathered.known.values()):
                del gathered.known[added.path]
        else:
            gathered.settle(added.path, 0)
            led[path] = added.path
    return any(_real(path) != place for path, place in led.items())


# --- what installed packages carry ----------------------------------------------------


def carried() -> tuple[list[tuple[Path, Path]], Mapping[str, PluginError]]:
    """Return the policy files of packages, each after its folder, and by name what is wrong with others.

    They are the folders that entry points of the group `mlpolicy.policies` name. No code is run.
    """
    found: list[tuple[Path, Path]] = []
    wrong: dict[str, PluginError] = {}
    for plugin in plugins.installed("policies"):
        try:
            plugins.find("policies", plugin.name)
            found += _carried_by(plugin)
        except PluginError as error:
            wrong[plugin.name] = error
    return found, wrong


def _carried_by(plugin: Plugin) -> list[tuple[Path, Path]]:
    package, _, beyond = plugin.value.partition(":")
    if beyond:
        raise plugin.broken("policies are the folder of a package: write it without `:`")
    try:
        folder = folder_of(package)
    except ImportRefused as error:
        raise plugin.broken(str(error)) from None
    files = policy_files(folder)
    if not files:
        raise plugin.broken(f"there is no policy file in `{folder}`")
    return [(folder, file) for file in files]
