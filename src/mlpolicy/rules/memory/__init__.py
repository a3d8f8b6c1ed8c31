"""Memory: calls wait, or are refused, while too little is left to begin them."""

from __future__ import annotations

from mlpolicy.core.kind import Kind, Synonym, habits

KIND = Kind(
    name="memory",
    rule="mlpolicy.rules.memory.rule:MemoryRule",
    step="mlpolicy.rules.memory.step:MemoryStep",
    decorator="memory_guard",
    check="mlpolicy.rules.memory.check:check",
    together="mlpolicy.rules.memory.check:clashes",
    worst="mlpolicy.rules.memory.check:worst",
    risk="mlpolicy.rules.memory.check:risks",
    shorthand="act_at",
    synonyms={
        **habits(
            {
                "act_at": "threshold at soft_limit high",
                "warn_at": "warn warning_at warn_threshold",
                "resume_at": "resume low",
                "reject_at": "reject refuse_at fail_at hard_limit critical",
                "limit": "max max_memory memory_limit max_bytes size",
                "min_free": "headroom free reserve min_available",
                "measure": "metric",
                "relieve": "action actions relief",
                "relieve_interval": "cooldown",
                "wait": "timeout max_wait wait_timeout",
                "on_pressure": "on_exceed on_fail on_limit",
                "default": "fallback",
                "poll": "interval poll_interval check_interval",
            }
        ),
        **dict.fromkeys(("gc", "trim"), Synonym("relieve", "it takes a list: `[gc, trim]`")),
    },
    events={
        "memory.wait": "the call waited for memory",
        "memory.reject": "the call was refused for want of memory",
        "memory.proceed": "the call waited for memory in vain, and went on",
        "memory.would_reject": "in shadow: the call would have been refused",
    },
    doctor="mlpolicy.rules.memory.check:doctor",
    virtual="mlpolicy.rules.memory.sampler:parts",
)
