"""What an operator writes under `validate`."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from mlpolicy.core.backtracking import too_slow, unusable
from mlpolicy.core.diagnostic import closest
from mlpolicy.core.model import CLASS, Default, Imports, Many, RuleModel, Takes, finding, is_python
from mlpolicy.core.quantity import ByteSize
from mlpolicy.core.target import Given
from mlpolicy.rules.validate import KIND
from mlpolicy.rules.validate.annotations import spec_of
from mlpolicy.rules.validate.checks import dtypes
from mlpolicy.rules.validate.checks.classes import DUCKS, NAMES, PLAIN

Number = int | float
Plain = str | int | float | bool | None
Whole = Annotated[int, Field(ge=0)]
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*[.:][^\W\d]\w*(\.[^\W\d]\w*)*")
_MEANT = {
    "integer": "int", "number": "float", "double": "float", "string": "str", "text": "str",
    "boolean": "bool", "dict": "mapping", "object": "mapping", "map": "mapping",
    "list": "sequence", "tuple": "sequence", "array": "ndarray", "frame": "dataframe",
    "table": "dataframe", "long": "int", "int32": "int", "int64": "int", "float32": "float",
    "float64": "float", "array_like": "ndarray", "pandas": "dataframe",
    "set": "",
}  # fmt: skip


_TYPE = f"^({'|'.join(NAMES + DUCKS)})$|{CLASS}"
_Type = Annotated[str, WithJsonSchema({"type": "string", "pattern": _TYPE})]


def _range(value: tuple[Number | None, ...] | None) -> tuple[Number | None, ...] | None:
    if value is None:
        return None
    if len(value) != 2 or any(isinstance(one, float) and math.isnan(one) for one in value):
        raise finding("MP010", "expected two numbers, `[min, max]`, of which one may be `null`")
    low, high = value
    if low is None and high is None:
        raise finding("MP010", "a `range` without ends says nothing; leave it out")
    if low is None or high is None or low < high:
        return value
    if low == high:
        text = f"only {low} is in the range [{low}, {high}]; write `enum: [{low}]` if that is meant"
    else:
        text = f"nothing is in the range [{low}, {high}]: did you mean [{high}, {low}]?"
    raise finding("MP201", text)


Range = Annotated[
    Many[Number | None] | None,
    Field(json_schema_extra={"minItems": 2, "maxItems": 2, "contains": {"not": {"type": "null"}}}),
    AfterValidator(_range),
]


def _in_words(value: Any, info: ValidationInfo) -> Any:
    """Return in the words of policy files what a decorator was given for a field.

    Names for dtypes and classes (`numpy.float32`), the name of a class that has one here, the
    text of a pattern that was compiled, its flags in it. A union is one class of several.
    """
    if not is_python(info) or isinstance(value, str):
        return value
    if info.field_name == "dtype":
        each = value if isinstance(value, list | tuple | set | frozenset) else (value,)
        return tuple(one if isinstance(one, str) else dtypes.named(one) for one in each)
    if info.field_name == "type":
        return value.__name__ if value in PLAIN else get_args(value) or value
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        return _text_of(value)
    return value


def _text_of(pattern: re.Pattern[str]) -> str:
    flags = "".join(letter for letter, flag in _FLAGS.items() if pattern.flags & flag)
    return f"(?{flags}){pattern.pattern}" if flags else pattern.pattern


def _is_type(value: Any) -> bool:
    each = value if isinstance(value, tuple) else (value,)
    return bool(each) and all(isinstance(one, type) for one in each)


_FLAGS = {"a": re.A, "i": re.I, "m": re.M, "s": re.S, "x": re.X}


def _dtype(value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    for number, name in enumerate(dtypes.as_names(value)):
        if not dtypes.known(name):
            meant = dtypes.meant(name) if len(name.split()) == 1 else None
            text = f"`{name}` is no dtype" + (
                "" if meant else "; write it as numpy does: `float32`"
            )
            at = () if isinstance(value, str) else (number,)
            raise finding("MP204", text, meant=meant or "", at=at)
    return value


Dtypes = Annotated[str | Many[str], BeforeValidator(_in_words), AfterValidator(_dtype)]


class Column(RuleModel):
    """What one column of a dataframe must be."""

    dtype: Dtypes = ()
    """The dtype, or a list of those allowed: `float64`, `string`, `datetime64`."""
    nullable: bool = False
    """Whether nulls (`NaN` in pandas) may stand in it."""
    range: Range = None
    """The least and the greatest value allowed, both inclusive; either may be `null`."""
    categories: Annotated[tuple[Plain, ...], Field(strict=False, min_length=1)] | None = None
    """The values allowed."""

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, value: Any, info: ValidationInfo) -> Any:
        """Take a dtype alone for a column of it, in Python."""
        return value if not is_python(info) or _is_block(value) else {"dtype": value}


def _is_block(value: Any) -> bool:
    return isinstance(value, Mapping | RuleModel)


_COERCES: dict[str, Any] = {"required": ["coerce"], "properties": {"coerce": {"const": True}}}
_HAS_MODEL: dict[str, Any] = {"required": ["model"], "properties": {"model": {"type": "string"}}}


class Spec(RuleModel):
    """What one value must be."""

    model_config = ConfigDict(json_schema_extra={"if": _COERCES, "then": _HAS_MODEL})

    type: Annotated[
        _Type | Annotated[Many[_Type], Field(min_length=1)] | None,
        Takes(_is_type),
        BeforeValidator(_in_words),
    ] = None
    """`int`, `float`, `str`, `bool`, `bytes`, `mapping`, `sequence`, `ndarray`, `tensor`,
    `dataframe`, or the dotted path of a class; a list takes a value of any of them."""
    not_null: bool | None = None
    """Whether null is refused; it is wherever a `type` stands, unless this is `false`."""
    dtype: Dtypes = ()
    """The dtype of an array, or a list of those allowed: `float32`."""
    shape: Many[int | str | None] | None = None
    """The size of each dimension: a number, `null` for any, or a name; the same name means the
    same size everywhere in the rule."""
    ndim: Whole | None = None
    """How many dimensions an array has."""
    finite: bool = False
    """Whether NaN and infinity are refused, in every element too."""
    range: Range = None
    """The least and the greatest value allowed, both inclusive; either may be `null`.
    It holds for every element of an array or a sequence, and NaN is outside of any range."""
    enum: Annotated[tuple[Plain, ...], Field(strict=False, min_length=1)] | None = None
    """The values allowed."""
    pattern: Annotated[str | None, BeforeValidator(_in_words)] = None
    """A regular expression that is found in the text; `^` and `$` tie it to the ends."""
    min_len: Whole | None = None
    """The least length: characters, items, or the first dimension."""
    max_len: Whole | None = None
    """The greatest length."""
    max_bytes: ByteSize | None = None
    """How much memory the contents may take."""
    required: Many[str] = ()
    """Keys (of an object: attributes; of a dataframe: columns) that must be there."""
    fields: dict[str, Spec] = Field(default_factory=dict)
    """What is under a key (or attribute) must be, where it is there."""
    items: Spec | None = None
    """What each item of a sequence must be."""
    columns: dict[str, Column] = Field(default_factory=dict)
    """What columns of a dataframe must be; each must be there."""
    model: Annotated[
        Annotated[str, WithJsonSchema({"type": "string", "pattern": CLASS})] | None,
        Imports(lambda held: isinstance(held, type)),
    ] = None
    """The dotted path of a pydantic model that takes the value; imported at the first call."""
    coerce: bool = False
    """Whether what the `model` made of the value takes its place."""

    def within(self, setting: str, *, many: bool = False) -> Iterator[tuple[str, Spec, bool]]:
        """Yield this and each spec in it with its setting, and whether it judges several values."""
        yield setting, self, many
        for name, inner in self.fields.items():
            yield from inner.within(f"{setting}.fields.{name}", many=many)
        if self.items is not None:
            yield from self.items.within(f"{setting}.items", many=True)

    def sizes(self) -> Spec:
        """Return what asks for the shapes alone."""
        fields = {name: inner.sizes() for name, inner in self.fields.items()}
        return Spec(shape=self.shape, fields=fields, items=self.items and self.items.sizes())

    @field_validator("type", "model")
    @classmethod
    def _class(cls, value: str | tuple[str, ...] | None, about: Any) -> Any:
        if isinstance(value, Given):
            if about.field_name == "model" and not hasattr(value.held, "model_validate"):
                raise finding("MP208", f"`{value}` is no pydantic model: did you mean `type`?")
            return value
        names = (*NAMES, *DUCKS) if about.field_name == "type" else ()
        for number, name in enumerate(dtypes.as_names(value or ())):
            if name not in names and not _DOTTED.fullmatch(name):
                known = f"one of {', '.join(names)}, or " if names else ""
                text = f"expected {known}the dotted path of a class, found `{name}`"
                meant = _MEANT.get(name.lower(), closest(name, names)) if names else None
                at = () if isinstance(value, str) else (number,)
                raise finding("MP010", text, meant=meant or "", at=at)
        return value

    @field_validator("shape")
    @classmethod
    def _sizes(cls, value: tuple[int | str | None, ...] | None) -> Any:
        for number, size in enumerate(value or ()):
            text = ""
            if isinstance(size, int) and size < 0:
                text = f"no dimension has {size} elements; write `null` for any"
            elif isinstance(size, str) and not size.isidentifier():
                text = f"`{size}` is no name for a size; write one such as `N`"
            if text:
                raise finding("MP204", text, at=(number,))
        return value

    @field_validator("pattern")
    @classmethod
    def _searchable(cls, value: str | None) -> str | None:
        if value is not None and (why := unusable(value)):
            raise finding("MP203", why)
        return value

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, value: Any, info: ValidationInfo) -> Any:
        """Take a class, a type or an annotation alone for what it says, in Python."""
        if not is_python(info) or _is_block(value):
            return value
        said = {"type": value} if isinstance(value, str) else spec_of(value)
        if not said:
            raise finding("MP010", "expected a class, an annotation or a mapping of settings")
        return said

    @model_validator(mode="after")
    def _agrees(self) -> Spec:
        if self.coerce and self.model is None:
            raise finding("MP010", "`coerce` takes over what a `model` makes; name the `model`")
        least, most = self.min_len, self.max_len
        if least is not None and most is not None and least > most:
            raise finding("MP010", f"no length is at least {least} and at most {most}")
        if self.pattern is not None and (why := too_slow(self.pattern, most)):
            raise finding("MP203", why, at=("pattern",))
        if self.shape is not None and self.ndim not in (None, len(self.shape)):
            sizes = len(self.shape)
            raise finding("MP204", f"the `shape` has {sizes} dimensions, `ndim` is {self.ndim}")
        return self


class ErrorsBlock(RuleModel):
    """What those whose call was refused are told."""

    show_values: bool = True
    """Whether the message shows a little of what was refused; what is private is never shown."""


class ValidateRule(RuleModel):
    """What the arguments and the result of a function must be."""

    args: dict[str, Spec] = Field(default_factory=dict)
    """What each argument must be, by its name."""
    returns: Spec | None = None
    """What the result must be."""
    on_fail: Literal["raise", "default", "warn"] = "raise"
    """`raise` ValidationFailed, give the `default`, or `warn` once and go on."""
    default: Default = None
    """What a refused call gives: a value, as it stands, or `{call: "module:function"}`, which
    is called with the same arguments."""
    errors: ErrorsBlock = ErrorsBlock()
    """What those whose call was refused are told."""


# --- what a decorator is given ---------------------------------------------------------


def settings(
    given: Mapping[str, Any], function: Callable[..., Any], names: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings of the rule that the arguments of the decorator on *function* say.

    What names in annotations may stand for, beside its globals, is in *names*.
    """
    parameters = inspect.signature(function).parameters
    words = {word for word, one in KIND.synonyms.items() if one.field in ValidateRule.model_fields}
    fields = {*ValidateRule.model_fields, *(words - set(parameters))}
    made = {name: value for name, value in given.items() if name in fields}
    args = dict(made.get("args", {}))
    for name in given:
        if name in args:
            raise finding("MP010", f"`{name}` stands twice: by itself and in `args`", at=(name,))
    args |= {name: value for name, value in given.items() if name not in fields}
    _check_names(args, parameters)
    if not args and not {"returns", *words}.intersection(made):
        args = _annotated(parameters, function, names)
    return {**made, "args": args} if args else made


