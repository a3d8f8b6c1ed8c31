"""Calls that failed are made again: which ones, how often, and after what pause."""

from __future__ import annotations

from mlpolicy.core.kind import Kind, Synonym

_ONE_MORE = "`max_attempts` counts every call, the first one too"

KIND = Kind(
    name="retry",
    rule="mlpolicy.rules.retry.rule:RetryRule",
    step="mlpolicy.rules.retry.step:RetryStep",
    codes="mlpolicy.rules.retry.codes:CODES",
    check="mlpolicy.rules.retry.check:check",
    shorthand="max_attempts",
    synonyms={
        "max_retries": Synonym("max_attempts", note=_ONE_MORE, shift=1),
        "max_retry": Synonym("max_attempts", note=_ONE_MORE, shift=1),
        "num_retries": Synonym("max_attempts", note=_ONE_MORE, shift=1),
        "retries": Synonym("max_attempts", note=_ONE_MORE, shift=1),
        "attempts": Synonym("max_attempts"),
        "tries": Synonym("max_attempts"),
        "max_tries": Synonym("max_attempts"),
        "stop_after_attempt": Synonym("max_attempts"),
        "on": Synonym("retry_on"),
        "exceptions": Synonym("retry_on"),
        "retry_exceptions": Synonym("retry_on"),
        "retry_if": Synonym("retry_on"),
        "retryable": Synonym("retry_on"),
        "abort_on": Synonym("give_up_on"),
        "never_on": Synonym("give_up_on"),
        "ignore_exceptions": Synonym("give_up_on"),
        "giveup": Synonym("give_up_on"),
        "strategy": Synonym("backoff"),
        "delay": Synonym("initial_delay"),
        "wait": Synonym("initial_delay"),
        "base_delay": Synonym("initial_delay"),
        "initial_backoff": Synonym("initial_delay"),
        "backoff_factor": Synonym("multiplier"),
        "factor": Synonym("multiplier"),
        "backoff_multiplier": Synonym("multiplier"),
        "max_wait": Synonym("max_delay"),
        "max_backoff": Synonym("max_delay"),
        "max_time": Synonym("max_elapsed"),
        "max_duration": Synonym("max_elapsed"),
        "timeout": Synonym("max_elapsed"),
        "stop_after_delay": Synonym("max_elapsed"),
        "retry_on_result": Synonym("on_result"),
    },
)
