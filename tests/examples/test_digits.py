"""The digits service as it is, with no policy around it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
import requests
from sklearn.datasets import load_digits

from examples.digits import client, processes, serve
from examples.digits.faults import Fault, FaultPlan, Faults
from examples.digits.model import DigitModel
from examples.digits.replay import Answer, Answers
from examples.digits.report import Run, broken_claims
from examples.digits.seen import FOLDER, seen
from examples.digits.store import Store, StoreServer
from examples.digits.traffic import Traffic, record
from examples.digits.train import train

if TYPE_CHECKING:
    from pathlib import Path

PIXELS = load_digits().data
SEED = 7
IMAGES = range(300)

OpenStore = Callable[[Faults], None]
Get = Callable[[str], httpx.Response]


@dataclass(frozen=True)
class FirstAttempt:
    """The first request for an image fails, the next is served."""

    fault: Fault | None

    def draw(self, image_id: int, attempt: int) -> Fault | None:
        """Return the fault for first attempts alone."""
        return self.fault if attempt == 0 else None


@pytest.fixture
def open_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenStore]:
    """Start stores in this process and point the client at the latest."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ExitStack() as stack:

        def start(faults: Faults) -> None:
            port = stack.enter_context(_serving(faults))
            monkeypatch.setattr(client, "STORE_URL", f"http://127.0.0.1:{port}")

        yield start


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A small model of these digits, and its accuracy."""
    path = tmp_path_factory.mktemp("digits") / "build" / "model.joblib"
    return path, train(path, trees=20)


@pytest.fixture
def get(trained: tuple[Path, float], monkeypatch: pytest.MonkeyPatch) -> Get:
    """Send requests to the service, on a freshly trained model that has not run yet."""
    monkeypatch.setattr(serve, "model", DigitModel(trained[0]))
    return lambda path: asyncio.run(_get(path))


def test_the_same_seed_fails_the_same_attempts():
    """Two plans of one seed agree on every image and every attempt."""
    first, second = FaultPlan(rate=0.2, seed=SEED), FaultPlan(rate=0.2, seed=SEED)

    draws = [[plan.draw(image, 0) for image in IMAGES] for plan in (first, second)]

    assert draws[0] == draws[1]


def test_another_seed_fails_other_attempts():
    """The seed alone decides which requests fail."""
    first, second = FaultPlan(rate=0.2, seed=SEED), FaultPlan(rate=0.2, seed=SEED + 1)

    draws = [[plan.draw(image, 0) for image in IMAGES] for plan in (first, second)]

    assert draws[0] != draws[1]


@pytest.mark.parametrize(("rate", "least", "most"), [(0.0, 0, 0), (0.2, 40, 80), (1.0, 300, 300)])
def test_the_rate_is_the_share_of_failing_requests(rate: float, least: int, most: int):
    """A rate of 0.2 fails about one request in five."""
    plan = FaultPlan(rate=rate, seed=SEED)

    failing = sum(plan.draw(image, 0) is not None for image in IMAGES)

    assert least <= failing <= most


def test_asking_again_helps():
    """No image fails six times running under the demo's faults."""
    plan = FaultPlan(rate=0.2, seed=SEED)

    hopeless = [i for i in range(len(PIXELS)) if all(plan.draw(i, n) for n in range(6))]

    assert hopeless == []


def test_a_sound_store_serves_the_pixels(open_store: OpenStore):
    """The client gets the 64 pixels of the image it asked for."""
    open_store(FirstAttempt(None))

    features = client.fetch_features(42)

    np.testing.assert_array_equal(features, PIXELS[42])


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.UNAVAILABLE, requests.HTTPError),
        (Fault.BUSY, requests.HTTPError),
        (Fault.RESET, requests.ConnectionError),
        (Fault.STALLED, requests.Timeout),
    ],
)
def test_a_failing_request_raises_what_requests_raises(
    fault: Fault, error: type[Exception], open_store: OpenStore
):
    """The client adds no error of its own, and the next request is served."""
    open_store(FirstAttempt(fault))

    with pytest.raises(error):
        client.fetch_features(42)

    np.testing.assert_array_equal(client.fetch_features(42), PIXELS[42])


def test_a_busy_store_says_when_to_come_back(open_store: OpenStore):
    """The header is there for a policy to read."""
    open_store(FirstAttempt(Fault.BUSY))

    with pytest.raises(requests.HTTPError) as caught:
        client.fetch_features(42)

    assert caught.value.response is not None
    assert caught.value.response.headers["Retry-After"] == "1"


def test_damaged_answers_look_like_good_ones(open_store: OpenStore):
    """Missing pixels and short vectors reach the service without an error."""
    open_store(FirstAttempt(Fault.NULLS))
    nulls = client.fetch_features(42)
    open_store(FirstAttempt(Fault.SHAPE))
    short = client.fetch_features(42)

    assert (nulls.shape, bool(np.isnan(nulls).any()), short.shape) == ((64,), True, (40,))


