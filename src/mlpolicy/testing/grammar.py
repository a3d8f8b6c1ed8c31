"""The keys of a file of policy tests, read into what the tests do and expect."""

from __future__ import annotations

import math
import operator
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

import mlpolicy
from mlpolicy import errors
from mlpolicy.core.diagnostic import closest, did_you_mean
from mlpolicy.core.model import OF_KEY, FunctionPath, Many, RuleModel, finding
from mlpolicy.core.quantity import ByteSize, Duration, QuantityError, Ratio
from mlpolicy.core.site import FunctionKind
from mlpolicy.rules import KINDS
from mlpolicy.testing.classes import BUILTINS, CLASSES
from mlpolicy.testing.journal import events, is_event

_COMPARISON = re.compile(r"\s*(<=|>=|==|<|>)?\s*(\S+)\s*")
_OPERATORS: Final = {
    "==": operator.eq,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_HTTP = re.compile(r"http:([1-5]\d\d)")
_MOST = 10_000_000
"""Elements of an array."""


def holds(comparison: str, seconds: float) -> bool:
    """Return whether *seconds* satisfy a comparison such as `<= 300ms`; without a sign, equality.

    Raises:
        QuantityError: It does not compare with a duration.
    """
    match = _COMPARISON.fullmatch(comparison)
    if match is None:
        text = f"expected a comparison such as `<= 300ms`, found `{comparison}`"
        raise QuantityError("MP010", text)
    above = seconds - float(Duration.of(match[2]))
    return bool(_OPERATORS[match[1] or "=="](0.0 if abs(above) <= 1e-9 else above, 0.0))


class HttpError(Exception):
    """An answer with a status that is an error: `raise: http:503`."""


class ErrorClass(str):
    """A class of errors, by the name that a test writes: a builtin, a path, or `http:503`."""

    def __init__(self, name: str) -> None:
        match, self.classes = _HTTP.fullmatch(name), CLASSES.get()
        self.status = int(match[1]) if match else None
        self.cls = HttpError if match else BUILTINS.get(name) or self._named(name)

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> CoreSchema:
        """Take text, and find the class."""
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())

    def _named(self, name: str) -> type[BaseException]:
        if "." in name:
            return self.classes.named(name)
        ours = {word: f"mlpolicy.{word}" for word in mlpolicy.__all__ if hasattr(errors, word)}
        near = closest(name, [*BUILTINS, *ours]) or ""
        help = did_you_mean(ours.get(near, near), "write any other class by its path")
        raise finding("MP603", f"there is no builtin exception `{name}`: {help}")


# --- values ---------------------------------------------------------------------------


def _comparison(written: Any) -> Any:
    try:
        if isinstance(written, str | int | float) and not isinstance(written, bool):
            holds(str(written), 0.0)
    except QuantityError as error:
        code: Any = error.code
        raise finding(code, str(error)) from None
    return written


def _moment(written: Any) -> Any:
    if not isinstance(written, str):
        return written
    try:
        when = datetime.fromisoformat(written)
    except ValueError:
        expected = "expected a moment such as `2026-06-01T00:00:00Z`"
        raise finding("MP010", f"{expected}, found `{written}`") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _event(name: str) -> str:
    if is_event(name):
        return name
    text = f"there is no event `{name}`; there are {', '.join(events())}"
    raise finding("MP010", text, meant=closest(name, events()) or "")


def _via(text: str) -> str:
    answering = [kind for kind in KINDS if any(c.answers for c in KINDS[kind].counted.values())]
    known = ("function", *answering, "default", "nothing")
    if text in known:
        return text
    expected = " or ".join(f"`{name}`" for name in known)
    raise finding("MP010", f"expected {expected}, found `{text}`", meant=closest(text, known) or "")


