"""What in a module binds names that no statement of it shows."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_HINTS = (
    *(b"exec", b"setattr", b"globals", b"vars", b"locals", b"sys.modules", b"__dict__"),
    b"_convert_",
)
_READING_METHODS = frozenset({"get", "keys", "items", "values", "copy"})
_READING_FUNCTIONS = frozenset(
    {"any", "dict", "eval", "filter", "len", "list", "print", "set", "sorted", "tuple"}
)


def writes(tree: ast.Module, source: bytes) -> str:
    """Return what in a module may bind further names, and in which line; mostly nothing."""
    if not any(hint in source for hint in _HINTS):
        return ""
    for node, outside in _nodes(tree.body):
        what = _called(node, outside) if isinstance(node, ast.Call) else _assigned(node, outside)
        if what:
            return f"may get further names: {what} in line {node.lineno}"
    return ""


def declared_global(tree: ast.Module, source: bytes) -> dict[str, int]:
    """Return the names that functions bind in the module, and the line that says so."""
    if b"global" not in source:
        return {}
    return {
        name: node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Global)
        for name in node.names
    }


def _nodes(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt | ast.expr, bool]]:
    """Yield every node, and whether it is run while the module is imported."""
    waiting: list[tuple[ast.AST, bool]] = [(node, True) for node in reversed(body)]
    while waiting:
        node, outside = waiting.pop()
        if isinstance(node, ast.stmt | ast.expr):
            yield node, outside
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ((one, False) for one in reversed(node.body))
            waiting += ((one, outside) for one in (*node.decorator_list, node.args))
        elif isinstance(node, ast.Lambda):
            waiting.append((node.body, False))
        else:
            waiting += ((one, outside) for one in reversed(list(ast.iter_child_nodes(node))))


def _assigned(node: ast.stmt | ast.expr, outside: bool) -> str:  # noqa: FBT001 (read with `_nodes`)
    for target in getattr(node, "targets", ()):
        if isinstance(target, ast.Subscript):
            if _is_namespace(target.value, outside):
                return "an assignment to `globals()`"
            if _is_this_module(target):
                return "an assignment to `sys.modules`"
    return ""


def _called(node: ast.Call, outside: bool) -> str:  # noqa: FBT001 (read with `_nodes`)
    given = any(_is_namespace(one, outside) for one in node.args)
    what = ""
    match node.func:
        case ast.Name(id="exec") if outside or given:
            what = "`exec`"
        case ast.Name(id="setattr") if _sets_names(node.args, outside):
            what = "`setattr`"
        case ast.Name(id=name) if given and name not in _READING_FUNCTIONS:
            what = f"`{name}` is given `globals()`"
        case ast.Attribute(attr="_convert_") if outside:
            what = "`_convert_`"
        case ast.Attribute(attr="update", value=ast.Attribute(attr="__dict__")) if outside:
            what = "an update of a `__dict__`"
        case ast.Attribute(value=value, attr=attr) if attr not in _READING_METHODS:
            if given or _is_namespace(value, outside):
                what = f"`{attr}` is called with `globals()`"
    return what


def _is_namespace(node: ast.expr, outside: bool) -> bool:  # noqa: FBT001 (read with `_nodes`)
    """Whether *node* is the dictionary of names of the module, or of the class around it."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[]):
            return name == "globals" or (outside and name in ("vars", "locals"))
    return False


def _sets_names(args: list[ast.expr], outside: bool) -> bool:  # noqa: FBT001 (read with `_nodes`)
    """Whether `setattr` with *args* may bind names of the module, other than those like `__doc__`."""
    match args:
        case [_, ast.Constant(value=str() as name), _] if name[:2] == name[-2:] == "__":
            return False
    return outside or any(map(_is_this_module, args))


def _is_this_module(node: ast.expr) -> bool:
    """Whether *node* is `sys.modules[__name__]`."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="modules"), slice=ast.Name(id="__name__")):
            return True
    return False
