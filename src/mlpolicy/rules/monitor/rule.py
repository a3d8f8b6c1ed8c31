"""What an operator writes under `monitor`."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from mlpolicy.core.argpath import EVERY, ArgPathError, parse
from mlpolicy.core.metrics import DEFAULT_BUCKETS
from mlpolicy.core.model import ARGUMENT, OF_KEY, Arguments, Many, NameOf, RuleModel, finding
from mlpolicy.core.quantity import ByteSize, Duration, Ratio, Usual
from mlpolicy.rules.monitor.drift.signals import PATTERN
from mlpolicy.rules.monitor.sinks import SINKS, lacking

RESERVED = ("function", "outcome", "error_type", "le", "objective")
_OUR_OWN = f"^({'|'.join(RESERVED)})$|^__"
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
RESULT = "result"
SEARCHED = 1024
"""Characters of a text that each of `redact_patterns` must search in good time."""


def _in_result(path: str) -> str:
    with suppress(ArgPathError):
        found = parse(path)
        if found.name == RESULT and EVERY not in found.steps:
            return path
    raise finding("MP010", f"`{path}` is not a part of the result: write it as `result.label`")


def _searchable(pattern: str) -> str:
    from mlpolicy.core.backtracking import longest, unusable

    why = unusable(pattern)
    if not why and longest(pattern) < SEARCHED:
        text = f"`{pattern}` may take more than 50 ms in a text of {SEARCHED} characters"
        why = f"{text}: bound its repeats, or put between them what none of them takes"
    if why:
        raise finding("MP203", why)
    return pattern


_PART = Field(json_schema_extra={"pattern": ARGUMENT.replace("^", rf"^(?={RESULT}\b)(?!.*\*)", 1)})
InResult = Annotated[str, AfterValidator(_in_result), _PART]
LabelName = Annotated[str, Field(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$")]


class LogBlock(RuleModel):
    """Which calls are logged, and what of them."""

    level: Level = "INFO"
    """Events below it are left out: a call that went well is INFO, a refusal or a default that was
    served is WARNING, an error is ERROR."""
    sample: Ratio = Ratio.of("1%")
    """The share of calls that went well that is logged, drawn by chance."""
    slow: Annotated[Duration | None, Usual("1us", "1d", "500ms")] = None
    """A call that takes at least this long is always logged."""
    errors: Literal["always", "sampled", "never"] = "always"
    """Whether failed and refused calls are logged; `always` is up to 10 a second a function."""
    inputs: Literal["none", "summary", "statistics", "full"] = "summary"
    """What is said of arguments and result: their types and shapes; with numbers, keys and gaps of
    a sample and the label of the result; or, of failed and refused calls alone, their content."""
    redact: Arguments = ()
    """Paths to what nothing may show, messages to callers neither: `user.email`."""
    redact_patterns: Many[Annotated[str, AfterValidator(_searchable)]] = ()
    """Regular expressions of what no event may hold, in texts, keys and messages."""


class SloBlock(RuleModel):
    """What is expected of the function: shown beside its numbers, for alerts to compare with."""

    p99: Annotated[Duration | None, Usual("1us", "1d", "250ms")] = None
    """How long 99 of 100 calls may take at most; within the range of `buckets`."""
    error_rate: Ratio | None = None
    """The share of calls that may end as an error or be refused."""


class LabelsBlock(RuleModel):
    """By what results are counted."""

    path: InResult
    """Where the label of a result is: `result.label`, `result[0]`, or `result` itself."""
    values: Annotated[Many[bool | int | str], Field(max_length=100)] = ()
    """The labels that are told apart; without them the first 20 that come. All else is `other`."""


class DriftWindowBlock(RuleModel):
    """How many calls are judged together."""

    calls: Annotated[int, Field(ge=50, le=1_000_000)] = 1000
    """Calls after which a window is judged."""
    max_age: Annotated[Duration, Usual("1m", "7d", "1h")] = Duration.of("1h")
    """How old it may become: then it is judged with fewer, from `min_samples` on."""


class DriftFloorBlock(RuleModel):
    """What the index must be above, whatever chance says: smaller changes are of no interest."""

    warn: Annotated[float, Field(ge=0, le=10)] = 0.1
    """For a warning."""
    drift: Annotated[float, Field(ge=0, le=10)] = 0.2
    """For a drift."""


class DriftBlock(RuleModel):
    """Whether inputs and results are still what the profile was made of."""

    profile: str
    """The file that `mlpolicy profile` wrote, beside the policy file."""
    signals: Many[Annotated[str, Field(pattern=PATTERN)]] = ()
    """Those of the profile to watch: `features.*`, `result.score`; all where none is named."""
    window: DriftWindowBlock = DriftWindowBlock()
    """How many calls are judged together."""
    min_samples: Annotated[int, Field(ge=30, le=1_000_000)] = 300
    """Values that a signal must have in a window to be judged."""
    statistic: Literal["psi"] = "psi"
    """What is measured: the population stability index."""
    floor: DriftFloorBlock = DriftFloorBlock()
    """What the index must be above: `warn`, `drift`."""
    alpha: Annotated[float, Field(gt=0, le=0.1)] = 0.001
    """How often a window may be above by chance, over all signals together."""
    consecutive: Annotated[int, Field(ge=1, le=100)] = 2
    """Windows in a row that make a drift."""
    on_drift: Many[Literal["log", "metric"]] = ("log", "metric")
    """Whether a change of state is an event, and whether states are shown as metrics."""


class EventFileBlock(RuleModel):
    """Events as lines of JSON, in files that are rotated by size."""

    path: str
    """The file; those before it are `path.1`, `path.2`, the newest first."""
    max_size: Annotated[ByteSize, Usual("1MiB", "100GiB", "100MiB")] = ByteSize.of("100MiB")
    """Bytes at which a new file is begun."""
    keep: Annotated[int, Field(ge=0, le=1000)] = 5
    """How many of those before it are kept."""


class RecordBlock(RuleModel):
    """Events in an SQLite file, for `mlpolicy events` to look through."""

    path: str
    """The file, which all workers of a service share."""
    keep: Annotated[Duration, Usual("1h", "365d", "7d")] = Duration.of("7d")
    """How old an event may become."""
    max_size: Annotated[ByteSize, Usual("1MiB", "1000GiB", "1GiB")] = ByteSize.of("1GiB")
    """Bytes that the file may have: the oldest events leave."""


class OtelBlock(RuleModel):
    """What OpenTelemetry gets, by the providers that the service has set up."""

    metrics: bool = True
    """The numbers, as observable counters and gauges; once a process, whatever names them."""
    traces: bool = True
    """A span for each event: within the span that was open at the call, if there was one."""
    logs: bool = True
    """A log record for each event, where the API has logs."""


class DogstatsdBlock(RuleModel):
    """Where the numbers go: without settings where the `DD_` variables say, or localhost:8125."""

    host: str | None = None
    """The host of the agent, by UDP."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its port."""
    socket: str | None = None
    """The path of its unix socket, in place of host and port."""
    prefix: str = "mlpolicy"
    """What stands before each name: `mlpolicy.calls`."""
    tags: Many[str] = ()
    """Tags of every number: `env:prod`."""


