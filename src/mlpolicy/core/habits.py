"""Units that people write from habit, in small letters, and those that they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TIME: Final[Mapping[str, str]] = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("msec", "msecs", "millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("usec", "usecs", "micros", "microsecond", "microseconds"), "us"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
    "s": "s",
    "ms": "ms",
    "us": "us",
    "h": "h",
    "d": "d",
}
MEMORY: Final[Mapping[str, str]] = {
    "b": "B",
    "byte": "B",
    "bytes": "B",
    "k": "KiB",
    "kb": "kB",
    "kib": "KiB",
    "ki": "KiB",
    "m": "MiB",
    "mb": "MB",
    "mib": "MiB",
    "mi": "MiB",
    "megabytes": "MB",
    "g": "GiB",
    "gb": "GB",
    "gib": "GiB",
    "gi": "GiB",
    "gigabytes": "GB",
}
