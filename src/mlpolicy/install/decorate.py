"""The rules as decorators, for people who write Python: classes, functions and numbers as they are.

Several of them on one function make one driver, in the fixed order, however they are stacked.
A policy that names the function lies over what they say, field by field. All raise `PolicyError`
where a setting is unknown or wrong, or what is decorated is not a function.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from types import FrameType, FunctionType
from typing import Any, Literal, Protocol, TypedDict, TypeVar, Unpack, overload

from mlpolicy.core import program
from mlpolicy.core.report import say_once
from mlpolicy.core.site import Mode
from mlpolicy.core.span import Span
from mlpolicy.errors import PolicyError
from mlpolicy.install import bootstrap, registry
from mlpolicy.install.lookup import Found, planned, target_of
from mlpolicy.install.outer import stand_in
from mlpolicy.model.check import shown
from mlpolicy.model.decorated import Decorated
from mlpolicy.model.policy import RuleBlock
from mlpolicy.plan.governed import of_code, unfit
from mlpolicy.rules import kind_of_decorator
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import behind, close, from_code, shape

# --- what they take, for editors and type checkers: the fields of the rules, by name ---------

F = TypeVar("F", bound="Callable[..., Any] | classmethod[Any, Any, Any]")
Time = float | str | timedelta
"""Seconds, a text such as `250ms`, or a timedelta."""
Size = int | str
"""Bytes, or a text such as `512MiB`."""
Share = float | str
"""A number from 0 to 1, or a text such as `85%`."""
Error = type[BaseException] | str
Errors = Error | Sequence[Error] | frozenset[Error] | set[Error]
Names = str | Sequence[str]


class Decorator(Protocol):
    """What gives a function back as the object that it is."""

    def __call__(self, function: F, /) -> F:
        """Return *function*."""
        ...


class RolloutSettings(TypedDict, total=False):
    """The share of calls that a rule holds for."""

    percent: Share
    by: str
    otherwise: Literal["shadow", "disabled"]


class Common(TypedDict, total=False):
    """What every rule takes."""

    mode: Mode
    expires: str | date
    rollout: RolloutSettings | Share
    inherit: bool
    final: bool


class RetryAfterSettings(TypedDict, total=False):
    """Pauses that the other side asks for."""

    respect: bool
    max: Time


class UnwantedResultSettings(TypedDict, total=False):
    """Results that are asked for again."""

    is_none: bool
    equals: str | float | bool | None
    status: Sequence[int | str]


class Retry(Common, total=False):
    """What `@mlpolicy.retry` takes; the words of the second part mean fields of the first."""

    max_attempts: int
    retry_on: Errors
    give_up_on: Errors
    backoff: Literal["exponential", "constant", "linear"]
    initial_delay: Time
    multiplier: float
    max_delay: Time
    jitter: Literal["full", "equal", "decorrelated", "none"]
    max_elapsed: Time | None
    retry_after: RetryAfterSettings
    on_result: Callable[[Any], object] | UnwantedResultSettings
    idempotent: bool

    max_retries: int
    retries: int
    attempts: int
    tries: int
    exceptions: Errors
    backoff_factor: float
    delay: Time
    base_delay: Time
    timeout: Time
    max_time: Time


class Cache(Common, total=False):
    """What `@mlpolicy.cache_result` takes; the words of the second part mean fields of the first."""

    ttl: Time
    ttl_jitter: Share
    max_entries: int | str | None
    max_bytes: Size | None
    store: str
    key: Names | Callable[..., object]
    ignore: Names
    version: str | int
    single_flight: bool
    lock_timeout: Time | None
    stale_if_error: Time | None
    cache_none: bool
    copy: Literal["auto", "none", "shallow", "deep", "readonly"]

    ttl_seconds: Time
    expire: Time
    maxsize: int | None
    max_size: int | None


class Memory(Common, total=False):
    """What `@mlpolicy.memory_guard` takes; the words of the second part mean fields of the first."""

    limit: Size
    measure: Literal["nonreclaimable", "workingset", "rss"]
    warn_at: Share
    act_at: Share
    resume_at: Share
    reject_at: Share
    min_free: Size
    relieve: str | Callable[[], object] | Sequence[str | Callable[[], object] | Mapping[str, Any]]
    relieve_interval: Time
    wait: Time
    on_pressure: Literal["raise", "default", "proceed"]
    default: object
    poll: Time

    threshold: Share
    max_memory: Size
    memory_limit: Size
    timeout: Time
    fallback: object


class Log(TypedDict, total=False):
    """Which calls are logged, and what of them."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    sample: Share
    slow: Time | None
    errors: Literal["always", "sampled", "never"]
    inputs: Literal["none", "summary", "statistics", "full"]
    redact: Names
    redact_patterns: Names


