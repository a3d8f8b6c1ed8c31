"""What an operator writes under `memory`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from mlpolicy.core.diagnostic import closest
from mlpolicy.core.model import Default, FunctionPath, Many, RuleModel, finding, is_python
from mlpolicy.core.quantity import NOTHING, ByteSize, Duration, QuantityError, Ratio, Usual
from mlpolicy.core.target import Given
from mlpolicy.rules.memory.levels import ORDER, derived

Measure = Literal["nonreclaimable", "workingset", "rss"]
_SHORTEST_POLL = 0.01


class ReliefCall(RuleModel):
    """A function of yours."""

    call: FunctionPath
    """The function, as `module:function`; it is called without arguments, on a thread of mlpolicy."""


def _limit(value: Any, info: ValidationInfo) -> Literal["auto"] | ByteSize:
    if value == "auto":
        return "auto"
    size = ByteSize._read(value, info)
    if size <= 0:
        raise finding("MP010", "a `limit` of nothing refuses every call")
    return size


_SIZE_OR_AUTO = {"anyOf": [{"const": "auto"}, {**ByteSize.text(), **NOTHING}]}
Limit = Annotated[Literal["auto"] | ByteSize, PlainValidator(_limit), WithJsonSchema(_SIZE_OR_AUTO)]


def _action(value: Any, info: ValidationInfo) -> Any:
    if is_python(info) and callable(value):
        return ReliefCall(call=Given.of(value))
    if isinstance(value, str) and value not in ("gc", "trim"):
        text = f'expected `gc`, `trim` or `{{call: "module:function"}}`, found `{value}`'
        near = closest(value, ("gc", "trim")) or ""
        raise finding("MP010", text, meant=f'{{call: "{value}"}}' if ":" in value else near)
    return value


Action = Annotated[Literal["gc", "trim"] | ReliefCall, BeforeValidator(_action)]


class MemoryRule(RuleModel):
    """Begin no call while too little memory is left."""

    limit: Limit = "auto"
    """What there is: `auto` is the least of the cgroup's limits, the machine's memory, the limits
    of the process and `MLPOLICY_MEMORY_LIMIT`; a size such as `2GiB` lowers it."""
    measure: Measure = "nonreclaimable"
    """What counts as used in a cgroup: `nonreclaimable` is all but cached files, `workingset` all
    but those not read lately; `rss` counts this process alone."""
    warn_at: Ratio = Ratio.of("75%")
    """The share of `limit` above which the log warns, once each time it is crossed."""
    act_at: Ratio = Ratio.of("85%")
    """The share of `limit` from which `relieve` is done; calls go on."""
    resume_at: Ratio = Ratio.of("80%")
    """The share of `limit` down to which usage must fall before calls that wait are let in."""
    reject_at: Ratio = Ratio.of("92%")
    """The share of `limit` from which calls wait, and are refused in the end."""
    min_free: Annotated[ByteSize, Usual("64KiB", "1024GiB")] = ByteSize.of("256MiB")
    """With less than this left, calls wait too, whatever `act_at` and `reject_at` say; it counts for
    a tenth of `limit` at most. Unless it is written, it keeps no more than `act_at` leaves."""
    relieve: Many[Action] = ("gc", "trim")
    """What is done to get memory back: `gc` collects cyclic garbage, `trim` gives free memory of
    the C library back to the system, `{call: "module:function"}` calls a function of yours."""
    relieve_interval: Annotated[Duration, Usual("1ms", "1d", "30s")] = Duration.of("30s")
    """The least time from one relief to the next; longer while it frees next to nothing."""
    wait: Annotated[Duration, Usual("1ms", "1h", "5s")] = Duration.of("5s")
    """How long a call waits for memory before `on_pressure` says what becomes of it."""
    on_pressure: Literal["raise", "default", "proceed"] = "raise"
    """What becomes of a call that waited in vain: `raise` MemoryPressure, give the `default`, or
    `proceed` all the same."""
    default: Default = None
    """What a refused call gives: a value, as it stands, or `{call: "module:function"}`, which is
    called with the same arguments."""
    poll: Annotated[Duration, Usual("1ms", "1m", "100ms")] = Duration.of("100ms")
    """How often usage is read."""

    @model_validator(mode="before")
    @classmethod
    def _put_between(cls, values: Any, info: ValidationInfo) -> Any:
        """Let thresholds that are not written follow those that are: `memory: 95%` is enough."""
        if not isinstance(values, Mapping):
            return values
        read = Ratio.of_number if is_python(info) else Ratio.of
        try:
            written = {name: float(read(values[name])) for name in ORDER if name in values}
        except QuantityError:  # one is wrong, which its field will say
            return values
        return {**values, **derived(written)} if written else values

    @field_validator("poll")
    @classmethod
    def _now_and_then(cls, poll: Duration) -> Duration:
        if poll < _SHORTEST_POLL:
            raise finding("MP010", f"expected a `poll` of 10ms or more, found {poll}")
        return poll
