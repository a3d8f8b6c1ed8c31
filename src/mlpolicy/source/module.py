"""The source of a module, parsed once, and what its scopes bind."""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mlpolicy.core.classes import frozen
from mlpolicy.core.site import FunctionNode, text_of
from mlpolicy.source.locate import Opaque, SourceFile

_LARGEST = 5 << 20
"""Files of more bytes are not parsed."""
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
_DESCRIPTORS = ("property", "abstractproperty", "cached_property", "singledispatchmethod")


@frozen()
class Imported:
    """What an import binds a name to: a module, or what a module calls `name`."""

    module: str
    """Its full name; empty where that would be above the top-level package."""
    name: str = ""


@frozen()
class Binding:
    """One place that gives a name its meaning."""

    name: str
    what: ast.AST | Imported | None
    """A definition, an expression or an import; `ast.Delete` for `del`, None for what is unknown."""
    line: int
    idle: bool = False
    """Whether it is for a type checker or a script only: never bound by an import."""

    @property
    def wraps(self) -> bool:
        """Whether it is an assignment like `f = cache(f)`, which keeps what there was, wrapped."""
        return isinstance(self.what, ast.Call) and any(
            isinstance(node, ast.Name) and node.id == self.name for node in ast.walk(self.what)
        )


class Scope:
    """A module, a class or the inside of a function, and what it binds.

    Branches are looked through, the functions and classes in it are not.
    """

    def __init__(
        self,
        module: Module,
        node: ast.Module | ast.ClassDef | FunctionNode,
        qualname: str = "",
        parent: Scope | None = None,
    ) -> None:
        """Read what *node* binds: its statements, and the parameters of a function."""
        self.module, self.node, self.qualname, self.parent = module, node, qualname, parent
        self.bindings: dict[str, list[Binding]] = {}
        """What it binds, by name, in the order of the source."""
        self.stars: list[tuple[int, str]] = []
        """The lines of `from ... import *`, with the module that each is from."""
        self._inner: dict[int, Scope] = {}
        self._idle = False
        if isinstance(node, FunctionNode):
            self._read(node.args)
        for statement in () if isinstance(node, ast.Lambda) else node.body:
            self._read(statement)

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
            return text_of(node)
        first, _, rest = written.partition(".")
        scope: Scope | None = self
        while scope is not None and first not in scope.bindings:
            scope = scope.parent
        for binding in scope.bindings[first] if scope is not None else ():
            what = binding.what
            if isinstance(what, Imported) and what.module:
                return ".".join(filter(None, (what.module, what.name, rest)))
        return written

    def decorators(self, node: object, *around: ast.expr) -> tuple[tuple[str, ast.expr], ...]:
        """Return the full names of what decorates a function or class in it, with the expressions.

        Those *around* come first: assignments such as `f = cache(f)`.
        """
        pairs: list[tuple[str, ast.expr]] = []
        for written in (*around, *getattr(node, "decorator_list", ())):
            called = written
            while isinstance(called, ast.Call):
                called = called.func
            pairs.append((self.full_name(called), written))
        return tuple(pairs)

    def in_force(self, name: str) -> tuple[list[Binding], list[ast.Call], bool]:
        """Return which bindings of *name* may hold when the scope has been run.

        With them come the calls that wrap what the name was bound to before, the last first, and
        whether there are only overloads.
        """
        awake = [binding for binding in self.bindings[name] if not binding.idle]
        awake = awake or self.bindings[name]
        real = [binding for binding in awake if not self._gives_way(binding)]
        known = real or awake
        kept = known[:1] + [binding for binding in known[1:] if not binding.wraps]
        others = [binding.what for binding in reversed(real) if binding not in kept]
        return kept, [what for what in others if isinstance(what, ast.Call)], not real

    def _gives_way(self, binding: Binding) -> bool:
        """Whether it is an overload, or adds a setter or deleter to the property of its name."""
        accessors = (f"{binding.name}.setter", f"{binding.name}.deleter")
        names = [name for name, _ in self.decorators(binding.what)]
        return any(name in accessors or name.endswith(".overload") for name in names)

    def functions(self) -> Iterator[str]:
        """Yield the qualified names of the functions in it and in classes in it."""
        for name in self.bindings:
            kept, _, overload = self.in_force(name)
            real = [binding for binding in kept if not binding.idle and "." not in name]
            cls = next((each.what for each in real if isinstance(each.what, ast.ClassDef)), None)
            if cls is not None:
                yield from self.within(cls, name).functions()
            elif overload or isinstance(kept[-1].what, ast.Delete | ast.Constant):
                continue
            elif any(self._is_function(binding.what) for binding in real):
                yield self.path(name)

    def _is_function(self, what: object) -> bool:
        if isinstance(what, ast.Call) and len(what.args) == 1:
            keeping = dotted(what.func) in ("staticmethod", "classmethod")
            return keeping and isinstance(what.args[0], ast.Lambda)
        names = [name.rpartition(".")[2] for name, _ in self.decorators(what)]
        return isinstance(what, FunctionNode) and not any(name in _DESCRIPTORS for name in names)

    # --- what is read of each statement ---------------------------------------------------

    def _bind(self, name: str, what: ast.AST | Imported | None, node: ast.AST) -> None:
        binding = Binding(name, what, getattr(node, "lineno", 0), self._idle)
        self.bindings.setdefault(name, []).append(binding)

    def _read(self, node: ast.AST) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._bind(node.name, node, node)
            case ast.Assign():
                self._read(node.value)
                for target in node.targets:
                    self._assign(target, node.value)
            case ast.AnnAssign(value=ast.expr() as value) | ast.NamedExpr(value=value):
                self._read(value)
                self._assign(node.target, value)
            case ast.Import():
                for alias in node.names:
                    name = alias.asname or alias.name.partition(".")[0]
                    self._bind(name, Imported(alias.name if alias.asname else name), alias)
            case ast.ImportFrom():
                self._read_import(node)
            case ast.If():
                self._read_if(node)
            case ast.AnnAssign() | ast.Lambda():
                pass  # (the one binds nothing, the other nothing of this scope)
            case _:
                self._read_expression(node)

    def _read_expression(self, node: ast.AST) -> None:
        match node:
            case ast.Name(ctx=ast.Load()):
                return
            case ast.Name():
                deleted = isinstance(node.ctx, ast.Del)
                self._bind(node.id, ast.Delete([node]) if deleted else None, node)
            case ast.arg(arg=name) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                self._bind(name, None, node)
        inner = [node.iter] if isinstance(node, ast.comprehension) else ast.iter_child_nodes(node)
        for child in inner:
            self._read(child)

    def _read_import(self, node: ast.ImportFrom) -> None:
        origin = self.module.absolute(node)
        for alias in node.names:
            if alias.name == "*":
                self.stars.append((node.lineno, origin))
            else:
                self._bind(alias.asname or alias.name, Imported(origin, alias.name), alias)

    def _read_if(self, node: ast.If) -> None:
        negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
        never = _is_idle(node.test.operand if isinstance(node.test, ast.UnaryOp) else node.test)
        idle = self._idle
        self._read(node.test)
        for body, unused in ((node.body, never and not negated), (node.orelse, never and negated)):
            self._idle = idle or unused
            for statement in body:
                self._read(statement)
        self._idle = idle

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        match target, value:
            case ast.Name(), _:
                self._bind(target.id, value, target)
            case ast.Attribute(value=ast.Name(id=owner), attr=name), _:
                # `Model.predict = traced`; the dot keeps it apart from plain names.
                self._bind(f"{owner}.{name}", value, target)
            case ast.Tuple(elts=parts), ast.Tuple(elts=values) if len(parts) == len(values):
                for part, item in zip(parts, values, strict=True):
                    self._assign(part, item)
            case _:
                self._read(target)


