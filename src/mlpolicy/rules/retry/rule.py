"""What an operator writes under `retry`."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from mlpolicy.core.given import Given
from mlpolicy.core.model import Many, RuleModel, Takes, finding
from mlpolicy.core.quantity import Duration
from mlpolicy.core.usual import Usual
from mlpolicy.core.written import VARIABLE
from mlpolicy.rules.retry.backoff import Growth, Jitter
from mlpolicy.rules.retry.exceptions import STATUS, SpellingError, parse, status_meant

Scalar = str | int | float | bool | None

_PASSING = frozenset(
    {
        "BaseException",
        "BaseExceptionGroup",
        "CancelledError",
        "GeneratorExit",
        "KeyboardInterrupt",
        "SystemExit",
        "asyncio.CancelledError",
        "asyncio.exceptions.CancelledError",
        "trio.Cancelled",
    }
)


def _is_error(held: object) -> bool:
    return isinstance(held, type) and issubclass(held, BaseException)


def _error_name(text: str) -> str:
    if isinstance(text, Given) and not _is_error(text.held):
        raise finding("MP603", f"`{text}` is no exception")
    try:
        parse(text)
    except SpellingError as error:
        raise finding("MP603", str(error)) from None
    return text


def _no_status(value: Any) -> Any:
    """Refuse what is no text and names a status: `503`, `{http: 503}`; and an exception raised."""
    if isinstance(value, BaseException):
        name = type(value).__qualname__
        raise finding("MP010", f"an exception is given, not its class: did you mean `{name}`?")
    meant = "" if isinstance(value, str) else status_meant(value)
    if meant:
        shown = "a mapping" if isinstance(value, dict) else f"`{value}`"
        text = f"{shown} is no exception: did you mean `{meant}`?"
        raise finding("MP010", text, meant=meant)
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise finding("MP010", f"`{value}` is no exception, and no HTTP status")
    return value


def _no_lone_status(value: Any) -> Any:
    """Refuse a status alone, where a list is expected."""
    meant = "" if isinstance(value, list | tuple) else status_meant(value)
    if meant and meant != value:
        text = f"expected a list of exceptions: did you mean `[{meant}]`?"
        raise finding("MP010", text, meant=f"[{meant}]")
    return value


def _retried_name(text: str) -> str:
    held = text.held if isinstance(text, Given) else Exception
    ends = _is_error(held) and not issubclass(held, Exception)
    if text.removeprefix("builtins.") in _PASSING or ends:
        raise finding("MP605", f"`{text}` ends the program or a task and is never retried")
    return _error_name(text)


_Named = Annotated[str, BeforeValidator(_no_status), Takes(lambda held: isinstance(held, type))]
ErrorName = Annotated[_Named, AfterValidator(_error_name)]
RetriedName = Annotated[_Named, AfterValidator(_retried_name)]
Listed = BeforeValidator(_no_lone_status)


class RetryAfter(RuleModel):
    """What becomes of a pause that the other side asks for."""

    respect: bool = True
    """Pause as long as a `Retry-After` of the answer asks, rather than as `backoff` says."""
    max: Annotated[Duration, Usual("1ms", "1d", "30s")] = Duration.of("30s")
    """The longest such pause; where more is asked for, the call fails at once."""


_VALUE = {"not": {"anyOf": [{"type": "null"}, {"type": "string", "pattern": VARIABLE}]}}
_SAID: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "is_none": ({"not": {"const": False}}, {"const": True}),
    "equals": ({"not": {"type": "null"}}, _VALUE),
    "status": ({"not": {"const": []}}, {"type": "array", "minItems": 1}),
}
"""What each key may hold where it says something, and what it holds where it surely does."""


def _one_of_them() -> dict[str, Any]:
    """Return the schema of a mapping in which one key says something, and no two surely do."""
    some = [{"required": [key], "properties": {key: may}} for key, (may, _) in _SAID.items()]
    two = [
        {"required": [*pair], "properties": {key: _SAID[key][1] for key in pair}}
        for pair in combinations(_SAID, 2)
    ]
    return {"anyOf": some, "not": {"anyOf": two}}


def _status(value: Any) -> Any:
    """Take a number for the text of a status."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and not STATUS.fullmatch(text):
        meant = status_meant(text).removeprefix("http:")
        raise finding("MP010", f"`{text}` is no HTTP status: write `503` or `5xx`", meant=meant)
    return text


Status = Annotated[
    str,
    BeforeValidator(_status, json_schema_input_type=int | str),
    Field(
        json_schema_extra={
            "pattern": f"^({STATUS.pattern})$|{VARIABLE}",
            "minimum": 100,
            "maximum": 599,
        }
    ),
]


class UnwantedResult(RuleModel):
    """The results that are asked for again, as if the call had failed."""

    model_config = ConfigDict(json_schema_extra=_one_of_them())

    is_none: bool = False
    """Ask again where the result is None."""
    equals: Scalar = None
    """Ask again where the result is this text, number or truth value."""
    status: Many[Status] = ()
    """Ask again where the result is an answer with one of these HTTP statuses (`503`, `5xx`)."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> UnwantedResult:
        if [self.is_none, self.equals is not None, bool(self.status)].count(True) != 1:
            expected = "`is_none: true`, `equals: VALUE` and `status: [503]`"
            raise finding("MP010", f"expected one of {expected}")
        return self


class RetryRule(RuleModel):
    """Make calls that failed again."""

    max_attempts: Annotated[int, Field(ge=1)] = 3
    """How often the function is called at most, the first call included."""
    retry_on: Annotated[Many[RetriedName], Listed] = ("transient",)
    """The errors that are worth another attempt: groups (`transient`, `network`, `timeout`,
    `throttle`), exceptions (`ConnectionError`, `requests.Timeout`), statuses (`http:429`,
    `http:5xx`, `grpc:UNAVAILABLE`). HTTP statuses are those of answers that are returned, too."""
    give_up_on: Annotated[Many[ErrorName], Listed] = ()
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
