"""The client of the feature store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import requests

if TYPE_CHECKING:
    from numpy.typing import NDArray

STORE_URL = os.environ.get("DIGITS_STORE_URL", "http://127.0.0.1:8100")
TIMEOUT_SECONDS = 0.5


def fetch_features(image_id: int) -> NDArray[np.float64]:
    """Return the pixels of one image.

    Raises:
        requests.RequestException: The store did not answer, or answered with an error.
    """
    response = requests.get(f"{STORE_URL}/images/{image_id}", timeout=TIMEOUT_SECONDS)
    response.raise_for_status()
    return np.asarray(response.json()["pixels"], dtype=np.float64)
