"""The source of a module, parsed once, and the scopes in it."""

from __future__ import annotations

import ast
import importlib.util
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mlpolicy.core.frozen import frozen
from mlpolicy.plan.survey.bindings import Binding, FunctionNode, Names, Unknown
from mlpolicy.plan.survey.dynamics import declared_global, writes
from mlpolicy.plan.survey.exports import exported
from mlpolicy.plan.survey.reading import names_of
from mlpolicy.plan.survey.uses import Uses, changed_later, uses_in

LARGEST = 5 << 20
"""Files of more bytes are not parsed."""
_NAMED = re.compile(r"(?:async\s+)?(?:def|class)\s+")

ScopeNode = ast.Module | ast.ClassDef | FunctionNode


class NotReadable(Exception):
    """A file cannot be parsed; the message completes "`name` …"."""

    broken = False
    """Whether its text is not Python."""


class Broken(NotReadable):
    """A file is not Python to this interpreter."""

    broken = True


@frozen()
class Place:
    """The columns of a name in a file, from 1, in code points."""

    line: int
    column: int
    end_column: int


@dataclass(eq=False)
class Scope:
    """A module, a class or the inside of a function, and what it binds."""

    module: Module
    node: ScopeNode
    qualname: str = ""
    parent: Scope | None = None
    _inner: dict[int, Scope] = field(default_factory=dict)

    @cached_property
    def names(self) -> Names:
        """What the block binds."""
        if isinstance(self.node, ast.Lambda):
            return Names({})
        if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef):
            return names_of(self.node.body, _arguments(self.node.args))
        return names_of(self.node.body)

    @property
    def bindings(self) -> dict[str, list[Binding]]:
        """What it binds, by name, in the order of the source."""
        return self.names.bindings

    @property
    def is_class(self) -> bool:
        """Whether it is the body of a class."""
        return isinstance(self.node, ast.ClassDef)

    def path(self, name: str) -> str:
        """Return the qualified name of what it calls *name*."""
        if self.parent is None:
            return name
        between = "." if self.is_class else ".<locals>."
        return f"{self.qualname}{between}{name}"

    def within(self, node: ast.ClassDef | FunctionNode, name: str) -> Scope:
        """Return the scope of the class or function *node*, which this one calls *name*."""
        if id(node) not in self._inner:
            self._inner[id(node)] = Scope(self.module, node, self.path(name), self)
        return self._inner[id(node)]


@dataclass(eq=False)
class Module:
    """A module whose source could be parsed."""

    name: str
    file: Path
    shown: str
    """The file as a report shows it."""
    source: bytes
    tree: ast.Module
    folders: tuple[Path, ...] = ()
    """Where the modules below it are, if it is a package."""
    compiled: bool = False

    @cached_property
    def scope(self) -> Scope:
        """The names of the module."""
        return Scope(self, self.tree)

    @property
    def package(self) -> str:
        """What relative imports are relative to."""
        return self.name if self.folders else self.name.rpartition(".")[0]

    def absolute(self, module: str, level: int) -> str | None:
        """Return the full name of what an import of that level calls *module*."""
        if not level:
            return module
        parts = self.package.split(".") if self.package else []
        if level > len(parts):
            return None
        return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])

    @cached_property
    def exports(self) -> frozenset[str] | None:
        """The names in `__all__`; None where there is none, or it is not known for sure."""
        return exported(self.tree)

    @cached_property
    def writes(self) -> str:
        """Why names may be there that no line binds, besides by `__getattr__`; mostly nothing."""
        return writes(self.tree, self.source)

    @cached_property
    def yields(self) -> bool:
        """Whether any function of it may be a generator."""
        return b"yield" in self.source

    @cached_property
    def uses(self) -> Uses:
        """Where its functions are called, as far as rules have to know."""
        return uses_in(self.tree)

    @cached_property
    def changing(self) -> dict[str, int]:
        """The names that functions of it bind anew while the program runs, and the line of one."""
        return changed_later(self.tree, self.scope.names) if self.written else {}

    @cached_property
    def written(self) -> dict[str, Binding]:
        """The names that functions of the module bind in it."""
        lines = declared_global(self.tree, self.source)
        return {name: Binding(name, Unknown(), line, 0) for name, line in lines.items()}

    @property
    def dynamic(self) -> str:
        """Why names may be there that no line binds; mostly nothing."""
        if self.compiled:
            return "is compiled, and the source beside it may not tell all"
        if "__getattr__" in self.scope.bindings:
            return "answers further names through `__getattr__`"
        return self.writes

    def makes_modules(self) -> bool:
        """Whether it may provide modules that have no file of their own."""
        return any(one in self.source for one in (b"sys.modules", b"meta_path", b"__path__"))

    def place(self, name: str, line: int, offset: int) -> Place:
        """Return where *name* stands that is bound at *offset* of *line*."""
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        start = len(text.encode()[:offset].decode("utf-8", "replace"))
        keyword = _NAMED.match(text, start)
        if keyword is not None and text.startswith(name, keyword.end()):
            start = keyword.end()
        return Place(line, start + 1, start + 1 + len(name))

    @cached_property
    def _lines(self) -> list[str]:
        try:
            # Only what ends a line for the parser; `splitlines` knows more than that.
            return importlib.util.decode_source(self.source).split("\n")
        except (SyntaxError, UnicodeDecodeError):
            return []


def parse(file: Path) -> tuple[bytes, ast.Module]:
    """Return the source in *file*, and its tree.

    Raises:
        NotReadable: It is too large, is no Python, or cannot be read.
    """
    try:
        size = file.stat().st_size
        if size > LARGEST:
            raise NotReadable(f"is not parsed: its file has {size} bytes")
        source = file.read_bytes()
    except OSError as error:
        raise NotReadable(f"cannot be read: {error.strerror or error}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return source, ast.parse(source, str(file))
    except SyntaxError as error:
        where = f" in line {error.lineno}" if error.lineno else ""
        raise Broken(f"cannot be parsed: {error.msg}{where}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotReadable(f"cannot be parsed: {error}") from error


def _arguments(found: ast.arguments) -> Iterator[ast.arg]:
    yield from (*found.posonlyargs, *found.args, *found.kwonlyargs)
    yield from (one for one in (found.vararg, found.kwarg) if one is not None)
