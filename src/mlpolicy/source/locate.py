"""Where the file of a module is, found without importing any part of its name."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from mlpolicy.core.frozen import frozen
from mlpolicy.core.spelling import closest

PROJECT = "pyproject.toml"
"""The file that makes a folder a project."""
_SITES = ("site-packages", "dist-packages")
_COMPILED = (".so", ".pyd")
_MAKES_MODULES = re.compile(rb"sys\.modules|meta_path|__path__")


@frozen()
class SourceFile:
    """A module with source: a file and, if it is a package, where its modules are."""

    file: Path
    folders: tuple[Path, ...] = ()


@frozen()
class Space:
    """A namespace package: folders, and no source of its own."""

    folders: tuple[Path, ...]


@frozen()
class Opaque:
    """A module that exists and cannot be read; `why` completes "`name` …"."""

    why: str
    folders: tuple[Path, ...] = ()
    broken: Path | None = None
    """The file, if its text is not Python, to this interpreter at least."""


@frozen()
class NoModule:
    """The module does not exist."""

    component: str
    """The dotted name up to the part that is missing."""
    close: str = ""
    """The most similar name of a module that exists."""


Place = SourceFile | Space | Opaque


def local_roots(src: Sequence[str | Path] = ()) -> tuple[Path, ...]:
    """Return where the code of a project is looked for.

    In *src*, in this folder and `src` in it, and in those of the project that this folder is in.
    """
    here = Path.cwd()
    project = next((at for at in (here, *here.parents) if (at / PROJECT).is_file()), here)
    folders = [Path(folder) for folder in src]
    for folder in (Path(), Path(*[".."] * len(here.relative_to(project).parts))):
        folders.append(folder)
        if (folder / "src").is_dir():
            folders.append(folder / "src")
    return tuple(dict.fromkeys(folders))


def roots(src: Sequence[str | Path] = ()) -> tuple[Path, ...]:
    """Return where modules are looked for: in the project, then on the path of Python."""
    return tuple(dict.fromkeys([*local_roots(src), *(Path(entry) for entry in sys.path if entry)]))


def is_installed(file: Path) -> bool:
    """Whether *file* belongs to an installed package."""
    return any(part in _SITES for part in file.parts)


class Locator:
    """Finds modules below some folders, as the path finder of Python would."""

    def __init__(self, folders: Sequence[Path]) -> None:
        roots: dict[Path, None] = {}
        self._finders = ""
        """The text of what finds editable installations; what it names may be there."""
        self._entries: dict[Path, frozenset[str]] = {}
        self._places: dict[str, Place | NoModule] = {}
        for folder in folders:
            roots[folder] = None
            for file in sorted(folder.glob("*.pth")) if folder.name in _SITES else ():
                for line in map(str.strip, _bytes(file).decode(errors="replace").splitlines()):
                    if imported := re.match(r"import\s+(\w+)", line):
                        text = _bytes(folder / f"{imported[1]}.py")
                        self._finders += text.decode(errors="replace")
                    elif line and not line.startswith("#") and (folder / line).is_dir():
                        roots[folder / line] = None
        self._roots = tuple(roots)

    def find(self, name: str) -> Place | NoModule:
        """Return where the module *name* is."""
        if name not in self._places:
            self._places[name] = self._find(name)
        return self._places[name]

    def _find(self, name: str) -> Place | NoModule:
        parent, _, last = name.rpartition(".")
        above = self.find(parent) if parent else Space(self._roots)
        if isinstance(above, NoModule):
            return above
        if name in ("__main__", *sys.builtin_module_names):
            return Opaque("is part of the interpreter")
        if (place := self._in_folders(above.folders, last)) is not None:
            return place
        if isinstance(above, Opaque):
            return Opaque(f"is below `{parent}`, which {above.why}")
        if isinstance(above, SourceFile) and _MAKES_MODULES.search(_bytes(above.file)):
            return Opaque(f"may be made by `{parent}` when that is imported")
        if not parent and self._may_be_there(name):
            return Opaque("has no source that can be read without running code")
        known = self.names(above.folders)
        near = closest(last, known if parent else [*known, *sys.stdlib_module_names])
        return NoModule(name, f"{parent}.{near}".lstrip(".") if near else "")

    def _may_be_there(self, top: str) -> bool:
        archived = any(root.is_file() for root in self._roots)
        mentioned = re.search(rf"\b{top}\b", self._finders) is not None
        return archived or mentioned or top in sys.stdlib_module_names

    def names(self, folders: Sequence[Path]) -> list[str]:
        """Return the names of the modules and packages in *folders*, each once."""
        names: dict[str, None] = {}
        for folder in folders:
            for entry in sorted(self._listing(folder)):
                name, dot, rest = entry.partition(".")
                is_file = rest in ("py", "pyc") or entry.endswith(_COMPILED)
                if name.isidentifier() and (is_file if dot else (folder / name).is_dir()):
                    names[name] = None
        return [name for name in names if name not in ("__init__", "__pycache__")]

    def _in_folders(self, folders: Sequence[Path], name: str) -> Place | None:
        """Return where the module *name* in *folders* is: a package before a module."""
        portions: list[Path] = []
        for folder in folders:
            inner, place = folder / name, None
            if name in self._listing(folder) and inner.is_dir():
                place = self._module(inner, "__init__", (inner,))
                portions.append(inner)
            place = place or self._module(folder, name)
            if place is not None:
                return place
        return Space(tuple(portions)) if portions else None

    def _module(self, folder: Path, name: str, inner: tuple[Path, ...] = ()) -> Place | None:
        entries, source = self._listing(folder), folder / f"{name}.py"
        compiled = any(name + suffix in entries for suffix in EXTENSION_SUFFIXES)
        if source.name in entries and not compiled and source.is_file():
            return SourceFile(source, inner)
        # One that was built for another interpreter may be there where the code is deployed.
        if any(entry.endswith(_COMPILED) and entry.startswith(f"{name}.") for entry in entries):
            return Opaque("is compiled", inner)
        return Opaque("has no source, only byte code", inner) if f"{name}.pyc" in entries else None

    def _listing(self, folder: Path) -> frozenset[str]:
        if folder not in self._entries:
            try:
                self._entries[folder] = frozenset(os.listdir(folder))
            except (OSError, ValueError):
                self._entries[folder] = frozenset()
        return self._entries[folder]


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes() if file.stat().st_size <= 1 << 20 else b""
    except OSError:
        return b""
