"""What an operator writes under `retry`."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from mlpolicy.core.model import VARIABLE, Many, RuleModel, Takes, finding
from mlpolicy.core.quantity import Duration, Usual
from mlpolicy.rules.retry.backoff import Growth, Jitter
from mlpolicy.rules.retry.exceptions import STATUS, Builtin, SpellingError, parse

Scalar = str | int | float | bool | None

_CANCELLED = ("CancelledError", "asyncio.CancelledError", "asyncio.exceptions.CancelledError")


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def _named(value: Any) -> Any:
    """Say of what is not text, and often written or given, what names it."""
    if isinstance(value, BaseException):
        name = type(value).__qualname__
        raise finding("MP010", f"an exception is given, not its class: did you mean `{name}`?")
    if isinstance(value, int | float) and not isinstance(value, bool):
        meant = f"http:{value}" if isinstance(value, int) and 100 <= value <= 599 else ""
        hint = f": did you mean `{meant}`?" if meant else ""
        raise finding("MP010", f"`{value}` is not an exception{hint}", meant=meant)
    return value


def _error_name(text: str) -> str:
    try:
        name = parse(text)
    except SpellingError as error:
        raise finding("MP603", str(error)) from None
    if isinstance(name, Builtin) and not _is_error(name.cls):
        raise finding("MP603", f"`{text}` is not an exception")
    return text


def _retried_name(text: str) -> str:
    ends = text.removeprefix("builtins.") in (*_CANCELLED, "trio.Cancelled")
    if not ends:
        name = parse(_error_name(text))
        ends = isinstance(name, Builtin) and not issubclass(name.cls, Exception)
    if ends:
        raise finding("MP605", f"`{text}` ends the program or a task and is never retried")
    return text


_Named = Annotated[str, BeforeValidator(_named), Takes(lambda value: isinstance(value, type))]
ErrorName = Annotated[_Named, AfterValidator(_error_name)]
RetriedName = Annotated[_Named, AfterValidator(_retried_name)]


class RetryAfter(RuleModel):
    """What becomes of a pause that the other side asks for."""

    respect: bool = True
    """Pause as long as a `Retry-After` of the answer asks, rather than as `backoff` says."""
    max: Annotated[Duration, Usual("1ms", "1d", "30s")] = Duration.of("30s")
    """The longest such pause; where more is asked for, the call fails at once."""


_TEXT = {"type": "string", "pattern": VARIABLE}
_SAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "is_none": ({"not": {"const": False}}, {"const": True}),
    "equals": ({"not": {"type": "null"}}, {"not": {"anyOf": [{"type": "null"}, _TEXT]}}),
    "status": ({"not": {"const": []}}, {"type": "array", "minItems": 1}),
}
"""What each key may hold where it says something, and what it holds where it surely does."""
_ONE_OF_THEM: dict[str, Any] = {
    "anyOf": [{"required": [key], "properties": {key: may}} for key, (may, _) in _SAYS.items()],
    "not": {
        "anyOf": [
            {"required": [*pair], "properties": {key: _SAYS[key][1] for key in pair}}
            for pair in combinations(_SAYS, 2)
        ]
    },
}


def _status(value: Any) -> Any:
    """Take a number for the text of a status."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and not STATUS.fullmatch(text):
        raise finding("MP010", f"`{text}` is not an HTTP status: write `503` or `5xx`")
    return text


_PATTERN = f"^({STATUS.pattern})$|{VARIABLE}"
Status = Annotated[
    str,
    BeforeValidator(_status, json_schema_input_type=int | str),
    Field(json_schema_extra={"pattern": _PATTERN, "minimum": 100, "maximum": 599}),
]


class UnwantedResult(RuleModel):
    """The results that are asked for again, as if the call had failed."""

    model_config = ConfigDict(json_schema_extra=_ONE_OF_THEM)

    is_none: bool = False
    """Ask again where the result is None."""
    equals: Scalar = None
    """Ask again where the result is this text, number or truth value."""
    status: Many[Status] = ()
    """Ask again where the result is an answer with one of these HTTP statuses (`503`, `5xx`)."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> UnwantedResult:
        if [self.is_none, self.equals is not None, bool(self.status)].count(True) != 1:
            text = "expected one of `is_none: true`, `equals: VALUE` and `status: [503]`"
            raise finding("MP010", text)
        return self


class RetryRule(RuleModel):
    """Make calls that failed again."""

    max_attempts: Annotated[int, Field(ge=1)] = 3
    """How often the function is called at most, the first call included."""
    retry_on: Many[RetriedName] = ("transient",)
    """The errors that are worth another attempt: groups (`transient`, `network`, `timeout`,
    `throttle`), exceptions (`ConnectionError`, `requests.Timeout`), statuses (`http:429`,
    `http:5xx`, `grpc:UNAVAILABLE`). HTTP statuses are those of answers that are returned, too."""
    give_up_on: Many[ErrorName] = ()
    """Errors that are never retried, whatever `retry_on` says."""
    backoff: Growth = "exponential"
    """How pauses grow: `exponential` by `multiplier`, `linear` by `initial_delay`, or not."""
    initial_delay: Annotated[Duration, Usual("100us", "1h", "200ms")] = Duration.of("200ms")
    """The first pause, before `jitter`."""
    multiplier: Annotated[float, Field(allow_inf_nan=False)] = 2.0
    """By how much an exponential pause exceeds the one before."""
    max_delay: Annotated[Duration, Usual("1ms", "1h", "10s")] = Duration.of("10s")
    """The longest pause, however many attempts have failed."""
    jitter: Jitter = "full"
    """How chance spreads the pauses, so that callers that failed together do not return together:
    `full` from 0 to the pause, `equal` from its half, `decorrelated` up to three times the last
    one, `none` not at all."""
    max_elapsed: Annotated[Duration | None, Usual("1ms", "1d", "5s")] = None
    """The longest time from the first attempt; where the next pause would end after it, the call
    fails at once."""
    retry_after: RetryAfter = RetryAfter()
    """Pauses that the other side asks for."""
    on_result: Annotated[UnwantedResult | None, Takes(callable)] = None
    """Results that are asked for again."""
    idempotent: bool | None = None
    """Whether calling twice does no harm; `true` says so of a function that seems to write."""