def _check_names(args: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter]) -> None:
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return
    known = [name for name in parameters if name not in ("self", "cls")]
    for name in args:
        if name not in parameters:
            near = closest(name, (*known, *ValidateRule.model_fields))
            text = f"the function has no parameter `{name}`"
            there = "" if near or not known else f"; there are {', '.join(known)}"
            raise finding("MP202", text + there, meant=near or "")


def _annotated(
    parameters: Mapping[str, inspect.Parameter],
    function: Callable[..., Any],
    names: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the specs that annotations say, by parameter."""
    found: dict[str, Any] = {}
    for name, one in parameters.items():
        is_many = one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        said = {} if is_many else spec_of(_read(one, function, names))
        if said:
            found[name] = {**said, "not_null": False} if one.default is None else said
    if not found:
        text = "no annotation of the function says what can be checked"
        raise finding("MP011", f"{text}: name what each argument must be, `x=int`")
    return found


def _read(one: inspect.Parameter, function: Callable[..., Any], names: Mapping[str, Any]) -> Any:
    """Return an annotation as an object: most are text until somebody asks."""
    found = None if one.annotation is one.empty else one.annotation
    known = getattr(inspect.unwrap(function), "__globals__", {})
    try:
        while isinstance(found, str):  # (text in quotes, too)
            found = eval(found, dict(known), dict(names))  # nosec B307  # noqa: S307 (the function's own source, as `typing.get_type_hints` reads it)
    except Exception as error:  # noqa: BLE001 (an annotation may be any expression)
        text = f"the annotation `{one.annotation}` of `{one.name}` cannot be read here"
        why = f"{type(error).__name__}: {error}"
        raise finding(
            "MP010", f"{text} ({why}); say it to the decorator: `{one.name}=...`"
        ) from None
    return found
