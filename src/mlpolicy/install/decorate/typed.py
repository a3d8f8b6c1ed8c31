"""What the decorators take, for editors and type checkers: the fields of the rules, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal, Protocol, TypedDict, TypeVar

from mlpolicy.core.site import Mode

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


class Rollout(TypedDict, total=False):
    """The share of calls that a rule holds for."""

    percent: Share
    by: str
    otherwise: Literal["shadow", "disabled"]


class Common(TypedDict, total=False):
    """What every rule takes."""

    mode: Mode
    expires: str | date
    rollout: Rollout | Share
    inherit: bool
    final: bool


class RetryAfter(TypedDict, total=False):
    """Pauses that the other side asks for."""

    respect: bool
    max: Time


class UnwantedResult(TypedDict, total=False):
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
    retry_after: RetryAfter
    on_result: Callable[[Any], object] | UnwantedResult
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
    inputs: Literal["none", "summary", "full"]
    redact: Names


class Slo(TypedDict, total=False):
    """What is expected of the function."""

    p99: Time
    error_rate: Share


class Monitor(Common, total=False):
    """What `@mlpolicy.monitor` takes; the words of the second part mean fields of the first."""

    metrics: bool
    buckets: Sequence[Time]
    labels: Mapping[str, str]
    slo: Slo
    log: bool | Log
    sinks: Names

    tags: Mapping[str, str]
