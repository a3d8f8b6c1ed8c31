"""Calls that failed are made again: which ones, how often, and after what pause."""

from __future__ import annotations

from mlpolicy.core.kind import Counted, Kind, Synonym, habits

_RETRIES = "max_retries max_retry num_retries retries retry_count total max_retry_attempts"
_ONE_MORE = "`max_attempts` counts every call, the first one too"

KIND = Kind(
    name="retry",
    rule="mlpolicy.rules.retry.rule:RetryRule",
    step="mlpolicy.rules.retry.step:RetryStep",
    decorator="retry",
    check="mlpolicy.rules.retry.check:check",
    together="mlpolicy.rules.retry.check:clashes",
    worst="mlpolicy.rules.retry.check:worst",
    risk="mlpolicy.rules.retry.check:risks",
    standing="mlpolicy.rules.retry.lint:retried",
    lint="mlpolicy.rules.retry.lint:lint",
    shorthand="max_attempts",
    synonyms={
        **habits(
            {
                "max_attempts": "attempts tries max_tries stop_after_attempt limit",
                "retry_on": "on exceptions errors handle retry_exceptions retryable retryable_exceptions retry_if retry_if_exception_type",
                "give_up_on": "abort_on never_on fail_on ignore ignore_exceptions giveup no_retry_on",
                "backoff": "strategy",
                "initial_delay": "delay wait wait_duration sleep interval min min_delay base_delay base_interval initial_interval initial_backoff",
                "multiplier": "backoff_factor factor backoff_multiplier exponential_backoff_multiplier exp_base base",
                "max_delay": "max_wait max_backoff max_interval max cap",
                "max_elapsed": "max_time max_duration timeout stop_after_delay",
                "jitter": "randomize",
                "on_result": "retry_on_result",
                "max": "retry_after.maximum retry_after.limit retry_after.max_delay retry_after.cap",
                "respect": "retry_after.enabled retry_after.honor retry_after.honour retry_after.obey",
                "equals": "on_result.eq on_result.value on_result.is",
                "is_none": "on_result.none on_result.is_null",
                "status": "on_result.statuses on_result.status_code on_result.http on_result.code",
            }
        ),
        **dict.fromkeys(_RETRIES.split(), Synonym("max_attempts", note=_ONE_MORE, shift=1)),
    },
    events={
        "retry": "an attempt failed, and another followed",
        "retry.not_retryable": "an attempt failed in a way that is not retried",
        "retry.attempts_exhausted": "the last attempt failed",
        "retry.deadline": "another attempt would have begun too late",
        "retry.retry_after_too_long": "the other side asked to wait too long",
        "retry.would_retry": "in shadow: another attempt would have followed",
    },
    counted={"mlpolicy_attempts_total{outcome=error}": Counted("retry")},
)
