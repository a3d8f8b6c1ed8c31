"""Events as JSON lines: to the logger `mlpolicy.events`, or to stderr where it has no handler."""

from __future__ import annotations

import logging
import sys

from mlpolicy.rules.monitor.event import SEVERITY, Happened, line
from mlpolicy.rules.monitor.sinks.exporter import EXPORTER

LOGGER = logging.getLogger("mlpolicy.events")


def write(happened: Happened) -> None:
    """Write the event soon, on another thread."""
    EXPORTER.put("log", lambda: _write(happened))


def _write(happened: Happened) -> None:
    text = line(happened)
    if not LOGGER.hasHandlers():
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
        return
    if LOGGER.level == logging.NOTSET:
        # The level of a parent, WARNING by default, is about messages; these are asked for.
        LOGGER.setLevel(logging.DEBUG)
    LOGGER.log(getattr(logging, SEVERITY[happened.outcome]), "%s", text)
