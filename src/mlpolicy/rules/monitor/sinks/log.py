"""Events as JSON lines: to the logger `mlpolicy.events`, or to stderr where it has no handler."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from typing import Any

from mlpolicy.rules.monitor.sinks import Sink

LOGGER = logging.getLogger("mlpolicy.events")


class LogSink(Sink):
    """Writes lines."""

    def write(self, event: Mapping[str, Any]) -> None:
        """Write one line: a message may hold line breaks, the JSON does not."""
        text = json.dumps(event, allow_nan=False, separators=(",", ":"))
        level = getattr(logging, event["severity"])
        if LOGGER.level == logging.NOTSET:
            # The level of a parent, WARNING by default, is about messages; these are asked for.
            LOGGER.setLevel(logging.DEBUG)
        if LOGGER.hasHandlers():
            LOGGER.log(level, "%s", text)
        elif LOGGER.isEnabledFor(level):
            sys.stderr.write(text + "\n")
            sys.stderr.flush()


SINK = LogSink()
