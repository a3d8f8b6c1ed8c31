"""What an operator writes under `monitor`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from mlpolicy.core.metrics import DEFAULT_BUCKETS
from mlpolicy.core.model import OF_KEY, Arguments, Many, NameOf, RuleModel, finding
from mlpolicy.core.quantity import ByteSize, Duration, Ratio, Usual
from mlpolicy.rules.monitor.drift.signals import PATTERN
from mlpolicy.rules.monitor.sinks import SINKS

RESERVED = ("function", "outcome", "error_type", "le", "objective")
_OUR_OWN = f"^({'|'.join(RESERVED)})$|^__"
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
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
    inputs: Literal["none", "summary", "full"] = "summary"
    """What is said of arguments and result: their types and shapes, or, of failed and refused
    calls alone, their content."""
    redact: Arguments = ()
    """Paths to what nothing may show, messages to callers neither: `user.email`."""


class SloBlock(RuleModel):
    """What is expected of the function: shown beside its numbers, for alerts to compare with."""

    p99: Annotated[Duration | None, Usual("1us", "1d", "250ms")] = None
    """How long 99 of 100 calls may take at most; within the range of `buckets`."""
    error_rate: Ratio | None = None
    """The share of calls that may end as an error or be refused."""


class DriftWindow(RuleModel):
    """How many calls are judged together."""

    calls: Annotated[int, Field(ge=50, le=1_000_000)] = 1000
    """Calls after which a window is judged."""
    max_age: Annotated[Duration, Usual("1m", "7d", "1h")] = Duration.of("1h")
    """How old it may become: then it is judged with fewer, from `min_samples` on."""


class DriftFloor(RuleModel):
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
    window: DriftWindow = DriftWindow()
    """How many calls are judged together."""
    min_samples: Annotated[int, Field(ge=30, le=1_000_000)] = 300
    """Values that a signal must have in a window to be judged."""
    statistic: Literal["psi"] = "psi"
    """What is measured: the population stability index."""
    floor: DriftFloor = DriftFloor()
    """What the index must be above: `warn`, `drift`."""
    alpha: Annotated[float, Field(gt=0, le=0.1)] = 0.001
    """How often a window may be above by chance, over all signals together."""
    consecutive: Annotated[int, Field(ge=1, le=100)] = 2
    """Windows in a row that make a drift."""
    on_drift: Many[Literal["log", "metric"]] = ("log", "metric")
    """Whether a change of state is an event, and whether states are shown as metrics."""


class FileBlock(RuleModel):
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


class SinkBlock(RuleModel):
    """One sink, with its settings."""

    file: FileBlock | None = None
    """A file of JSON lines."""
    record: RecordBlock | None = None
    """An SQLite file."""

    @model_validator(mode="after")
    def _one(self) -> SinkBlock:
        if len(self.model_fields_set) != 1 or self.chosen[1] is None:
            known = ", ".join(f"`{name}`" for name in type(self).model_fields)
            raise finding("MP010", f"expected one sink with its settings: {known}")
        return self

    @property
    def chosen(self) -> tuple[str, Any]:
        """The name of the sink, and its settings."""
        [name] = self.model_fields_set
        return name, getattr(self, name)


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
    slo: SloBlock | None = None
    """What is expected of the function: `p99`, `error_rate`."""
    drift: DriftBlock | None = None
    """Whether inputs and results are still what a profile of them says."""
    log: bool | LogBlock = LogBlock()
    """Which calls are logged; `false` logs none."""
    sinks: Many[Annotated[str, NameOf(SINKS, "sink")] | SinkBlock] = ("prometheus", "log")
    """Where numbers and events go: `prometheus`, `log`, what a plugin provides, or one with its
    settings: `{record: {path: events.db}}`."""

    @field_validator("labels")
    @classmethod
    def _own_labels(cls, labels: dict[str, str]) -> dict[str, str]:
        for name in labels:
            if name in RESERVED or name.startswith("__"):
                text = f"the label `{name}` is mlpolicy's own"
                raise finding("MP010", text, at=(name, OF_KEY))
        return labels
