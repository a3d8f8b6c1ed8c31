"""One event a call: a JSON object whose schema is `event.schema.json`."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from mlpolicy.core.frozen import frozen
from mlpolicy.rules.monitor.summary import safe_text

SCHEMA: Final = "mlpolicy.event/1"
LONGEST_MESSAGE: Final = 500
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
    call: int
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
    error: BaseException | None = None
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
        "call_id": happened.call,
        "outcome": happened.outcome,
        "duration_s": round(happened.duration, 9),
        "attempts": facts.get("attempts", 1),
        "rules": facts.get("rules", []),
        "mode": happened.mode,
        "sample_rate": happened.sample_rate,
    }
    optional = {
        "cache": facts.get("cache"),
        "input": happened.inputs,
        "output": happened.output,
        "error": _error(happened.error) if happened.error is not None else None,
    }
    if happened.trace is not None:
        optional["trace_id"], optional["span_id"] = happened.trace
    return made | {key: value for key, value in optional.items() if value is not None}


def line(made: Mapping[str, Any]) -> str:
    """Return an event as one line: a message may hold line breaks, the JSON does not."""
    return json.dumps(made, default=str, separators=(",", ":"))


def _error(error: BaseException) -> dict[str, str]:
    return {
        "type": type(error).__name__,
        "message": safe_text(_message(error), LONGEST_MESSAGE),
        "fingerprint": fingerprint(error),
    }


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 (an error of the user's may fail to print)
        return "(its message could not be made)"


def fingerprint(error: BaseException) -> str:
    """Return what errors of one class from one place have in common, whatever their message."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{code.co_filename}:{code.co_qualname}"
        trace = trace.tb_next
    return hashlib.blake2b(f"{type(error)!r}{place}".encode(), digest_size=8).hexdigest()


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
    except Exception:  # noqa: BLE001 (the edge to a foreign library)
        return None