class SinkBlock(RuleModel):
    """One sink, with its settings."""

    file: EventFileBlock | None = None
    """A file of JSON lines."""
    record: RecordBlock | None = None
    """An SQLite file."""
    otel: OtelBlock | None = None
    """OpenTelemetry: metrics, spans and log records."""
    dogstatsd: DogstatsdBlock | None = None
    """The numbers, for the agent of Datadog."""

    @model_validator(mode="after")
    def _one(self) -> SinkBlock:
        if len(self.model_fields_set) != 1 or self.chosen[1] is None:
            known = ", ".join(f"`{name}`" for name in type(self).model_fields)
            raise finding("MP010", f"expected one sink with its settings: {known}")
        if text := lacking(self.chosen[0]):
            raise finding("MP130", text, at=(self.chosen[0], OF_KEY))
        return self

    @property
    def chosen(self) -> tuple[str, Any]:
        """The name of the sink, and its settings."""
        [name] = self.model_fields_set
        return name, getattr(self, name)


def _named(name: Any) -> Any:
    """Return the *name* of a sink that can be used as it is."""
    known = name if isinstance(name, str) else ""
    if known in SinkBlock.model_fields and not SINKS.look_for(known):
        text = f"the sink `{known}` needs settings: `{{{known}: {{path: …}}}}`"
        raise finding("MP010", text)
    if text := lacking(known):
        raise finding("MP130", text)
    return name


class MonitorRule(RuleModel):
    """Count, time and log calls."""

    metrics: bool = True
    """Whether calls are counted and timed."""
    buckets: Many[Annotated[Duration, Usual("1us", "1h", "100ms")]] = tuple(
        Duration(bound) for bound in DEFAULT_BUCKETS
    )
    """Upper bounds of the histogram of durations, ascending."""
    labels: dict[LabelName, str] = Field(
        {}, json_schema_extra={"propertyNames": {"not": {"pattern": _OUR_OWN}}}
    )
    """Labels with fixed values that every series of the function bears."""
    labels_from: InResult | LabelsBlock | None = None
    """Where the label of a result is, by which results are counted: `result.label`."""
    slo: SloBlock | None = None
    """What is expected of the function: `p99`, `error_rate`."""
    drift: DriftBlock | None = None
    """Whether inputs and results are still what a profile of them says."""
    log: bool | LogBlock = LogBlock()
    """Which calls are logged; `false` logs none."""
    sinks: Many[Annotated[str, NameOf(SINKS, "sink"), BeforeValidator(_named)] | SinkBlock] = (
        "prometheus",
        "log",
    )
    """Where numbers and events go: `prometheus`, `log`, `otel`, `dogstatsd`, what a plugin
    provides, or one with its settings: `{record: {path: events.db}}`."""

    @field_validator("labels")
    @classmethod
    def _own_labels(cls, labels: dict[str, str]) -> dict[str, str]:
        for name in labels:
            if name in RESERVED or name.startswith("__"):
                text = f"the label `{name}` is mlpolicy's own"
                raise finding("MP010", text, at=(name, OF_KEY))
        return labels
