"""Whether the settings of a validate rule make sense: together, and for the function they judge."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mlpolicy.core.default import function_of
from mlpolicy.core.diagnostic import Diagnostic, repair
from mlpolicy.core.kind import Lacking
from mlpolicy.core.quantity import ByteSize
from mlpolicy.core.site import GENERATORS
from mlpolicy.core.spelling import did_you_mean
from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.checks.classes import DUCKS, NAMES
from mlpolicy.rules.validate.checks.dtypes import as_names, spelt
from mlpolicy.rules.validate.checks.models import why_none
from mlpolicy.rules.validate.checks.settings import size_of
from mlpolicy.rules.validate.look import Look

if TYPE_CHECKING:
    from mlpolicy.core.function import Function
    from mlpolicy.rules.validate.rule import Spec, ValidateRule

Finding = tuple[str, ...]

HUGE = ByteSize(1024**2)
"""A default beyond this costs more to copy than the call that it stands in for."""


def check(rule: ValidateRule) -> Iterator[Finding]:
    """Yield (code, field, message) for what is wrong with the rule alone."""
    if not rule.args and rule.returns is None:
        text = "`validate` needs `args` or `returns`: there is nothing to look at"
        yield "MP011", "args", text
    yield from _lone(rule)
    given = "default" in rule.model_fields_set
    if rule.on_fail == "default" and not given:
        yield Lacking(("MP205", "on_fail", "`on_fail: default` needs a `default` to give"))
    elif given and rule.on_fail != "default":
        text = f"`default` is never given while `on_fail` is `{rule.on_fail}`"
        yield Lacking(("MP205", "default", text))
    elif given and not function_of(rule.default):
        yield from _value(rule)


def _specs(rule: ValidateRule) -> Iterator[tuple[str, Spec, bool]]:
    """Yield every spec of *rule* with its setting, and whether it judges several values at once."""
    for name, spec in rule.args.items():
        yield from spec.within(f"args.{name}")
    if rule.returns is not None:
        yield from rule.returns.within("returns")


def _lone(rule: ValidateRule) -> Iterator[Finding]:
    """Yield names of dimensions that stand at one place only: they compare with nothing."""
    places: dict[str, list[str]] = {}
    for setting, spec, many in _specs(rule):
        for number, size in enumerate(spec.shape or ()):
            if isinstance(size, str):
                place = f"{setting}.shape.{number}"
                places.setdefault(size, []).extend([place] * (2 if many else 1))
    lone = {symbol: where[0] for symbol, where in places.items() if len(where) == 1}
    if lone:
        # Two of them are one slip as a rule: the last was meant to be the other.
        *others, last = lone
        beside = "".join(f", as does `{one}`" for one in others)
        text = f"the dimension `{last}` stands at one place only{beside}, so any size will do"
        help = "name it where the same size is expected, or write `null`"
        yield "MP204", lone[last], text, help, "info"


def _value(rule: ValidateRule) -> Iterator[Finding]:
    if rule.returns is not None:
        look = Look()
        checker(rule.returns, None).look(rule.default, "default", look)
        if look.failures:
            wrong = "; ".join(str(one) for one in look.failures)
            yield "MP206", "default", f"what `returns` refuses is no default: {wrong}"
    if isinstance(rule.default, dict | list) and size_of(rule.default, HUGE) > HUGE:
        text = f"the default takes more than {HUGE} and is copied each time; name a function"
        yield "MP207", "default", text


def risks(old: ValidateRule, new: ValidateRule) -> Iterator[str]:
    """Yield what to look at twice: what is no longer checked, or met otherwise."""
    gone = [name for name in old.args or {} if name not in (new.args or {})]
    if gone:
        yield f"no longer checked: {', '.join(gone)}"
    if old.returns is not None and new.returns is None:
        yield "the result is no longer checked"
    if old.on_fail != new.on_fail:
        yield f"what fails a check is met otherwise: {old.on_fail} → {new.on_fail}"


# --- the rule on a function ------------------------------------------------------------

Types = frozenset[str]
"""Types of policy files: `int`, `mapping`, `ndarray`, and so on; `null` beside them."""


_INTS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
_FLOATS = [f"float{bits}" for bits in (16, 32, 64)]
_ANNOTATED = {
    "int": " ".join(f"numpy.{name}" for name in _INTS),
    "float": " ".join(f"numpy.{name}" for name in _FLOATS),
    "int bool": "int",
    "int bool float": "float",
    "str": "str",
    "bool": "bool",
    "bytes": "bytes bytearray",
    "null": "None",
    "mapping": "dict Dict Mapping MutableMapping "
    "collections.OrderedDict collections.defaultdict collections.Counter",
    "sequence": "list tuple List Tuple",
    "sequence str bytes": "Sequence",
    "sequence bytes": "MutableSequence",
    "set": "set frozenset Set FrozenSet",
    "ndarray": "numpy.ndarray numpy.typing.NDArray",
    "tensor": "torch.Tensor torch.FloatTensor",
    "dataframe": "pandas.DataFrame polars.DataFrame",
}
"""The annotations that take values of these types."""
_KNOWN: dict[str, Types] = {
    name: frozenset(types.split()) for types, names in _ANNOTATED.items() for name in names.split()
}
_TYPING = ("typing.", "typing_extensions.", "collections.abc.")
_UNIONS = ("typing.Union", "typing.Optional")
_INNER = ("typing.Annotated", "typing.Final", "typing.Required", "typing.NotRequired")
_DTYPES = {
    "numpy.double": "float64", "numpy.single": "float32", "numpy.half": "float16",
    "numpy.bool_": "bool", "numpy.bool": "bool",
    "numpy.complex64": "complex64", "numpy.complex128": "complex128",
    **{f"numpy.{name}": name for name in (*_INTS, *_FLOATS)},
}  # fmt: skip
_FAMILIES = {
    "numpy.floating": ("float",),
    "numpy.integer": ("int", "uint"),
    "numpy.signedinteger": ("int",),
    "numpy.unsignedinteger": ("uint",),
}
_NUMERIC = ("int", "uint", "float", "complex", "bool", "bfloat")


_ARRAYS: Types = frozenset({"ndarray", "tensor", "dataframe"})
_PLAIN: dict[type, tuple[str, str]] = {
    type(None): ("null", "null"),
    dict: ("mapping", "a mapping"),
    list: ("sequence", "a list"),
    tuple: ("sequence", "a list"),
    int: ("int", "a whole number"),
    float: ("float", "a number"),
    str: ("str", "a text"),
    bool: ("bool", "a truth value"),
}
"""What a default may be: its type, and how a message shows it."""


def lint(rule: ValidateRule, function: Function) -> Iterator[Diagnostic]:
    """Yield classes that are not there, and what contradicts the annotations of *function*."""
    for setting, spec, _ in _specs(rule):
        yield from _classes(spec, setting, function)
    if function.is_disabled or function.node is None:
        return
    for name, spec in rule.args.items():
        what = f"argument `{name}` of `{function.name}`"
        yield from _contradicted(what, spec, f"args.{name}", function, name)
    if rule.returns is not None and function.kind in GENERATORS:
        what = "an async generator" if function.kind == "async_generator" else "a generator"
        yield Diagnostic(
            "MP210",
            f"`{function.name}` is {what}: `returns` is not looked at",
            function.at("returns"),
            "warning",
            help="check what is yielded where it is used, or validate a function that returns it",
            related=function.line("it is defined here"),
        )
    elif rule.returns is not None:
        what = f"the result of `{function.name}`"
        yield from _contradicted(what, rule.returns, "returns", function, "return")
    if function.kind not in GENERATORS:
        yield from _default(rule, function)


# --- classes and models ---------------------------------------------------------------


def _classes(spec: Spec, setting: str, function: Function) -> Iterator[Diagnostic]:
    """Yield the dotted names under `type` and `model` that are not there, or no class."""
    alone = isinstance(spec.type, str)
    for number, name in enumerate(as_names(spec.type or ())):
        if isinstance(name, str) and ("." in name or ":" in name):
            place = f"{setting}.type" if alone else f"{setting}.type.{number}"
            yield from _class(name, "class", place, function)
    if spec.model is None:
        return
    place = f"{setting}.model"
    found = list(_class(spec.model, "model", place, function))
    path = spec.model.replace(":", ".")
    why = why_none(spec.model, function.resolve) if function.resolve is not None else ""
    if not found and why:
        message = f"the model `{spec.model}` {why}"
        found = [Diagnostic("MP208", message, function.at(place))]
    elif not found and function.look_up(f"{path}.model_validate").kind == "absent":
        help = "a model is a class below `pydantic.BaseModel`: for any other, write `type`"
        message = f"the model `{path}` is not a pydantic model"
        found = [Diagnostic("MP208", message, function.at(place), help=help)]
    yield from found


def _class(text: str, noun: str, place: str, function: Function) -> Iterator[Diagnostic]:
    path = text.replace(":", ".")
    found = function.look_up(path)
    if found.kind == "absent":
        module, _, name = path.rpartition(".")
        yield Diagnostic(
            "MP208",
            f"`{module}` has no {noun} `{name}`",
            function.at(place),
            help=did_you_mean(found.closest),
            suggestions=repair(function.at(place), found.closest),
        )
    elif found.kind in ("function", "value"):
        message = f"`{path}` is a {found.kind}, not a {noun}"
        yield Diagnostic("MP208", message, function.at(place))


# --- annotations ----------------------------------------------------------------------


def _contradicted(
    what: str, spec: Spec, setting: str, function: Function, name: str
) -> Iterator[Diagnostic]:
    """Yield what *spec* asks for of *what* and no value of its annotation is."""
    annotation = function.annotations.get(name)
    if annotation is None:
        return
    asked, field = _asked(spec)
    allowed = types_of(annotation, function)
    dtypes = as_names(spec.dtype)
    if asked is not None and allowed is not None and not asked & allowed:
        names = "` or `".join(as_names(spec.type or ()))
        wanted = f"type `{names}`" if field == "type" else f"a `{field}`"
    elif dtypes and not allows_dtype(annotation, [spelt(one) for one in dtypes], function):
        wanted, field = "dtype " + " or ".join(f"`{one}`" for one in dtypes), "dtype"
    else:
        return
    yield Diagnostic(
        "MP209",
        f"{what} is annotated `{ast.unparse(annotation)}`, and {wanted} is asked for",
        function.at(f"{setting}.{field}", setting),
        "warning",
        help="no value is both: every call would be refused, or the annotation is wrong",
    )


def _asked(spec: Spec) -> tuple[Types | None, str]:
    """Return which types of values *spec* takes, where it says so, and the field that does."""
    if spec.type is not None:
        names = as_names(spec.type)
        if not set(names).issubset(NAMES + DUCKS):
            return None, "type"
        # A whole number is a number; `int` does not take a `bool`.
        return frozenset((*names, *(("int",) if "float" in names else ()))), "type"
    for field in ("dtype", "shape", "ndim"):
        if getattr(spec, field) not in ((), None):
            return _ARRAYS, field
    return None, ""


def _default(rule: ValidateRule, function: Function) -> Iterator[Diagnostic]:
    """Yield a default that is not what the function says it returns."""
    annotation = function.annotations.get("return")
    if rule.on_fail != "default" or function_of(rule.default) or annotation is None:
        return
    if any(code in ("MP205", "MP206") for code, *_ in check(rule)):
        return  # it is missing, or `returns` of the rule refuses it already
    allowed = types_of(annotation, function)
    if allowed is None and _takes_no_plain_value(annotation, function):
        allowed = frozenset()
    kind, shown = _PLAIN.get(type(rule.default), ("", ""))
    if allowed is None or not kind or kind in allowed or (kind == "int" and "float" in allowed):
        return
    yield Diagnostic(
        "MP206",
        f"`{function.name}` is annotated to return `{ast.unparse(annotation)}`, "
        f"and the default is {shown}",
        function.at("default"),
        help='give what callers expect, or name a function: `default: {call: "module:function"}`',
    )


def _takes_no_plain_value(annotation: ast.expr, function: Function) -> bool:
    """Whether *annotation* is a class of which no value of a policy file is an instance."""
    lineage = function.lineage(annotation)
    for node in lineage:
        if node is None or node.keywords:
            return False
        names = (ast.unparse(base).partition("[")[0] for base in node.bases)
        if any(name.endswith(("Protocol", "TypedDict", "ABC")) for name in names):
            return False
    return bool(lineage)


# --- what annotations say --------------------------------------------------------------


def types_of(annotation: ast.expr | None, function: Function) -> Types | None:
    """Return which types the values may be of that *annotation* allows; None if it is open."""
    match _read(annotation):
        case None:
            return None
        case ast.Constant(value=None):
            return frozenset({"null"})
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
        return known | {"null"} if known is not None and name == "typing.Optional" else known
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
