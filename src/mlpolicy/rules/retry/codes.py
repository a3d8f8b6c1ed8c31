"""MP6xx: what can be wrong with a retry rule alone."""

from __future__ import annotations

from mlpolicy.core.codes import Code


def _file(settings: str) -> str:
    return f"version: 1\npolicies:\n  mypkg.client:fetch:\n    retry: {{{settings}}}\n"


CODES = (
    Code(
        "MP602",
        "error",
        "delays contradict each other",
        "The first delay is longer than `max_delay` or `max_elapsed`, or `multiplier` is below 1.",
        "Where the first pause breaks a limit, the rule does something else than it says.",
        _file("initial_delay: 5s, max_delay: 1s"),
        _file("initial_delay: 1s, max_delay: 5s"),
    ),
    Code(
        "MP603",
        "error",
        "unknown exception",
        "A name in `retry_on` or `give_up_on` is no builtin exception, no group (`transient`), no "
        "dotted path and no status (`http:429`).",
        "No error will ever match it, so what was meant is not retried.",
        _file("retry_on: [ConectionError]"),
        _file("retry_on: [ConnectionError]"),
    ),
    Code(
        "MP605",
        "warning",
        "retries mistakes of the program",
        "`retry_on` holds `Exception`, an error that is most often a mistake in the program "
        "(`TypeError`, `KeyError`), or one that is never retried (`KeyboardInterrupt`).",
        "A mistake fails the same way each time: retries delay the message and multiply the load.",
        _file("retry_on: [Exception]"),
        _file("retry_on: [transient]"),
    ),
    Code(
        "MP608",
        "warning",
        "retries without jitter",
        "`jitter: none` with more than two attempts.",
        "Callers that failed together return together, and again: 1,000 of them arrive within "
        "100 ms, where `jitter: full` makes it 290.",
        _file("max_attempts: 4, jitter: none"),
        _file("max_attempts: 4, jitter: full"),
    ),
    Code(
        "MP609",
        "warning",
        "too many retries",
        "More than 10 attempts, or pauses of more than 60 seconds together.",
        "Attempts multiply the load on what already fails, and a caller rarely waits a minute.",
        _file("max_attempts: 20"),
        _file("max_attempts: 5"),
    ),
    Code(
        "MP610",
        "error",
        "retry never happens",
        "`give_up_on` holds an error of `retry_on`, or a class above it.",
        "`give_up_on` wins: what `retry_on` promises is not retried.",
        _file("retry_on: [ConnectionResetError], give_up_on: [OSError]"),
        _file("retry_on: [OSError], give_up_on: [ConnectionResetError]"),
    ),
    Code(
        "MP611",
        "info",
        "no retry",
        "`max_attempts: 1`, or a `retry_on` that names nothing.",
        "The function is called once, as without the rule.",
        _file("max_attempts: 1"),
        _file("max_attempts: 2"),
    ),
)
