"""The findings that only a memory rule gives."""

from __future__ import annotations

from mlpolicy.core.codes import Code, policy


def _policy(memory: str) -> str:
    return policy(
        "shop.serve:predict", "owner: serving", "reason: a batch takes 300 MB", f"memory: {memory}"
    )


CODES: tuple[Code, ...] = (
    Code(
        code="MP801",
        severity="error",
        title="thresholds out of order",
        finds="Thresholds that do not rise: `warn_at` <= `resume_at` <= `act_at` <= `reject_at`.",
        why="Calls would be refused before memory was given back, or wait for what never comes.",
        before=_policy("{act_at: 90%, reject_at: 85%}"),
        after=_policy("{act_at: 85%, reject_at: 90%}"),
    ),
    Code(
        code="MP804",
        severity="warning",
        title="relief without a pause",
        finds="A `relieve_interval` under one second.",
        why="Collecting garbage stops the whole process: about 45 ms for each million objects.",
        before=_policy("{act_at: 85%, relieve_interval: 200ms}"),
        after=_policy("{act_at: 85%, relieve_interval: 20s}"),
    ),
)
