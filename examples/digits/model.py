"""The trained classifier, and how often it was run."""

from __future__ import annotations

import os
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import joblib

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL_PATH = Path(os.environ.get("DIGITS_MODEL", Path(__file__).parent / "build" / "model.joblib"))


class Classifier(Protocol):
    """What the service needs of a scikit-learn model."""

    def predict_proba(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one probability per class for each row."""
        ...


class DigitModel:
    """The model of one file, read on first use."""

    def __init__(self, path: Path = MODEL_PATH) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.calls = 0

    def load(self) -> None:
        """Read the file, so that the first request need not wait for it."""
        _ = self._classifier

    @cached_property
    def _classifier(self) -> Classifier:
        if not self._path.exists():
            raise FileNotFoundError(f"{self._path} is missing: python -m examples.digits.train")
        return cast("Classifier", joblib.load(self._path))

    def predict_proba(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one probability per digit for each row of pixels."""
        with self._lock:
            self.calls += 1
        return self._classifier.predict_proba(rows)
