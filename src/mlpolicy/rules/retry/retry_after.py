"""What the other side asks for: `Retry-After`, in seconds, as a date or in milliseconds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from mlpolicy.core.interrupt import interrupts
from mlpolicy.rules.retry.statuses import headers, leaves, read

_NUMBER = re.compile(r"\d+(\.\d+)?")
_UNITS = {"retry-after-ms": 0.001, "x-ms-retry-after-ms": 0.001, "retry-after": 1.0}
"""Header names, the most exact first, and their unit."""
_MOST_HEADERS = 1000


def asked_pause(error: BaseException, now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds after which the other side wants to be asked again, if it says.

    A refusal of our own says so in its `retry_after`; of a group, the longest counts.
    """
    if isinstance(error, BaseExceptionGroup):
        pauses = [asked_pause(leaf, now) for leaf in leaves(error)]
        return max((pause for pause in pauses if pause is not None), default=None)
    if not error.__dict__:  # most builtin errors: nothing was hung on it
        return None
    asked = asked_in(headers(error), now)
    return _number(read(error, "retry_after")) if asked is None else asked


def asked_in(holders: Iterable[object], now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds that the first of *holders* of headers asks for."""
    for holder in holders:
        named: dict[str, object] = {}
        try:
            for name, value in _pairs(holder):
                named.setdefault(_text(name).lower(), value)
        except Exception as error:
            if interrupts(error):
                raise
            continue  # a foreign mapping may raise anything
        for name, unit in _UNITS.items():
            value = named.get(name)
            text = _text(value)
            number = _number(float(text) if _NUMBER.fullmatch(text) else value)
            if number is not None:
                return number * unit
            until = _until(text, now) if text and unit == 1.0 else None
            if until is not None:
                return until
    return None


def _pairs(held: Any) -> Iterator[tuple[object, object]]:
    """Yield names and values, of a mapping of any sort or a list of pairs."""
    items, get = read(held, "items"), read(held, "get")
    pairs: Any = items() if callable(items) else held if isinstance(held, list | tuple) else ()
    for pair in islice(pairs, _MOST_HEADERS):
        if isinstance(pair, tuple | list) and len(pair) == 2:
            yield pair[0], pair[1]
    if callable(get) and not callable(items):
        yield from ((name, get(name)) for name in _UNITS)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = bytes.decode(value, "latin-1")
    return str.strip(value) if isinstance(value, str) else ""  # (a subclass may raise anything)


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if value >= 0 else None
    except OverflowError:
        return float("inf")
    except Exception as error:
        if interrupts(error):
            raise
        return None  # numbers of others may compare as they like


def _until(text: str, now: Callable[[], float]) -> float | None:
    """Return the seconds until an HTTP-date; none are left of one that is past."""
    # Imported here: most programs never meet a date, and the import takes milliseconds.
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text)
        # A zone of -0000 makes a date without one; HTTP dates are in UTC.
        moment = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except Exception as error:
        if interrupts(error):
            raise
        return None  # what is no date fails in many ways
    return max(0.0, moment - now())
