"""A web service that reads handwritten digits.

python -m uvicorn examples.digits.serve:app
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import requests
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from examples.digits.client import fetch_features
from examples.digits.model import DigitModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from numpy.typing import NDArray

model = DigitModel()


@asynccontextmanager
async def with_model(_: FastAPI) -> AsyncIterator[None]:
    """Read the model before the first request."""
    model.load()
    yield


app = FastAPI(title="digits", lifespan=with_model)


def predict(features: NDArray[np.float64]) -> dict[str, int | float]:
    """Return the digit that the pixels show."""
    row = np.resize(features, (1, 64))
    probabilities = model.predict_proba(row)[0]
    label = int(probabilities.argmax())
    return {"label": label, "confidence": float(probabilities[label])}


@app.get("/predict/{image_id}")
def predict_image(image_id: int) -> dict[str, int | float]:
    """Read the digit of one image of the feature store."""
    return predict(fetch_features(image_id))


@app.get("/stats")
def stats() -> dict[str, int]:
    """Say how often the model ran."""
    return {"pid": os.getpid(), "model_calls": model.calls}


@app.exception_handler(requests.RequestException)
def store_failed(_: Request, error: requests.RequestException) -> JSONResponse:
    """Answer for a feature store that did not."""
    missing = error.response is not None and error.response.status_code == 404
    status = 404 if missing else 502
    return JSONResponse({"detail": f"feature store: {error}"}, status_code=status)
