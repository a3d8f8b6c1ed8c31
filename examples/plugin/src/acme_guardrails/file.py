"""A sink that appends events to the file that `ACME_EVENTS` names."""

import json
import os
from collections.abc import Mapping
from typing import Any, ClassVar

from mlpolicy.plugin import Sink


class FileSink(Sink):
    """Appends one line an event; other processes may append to the same file."""

    api: ClassVar[int | None] = 1

    def write(self, event: Mapping[str, Any]) -> None:
        """Append the event."""
        with open(os.environ["ACME_EVENTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(event, default=str) + "\n")


SINK = FileSink()
