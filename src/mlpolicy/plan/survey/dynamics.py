"""What in a module binds names that no statement shows."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_HINTS = (b"exec", b"setattr", b"globals", b"vars", b"locals", b"sys.modules", b"global ")
_NAMESPACES = ("globals", "vars", "locals")
_READS = ("get", "keys", "items", "values", "copy")


def writes(tree: ast.Module, source: bytes) -> str:
    """Return what in a module may bind further names, as "… in line 7"; mostly nothing."""
    if not any(hint in source for hint in _HINTS):
        return ""
    for node, outside in _nodes(tree.body):
        what = _written(node, outside=outside)
        if what:
            return f"may get further names: {what} in line {node.lineno}"
    return ""


def _nodes(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt | ast.expr, bool]]:
    """Yield every node, and whether it runs while the module is imported."""
    waiting: list[tuple[ast.AST, bool]] = [(node, True) for node in reversed(body)]
    while waiting:
        node, outside = waiting.pop()
        if isinstance(node, ast.stmt | ast.expr):
            yield node, outside
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ((one, outside) for one in (*node.decorator_list, node.args))
            waiting += ((one, False) for one in reversed(node.body))
        elif isinstance(node, ast.Lambda):
            waiting.append((node.body, False))
        else:
            waiting += ((one, outside) for one in reversed(list(ast.iter_child_nodes(node))))


def _written(node: ast.stmt | ast.expr, *, outside: bool) -> str:
    if isinstance(node, ast.Call):
        return _called(node, outside=outside)
    targets: list[ast.expr] = getattr(node, "targets", [])
    for target in targets:
        if isinstance(target, ast.Subscript) and _is_namespace(target.value):
            return "an assignment to `globals()`"
        if isinstance(target, ast.Subscript) and _is_this_module(target):
            return "an assignment to `sys.modules`"
    if isinstance(node, ast.Global) and not outside:
        return f"`global {', '.join(node.names)}`"
    return ""


def _called(node: ast.Call, *, outside: bool) -> str:
    match node.func:
        case ast.Name(id="exec") if outside or any(_is_namespace(one) for one in node.args):
            return "`exec`"
        case ast.Name(id="setattr") if node.args:
            return "`setattr`" if outside or _is_this_module(node.args[0]) else ""
        case ast.Attribute(value=value, attr=attr) if attr not in _READS and _is_namespace(value):
            return "a call of a method of `globals()`"
        case ast.Attribute(attr="update", value=ast.Attribute(attr="__dict__")) if outside:
            return "an update of a `__dict__`"
    if any(_is_namespace(one) for one in node.args) and not _reads(node.func):
        return "a call that is given `globals()`"
    return ""


def _reads(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and function.id in (
        "dict", "list", "set", "sorted", "len", "tuple", "print", "eval", "filter", "any",
    )  # fmt: skip


def _is_namespace(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name), args=[]):
            return name in _NAMESPACES
    return False


def _is_this_module(node: ast.expr) -> bool:
    """Whether *node* is `sys.modules[__name__]`."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="modules"), slice=ast.Name(id="__name__")):
            return True
    return False