class Slo(TypedDict, total=False):
    """What is expected of the function."""

    p99: Time
    error_rate: Share


class DriftWindow(TypedDict, total=False):
    """How many calls are judged together."""

    calls: int
    max_age: Time


class DriftFloor(TypedDict, total=False):
    """What the index must be above, whatever chance says."""

    warn: float
    drift: float


class Drift(TypedDict, total=False):
    """Whether inputs and results are still what a profile was made of."""

    profile: str
    signals: Names
    window: DriftWindow
    min_samples: int
    statistic: Literal["psi"]
    floor: DriftFloor
    alpha: float
    consecutive: int
    on_drift: Sequence[Literal["log", "metric"]]


class Labels(TypedDict, total=False):
    """By what results are counted."""

    path: str
    values: Sequence[bool | int | str]


class Monitor(Common, total=False):
    """What `@mlpolicy.monitor` takes; the words of the second part mean fields of the first."""

    metrics: bool
    buckets: Sequence[Time]
    labels: Mapping[str, str]
    labels_from: str | Labels
    slo: Slo
    drift: Drift
    log: bool | Log
    sinks: str | Sequence[str | Mapping[str, Mapping[str, object]]]

    tags: Mapping[str, str]


# --- the decorators --------------------------------------------------------------------


@overload
def retry(function: F, /) -> F: ...
@overload
def retry(**settings: Unpack[Retry]) -> Decorator: ...
def retry(function: Any = None, /, **settings: Any) -> Any:
    """Make calls that failed again: which ones, how often, and after what pause.

    *settings* are the fields of the rule `retry`; exceptions may be the classes themselves.
    """
    return _decorator(retry, function, settings)


@overload
def validate_input(function: F, /) -> F: ...
@overload
def validate_input(
    *,
    args: Mapping[str, object] = ...,
    returns: object = ...,
    on_fail: Literal["raise", "default", "warn"] = ...,
    default: object = ...,
    errors: Mapping[str, bool] = ...,
    mode: Mode = ...,
    expires: str | date = ...,
    rollout: RolloutSettings | Share = ...,
    inherit: bool = ...,
    final: bool = ...,
    **specs: object,
) -> Decorator: ...
def validate_input(function: Any = None, /, **settings: Any) -> Any:
    """Refuse calls whose arguments are not what they must be.

    Without *settings* the annotations of the function say what they must be. They are specs by the
    names of parameters (`user=User`, `features={"ndim": 2}`), and the fields of the rule
    `validate`: `args`, `returns`, `on_fail`, `default`, `errors`.
    """
    return _decorator(validate_input, function, settings)


@overload
def cache_result(function: F, /) -> F: ...
@overload
def cache_result(**settings: Unpack[Cache]) -> Decorator: ...
def cache_result(function: Any = None, /, **settings: Any) -> Any:
    """Hand out a result again, for as long as `ttl` says.

    *settings* are the fields of the rule `cache`, `ttl` at least; `key` may be a function of the
    arguments.
    """
    return _decorator(cache_result, function, settings)


@overload
def memory_guard(function: F, /) -> F: ...
@overload
def memory_guard(**settings: Unpack[Memory]) -> Decorator: ...
def memory_guard(function: Any = None, /, **settings: Any) -> Any:
    """Begin no call while too little memory is left.

    *settings* are the fields of the rule `memory`.
    """
    return _decorator(memory_guard, function, settings)


