"""Sends recorded traffic to a running service and notes what came back."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from rich.console import Console
from rich.progress import track

if TYPE_CHECKING:
    from collections.abc import Sequence

    from examples.digits.traffic import Traffic

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client saw of one request: a label, or None for an error."""

    image_id: int
    label: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Answers:
    """What the client saw of all requests."""

    answers: Sequence[Answer]

    @property
    def errors(self) -> int:
        """How many requests brought no label."""
        return sum(answer.label is None for answer in self.answers)

    def wrong(self, truth: Sequence[int]) -> int:
        """Return how many labels differ from those of the same model on clean pixels."""
        return sum(
            answer.label is not None and answer.label != truth[answer.image_id]
            for answer in self.answers
        )

    def percentile(self, percent: int) -> float:
        """Return the time within which *percent* of the requests were answered."""
        times = sorted(answer.seconds for answer in self.answers)
        return times[max(0, -(-len(times) * percent // 100) - 1)]


def replay(traffic: Traffic, url: str, *, clients: int, title: str) -> Answers:
    """Send the traffic with *clients* requests in flight at a time."""
    limits = httpx.Limits(max_connections=clients)
    with (
        httpx.Client(base_url=url, limits=limits, timeout=PATIENCE_SECONDS) as client,
        ThreadPoolExecutor(clients) as threads,
    ):
        answers = threads.map(lambda image_id: _ask(client, image_id), traffic.image_ids)
        shown = track(answers, title, total=len(traffic.image_ids), console=Console(stderr=True))
        return Answers(tuple(shown))


def _ask(client: httpx.Client, image_id: int) -> Answer:
    started = time.perf_counter()
    try:
        response = client.get(f"/predict/{image_id}")
        label = int(response.json()["label"]) if response.is_success else None
    except httpx.TransportError:
        label = None
    return Answer(image_id, label, time.perf_counter() - started)
