"""Where the file of a module is, found without importing any part of its name."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from mlpolicy.core.frozen import frozen
from mlpolicy.core.words import closest
from mlpolicy.source.answer import NoModule, Opaque, Space

PROJECT = "pyproject.toml"
"""The file that makes a folder a project."""
_SITES = ("site-packages", "dist-packages")
_COMPILED = (".so", ".pyd")
_MAKES_MODULES = re.compile(rb"sys\.modules|meta_path|__path__")


def local_roots(src: Sequence[str | Path] = ()) -> tuple[Path, ...]:
    """Return where the code of a project is looked for.

    In *src*, in this folder and `src` in it, and in those of the project that this folder is in.
    """
    here = Path.cwd()
    project = next((at for at in (here, *here.parents) if (at / PROJECT).is_file()), here)
    depth = len(here.relative_to(project).parts)
    folders = [Path(folder) for folder in src]
    for folder in dict.fromkeys((Path(), Path(*[".."] * depth))):
        folders += [folder, *(inner for inner in [folder / "src"] if inner.is_dir())]
    return tuple(dict.fromkeys(folders))


def roots(src: Sequence[str | Path] = ()) -> tuple[Path, ...]:
    """Return where modules are looked for: in the project, then on the path of Python."""
    return tuple(dict.fromkeys([*local_roots(src), *(Path(entry) for entry in sys.path if entry)]))


def is_installed(file: Path) -> bool:
    """Whether *file* belongs to an installed package."""
    return any(part in _SITES for part in file.parts)


@frozen()
class SourceFile:
    """A module with source: a file and, if it is a package, where its modules are."""

    file: Path
    folders: tuple[Path, ...] = ()


Place = SourceFile | Space | Opaque


class Finder:
    """Finds modules below some folders, as the path finder of Python would."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.roots: dict[Path, None] = {}
        self._mapped: dict[str, Place | None] = {}
        self._finders = ""
        self._entries: dict[Path, frozenset[str]] = {}
        self._places: dict[str, Place | NoModule] = {}
        for folder in folders:
            self.roots[folder] = None
            for file in sorted(folder.glob("*.pth")) if folder.name in _SITES else ():
                self._read_pth(folder, _text(file))

    def find(self, name: str) -> Place | NoModule:
        """Return where the module *name* is."""
        if name not in self._places:
            parent, _, last = name.rpartition(".")
            self._places[name] = self._below(parent, last) if parent else self._top(name)
        return self._places[name]

    def in_folders(self, folders: Sequence[Path], name: str) -> Place | None:
        """Return where the module *name* in *folders* is."""
        spaces = []
        for folder in folders:
            inner = folder / name
            if name in self._listing(folder):
                package = self._module(inner, "__init__", (inner,))
                if package is not None:
                    return package
                spaces.append(inner)
            module = self._module(folder, name)
            if module is not None:
                return module
        portions = tuple(inner for inner in spaces if inner.is_dir())
        return Space(portions) if portions else None

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

    def _top(self, name: str) -> Place | NoModule:
        place = self.in_folders(tuple(self.roots), name) or self._mapped.get(name)
        archive = next((root for root in self.roots if root.is_file()), None)
        if name == "__main__":
            why = "is the script that is run"
        elif name in sys.builtin_module_names:
            why = "is part of the interpreter"
        elif place is not None:
            return place
        elif name in sys.stdlib_module_names:
            why = "is a module of the standard library without source"
        elif re.search(rf"\b{name}\b", self._finders):
            why = "is installed by a finder that only running it can ask"
        elif archive is not None:
            why = f"may be in the archive {archive.name}"
        else:
            known = [*self.names(tuple(self.roots)), *sys.stdlib_module_names, *self._mapped]
            return NoModule(name, closest(name, known) or "")
        return Opaque(why)

    def _below(self, parent: str, name: str) -> Place | NoModule:
        above, dotted = self.find(parent), f"{parent}.{name}"
        if isinstance(above, NoModule):
            return above
        place = self.in_folders(above.folders, name) or self._mapped.get(dotted)
        if place is not None:
            return place
        if isinstance(above, Opaque):
            return Opaque(f"is below `{parent}`, which {above.why}")
        if isinstance(above, SourceFile) and _MAKES_MODULES.search(_bytes(above.file)):
            return Opaque(f"may be made by `{parent}` when that is imported")
        near = closest(name, self.names(above.folders))
        return NoModule(dotted, f"{parent}.{near}" if near else "")

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

    # --- what `.pth` files add to the path --------------------------------------------

    def _read_pth(self, site: Path, text: str) -> None:
        for line in map(str.strip, text.splitlines()):
            imported = re.match(r"import\s+(\w+)", line)
            if imported is not None:
                self._read_finder(_text(site / f"{imported[1]}.py"))
            elif line and not line.startswith("#") and (site / line).is_dir():
                self.roots[site / line] = None

    def _read_finder(self, text: str) -> None:
        """Note the modules of an editable installation, as setuptools writes their places down."""
        modules = dict(re.findall(r"'([\w.]+)': '([^']+)'", text))
        for name, path in modules.items():
            for parent in [name[: dot.start()] for dot in re.finditer(r"\.", name)]:
                self._mapped.setdefault(parent, Opaque("is put together by a finder"))
            folder, last = os.path.split(path.removesuffix(".py"))
            self._mapped[name] = self.in_folders((Path(folder),), last)
        if not modules:
            self._finders += text


def _text(file: Path) -> str:
    return _bytes(file).decode("utf-8", "replace")


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes() if file.stat().st_size <= 1 << 20 else b""
    except OSError:
        return b""
