"""What the other side asks for: `Retry-After`, in seconds, as a date or in milliseconds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from mlpolicy.core.interrupt import interrupts
from mlpolicy.rules.retry.statuses import headers, leaves, read

_NUMBER = re.compile(r"\d+(\.\d+)?")
_NAMES = (
    ("retry-after-ms", 0.001),
    ("Retry-After-Ms", 0.001),
    ("x-ms-retry-after-ms", 0.001),
    ("retry-after", 1.0),
    ("Retry-After", 1.0),
)
"""Header names, the most exact first, and their unit; a plain dict heeds the case."""


def asked_pause(error: BaseException, now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds after which the other side wants to be asked again, if it says.

    A refusal of our own says so in its `retry_after`; of a group, the longest counts.
    """
    if isinstance(error, BaseExceptionGroup):
        pauses = [asked_pause(one, now) for one in leaves(error)]
        return max((pause for pause in pauses if pause is not None), default=None)
    if not error.__dict__:  # most builtin errors: nothing was hung on it
        return None
    for text, unit in _texts(error):
        seconds = _seconds(text, unit, now)
        if seconds is not None:
            return seconds
    own = read(error, "retry_after")
    if isinstance(own, int | float) and not isinstance(own, bool) and own >= 0:
        return float(own)
    return None


def _texts(error: BaseException) -> Iterator[tuple[str, float]]:
    for held in headers(error):
        get = read(held, "get")
        if not callable(get):
            continue
        for name, unit in _NAMES:
            text = _value(get, name)
            if text is not None:
                yield text, unit


def _value(get: Callable[[str], Any], name: str) -> str | None:
    try:
        value = get(name)
    except Exception as error:
        if interrupts(error):
            raise
        return None  # a foreign mapping may raise anything
    if isinstance(value, bytes):
        return value.decode("latin-1").strip()
    return str(value).strip() if isinstance(value, str | int | float) else None


def _seconds(text: str, unit: float, now: Callable[[], float]) -> float | None:
    if _NUMBER.fullmatch(text):
        return float(text) * unit
    return _until(text, now) if unit == 1.0 else None


def _until(text: str, now: Callable[[], float]) -> float | None:
    """Return the seconds until an HTTP-date; none are left of one that is past."""
    # Imported here: most programs never meet a date, and the import takes milliseconds.
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text)
        # A zone of -0000 makes a date without one; HTTP dates are in UTC.
        moment = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return max(0.0, moment - now())
