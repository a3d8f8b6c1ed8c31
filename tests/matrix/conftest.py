"""Makes the sample service importable, and keeps log events of the checks off the terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger, handler = logging.getLogger("mlpolicy.events"), logging.NullHandler()
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)
