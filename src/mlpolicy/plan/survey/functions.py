"""What a `def` or a `lambda` says of the function that it makes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlpolicy.core.site import FunctionKind, Parameter
from mlpolicy.plan.survey.bindings import Binding, FunctionNode, Imported
from mlpolicy.plan.survey.module import Scope

_OVERLOAD = frozenset({"typing.overload", "typing_extensions.overload"})
_ABSTRACT = frozenset(
    f"abc.{one}"
    for one in ("abstractmethod", "abstractproperty", "abstractclassmethod", "abstractstaticmethod")
)
_NO_FUNCTION = frozenset(
    {"property", "abc.abstractproperty", "functools.singledispatchmethod", "enum.property"}
)
_ACCESSORS = ("setter", "deleter")
_LONGEST = 200


def kind_of(node: FunctionNode, scope: Scope) -> FunctionKind:
    """Return what a call of the function that *node* defines in *scope* gives."""
    yields = scope.module.yields and any(
        isinstance(one, ast.Yield | ast.YieldFrom) for one in own_nodes(node)
    )
    if isinstance(node, ast.AsyncFunctionDef):
        return "async_generator" if yields else "coroutine"
    return "generator" if yields else "function"


def parameters_of(node: FunctionNode) -> tuple[Parameter, ...]:
    """Return the parameters as the function has them, `self` too."""
    return tuple(_parameters(node.args))


def dotted(node: ast.expr) -> str | None:
    """Return the dotted name that *node* is; None where it is something else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def full_name(node: ast.expr, scope: Scope) -> str:
    """Return the dotted name of *node*, with what an import calls its first part put in full."""
    written = dotted(node)
    if written is None:
        return shortened(node)
    first, _, rest = written.partition(".")
    origin = _origin(first, scope)
    return f"{origin}.{rest}" if rest else origin


def decorators_of(node: ast.AST, scope: Scope) -> tuple[str, ...]:
    """Return the full names of the decorators of a function or class in *scope*."""
    found: list[ast.expr] = getattr(node, "decorator_list", [])
    return tuple(full_name(one.func if isinstance(one, ast.Call) else one, scope) for one in found)


def shortened(node: ast.expr) -> str:
    """Return the source of *node*, or its beginning."""
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def is_overload(binding: Binding, scope: Scope) -> bool:
    """Whether *binding* is for type checkers and gives way to the implementation."""
    node = binding.what
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return not _OVERLOAD.isdisjoint(decorators_of(node, scope))


def is_accessor(binding: Binding) -> bool:
    """Whether *binding* adds a setter or deleter to the property of its name."""
    return any(
        isinstance(one, ast.Attribute)
        and one.attr in _ACCESSORS
        and dotted(one.value) == binding.name
        for one in getattr(binding.what, "decorator_list", ())
    )


def is_abstract(node: FunctionNode, scope: Scope) -> bool:
    """Whether nothing is meant to call the body of the method *node* of *scope*."""
    if not _ABSTRACT.isdisjoint(decorators_of(node, scope)):
        return True
    return (
        _is_protocol(scope)
        and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and all(
            isinstance(one, ast.Pass)
            or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
            for one in node.body
        )
    )


def is_descriptor(node: ast.AST, scope: Scope) -> bool:
    """Whether a method is read like an attribute, so that no pattern takes it."""
    return any(
        one in _NO_FUNCTION or one.rpartition(".")[2] == "cached_property"
        for one in decorators_of(node, scope)
    )


def _is_protocol(scope: Scope) -> bool:
    if not isinstance(scope.node, ast.ClassDef) or scope.parent is None:
        return False
    bases = [one.value if isinstance(one, ast.Subscript) else one for one in scope.node.bases]
    return any(
        full_name(one, scope.parent) in ("typing.Protocol", "typing_extensions.Protocol")
        for one in bases
    )


def _origin(name: str, scope: Scope) -> str:
    """Return the full name of what *scope* calls *name*, where an import gives it."""
    looked: Scope | None = scope
    while looked is not None:
        for binding in looked.bindings.get(name, ()):
            if isinstance(binding.what, Imported):
                return _imported(binding.what, scope, name)
        if name in looked.bindings:
            break
        looked = looked.parent
    return name


def _imported(what: Imported, scope: Scope, name: str) -> str:
    module = scope.module.absolute(what.module, what.level)
    if module is None:
        return name
    return f"{module}.{what.name}" if what.name else module


def own_nodes(node: FunctionNode) -> list[ast.AST]:
    """Return the nodes that a call of *node* itself runs, not those in functions that it makes.

    What has no parts, as `pass` and the context of a name, is left out.
    """
    found: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else [*node.body]
    for one in found:  # which grows
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            found += [*one.decorator_list, one.args]
        elif isinstance(one, ast.Lambda):
            found.append(one.args)
        else:
            for name in one._fields:
                part = getattr(one, name, None)
                if isinstance(part, ast.AST):
                    if part._fields:
                        found.append(part)
                elif isinstance(part, list):
                    found += (item for item in part if isinstance(item, ast.AST))
    return found


def _parameters(found: ast.arguments) -> Iterator[Parameter]:
    positional = [*found.posonlyargs, *found.args]
    required = len(positional) - len(found.defaults)
    for at, one in enumerate(positional):
        first = at < len(found.posonlyargs)
        annotation = _annotation(one)
        yield Parameter(
            one.arg, "positional_only" if first else "positional", at >= required, annotation
        )
    if found.vararg is not None:
        yield Parameter(found.vararg.arg, "var_positional", annotation=_annotation(found.vararg))
    for one, default in zip(found.kwonlyargs, found.kw_defaults, strict=True):
        yield Parameter(one.arg, "keyword", default is not None, _annotation(one))
    if found.kwarg is not None:
        yield Parameter(found.kwarg.arg, "var_keyword", annotation=_annotation(found.kwarg))


def _annotation(node: ast.arg) -> str | None:
    return None if node.annotation is None else shortened(node.annotation)
