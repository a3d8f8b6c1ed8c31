"""The names that `__all__` lists, as far as its source is plain."""

from __future__ import annotations

import ast


def exported(tree: ast.Module) -> frozenset[str] | None:
    """Return the names in the `__all__` of a module; None without one that can be read off."""
    names: set[str] | None = None
    for node in tree.body:
        try:
            added = _added(node)
        except ValueError:
            return None
        if added is not None:
            grows, texts = added
            names = (names or set()) | texts if grows else texts
    mentioned = sum(isinstance(one, ast.Name) and one.id == "__all__" for one in ast.walk(tree))
    plain = sum(_is_about_it(node) for node in tree.body)
    # Whatever else speaks of it, in a branch or in a loop, may change it.
    return frozenset(names) if names is not None and mentioned == plain else None


def _added(node: ast.stmt) -> tuple[bool, set[str]] | None:
    """Return (whether it adds to what there was, the names) if *node* is about `__all__`."""
    if not _is_about_it(node):
        return None
    match node:
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return False, _texts(value)
        case (
            ast.AugAssign(value=value)
            | ast.Expr(value=ast.Call(func=ast.Attribute(attr="extend"), args=[value]))
        ):
            return True, _texts(value)
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="append"), args=[value])):
            return True, _texts(ast.List([value]))
    raise ValueError


def _is_about_it(node: ast.stmt) -> bool:
    match node:
        case (
            ast.Assign(targets=[ast.Name(id="__all__")])
            | ast.AnnAssign(target=ast.Name(id="__all__"))
            | ast.AugAssign(target=ast.Name(id="__all__"))
        ):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="__all__")))):
            return True
    return False


def _texts(value: ast.expr) -> set[str]:
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return _texts(value.left) | _texts(value.right)
    found = ast.literal_eval(value)
    if not isinstance(found, list | tuple | set) or not all(isinstance(one, str) for one in found):
        raise ValueError
    return set(found)
