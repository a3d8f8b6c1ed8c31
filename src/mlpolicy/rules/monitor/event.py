"""One event a call: a JSON object whose schema is `event.schema.json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from mlpolicy.core.frozen import frozen
from mlpolicy.core.interrupt import interrupts

SCHEMA: Final = "mlpolicy.event/1"
MOST_DECISIONS: Final = 100
Outcome = Literal["ok", "error", "refused", "fallback"]
SEVERITY: Final[dict[str, str]] = {
    "ok": "INFO",
    "fallback": "WARNING",
    "refused": "WARNING",
    "error": "ERROR",
}


@frozen()
class Happened:
    """What is known of a call when it ends."""

    function: str
    ids: Mapping[str, str]
    """Of the call, of its caller and of the outermost."""
    outcome: Outcome
    duration: float
    time: float
    """When it ended, in seconds since the epoch."""
    facts: Mapping[str, Any]
    """What rules noted."""
    mode: str
    sample_rate: float
    inputs: Mapping[str, Any] | None = None
    output: Mapping[str, Any] | None = None
    error: Mapping[str, str] | None = None
    """What is said of what it raised; not the object, which holds the arguments of the call."""
    trace: tuple[str, str] | None = None


def event(happened: Happened) -> dict[str, Any]:
    """Return the event as JSON has it."""
    facts = happened.facts
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "time": datetime.fromtimestamp(happened.time, UTC).isoformat(timespec="microseconds"),
        "severity": SEVERITY[happened.outcome],
        "event": "call",
        "function": happened.function,
        **happened.ids,
        "outcome": happened.outcome,
        "duration_s": round(happened.duration, 9),
        "attempts": facts.get("attempts", 1),
        "rules": facts.get("rules", [])[:MOST_DECISIONS],
        "mode": happened.mode,
        "sample_rate": happened.sample_rate,
    }
    optional = {
        "cache": facts.get("cache"),
        "input": happened.inputs,
        "output": happened.output,
        "error": happened.error,
    }
    if happened.trace is not None:
        optional["trace_id"], optional["span_id"] = happened.trace
    return made | {key: value for key, value in optional.items() if value is not None}


def line(made: Mapping[str, Any]) -> str:
    """Return an event as one line: a message may hold line breaks, the JSON does not."""
    return json.dumps(made, allow_nan=False, separators=(",", ":"))


def current_trace() -> tuple[str, str] | None:
    """Return the ids of the span that OpenTelemetry has open here, if it is in use."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    try:
        context = api.get_current_span().get_span_context()
        if not context.is_valid:
            return None
        return f"{context.trace_id:032x}", f"{context.span_id:016x}"
    except Exception as failure:
        if interrupts(failure):
            raise
        return None  # (it is a library's)
