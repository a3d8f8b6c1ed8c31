"""What can be found wrong with a `monitor` rule."""

from __future__ import annotations

from mlpolicy.core.codes import Code

_HEAD = "version: 1\npolicies:\n  mypkg.serve:predict:\n    monitor: "

CODES = (
    Code(
        "MP902",
        "error",
        "buckets not ascending",
        "The bounds of `buckets` do not ascend.",
        "A histogram counts each duration in the first bucket that holds it; in another order "
        "some stay empty for ever.",
        _HEAD + "{buckets: [100ms, 50ms]}\n",
        _HEAD + "{buckets: [50ms, 100ms]}\n",
    ),
    Code(
        "MP907",
        "warning",
        "p99 outside of the buckets",
        "`slo.p99` is below the first bound of `buckets`, or above the last.",
        "A quantile is read off the histogram; beyond its bounds there is nothing to read.",
        _HEAD + "{slo: {p99: 1m}}\n",
        _HEAD + "{slo: {p99: 250ms}}\n",
    ),
    Code(
        "MP903",
        "warning",
        "full inputs without redaction",
        "`inputs: full` is written and `redact` names nothing.",
        "Arguments hold what logs must not: names, addresses, tokens.",
        _HEAD + "{log: {inputs: full}}\n",
        _HEAD + "{log: {inputs: full, redact: [user.email]}}\n",
    ),
)