def _value(value: Any, at: tuple[int | str, ...] = ()) -> Any:
    """Return *value* with each `{ndarray: ...}` in it made into an array."""
    if isinstance(value, list):
        return [_value(item, (*at, index)) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if [*value] != ["ndarray"]:
        return {key: _value(item, (*at, key)) for key, item in value.items()}
    code: Any = "MP204"
    at = (*at, "ndarray")
    try:
        return ArrayBlock.model_validate(value["ndarray"]).array()
    except ImportError:
        code, text = "MP010", "an array needs numpy, which is not installed: pip install numpy"
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        is_unknown = wrong["type"] == "extra_forbidden"
        code, text = "MP005" if is_unknown else "MP010", f"in an `ndarray`: {wrong['msg']}"
        at = (*at, *wrong["loc"], *([OF_KEY] if is_unknown else ()))
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        text = f"no such array: {error}"
    raise finding(code, text, at=at)


Comparison = Annotated[str, BeforeValidator(_comparison)]
"""`<= 300ms`; a duration alone means exactly that."""
Moment = Annotated[datetime, BeforeValidator(_moment)]
PlainValue = str | int | float | bool | None
Value = Annotated[Any, BeforeValidator(_value)]
Whole = Annotated[int, Field(ge=0)]


# --- blocks ---------------------------------------------------------------------------


class ArrayBlock(RuleModel):
    """An array of numpy."""

    shape: Many[Whole] | None = None
    dtype: str = "float64"
    fill: int | float | bool | str = 0
    """What every element is; of numbers, `nan` and `inf` too."""
    values: Many[Any] | None = None
    """The elements, nested as the dimensions are."""

    def array(self) -> Any:
        """Return the array."""
        import numpy as np

        if self.values is not None:
            array = np.array(self.values, dtype=self.dtype)
            return array if self.shape is None else array.reshape(self.shape)
        if self.shape is None:
            raise ValueError("give its `shape`, or its `values`")
        if math.prod(self.shape) > _MOST:
            raise ValueError(f"more than {_MOST} elements are too many for a test")
        return np.full(self.shape, self.fill, dtype=self.dtype)


class StubBlock(RuleModel):
    """What stands in for a function whose source is not to be read."""

    signature: str
    """Its parameters as Python writes them: `(features, user, *, limit=10)`."""
    kind: FunctionKind = "function"
    returns: Value = None
    """What it gives where a rule calls it: a `default`, for one."""


class WorldBlock(RuleModel):
    """What the rules see of the machine."""

    memory: Ratio = Ratio(0.0)
    """How much of the memory is in use."""
    limit: ByteSize = ByteSize.of("8GiB")
    """How much memory there is, where a rule names no limit of its own."""


class RaiseBlock(RuleModel):
    """An error that a stub raises."""

    error: ErrorClass
    message: str = ""
    status: int | None = None
    """The HTTP status that it carries, as `status_code`."""
    retry_after: Duration | None = None
    """How long the other side asks to wait."""

    def new(self) -> BaseException:
        """Return a new error, made without code of its class unless that may run."""
        classes = self.error.classes
        cls, status = (
            classes.raised(self.error, self.error.cls),
            self.error.status if self.status is None else self.status,
        )
        message = self.message or (f"HTTP {status}" if cls is HttpError else "")
        arguments = (message,) if message else ()
        builtin: Any = next(base for base in cls.__mro__ if base in BUILTINS.values())
        error: Any = builtin.__new__(cls, *arguments)
        error.args = arguments
        if classes.allow_real:
            with suppress(Exception):  # (a class of the user's that wants more than a message)
                error = cls(*arguments)
        if status is not None:
            error.status_code = status
        if self.retry_after is not None:
            error.retry_after = float(self.retry_after)
        made: BaseException = error
        return made


class ExpectBlock(RuleModel):
    """What must come of a call; only what is written is looked at."""

    returns: Value = None
    """What the caller gets; of a generator, the list of its items."""
    raises: ErrorClass = ErrorClass("Exception")
    attempts: Whole = 0
    """How often the function was called."""
    called: bool = True
    slept: Comparison = "0s"
    """How long the rules made the call wait: `<= 300ms`."""
    took: Comparison = "0s"
    """How long the call took, waits included."""
    events: Many[Annotated[str, AfterValidator(_event)]] = ()
    """What the rules did, in order; how the call ended may be left out."""
    via: Annotated[str, AfterValidator(_via)] = "function"
    """Where the answer came from; `nothing` where there was none."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if {"returns", "raises"} <= self.model_fields_set:
            raise finding("MP010", "a call returns or raises, not both", at=("raises",))
        return self


class _Behaviour(RuleModel):
    """What the function does at one attempt."""

    takes: Duration = Duration(0.0)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if {"return", "raise"} <= self.model_fields_set:
            raise finding("MP010", "a behaviour has one of `return` and `raise`")
        return self


def _raising(value: Any) -> Any:
    return {"error": value} if isinstance(value, str) else value


# `return` and `raise` are keywords of Python.
_FIELDS: dict[str, Any] = {
    "return": (Value, None),
    "raise": (Annotated[RaiseBlock, BeforeValidator(_raising)], None),
}
BehaviourBlock = create_model("BehaviourBlock", __base__=_Behaviour, **_FIELDS)


class CallBlock(RuleModel):
    """What a test of one call and a step of a longer one share."""

    call: FunctionPath = ""
    args: dict[str, Value] = {}
    behaviour: Many[BehaviourBlock] = ()  # type: ignore[valid-type]  # (a model made by a call)
    """What the function does at each attempt, the last of them ever after."""
    expect: dict[str, Any] = {}
    """Of a call an `ExpectBlock`, of a plan its settings."""
    world: WorldBlock | None = None
    """What the rules see of the machine from here on."""
    real: bool = False
    """Whether the function itself is called, instead of a stub."""

    @model_validator(mode="after")
    def _stubbed(self) -> Self:
        if self.real and "behaviour" in self.model_fields_set:
            text = "`behaviour` is that of a stub; with `real: true` the function itself is called"
            raise finding("MP010", text, at=("behaviour",))
        return self


class StepBlock(CallBlock):
    """One step of a test: a call, or time that passes."""

    advance: Duration = Duration(0.0)


class CaseBlock(CallBlock):
    """One test."""

    name: Annotated[str, Field(pattern=r"\S")]
    resolve: FunctionPath = ""
    """The function whose plan is looked at."""
    steps: Many[StepBlock] = ()
    """Several calls, one after another."""
    env: str | None = None
    """The environment of this test."""
    env_vars: dict[str, PlainValue] = {}
    """Variables over those of the file."""
    clock: Moment | None = None
    """The moment at which this test runs."""


class SuiteBlock(RuleModel):
    """A file of policy tests."""

    version: Literal[1]
    name: str = ""
    """A name for people."""
    policies: Many[str]
    """The policy files under test, from the folder of this file."""
    env: str | None = None
    """The environment whose part of the policy holds."""
    env_vars: dict[str, PlainValue] = {}
    """The variables of the environment: the policy sees these and no others."""
    clock: Moment | None = None
    """The moment at which the tests run, for rules that expire; without it, now."""
    stubs: dict[FunctionPath, StubBlock] = {}
    """Functions whose source is not to be read, by path."""
    tests: Many[Any]
