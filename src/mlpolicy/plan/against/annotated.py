"""What an annotation says of values, in the words of policy files."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from mlpolicy.plan.survey.body import Body
from mlpolicy.plan.survey.functions import full_name

Sorts = frozenset[str]
"""Types of policy files: `int`, `mapping`, `ndarray`, and so on; `null` beside them."""

_NUMBERS = frozenset({"int", "bool", "float"})
_NUMPY = {f"float{bits}": "float" for bits in (16, 32, 64)}
_NUMPY |= {f"{sign}int{bits}": "int" for sign in ("", "u") for bits in (8, 16, 32, 64)}
_KNOWN: dict[str, Sorts] = {
    "int": frozenset({"int", "bool"}),
    "float": _NUMBERS,
    "str": frozenset({"str"}),
    "bool": frozenset({"bool"}),
    "bytes": frozenset({"bytes"}),
    "bytearray": frozenset({"bytes"}),
    "None": frozenset({"null"}),
    **{f"numpy.{name}": frozenset({sort}) for name, sort in _NUMPY.items()},
}
_MAPPINGS = ("dict", "collections.OrderedDict", "collections.defaultdict", "collections.Counter")
_KNOWN |= dict.fromkeys((*_MAPPINGS, "Dict", "Mapping", "MutableMapping"), frozenset({"mapping"}))
_KNOWN |= dict.fromkeys(("list", "tuple", "List", "Tuple"), frozenset({"sequence"}))
_KNOWN |= dict.fromkeys(("Sequence",), frozenset({"sequence", "str", "bytes"}))
_KNOWN |= dict.fromkeys(("MutableSequence",), frozenset({"sequence", "bytes"}))
_KNOWN |= dict.fromkeys(("set", "frozenset", "Set", "FrozenSet"), frozenset({"set"}))
_KNOWN |= dict.fromkeys(("numpy.ndarray", "numpy.typing.NDArray"), frozenset({"ndarray"}))
_KNOWN |= dict.fromkeys(("torch.Tensor", "torch.FloatTensor"), frozenset({"tensor"}))
_KNOWN |= dict.fromkeys(("pandas.DataFrame", "polars.DataFrame"), frozenset({"dataframe"}))
_TYPING = ("typing.", "typing_extensions.", "collections.abc.")
_UNIONS = ("typing.Union", "typing.Optional")
_INNER = ("typing.Annotated", "typing.Final", "typing.Required", "typing.NotRequired")
_ALIASES = {
    "numpy.double": "float64", "numpy.single": "float32", "numpy.half": "float16",
    "numpy.bool_": "bool", "numpy.bool": "bool", "numpy.float64": "float64",
    "numpy.complex64": "complex64", "numpy.complex128": "complex128",
}  # fmt: skip
_DTYPES = _ALIASES | {f"numpy.{name}": name for name in _NUMPY}
_FAMILIES: dict[str, tuple[str, ...]] = {
    "numpy.floating": ("float",),
    "numpy.integer": ("int", "uint"),
    "numpy.signedinteger": ("int",),
    "numpy.unsignedinteger": ("uint",),
}
_NUMERIC = ("int", "uint", "float", "complex", "bool", "bfloat")


def sorts(annotation: ast.expr | None, body: Body) -> Sorts | None:
    """Return which types the values may be of that *annotation* allows; None if it is open."""
    found: Sorts | None = None
    match annotation:
        case None:
            pass
        case ast.Constant(value=None):
            found = _KNOWN["None"]
        case ast.Constant(value=str(text)):
            found = _read(text, body)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            found = _joined((left, right), body)
        case ast.Subscript(value=value, slice=inner):
            found = _subscript(_name(value, body), inner, body)
        case _:
            found = _KNOWN.get(_name(annotation, body))
    return found


def _read(text: str, body: Body) -> Sorts | None:
    try:
        return sorts(ast.parse(text, mode="eval").body, body)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _subscript(name: str, inner: ast.expr, body: Body) -> Sorts | None:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    found = _KNOWN.get(name)
    if name in _UNIONS:
        optional = _KNOWN["None"] if name == "typing.Optional" else frozenset()
        known = _joined(parts, body)
        found = None if known is None else known | optional
    elif name in _INNER:
        found = sorts(parts[0], body)
    elif name == "typing.Literal":
        found = _of_literals(parts)
    return found


def _joined(parts: Iterable[ast.expr], body: Body) -> Sorts | None:
    each = [sorts(one, body) for one in parts]
    return frozenset(sort for one in each for sort in one or ()) if None not in each else None


def _of_literals(parts: Iterable[ast.expr]) -> Sorts | None:
    found = set()
    for one in parts:
        if not isinstance(one, ast.Constant):
            return None
        found.add("null" if one.value is None else type(one.value).__name__)
    return frozenset(found)


def _name(node: ast.expr, body: Body) -> str:
    """Return the full name in an annotation; what `typing` only passes on by its own name."""
    found = full_name(node, body.scope)
    for start in _TYPING:
        if found.startswith(start):
            word = found.removeprefix(start)
            return word if word in _KNOWN else f"typing.{word}"
    if found in _KNOWN and "." not in found and found in body.module.scope.bindings:
        return ""  # a name of the module hides the builtin one
    return found


# --- dtypes of arrays -----------------------------------------------------------------

Allows = Callable[[str], bool]


def dtype(annotation: ast.expr | None, body: Body) -> tuple[str, Allows] | None:
    """Return the dtype that `NDArray[np.float32]` names, and a test of others against it."""
    match annotation:
        case ast.Constant(value=str(text)):
            try:
                return dtype(ast.parse(text, mode="eval").body, body)
            except (SyntaxError, ValueError, RecursionError):
                return None
        case ast.Subscript(value=value, slice=inner):
            return _of_element(_name(value, body), inner, body)
    return None


def _of_element(name: str, inner: ast.expr, body: Body) -> tuple[str, Allows] | None:
    if name == "numpy.ndarray" and isinstance(inner, ast.Tuple) and len(inner.elts) == 2:
        held = inner.elts[1]
        if not isinstance(held, ast.Subscript) or _name(held.value, body) != "numpy.dtype":
            return None
        inner = held.slice
    elif name != "numpy.typing.NDArray":
        return None
    found = _name(inner, body)
    if found in _DTYPES:
        only = _DTYPES[found]
        return only, lambda asked: asked == only
    if found in _FAMILIES:
        family = _FAMILIES[found]
        return found, lambda asked: _family(asked) in family or _family(asked) not in _NUMERIC
    return None


def _family(dtype: str) -> str:
    return dtype.rstrip("0123456789")
