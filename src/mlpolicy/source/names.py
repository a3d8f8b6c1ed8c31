"""The names that a block of source binds."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from mlpolicy.core.frozen import frozen

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@frozen()
class Imported:
    """What an import binds a name to: a module, or what a module calls `name`."""

    module: str
    level: int = 0
    name: str | None = None


@frozen()
class Binding:
    """One place that gives a name its meaning."""

    name: str
    what: ast.AST | Imported | None
    """A definition, an expression or an import; `ast.Delete` for `del`, None for what is unknown."""
    line: int
    offset: int
    """In bytes of UTF-8, as `ast` counts."""
    idle: bool = False
    """Whether it is for a type checker or a script only: never bound by an import."""

    @property
    def wraps(self) -> bool:
        """Whether it is an assignment like `f = cache(f)`, which keeps what there was, wrapped."""
        return isinstance(self.what, ast.Call) and any(
            isinstance(node, ast.Name) and node.id == self.name for node in ast.walk(self.what)
        )


class Names(ast.NodeVisitor):
    """Notes what statements bind; branches are looked through, functions and classes are not."""

    def __init__(self, nodes: Iterable[ast.AST]) -> None:
        """Read statements, or the parameters of a function."""
        self.bindings: dict[str, list[Binding]] = {}
        self.stars: list[ast.ImportFrom] = []
        self._idle = False
        for node in nodes:
            self.visit(node)

    def _bind(self, name: str, what: ast.AST | Imported | None, node: ast.AST) -> None:
        line, offset = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
        self.bindings.setdefault(name, []).append(Binding(name, what, line, offset, self._idle))

    def visit_FunctionDef(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    ) -> None:
        self._bind(node.name, node, node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Pass over it: what it binds is its own."""

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit(node.iter)

    def visit_arg(self, node: ast.arg) -> None:
        self._bind(node.arg, None, node)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._bind(node.id, ast.Delete([node]) if isinstance(node.ctx, ast.Del) else None, node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name is not None:
            self._bind(node.name, None, node)
        self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._assign(node.target, node.value)
        self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._assign(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assign(node.target, node.value)

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
                self.visit(target)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self._bind(alias.asname or top, Imported(alias.name if alias.asname else top), alias)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(node)
            else:
                what = Imported(node.module or "", node.level, alias.name)
                self._bind(alias.asname or alias.name, what, alias)

    def visit_If(self, node: ast.If) -> None:
        negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
        test = node.test.operand if isinstance(node.test, ast.UnaryOp) else node.test
        idle, never = self._idle, _is_idle(test)
        self.visit(node.test)
        for body, unused in ((node.body, never and not negated), (node.orelse, never and negated)):
            self._idle = idle or unused
            for statement in body:
                self.visit(statement)
        self._idle = idle

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef  # noqa: N815 (names of `ast`)
    visit_MatchStar = visit_MatchAs  # noqa: N815 (a name of `ast`)


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
