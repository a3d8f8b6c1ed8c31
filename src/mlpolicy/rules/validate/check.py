"""Whether the settings of a validate rule make sense: together, and for the function they judge."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlpolicy.core.diagnostic import Diagnostic, did_you_mean, repair
from mlpolicy.core.kind import Lacking
from mlpolicy.core.quantity import ByteSize
from mlpolicy.core.site import GENERATORS, text_of
from mlpolicy.core.target import function_of
from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.checks.classes import DUCKS, NAMES
from mlpolicy.rules.validate.checks.dtypes import as_names, known, spelt
from mlpolicy.rules.validate.checks.models import why_none
from mlpolicy.rules.validate.checks.settings import size_of
from mlpolicy.rules.validate.look import Look

if TYPE_CHECKING:
    from mlpolicy.core.site import Function
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
    lone = [(name, where[0]) for name, where in places.items() if len(where) == 1]
    if lone:
        # Two of them are one slip as a rule: the last was meant to be the other.
        name, place = lone[-1]
        text = f"the dimension `{name}` stands at one place only, so any size will do"
        help = "name it where the same size is expected, or write `null`"
        yield "MP204", place, text, help, "info"


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

_ANNOTATED = {
    "int": "numpy.int8 numpy.int16 numpy.int32 numpy.int64 "
    "numpy.uint8 numpy.uint16 numpy.uint32 numpy.uint64",
    "float": "numpy.float16 numpy.float32 numpy.float64",
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
_FAMILIES = {
    "floating": ("float",),
    "integer": ("int", "uint"),
    "signedinteger": ("int",),
    "unsignedinteger": ("uint",),
}
_NUMERIC = ("int", "uint", "float", "complex", "bool", "bfloat")
_SIZED = {"double": "float64", "single": "float32", "half": "float16"}
_PLAIN = {type(None): "null", dict: "mapping", list: "sequence", tuple: "sequence"} | {
    one: one.__name__ for one in (int, float, str, bool)
}
"""The type of a default."""


def lint(rule: ValidateRule, function: Function) -> Iterator[Diagnostic]:
    """Yield classes that are not there, and what contradicts the annotations of *function*."""
    for setting, spec, _ in _specs(rule):
        yield from _classes(spec, setting, function)
    if function.is_disabled or function.node is None:
        return
    for name, spec in rule.args.items():
        yield from _contradicted(f"argument `{name}`", spec, f"args.{name}", function, name)
    if function.kind not in GENERATORS:
        if rule.returns is not None:
            yield from _contradicted("the result", rule.returns, "returns", function, "return")
        yield from _default(rule, function)
    elif rule.returns is not None:
        yield Diagnostic(
            "MP210",
            f"`{function.name}` is a generator: `returns` is not looked at",
            function.at("returns"),
            "warning",
            help="check what is yielded where it is used, or validate a function that returns it",
            related=function.line("it is defined here"),
        )


def _classes(spec: Spec, setting: str, function: Function) -> Iterator[Diagnostic]:
    """Yield the dotted names under `type` and `model` that are not there, or no class."""
    for number, name in enumerate(as_names(spec.type or ())):
        if isinstance(name, str) and ("." in name or ":" in name):
            place = "type" if isinstance(spec.type, str) else f"type.{number}"
            yield from _class(name, "class", f"{setting}.{place}", function)
    if spec.model is None:
        return
    place = f"{setting}.model"
    found = list(_class(spec.model, "model", place, function))
    yield from found
    path = spec.model.replace(":", ".")
    if found:
        return
    why = why_none(spec.model, function.resolve) if function.resolve is not None else ""
    if not why and function.look_up(f"{path}.model_validate").kind == "absent":
        why = "is not a pydantic model"
    if why:
        yield Diagnostic("MP208", f"the model `{path}` {why}", function.at(place))


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


def _contradicted(
    what: str, spec: Spec, setting: str, function: Function, name: str
) -> Iterator[Diagnostic]:
    """Yield what *spec* asks for of *what* and no value of its annotation is."""
    annotation = function.annotations.get(name)
    if annotation is None:
        return
    asked, field = _asked(spec)
    allowed = _types_of(annotation, function)
    dtypes = as_names(spec.dtype)
    if asked is None or allowed is None or asked & allowed:
        if not dtypes or _allows_dtype(annotation, [spelt(one) for one in dtypes], function):
            return
        field = "dtype"
    named = as_names(getattr(spec, field)) if field in ("type", "dtype") else ()
    wanted = " or ".join(f"`{one}`" for one in named)
    yield Diagnostic(
        "MP209",
        f"{what} of `{function.name}` is annotated `{text_of(annotation)}`, "
        f"and {field} {wanted}".rstrip()
        + " is asked for",
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
            return frozenset(DUCKS), field
    return None, ""


def _default(rule: ValidateRule, function: Function) -> Iterator[Diagnostic]:
    """Yield a default that is not what the function says it returns."""
    annotation = function.annotations.get("return")
    if rule.on_fail != "default" or function_of(rule.default) or annotation is None:
        return
    if any(code in ("MP205", "MP206") for code, *_ in check(rule)):
        return  # it is missing, or `returns` of the rule refuses it already
    allowed = _types_of(annotation, function)
    if allowed is None and _takes_no_plain_value(annotation, function):
        allowed = frozenset()
    kind = _PLAIN.get(type(rule.default), "")
    if allowed is None or not kind or kind in allowed or (kind == "int" and "float" in allowed):
        return
    yield Diagnostic(
        "MP206",
        f"`{function.name}` is annotated to return `{text_of(annotation)}`, "
        f"and the default is of type `{kind}`",
        function.at("default"),
        help='give what callers expect, or name a function: `default: {call: "module:function"}`',
    )


def _takes_no_plain_value(annotation: ast.expr, function: Function) -> bool:
    """Whether *annotation* is a class of which no value of a policy file is an instance."""
    lineage = function.lineage(annotation)
    for node in lineage:
        if node is None or node.keywords:
            return False
        names = (text_of(base).partition("[")[0] for base in node.bases)
        if any(name.endswith(("Protocol", "TypedDict", "ABC")) for name in names):
            return False
    return bool(lineage)


# --- what annotations say --------------------------------------------------------------

Member = tuple[str, list[ast.expr]]
"""The full name of a type in an annotation, and what stands in its brackets."""


def _members(annotation: ast.expr, function: Function) -> Iterator[Member]:
    """Yield the types that *annotation* is a union of; one that cannot be read has no name."""
    match annotation:
        case ast.Constant(value=str(text)):
            try:
                yield from _members(ast.parse(text, mode="eval").body, function)
            except (SyntaxError, ValueError, RecursionError):
                yield "", []
        case ast.Constant(value=None):
            yield "None", []
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _members(left, function)
            yield from _members(right, function)
        case ast.Subscript(value=value, slice=inner):
            name = _name(value, function)
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            if name == "typing.Optional":
                parts = [*parts, ast.Constant(None)]
            elif name in _INNER:
                parts = parts[:1]
            if name not in (*_UNIONS, *_INNER):
                yield name, parts
                return
            for part in parts:
                yield from _members(part, function)
        case node:
            yield _name(node, function), []


def _name(node: ast.expr, function: Function) -> str:
    """Return the full name in an annotation; what `typing` only passes on by its own name."""
    found = function.annotated_name(node)
    start = next((start for start in _TYPING if found.startswith(start)), "")
    word = found.removeprefix(start)
    return f"typing.{word}" if start and word not in _KNOWN else word


def _types_of(annotation: ast.expr, function: Function) -> Types | None:
    """Return which types the values may be of that *annotation* allows; None if it is open."""
    found: set[str] = set()
    for name, parts in _members(annotation, function):
        types = _KNOWN.get(name)
        if name == "typing.Literal":
            values = [part.value for part in parts if isinstance(part, ast.Constant)]
            words = ["null" if one is None else type(one).__name__ for one in values]
            types = frozenset(words) if len(values) == len(parts) else None
        if types is None:
            return None
        found |= types
    return frozenset(found)


def _allows_dtype(annotation: ast.expr, dtypes: list[str], function: Function) -> bool:
    """Return whether arrays of one of *dtypes* may be what `NDArray[np.float32]` says."""
    members = list(_members(annotation, function))
    name, parts = members[0] if len(members) == 1 else ("", [])
    if name == "numpy.ndarray" and parts[1:]:
        name, parts = next(_members(parts[1], function))
    if name not in ("numpy.typing.NDArray", "numpy.dtype") or not parts:
        return True
    module, _, held = _name(parts[0], function).rpartition(".")
    if module != "numpy":
        return True
    sorts = [dtype.rstrip("0123456789") for dtype in dtypes]
    if held in _FAMILIES:
        return any(one in _FAMILIES[held] or one not in _NUMERIC for one in sorts)
    named = _SIZED.get(held, held.rstrip("_"))
    return named in dtypes or not known(named) or named.rstrip("0123456789") not in _NUMERIC
