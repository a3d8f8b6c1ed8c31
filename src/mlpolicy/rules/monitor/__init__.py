"""Monitor: calls are counted, timed and logged."""

from __future__ import annotations

from mlpolicy.core.kind import Kind, Synonym

KIND = Kind(
    name="monitor",
    rule="mlpolicy.rules.monitor.rule:MonitorRule",
    step="mlpolicy.rules.monitor.step:MonitorStep",
    codes="mlpolicy.rules.monitor.codes:CODES",
    check="mlpolicy.rules.monitor.check:check",
    synonyms={
        "histogram_buckets": Synonym("buckets"),
        "tags": Synonym("labels"),
        "logging": Synonym("log"),
        "exporters": Synonym("sinks"),
        "prometheus": Synonym("metrics"),
    },
)