@overload
def monitor(function: F, /) -> F: ...
@overload
def monitor(**settings: Unpack[Monitor]) -> Decorator: ...
def monitor(function: Any = None, /, **settings: Any) -> Any:
    """Count, time and log calls.

    *settings* are the fields of the rule `monitor`.
    """
    return _decorator(monitor, function, settings)


def _decorator(decorator: Callable[..., Any], function: Any, settings: dict[str, Any]) -> Any:
    """Return what *decorator* with those *settings* makes: a decorator, or the *function* with it.

    A function stays the same object wherever it has code to swap.
    """
    frame = sys._getframe(2)
    span = Span(frame.f_code.co_filename, frame.f_lineno)
    kind = kind_of_decorator(decorator.__name__)
    names = _names(frame) if kind.arguments else {}
    written = Decorated(kind, f"@{decorator.__name__}", span, names)
    if function is not None:
        _function_in(function, written)
    block = None if kind.arguments else written.read(settings, None)

    def decorate(decorated: Any) -> Any:
        raw = _function_in(decorated, written)
        says = block or written.read(settings, raw)
        if isinstance(raw, FunctionType):
            _put(raw, says, written)
            return decorated
        name = getattr(raw, "__name__", type(raw).__name__)
        forward, original = stand_in(Found(None, name, raw, ()))
        registry.record(forward).outer = original
        _put(forward, says, written)
        return forward

    return decorate if function is None else decorate(function)


def _names(frame: FrameType) -> dict[str, Any]:
    """Return what the names around a decorator stand for, less the globals of its module.

    Of a class's body, those of the function around it, too.
    """
    names: dict[str, Any] = {}
    here: FrameType | None = frame
    while here is not None and here.f_locals is not here.f_globals:
        names = {**here.f_locals, **names}
        here = None if here.f_code.co_flags & inspect.CO_OPTIMIZED else here.f_back
    return names


# --- how they are put on a function -----------------------------------------------------


def _plan_in_code(target: Any) -> Any:
    """Return what decorators say of *target* where no policy is in force."""
    plan = planned(target, None)
    if plan is None:
        raise LookupError(program.NO_POLICY)
    return plan


program.plan_in_code = _plan_in_code


def _function_in(decorated: Any, written: Decorated) -> Any:
    """Return the function that *decorated* is, less what makes a method of it."""
    raw = decorated.__func__ if isinstance(decorated, staticmethod | classmethod) else decorated
    what, field = shown(raw), written.kind.shorthand
    if isinstance(raw, type):
        what, help = "a class", "put it on `__init__` or on a method"
    elif isinstance(raw, property):
        help = "put the decorator below `@property`"
    elif not callable(raw):
        help = "settings are given by name" + (f": `{field}=...`" if field else "")
    else:
        return raw
    raise PolicyError([written.wrong("MP320", f"expected a function, found {what}", help=help)])


def _put(function: FunctionType, block: RuleBlock, written: Decorated) -> None:
    entry = registry.record(function)
    there = entry.decorated.get(block.kind)
    if there is not None:
        text = f"the function has one already, at {there.span.place}"
        raise PolicyError([written.wrong("MP401", text, help="keep one of them")])
    blocks = {**entry.decorated, block.kind: block}
    target = target_of(function)
    plan, found = of_code(target, blocks)
    rule = plan.rule(block.kind)
    if rule is not None and rule.rule is not None:
        form = shape(entry.own)
        takes_any = any(one.kind == "var_keyword" for one in form.parameters)
        found = (*found, *unfit(target, rule, form.names, form.kind, takes_any=takes_any))
    wrong = [finding for finding in found if finding.severity == "error"]
    if wrong:
        raise PolicyError(wrong)
    for finding in found:
        say_once(f"code:{target}:{finding.code}:{finding.span}", str(finding))
    twin = entry.outer or behind(function, entry.base)
    made = steps(plan, entry.own, function)
    driver = from_code(entry.own, made, target=str(target), twin=twin)
    registry.swap(function, driver, None)
    entry.decorated = blocks
    earlier, entry.decorator = entry.decorator, driver
    close(earlier.steps if earlier else ())
    engine = bootstrap.awake()
    if engine is not None:
        engine.adopt(target, function)
