"""The source of a module, parsed once, and the scopes in it."""

from __future__ import annotations

import ast
import os
import re
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mlpolicy.source.answer import Opaque
from mlpolicy.source.locate import SourceFile
from mlpolicy.source.names import Binding, FunctionNode, Imported, Names

_LARGEST = 5 << 20
"""Files of more bytes are not parsed."""


@dataclass(eq=False)
class Scope:
    """A module, a class or the inside of a function, and what it binds."""

    module: Module
    node: ast.Module | ast.ClassDef | FunctionNode
    qualname: str = ""
    parent: Scope | None = None
    _inner: dict[int, Scope] = field(default_factory=dict)

    @cached_property
    def names(self) -> Names:
        """What it binds."""
        if isinstance(self.node, ast.Lambda):
            return Names([self.node.args])
        args = [] if isinstance(self.node, ast.Module | ast.ClassDef) else [self.node.args]
        return Names([*args, *self.node.body])

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
        between = "." if self.is_class else ".<locals>."
        return f"{self.qualname}{between}{name}" if self.parent is not None else name

    def within(self, node: ast.ClassDef | FunctionNode, name: str) -> Scope:
        """Return the scope of the class or function *node*, which this one calls *name*."""
        if id(node) not in self._inner:
            self._inner[id(node)] = Scope(self.module, node, self.path(name), self)
        return self._inner[id(node)]

    def full_name(self, node: ast.expr) -> str:
        """Return the dotted name of *node*, with what an import calls its first part put in full."""
        written = dotted(node)
        if written is None:
            return ast.unparse(node)
        first, dot, rest = written.partition(".")
        scope: Scope | None = self
        while scope is not None and first not in scope.bindings:
            scope = scope.parent
        for binding in scope.bindings[first] if scope is not None else ():
            what = binding.what
            if isinstance(what, Imported) and (origin := self.module.absolute(what)):
                return f"{origin}.{what.name}{dot}{rest}" if what.name else origin + dot + rest
        return written

    def decorators(self, node: object) -> tuple[str, ...]:
        """Return the full names of the decorators of a function or class in this scope."""
        written: list[ast.expr] = getattr(node, "decorator_list", [])
        return tuple(
            self.full_name(item.func if isinstance(item, ast.Call) else item) for item in written
        )


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

    @cached_property
    def scope(self) -> Scope:
        """The names of the module."""
        return Scope(self, self.tree)

    def absolute(self, origin: Imported | ast.ImportFrom) -> str | None:
        """Return the full name of the module that an import is from."""
        parts = [origin.module] if origin.module else []
        if origin.level:
            own = self.name.split(".")
            above = own[: len(own) - origin.level + bool(self.folders)]
            parts = [*above, *parts] if above else []
        return ".".join(parts) or None

    def gives(self, name: str) -> bool:
        """Whether a star import of this module may bind *name*."""
        listed = self.scope.bindings.get("__all__")
        if not listed:
            return not name.startswith("_")
        # Whatever else speaks of it may change it.
        what = listed[0].what if self.source.count(b"__all__") == 1 else None
        try:
            return not isinstance(what, ast.expr) or name in ast.literal_eval(what)
        except (ValueError, TypeError):
            return True

    @cached_property
    def writes(self) -> bool:
        """Whether it may bind names that no statement shows, as `globals()["f"] = ...` does."""
        if _WRITES.search(self.source):
            return True
        definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        at_import = (node for node in self.tree.body if not isinstance(node, definitions))
        hinted = _WRITES_AT_IMPORT.search(self.source) is not None
        return hinted and any(
            _WRITES_AT_IMPORT.search(ast.unparse(node).encode()) for node in at_import
        )

    def may_bind(self, name: str) -> bool:
        """Whether it may have a *name* that no statement of it binds: only an import tells."""
        declared = re.compile(rf"^\s*global\b.*\b{name}\b".encode(), re.MULTILINE)
        lazy = "__getattr__" in self.scope.bindings
        return lazy or self.writes or declared.search(self.source) is not None

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines of the file, as the parser counts them."""
        return self.source.splitlines()

    def column(self, binding: Binding) -> int:
        """Return the column where the name of *binding* begins, from 1, in code points."""
        line = self.lines[binding.line - 1]
        named = re.compile(rb"\b%s\b" % binding.name.encode()).search(line, binding.offset)
        return len(line[: named.start() if named else binding.offset].decode(errors="replace")) + 1


def read(name: str, place: SourceFile) -> Module | Opaque:
    """Return the module *name*, parsed; or why it is not."""
    file, folders = place.file, place.folders
    try:
        size = file.stat().st_size
        if size > _LARGEST:
            return Opaque(f"is not parsed: its file has {size} bytes", folders)
        source = file.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, str(file))
    except OSError as error:
        return Opaque(f"cannot be read: {error.strerror or error}", folders)
    except SyntaxError as error:
        where = f" in line {error.lineno}" if error.lineno else ""
        return Opaque(f"cannot be parsed: {error.msg}{where}", folders, broken=file)
    except (ValueError, RecursionError, MemoryError) as error:
        return Opaque(f"cannot be parsed: {error}", folders)
    below = file.is_absolute() and file.is_relative_to(Path.cwd())
    shown = os.fspath(file.relative_to(Path.cwd()) if below else file)
    return Module(name, file, shown, source, tree, folders)


def dotted(node: object) -> str | None:
    """Return the dotted name that *node* is; None if it is something else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


_WRITES = re.compile(
    rb"globals\(\)(\[.*\]\s*=[^=]|\.update|\.setdefault)|[\w.]+\(([^()]*, *)?globals\(\)"
    rb"|sys\.modules\[__name__\]\s*[=,]",
    re.MULTILINE,
)
"""What binds names of a module wherever it stands."""
_WRITES_AT_IMPORT = re.compile(
    rb"\b(exec|setattr|_convert_)\(|(vars|locals|globals)\(\)(\[.*\] =|\.update)|__dict__\.update"
)
"""What does so outside of functions."""