def test_a_store_process_fails_as_its_plan_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The command-line flags reach the store."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    plan = FaultPlan(rate=0.5, seed=SEED)
    log = tmp_path / "log"

    with processes.feature_store(fault_rate=plan.rate, seed=plan.seed, log=log) as url:
        monkeypatch.setattr(client, "STORE_URL", url)
        served = [_is_served(image) for image in range(12)]

    harmless = (None, Fault.SLOW)
    assert served == [plan.draw(image, 0) in harmless for image in range(12)]


def test_the_model_reads_nine_digits_in_ten(trained: tuple[Path, float]):
    """Accuracy on digits that it has not seen is above 0.9."""
    _, accuracy = trained

    assert accuracy > 0.9


def test_the_service_answers_as_its_model(
    get: Get, open_store: OpenStore, trained: tuple[Path, float]
):
    """The label is that of the model on the pixels of the store, and one call is counted."""
    open_store(FirstAttempt(None))
    expected = DigitModel(trained[0]).predict_proba(PIXELS[[42]]).argmax()

    answer = get("/predict/42").json()

    assert answer["label"] == expected
    assert get("/stats").json()["model_calls"] == 1


@pytest.mark.parametrize(("image_id", "status"), [(42, 502), (99_999, 404)])
def test_a_failing_store_is_the_clients_error(
    image_id: int, status: int, get: Get, open_store: OpenStore
):
    """Without a policy the client sees every fault; an unknown image is the client's own."""
    open_store(FirstAttempt(Fault.UNAVAILABLE))

    response = get(f"/predict/{image_id}")

    assert response.status_code == status


@pytest.mark.parametrize("fault", [Fault.NULLS, Fault.SHAPE])
def test_damaged_pixels_are_served_as_wrong_answers(fault: Fault, get: Get, open_store: OpenStore):
    """The first answer for an image is wrong for some images, and none is an error."""
    open_store(FirstAttempt(fault))

    labels = [[get(f"/predict/{image}").json()["label"] for image in range(12)] for _ in range(2)]

    assert labels[0] != labels[1]


def test_traffic_is_the_same_for_one_seed():
    """Half the requests and more ask for an image again."""
    traffic = record(requests=1200, seed=SEED)

    assert traffic == record(requests=1200, seed=SEED)
    assert 0.5 < traffic.repeat_share < 0.8


def test_answers_are_summed_up_as_the_client_saw_them():
    """Errors are no wrong answers, and the percentile is one of the times."""
    answers = Answers([Answer(0, 5, 0.1), Answer(1, 5, 0.2), Answer(2, None, 0.9)])

    summary = (answers.errors, answers.wrong([5, 6, 7]), answers.percentile(50))

    assert summary == (1, 1, 0.2)


def test_broken_promises_are_named():
    """A run that is no better than the other breaks each promise that it can."""
    traffic = Traffic((1, 1, 2))
    without = Run("without", "f00d", 3, 20, 5, 3, p50=0.1, p99=0.2, peak_memory=1)
    governed = replace(without, name="with", errors=2, wrong=0, model_calls=2)

    assert broken_claims(without, governed, traffic=traffic) == []
    assert len(broken_claims(without, replace(without, source="beef"), traffic=traffic)) == 4


@contextmanager
def _serving(faults: Faults) -> Iterator[int]:
    server = StoreServer(0, Store(faults))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def _get(path: str) -> httpx.Response:
    transport = httpx.ASGITransport(serve.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://digits") as asking:
        return await asking.get(path)


def _is_served(image_id: int) -> bool:
    try:
        return np.array_equal(client.fetch_features(image_id), PIXELS[image_id])
    except requests.RequestException:
        return False


def test_what_the_policy_saw_is_read_off_the_files_of_the_service(tmp_path: Path):
    """Over all processes that wrote there."""
    counting = (
        "from prometheus_client import Counter\n"
        "Counter('mlpolicy_calls_begun', 'h', ['function']).labels('f').inc(1200)\n"
        "requests = Counter('mlpolicy_cache_requests', 'h', ['result'])\n"
        "requests.labels('hit').inc(7)\n"
        "requests.labels('miss').inc(9)\n"
    )
    for _ in range(2):
        command = [sys.executable, "-c", counting]
        subprocess.run(command, env={**os.environ, FOLDER: str(tmp_path)}, check=True)

    assert seen(tmp_path).splitlines() == [
        "2,400 calls",
        "0 attempts failed",
        "0 calls recovered",
        "14 answers from a cache",
        "0 values refused",
    ]
