"""Reads the names that a block of source binds."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mlpolicy.plan.survey.bindings import (
    Arms,
    Binding,
    Deleted,
    Imported,
    Names,
    Star,
    Unknown,
    What,
)


def names_of(body: Iterable[ast.stmt], parameters: Iterable[ast.arg] = ()) -> Names:
    """Return what the statements of *body* bind; blocks within are looked through, scopes are not."""
    reader = _Reader()
    for parameter in parameters:
        reader.bind(parameter.arg, Unknown(), parameter)
    reader.block(body)
    return Names(reader.bindings, tuple(reader.stars), reader.attributes)


class _Reader:
    """Walks statements and notes what they bind."""

    def __init__(self) -> None:
        self.bindings: dict[str, list[Binding]] = {}
        self.stars: list[Star] = []
        self.attributes: dict[tuple[str, str], Binding] = {}
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
        read = _READERS.get(type(node))
        if read is not None:
            read(self, node)

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self.bind(node.name, node, node)

    def _assign(self, node: ast.Assign) -> None:
        self._walrus(node.value)
        for target in node.targets:
            self._target(target, node.value)

    def _annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._walrus(node.value)
            self._target(node.target, node.value)

    def _augmented(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.bind(node.target.id, Unknown(), node.target)

    def _delete(self, node: ast.Delete) -> None:
        for one in node.targets:
            if isinstance(one, ast.Name):
                self.bind(one.id, Deleted(), one)

    def _evaluate(self, node: ast.Expr) -> None:
        self._walrus(node.value)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        self._target(node.target, None)
        self._while(node)

    def _while(self, node: ast.While | ast.For | ast.AsyncFor) -> None:
        self._under(node, [node.body])
        self.block(node.orelse)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            if item.optional_vars is not None:
                self._target(item.optional_vars, None)
        # It may suppress what the body raises: the end of the body is not sure.
        self._under(node, [node.body])

    def _match(self, node: ast.Match) -> None:
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

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.bind(alias.asname or top, Imported(alias.name if alias.asname else top), alias)

    def _import_from(self, node: ast.ImportFrom) -> None:
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
            case ast.Attribute(value=ast.Name(id=owner)):
                what = value or Unknown()
                found = Binding(target.attr, what, target.lineno, target.col_offset, self._arms)
                self.attributes[owner, target.attr] = found
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


_READERS: dict[type[ast.stmt], Callable[[_Reader, Any], None]] = {
    ast.FunctionDef: _Reader._define,
    ast.AsyncFunctionDef: _Reader._define,
    ast.ClassDef: _Reader._define,
    ast.Import: _Reader._import,
    ast.ImportFrom: _Reader._import_from,
    ast.Assign: _Reader._assign,
    ast.AnnAssign: _Reader._annotated,
    ast.AugAssign: _Reader._augmented,
    ast.Delete: _Reader._delete,
    ast.Expr: _Reader._evaluate,
    ast.If: _Reader._if,
    ast.Try: _Reader._try,
    ast.TryStar: _Reader._try,
    ast.For: _Reader._for,
    ast.AsyncFor: _Reader._for,
    ast.While: _Reader._while,
    ast.With: _Reader._with,
    ast.AsyncWith: _Reader._with,
    ast.Match: _Reader._match,
}
"""How each kind of statement that may bind a name is read."""


def _paired(
    target: ast.Tuple | ast.List, value: ast.expr | None
) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    values: list[ast.expr | None] = [None] * len(target.elts)
    if (
        isinstance(value, ast.Tuple | ast.List)
        and len(value.elts) == len(target.elts)
        and not any(isinstance(one, ast.Starred) for one in [*value.elts, *target.elts])
    ):
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
        case ast.BoolOp(op=ast.And(), values=values):
            return any(map(_is_idle, values))
    return isinstance(test, ast.Constant) and not test.value
