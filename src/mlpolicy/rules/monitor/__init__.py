"""Monitor: calls are counted, timed and logged."""

from __future__ import annotations

from mlpolicy.core.kind import Kind, Synonym, habits

KIND = Kind(
    name="monitor",
    rule="mlpolicy.rules.monitor.rule:MonitorRule",
    step="mlpolicy.rules.monitor.step:MonitorStep",
    decorator="monitor",
    shadowable=False,
    numbers_calls=True,
    argument_fields={"log.redact": "MP202"},
    private="log.redact",
    check="mlpolicy.rules.monitor.check:check",
    lint="mlpolicy.rules.monitor.check:lint",
    doctor="mlpolicy.rules.monitor.prometheus:doctor",
    synonyms={
        **habits(
            {
                "buckets": "histogram_buckets histogram",
                "labels": "tags const_labels",
                "log": "logging",
                "sinks": "exporters outputs",
                "metrics": "prometheus",
                "slo": "objective objectives",
                "p99": "slo.latency",
                "error_rate": "slo.errors",
                "level": "log.severity",
                "sample": "log.rate log.sampling",
                "slow": "log.slow_threshold log.threshold",
                "inputs": "log.args log.arguments",
                "redact": "log.mask log.hide log.sensitive",
            }
        ),
        **dict.fromkeys(
            ("slo.p50", "slo.p90", "slo.p95", "slo.p999"), Synonym("p99", "there is no other")
        ),
    },
)
