"""The names that a block of source binds, and how."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Arms = tuple[tuple[int, int], ...]
"""The compound statements around a binding: the identity of each, and which arm of it."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A name that an import binds: to a module, or to what a module calls `name`."""

    module: str
    level: int = 0
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Deleted:
    """A name that `del` takes away."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name bound to what cannot be read off: a loop variable, a part of a tuple."""


What = (
    ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr | Imported | Deleted | Unknown
)


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that gives a name its meaning."""

    name: str
    what: What
    line: int
    offset: int
    """In bytes of UTF-8, as `ast` counts."""
    arms: Arms = ()
    idle: bool = False
    """Whether it is for a type checker or a script only: never bound by an import."""

    def follows(self, earlier: Binding) -> bool:
        """Whether it puts *earlier* out of use: it is run whenever that one was."""
        return self.arms == earlier.arms[: len(self.arms)]


@dataclass(frozen=True, slots=True)
class Star:
    """A `from module import *`."""

    module: str
    level: int
    line: int


@dataclass(frozen=True, slots=True)
class Names:
    """All names that a block binds, in the order of the source."""

    bindings: dict[str, list[Binding]]
    stars: tuple[Star, ...]


def names_of(body: Iterable[ast.stmt], parameters: Iterable[ast.arg] = ()) -> Names:
    """Return what the statements of *body* bind; blocks within are looked through, scopes are not."""
    reader = _Reader()
    for parameter in parameters:
        reader.bind(parameter.arg, Unknown(), parameter)
    reader.block(body)
    return Names(reader.bindings, tuple(reader.stars))


class _Reader:
    """Walks statements and notes what they bind."""

    def __init__(self) -> None:
        self.bindings: dict[str, list[Binding]] = {}
        self.stars: list[Star] = []
        self._arms: Arms = ()
        self._idle = False

    def bind(self, name: str, what: What, node: ast.stmt | ast.expr | ast.arg | ast.alias) -> None:
        """Note that *name* means *what* from *node* on."""
        found = Binding(name, what, node.lineno, node.col_offset, self._arms, self._idle)
        self.bindings.setdefault(name, []).append(found)

    def block(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.bind(node.name, node, node)
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.Assign():
                self._walrus(node.value)
                for target in node.targets:
                    self._target(target, node.value)
            case ast.AnnAssign() | ast.AugAssign():
                self._assigned(node)
            case ast.Delete():
                for one in node.targets:
                    if isinstance(one, ast.Name):
                        self.bind(one.id, Deleted(), one)
            case ast.Expr():
                self._walrus(node.value)
            case _:
                self._compound(node)

    def _assigned(self, node: ast.AnnAssign | ast.AugAssign) -> None:
        if not isinstance(node.target, ast.Name) or node.value is None:
            return
        what: What = node.value if isinstance(node, ast.AnnAssign) else Unknown()
        self.bind(node.target.id, what, node.target)

    def _compound(self, node: ast.stmt) -> None:
        match node:
            case ast.If():
                self._if(node)
            case ast.Try() | ast.TryStar():
                self._try(node)
            case ast.For() | ast.AsyncFor():
                self._target(node.target, None)
                self._under(node, [node.body])
                self.block(node.orelse)
            case ast.While():
                self._under(node, [node.body])
                self.block(node.orelse)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    if item.optional_vars is not None:
                        self._target(item.optional_vars, None)
                # It may suppress what the body raises: the end of the body is not sure.
                self._under(node, [node.body])
            case ast.Match():
                for case in node.cases:
                    self._captures(case.pattern)
                self._under(node, [case.body for case in node.cases])

    def _under(self, node: ast.stmt, bodies: Iterable[list[ast.stmt]], first: int = 0) -> None:
        """Read *bodies* as arms of *node*, of which at most one is run."""
        arms = self._arms
        for at, body in enumerate(bodies, first):
            self._arms = (*arms, (id(node), at))
            self.block(body)
        self._arms = arms

    def _if(self, node: ast.If) -> None:
        self._walrus(node.test)
        never, always = _is_idle(node.test), _is_idle(_negated(node.test))
        if not never and not always:
            self._under(node, [node.body, node.orelse])
            return
        idle = self._idle
        for body, unused in ((node.body, never), (node.orelse, always)):
            self._idle = idle or unused
            if unused:
                self._under(node, [body])
            else:
                self.block(body)
        self._idle = idle

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        self._under(node, [[*node.body, *node.orelse]])
        for at, handler in enumerate(node.handlers, 1):
            self._under(node, [handler.body], first=at)
        self.block(node.finalbody)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                module = alias.name if alias.asname else top
                self.bind(alias.asname or top, Imported(module), alias)
            return
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(Star(node.module or "", node.level, node.lineno))
            else:
                what = Imported(node.module or "", node.level, alias.name)
                self.bind(alias.asname or alias.name, what, alias)

    def _target(self, target: ast.expr, value: ast.expr | None) -> None:
        match target:
            case ast.Name():
                self.bind(target.id, value or Unknown(), target)
            case ast.Tuple() | ast.List():
                for one, part in _paired(target, value):
                    self._target(one, part)
            case ast.Starred():
                self._target(target.value, None)

    def _captures(self, pattern: ast.pattern) -> None:
        for one in ast.walk(pattern):
            name = getattr(one, "rest", None) or getattr(one, "name", None)
            if isinstance(one, ast.MatchAs | ast.MatchStar | ast.MatchMapping) and name:
                found = Binding(name, Unknown(), one.lineno, one.col_offset, self._arms, self._idle)
                self.bindings.setdefault(name, []).append(found)

    def _walrus(self, value: ast.expr) -> None:
        if isinstance(value, ast.Constant | ast.Name | ast.Attribute):
            return
        for one in ast.walk(value):
            if isinstance(one, ast.NamedExpr):
                self.bind(one.target.id, one.value, one.target)


def _paired(
    target: ast.Tuple | ast.List, value: ast.expr | None
) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    values: list[ast.expr | None] = [None] * len(target.elts)
    if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
        if not any(isinstance(one, ast.Starred) for one in [*value.elts, *target.elts]):
            values = list(value.elts)
    return zip(target.elts, values, strict=True)


def _negated(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.Constant(value=True)


def _is_idle(test: ast.expr) -> bool:
    """Whether *test* holds for a type checker only, or for a script only."""
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case ast.Compare(
            left=ast.Name(id="__name__"),
            ops=[ast.Eq()],
            comparators=[ast.Constant(value="__main__")],
        ):
            return True
        case ast.Constant(value=value):
            return value is False or value == 0
    return False
