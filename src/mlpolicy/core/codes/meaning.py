"""What rules of one function mean together."""

from __future__ import annotations

from functools import partial

from mlpolicy.core.codes import Code, policy

_policy = partial(policy, "mypkg:f")
_OTHER = "  mypkg:g: {monitor: {}}\n"

CODES = (
    Code(
        "MP601",
        "error",
        "retries beyond the deadline",
        "The pauses between attempts may last longer than the policy's `deadline`.",
        "The last attempts can never be made: the rule promises what it does not do.",
        _policy("deadline: 1s", "retry: {max_attempts: 5, initial_delay: 500ms}"),
        _policy("deadline: 5s", "retry: {max_attempts: 3, initial_delay: 500ms}"),
    ),
    Code(
        "MP708",
        "warning",
        "the cache fills the memory",
        "`cache.max_bytes` is above what the memory rule of the same function acts on.",
        "A full cache makes every call wait for memory that the cache itself holds.",
        _policy("cache: {ttl: 30s, max_bytes: 1GiB}", "memory: {limit: 1GiB, act_at: 85%}"),
        _policy("cache: {ttl: 30s, max_bytes: 256MiB}", "memory: {limit: 1GiB, act_at: 85%}"),
    ),
    Code(
        "MP802",
        "error",
        "limit above the container's",
        "`mlpolicy doctor` finds that `limit` of a memory rule is above what kills the process.",
        "The rule would never act: the kernel is there first.",
        "",
        "",
    ),
    Code(
        "MP803",
        "warning",
        "wait beyond the deadline",
        "A call may wait longer for memory than the policy's `deadline` lets it take.",
        "Whoever asked has gone by then; the work is done for nobody.",
        _policy("deadline: 1s", "memory: {act_at: 85%, reject_at: 92%, wait: 2s}"),
        _policy("deadline: 3s", "memory: {act_at: 85%, reject_at: 92%, wait: 2s}"),
    ),
    Code(
        "MP806",
        "warning",
        "retries add to memory pressure",
        "`retry_on` holds `MemoryPressure`, and `retry_after` is not respected.",
        "Calls that were turned away for memory come back at once and keep it full.",
        _policy(
            "memory: {act_at: 85%, reject_at: 92%}",
            "retry: {retry_on: [mlpolicy.MemoryPressure], retry_after: {respect: false}}",
        ),
        _policy(
            "memory: {act_at: 85%, reject_at: 92%}",
            "retry: {retry_on: [mlpolicy.MemoryPressure]}",
        ),
    ),
    Code(
        "MP905",
        "warning",
        "metrics of one worker only",
        "`mlpolicy doctor` finds several workers and no PROMETHEUS_MULTIPROC_DIR.",
        "Each scrape shows the worker that happened to answer.",
        "",
        "",
    ),
    Code(
        "MP906",
        "info",
        "effect not seen",
        "A function has rules in force and no `monitor`, where other policies have one.",
        "Nobody will see what the rules do.",
        _policy("retry: 3") + _OTHER,
        _policy("retry: 3", "monitor: {}") + _OTHER,
    ),
)