@dataclass(eq=False)
class Module:
    """A module whose source could be parsed."""

    name: str
    file: Path
    source: bytes
    tree: ast.Module
    folders: tuple[Path, ...] = ()
    """Where the modules below it are, if it is a package."""

    @cached_property
    def scope(self) -> Scope:
        """The names of the module."""
        return Scope(self, self.tree)

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """The functions that it defines, methods of its classes too."""
        return tuple(dict.fromkeys(self.scope.functions()))

    @cached_property
    def shown(self) -> str:
        """The file as a report shows it."""
        below = self.file.is_absolute() and self.file.is_relative_to(Path.cwd())
        return os.fspath(self.file.relative_to(Path.cwd()) if below else self.file)

    def absolute(self, node: ast.ImportFrom) -> str:
        """Return the full name of the module that an import is from; none above the top level."""
        if not node.level:
            return node.module or ""
        own = self.name.split(".")
        above = own[: len(own) - node.level + bool(self.folders)]
        return ".".join([*above, node.module] if above and node.module else above)

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
        return _WRITES_AT_IMPORT.search(self.source) is not None and any(
            _WRITES_AT_IMPORT.search(text_of(node).encode()) for node in at_import
        )

    def may_bind(self, name: str) -> bool:
        """Whether it may have a *name* that no statement of it binds: only an import tells."""
        declared = re.compile(rf"^\s*global\b.*\b{name}\b".encode(), re.MULTILINE)
        lazy = "__getattr__" in self.scope.bindings
        return lazy or self.writes or declared.search(self.source) is not None


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
            module = Module(name, file, source, ast.parse(source, str(file)), folders)
        assert module.scope  # (it is read here, where that can fail)
        return module
    except OSError as error:
        return Opaque(f"cannot be read: {error.strerror or error}", folders)
    except SyntaxError as error:
        where = f" in line {error.lineno}" if error.lineno else ""
        return Opaque(f"cannot be parsed: {error.msg}{where}", folders, broken=file)
    except (ValueError, RecursionError, MemoryError) as error:
        return Opaque(f"cannot be parsed: {error}", folders)


def dotted(node: object) -> str | None:
    """Return the dotted name that *node* is; None if it is something else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def _is_idle(test: ast.expr) -> bool:
    """Whether *test* holds for a type checker only, or for a script only."""
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()]):
            return True
        case ast.BoolOp(op=ast.And(), values=values):
            return any(map(_is_idle, values))
    return isinstance(test, ast.Constant) and not test.value
