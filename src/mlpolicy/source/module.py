"""The source of a module, parsed once, and the scopes in it."""

from __future__ import annotations

import ast
import importlib.util
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
_LONGEST = 200


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
            return shortened(node)
        first, dot, rest = written.partition(".")
        scope: Scope | None = self
        while scope is not None and first not in scope.bindings:
            scope = scope.parent
        for binding in scope.bindings[first] if scope is not None else ():
            what = binding.what
            if isinstance(what, Imported) and (origin := self.module.absolute(what)):
                return f"{origin}.{what.name}{dot}{rest}" if what.name else origin + dot + rest
        return written

    def decorators(self, node: ast.AST | None) -> tuple[str, ...]:
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
        try:
            # Whatever else speaks of it may change it.
            plain = self.source.count(b"__all__") == 1
            return not plain or name in ast.literal_eval(listed[0].what)  # type: ignore[arg-type]
        except (ValueError, TypeError):
            return True

    @cached_property
    def writes(self) -> str:
        """What in it may bind names that no statement shows; mostly nothing."""
        if not any(hint in self.source for hint in _HINTS):
            return ""
        waiting: list[tuple[ast.AST, bool]] = [(self.tree, True)]
        for node, outside in waiting:  # which grows
            if isinstance(node, ast.Call | ast.Assign) and _writes(node, at_import=outside):
                return f"may get further names in line {node.lineno}"
            outside = outside and not isinstance(node, FunctionNode)
            waiting += ((child, outside) for child in ast.iter_child_nodes(node))
        return ""

    @property
    def dynamic(self) -> str:
        """Why it may have names that no line binds; mostly nothing."""
        lazy = "__getattr__" in self.scope.bindings
        return "answers further names through `__getattr__`" if lazy else self.writes

    def binds_later(self, name: str) -> bool:
        """Whether a function of the module may bind *name* in it, by `global`."""
        wanted = rf"^\s*global\b.*\b{name}\b".encode()
        return re.search(wanted, self.source, re.MULTILINE) is not None

    def column(self, binding: Binding) -> int:
        """Return the column where the name of *binding* begins, from 1, in code points."""
        text = self._lines[binding.line - 1] if binding.line <= len(self._lines) else ""
        start = len(text.encode()[: binding.offset].decode("utf-8", "replace"))
        named = re.compile(rf"\b{binding.name}\b").search(text, start)
        return (named.start() if named else start) + 1

    @cached_property
    def _lines(self) -> list[str]:
        try:
            # Only what ends a line for the parser; `splitlines` knows more than that.
            return importlib.util.decode_source(self.source).split("\n")
        except (SyntaxError, UnicodeDecodeError):
            return []


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


def dotted(node: ast.AST | None) -> str | None:
    """Return the dotted name that *node* is; None if it is something else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def shortened(node: ast.expr) -> str:
    """Return the source of *node*, or its beginning."""
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


_HINTS = (b"exec", b"setattr", b"globals", b"vars", b"locals", b"sys.modules", b"__dict__")
_HINTS += (b"_convert_",)
_THIS = "sys.modules[__name__]"
_READING = frozenset(
    "get keys items values copy any dict eval filter len list print set sorted tuple".split()
)


def _writes(node: ast.Call | ast.Assign, *, at_import: bool) -> bool:
    """Whether *node* may bind names of the module, or of a class in it, that no statement shows."""
    spaces = {"globals()", *(("vars()", "locals()") if at_import else ())}
    if isinstance(node, ast.Assign):
        places = [part for part in node.targets if isinstance(part, ast.Subscript)]
        return any(ast.unparse(p.value) in spaces or ast.unparse(p) == _THIS for p in places)
    owner, _, name = ast.unparse(node.func).rpartition(".")
    given = {ast.unparse(part) for part in node.args}
    match owner, name:
        case ("", "exec" | "setattr") | (_, "_convert_") if at_import:
            return True
        case "", "setattr":
            return _THIS in given
        case _, "update" if at_import and owner.endswith("__dict__"):
            return True
    return name not in _READING and (owner in spaces or not spaces.isdisjoint(given))
