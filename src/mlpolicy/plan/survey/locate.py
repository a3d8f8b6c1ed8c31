"""Where the file of a module is, found without importing any part of its name."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterator, Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from mlpolicy.core.frozen import frozen
from mlpolicy.plan.survey.installed import Editable, editables, is_site

_COMPILED = (".so", ".pyd")


@frozen()
class Source:
    """A module with source: a file, and, if it is a package, where its modules are."""

    file: Path
    folders: tuple[Path, ...] = ()
    compiled: bool = False
    """Whether *file* only describes what was compiled."""


@frozen()
class Space:
    """A namespace package: folders, and no source of its own."""

    folders: tuple[Path, ...]


@frozen()
class Opaque:
    """A module that exists and cannot be read; `why` completes "`name` …"."""

    why: str
    folders: tuple[Path, ...] = ()
    guessed: bool = False
    """Whether it may not exist at all."""
    broken: Path | None = None
    """The file whose text is not Python, to this interpreter at least."""


Place = Source | Space | Opaque


@frozen()
class Listing:
    """What is in a folder."""

    names: frozenset[str] = frozenset()
    compiled: frozenset[str] = frozenset()
    """Names of compiled modules, those for other interpreters too."""


class Finder:
    """Finds modules below some folders, as the path finder of Python would."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._editables: list[Editable] = []
        self.roots = tuple(self._expanded(roots))
        self._listed: dict[Path, Listing] = {}

    def top(self, name: str) -> Place | None:
        """Return where the top-level module *name* is."""
        if name in sys.builtin_module_names:
            return Opaque("is part of the interpreter")
        found = self.below(self.roots, name) or self._zipped(name) or self._editable(name)
        if found is None and name in sys.stdlib_module_names:
            return Opaque("is a module of the standard library without source")
        return found

    def below(self, folders: Sequence[Path], name: str) -> Place | None:
        """Return where the module *name* in *folders* is."""
        portions = []
        for folder in folders:
            listed = self.listing(folder)
            if name in listed.names:
                package = self._module(folder / name, "__init__")
                if package is not None:
                    return _with_folder(package, folder / name)
                portions.append(folder / name)
            module = self._module(folder, name)
            if module is not None:
                return module
        spaces = tuple(one for one in portions if one.is_dir())
        return Space(spaces) if spaces else None

    def editable(self, dotted: str) -> Place | None:
        """Return where an editable installation keeps the module of that whole name."""
        for one in self._editables:
            path = one.mapping.get(dotted)
            if path is not None:
                return self._at(path)
            if dotted in one.spaces:
                return Space(one.spaces[dotted])
        return None

    def names(self, folders: Sequence[Path]) -> Iterator[str]:
        """Yield the names of the modules and packages in *folders*, each once."""
        seen: set[str] = {"__init__"}
        for folder in folders:
            for entry in sorted(self.listing(folder).names):
                name = _module_name(folder, entry)
                if name not in seen:
                    seen.add(name)
                    yield name

    def known(self) -> Iterator[str]:
        """Yield the names of all top-level modules that may be meant."""
        yield from self.names(self.roots)
        yield from sys.stdlib_module_names
        for one in self._editables:
            yield from (name for name in one.mapping if "." not in name)

    def listing(self, folder: Path) -> Listing:
        """Return what is in *folder*; nothing where it cannot be read."""
        if folder not in self._listed:
            self._listed[folder] = _listing(folder)
        return self._listed[folder]

    def _module(self, folder: Path, name: str) -> Source | Opaque | None:
        listing = self.listing(folder)
        listed = listing.names
        source = folder / f"{name}.py"
        readable = f"{name}.py" in listed and source.is_file()
        if name in listing.compiled and _is_compiled(listed, name):
            stub = source if readable else folder / f"{name}.pyi"
            if readable or f"{name}.pyi" in listed:
                return Source(stub, compiled=True)
            return Opaque("is compiled")
        if readable:
            return Source(source)
        return Opaque("has no source, only byte code") if f"{name}.pyc" in listed else None

    def _at(self, path: Path) -> Place | None:
        if "__init__.py" in self.listing(path).names:
            return Source(path / "__init__.py", (path,))
        if path.is_file():
            folders = (path.parent,) if path.name == "__init__.py" else ()
            return Source(path, folders)
        module = self._module(path.parent, path.name)
        return module or (Space((path,)) if path.is_dir() else None)

    def _editable(self, name: str) -> Place | None:
        found = self.editable(name)
        if found is None and any(one.mentions(name) for one in self._editables):
            return Opaque("is installed by a finder that only running it can ask")
        return found

    def _zipped(self, name: str) -> Opaque | None:
        for root in self.roots:
            if root.is_file() and any(
                one in (f"{name}.py", f"{name}.pyc") or one.startswith(f"{name}/")
                for one in _members(root)
            ):
                return Opaque(f"is inside of the archive {root.name}")
        return None

    def _expanded(self, roots: Sequence[Path]) -> Iterator[Path]:
        """Yield *roots*, each once, and after each what its `.pth` files add."""
        seen: set[Path] = set()
        for root in roots:
            added: list[Path] = []
            if is_site(root):
                for one in editables(root):
                    self._editables.append(one)
                    added += one.folders
            for path in (root, *added):
                if path not in seen:
                    seen.add(path)
                    yield path


def _listing(folder: Path) -> Listing:
    try:
        names = frozenset(os.listdir(folder))
    except (OSError, ValueError):
        return Listing()
    stems = (one.partition(".")[0] for one in names if one.endswith(_COMPILED))
    return Listing(names, frozenset(stems))


def _module_name(folder: Path, entry: str) -> str:
    """Return the name of the module that is in *entry* of *folder*; `__init__` for none."""
    name, dot, rest = entry.partition(".")
    fits = rest in ("py", "pyc") or entry.endswith(_COMPILED) if dot else (folder / name).is_dir()
    return name if fits and name.isidentifier() and name != "__pycache__" else "__init__"


def _is_compiled(listed: frozenset[str], name: str) -> bool:
    # One built for another interpreter is no module here, but may be where the code is deployed.
    return f"{name}.py" not in listed or any(name + one in listed for one in EXTENSION_SUFFIXES)


def _with_folder(package: Source | Opaque, folder: Path) -> Source | Opaque:
    if isinstance(package, Source):
        return Source(package.file, (folder,), package.compiled)
    return Opaque(package.why, (folder,))


def _members(archive: Path) -> list[str]:
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.namelist()
    except (OSError, zipfile.BadZipFile, ValueError):
        return []
