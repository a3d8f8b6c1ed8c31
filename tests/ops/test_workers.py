"""One port and one sum for all workers of a service, whichever of them come and go."""

from __future__ import annotations

import http.client
import os
import signal
import sys
import threading
import time

import psutil
import pytest

from mlpolicy.core.address import Address
from mlpolicy.ops.workers import has_workers, together
from tests.ops.conftest import until

WEB = """
import served
def application(environ, start_response):
    served.predict(1)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
CALLS = 'mlpolicy_calls_total{function="served:predict",outcome="ok"}'
BEGUN = 'mlpolicy_calls_begun_total{function="served:predict"}'
COUNT = 'mlpolicy_call_duration_seconds_count{function="served:predict"}'


class Scraper(threading.Thread):
    """Scrapes until it is told to end, and keeps what went back."""

    def __init__(self, service):
        super().__init__()
        self.service, self.back, self.scrapes, self.failed = service, [], 0, 0
        self.ended = threading.Event()

    def run(self):
        last = {}
        while not self.ended.wait(0.05):
            lines = (self.service.shown("/metrics") or "").splitlines()
            self.scrapes += bool(lines)
            self.failed += not lines
            for line in lines:
                name, _, value = line.rpartition(" ")
                if "_total{" in name or "_bucket{" in name or "_count{" in name or "_sum{" in name:
                    if float(value) < last.get(name, 0.0):
                        self.back.append((name, last[name], value))
                    last[name] = float(value)


def serve(service, more=""):
    """Start gunicorn with four workers that are made anew after every 50 requests; return its port."""
    service.write("web.py", WEB)
    service.write(
        "gunicorn.conf.py",
        "bind = '127.0.0.1:0'\nworkers = 4\nmax_requests = 50\ncontrol_socket_disable = True\n"
        "def when_ready(server): print(server.LISTENERS[0].sock.getsockname()[1], flush=True)\n"
        "def post_worker_init(worker): open('born', 'a').write('x')\n"
        "def on_starting(server): open('master', 'w').write(str(__import__('os').getpid()))\n"
        + more,
    )
    command = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "web:application")
    return int(service.run(*command).stdout.readline())


def master(service):
    return int((service.folder / "master").read_text())


def load(port, requests, threads):
    """Ask so many times; return how many were answered."""
    answered = []

    def ask():
        while left:
            try:
                left.pop()
            except IndexError:
                return
            for _ in range(50):
                asked = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                try:
                    asked.request("GET", "/")
                    if asked.getresponse().read() == b"ok":
                        answered.append(1)
                        break
                except (OSError, http.client.HTTPException):
                    time.sleep(0.05)  # (its worker ended: it was not served)
                finally:
                    asked.close()

    left = [1] * requests
    running = [threading.Thread(target=ask) for _ in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    return len(answered)


REQUESTS = int(os.environ.get("MLPOLICY_TEST_REQUESTS", "500"))
TIMES = int(os.environ.get("MLPOLICY_TEST_RESTARTS", "250"))


@pytest.mark.slow
def test_workers_come_and_go_and_totals_are_exact(service):
    """gunicorn under load, workers recycled: nothing goes back, and the folder does not grow.

    The master, which reads the policy itself at a first start, governs nothing and does not answer.
    """
    port = serve(service)
    assert service.answers()
    scraper = Scraper(service)
    scraper.start()

    assert load(port, REQUESTS, 4) == REQUESTS
    assert until(lambda: service.number(CALLS) == REQUESTS)
    assert (service.number(BEGUN), service.number(COUNT)) == (REQUESTS, REQUESTS)
    scraper.ended.set()
    scraper.join()
    assert (scraper.back, scraper.failed) == ([], 0)
    assert scraper.scrapes > 2
    assert len((service.folder / "born").read_text()) >= 4 + REQUESTS // 50 - 4

    [folder] = service.folder.glob("mlpolicy-run-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    files = [path.name for path in folder.iterdir()]
    living = {name.rpartition("_")[2] for name in files} - {"dead.db"}
    assert len(living) <= 5
    assert len(files) - 4 * len(living) <= 3

    # Whoever holds the port is killed: another answers, and all that was counted is there.
    holder = service.holder()
    assert holder != master(service)
    os.kill(holder, signal.SIGKILL)
    gone = time.monotonic()
    assert until(lambda: service.holder() not in (0, holder))
    assert time.monotonic() - gone < 2
    assert service.number(CALLS) == REQUESTS

    service.started[-1].terminate()
    service.started[-1].wait(30)
    assert service.shown("/healthz") is None
    assert not folder.exists()
    assert "Traceback" not in service.err


@pytest.mark.slow
def test_an_application_that_is_loaded_before_the_workers(service):
    """One of them answers, the master or a worker, and for all of them."""
    port = serve(service, more="preload_app = True\n")
    assert service.answers()

    assert load(port, 120, 2) == 120
    assert until(lambda: service.number(CALLS) == 120)
    assert len(psutil.Process(master(service)).children()) >= 4
    assert len({service.holder() for _ in range(20)} - {0}) == 1


FORKS = """
import os, sys, time
from mlpolicy.rules.monitor.lanes import EXPORTER
for turn in range(int(sys.stdin.readline())):
    child = os.fork()
    if not child:
        for _ in range(3): served.predict(1)
        EXPORTER.finish()
        os._exit(0)
    os.waitpid(child, 0)
print("done", flush=True)
input()
"""


@pytest.mark.slow
def test_many_restarts_leave_one_file_of_each_sort(service):
    """Totals are exact, and the folder holds at most 3 files more than the living need."""
    started = service.script(FORKS)
    assert service.answers()
    scraper = Scraper(service)
    scraper.start()

    started.stdin.write(f"{TIMES}\n")
    started.stdin.flush()
    assert started.stdout.readline() == "done\n"
    assert service.number(CALLS) == 3 * TIMES
    assert service.number(COUNT) == 3 * TIMES
    scraper.ended.set()
    scraper.join()
    assert scraper.back == []
    [folder] = service.folder.glob("mlpolicy-run-*")
    assert len([*folder.iterdir()]) <= 4 + 3


def test_who_gets_a_folder_and_a_port(monkeypatch, tmp_path):
    """A server of several processes, or whoever wants the port; not where one is set."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    assert has_workers(["python", "-m", "gunicorn", "app"])
    assert has_workers(["/bin/gunicorn"])
    assert has_workers(["uvicorn", "--workers=2", "a:b"])
    assert not has_workers(["uvicorn", "a:b"])

    with together(["python"], None) as made:
        assert made == {}
    with together(["gunicorn"], None) as made:
        assert [*made] == ["PROMETHEUS_MULTIPROC_DIR"]
        assert os.path.isdir(made["PROMETHEUS_MULTIPROC_DIR"])
    assert not os.path.exists(made["PROMETHEUS_MULTIPROC_DIR"])
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    with together(["python"], Address("127.0.0.1", 0)) as made:
        assert [*made] == ["MLPOLICY_OPS", "MLPOLICY_OPS_FD"]
        assert not made["MLPOLICY_OPS"].endswith(":0")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", "`nonsense` is no address"),
        ("192.0.2.1:0", "192.0.2.1:0 cannot be listened at"),
    ],
)
def test_an_address_that_cannot_be_is_said_before_the_start(service, address, said):
    under = (
        "run",
        "--policy",
        "policy.yaml",
        "--ops",
        address,
        "--",
        sys.executable,
        "-c",
        "print(1)",
    )
    started = service.start(sys.executable, "-m", "mlpolicy", *under)

    assert (started.stdout.read(), started.wait(30)) == ("", 2)
    assert said in service.err
