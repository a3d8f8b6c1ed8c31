"""What annotations say of values, in the words of policy files."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlpolicy.core.function import Function

Types = frozenset[str]
"""Types of policy files: `int`, `mapping`, `ndarray`, and so on; `null` beside them."""

_NULL: Types = frozenset({"null"})
_NUMPY = {f"float{bits}": "float" for bits in (16, 32, 64)}
_NUMPY |= {f"{sign}int{bits}": "int" for sign in ("", "u") for bits in (8, 16, 32, 64)}
_WORDS = {
    "int": "int bool",
    "float": "int bool float",
    "str": "str",
    "bool": "bool",
    "bytes": "bytes",
    "bytearray": "bytes",
    "None": "null",
    **dict.fromkeys(("dict", "Dict", "Mapping", "MutableMapping"), "mapping"),
    "collections.OrderedDict": "mapping",
    "collections.defaultdict": "mapping",
    "collections.Counter": "mapping",
    **dict.fromkeys(("list", "tuple", "List", "Tuple"), "sequence"),
    "Sequence": "sequence str bytes",
    "MutableSequence": "sequence bytes",
    **dict.fromkeys(("set", "frozenset", "Set", "FrozenSet"), "set"),
    **dict.fromkeys(("numpy.ndarray", "numpy.typing.NDArray"), "ndarray"),
    **dict.fromkeys(("torch.Tensor", "torch.FloatTensor"), "tensor"),
    **dict.fromkeys(("pandas.DataFrame", "polars.DataFrame"), "dataframe"),
    **{f"numpy.{name}": word for name, word in _NUMPY.items()},
}
_KNOWN: dict[str, Types] = {name: frozenset(words.split()) for name, words in _WORDS.items()}
_TYPING = ("typing.", "typing_extensions.", "collections.abc.")
_UNIONS = ("typing.Union", "typing.Optional")
_INNER = ("typing.Annotated", "typing.Final", "typing.Required", "typing.NotRequired")
_DTYPES = {
    "numpy.double": "float64", "numpy.single": "float32", "numpy.half": "float16",
    "numpy.bool_": "bool", "numpy.bool": "bool",
    "numpy.complex64": "complex64", "numpy.complex128": "complex128",
    **{f"numpy.{name}": name for name in _NUMPY},
}  # fmt: skip
_FAMILIES = {
    "numpy.floating": ("float",),
    "numpy.integer": ("int", "uint"),
    "numpy.signedinteger": ("int",),
    "numpy.unsignedinteger": ("uint",),
}
_NUMERIC = ("int", "uint", "float", "complex", "bool", "bfloat")


def types_of(annotation: ast.expr | None, function: Function) -> Types | None:
    """Return which types the values may be of that *annotation* allows; None if it is open."""
    match _read(annotation):
        case None:
            return None
        case ast.Constant(value=None):
            return _NULL
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _joined((left, right), function)
        case ast.Subscript(value=value, slice=inner):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return _subscript(_name(value, function), parts, function)
        case node:
            return _KNOWN.get(_name(node, function))


def _read(annotation: ast.expr | None) -> ast.expr | None:
    """Return *annotation*, parsed where it is written out as text; None where that fails."""
    match annotation:
        case ast.Constant(value=str(text)):
            try:
                return _read(ast.parse(text, mode="eval").body)
            except (SyntaxError, ValueError, RecursionError):
                return None
    return annotation


def _subscript(name: str, parts: list[ast.expr], function: Function) -> Types | None:
    if name in _UNIONS:
        known = _joined(parts, function)
        return known | _NULL if known is not None and name == "typing.Optional" else known
    if name in _INNER:
        return types_of(parts[0], function)
    if name == "typing.Literal":
        if not all(isinstance(part, ast.Constant) for part in parts):
            return None
        values = [part.value for part in parts if isinstance(part, ast.Constant)]
        return frozenset("null" if one is None else type(one).__name__ for one in values)
    return _KNOWN.get(name)


def _joined(parts: Iterable[ast.expr], function: Function) -> Types | None:
    each = [types_of(part, function) for part in parts]
    return frozenset(word for known in each for word in known or ()) if None not in each else None


def _name(node: ast.expr, function: Function) -> str:
    """Return the full name in an annotation; what `typing` only passes on by its own name."""
    found = function.annotated_name(node)
    for start in _TYPING:
        if found.startswith(start):
            word = found.removeprefix(start)
            return word if word in _KNOWN else f"typing.{word}"
    return found


def allows_dtype(annotation: ast.expr | None, dtypes: Iterable[str], function: Function) -> bool:
    """Return whether arrays of one of *dtypes* may be what `NDArray[np.float32]` says."""
    match _read(annotation):
        case ast.Subscript(value=value, slice=inner):
            name = _name(value, function)
        case _:
            return True
    match inner:
        case ast.Tuple(elts=[_, ast.Subscript(value=value, slice=element)]) if (
            name == "numpy.ndarray" and _name(value, function) == "numpy.dtype"
        ):
            inner = element
        case _ if name != "numpy.typing.NDArray":
            return True
    held = _name(inner, function)
    if held in _DTYPES:
        return _DTYPES[held] in dtypes
    families = _FAMILIES.get(held)
    each = (dtype.rstrip("0123456789") for dtype in dtypes)
    return families is None or any(one in families or one not in _NUMERIC for one in each)
