"""What the port answers, and whom."""

from __future__ import annotations

import json
import select
import socket
import sys
import time

import psutil
import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as open_parser

from mlpolicy.ops.workers import MOST
from tests.ops.conftest import serving, until

CALLS = """
for x in range(6):
    try: served.predict(x)
    except KeyError: pass
input()
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A service that is only looked at."""
    with serving(tmp_path_factory.mktemp("running")) as made:
        made.script(CALLS)
        assert made.answers()
        yield made


def test_it_shows_what_a_service_does_that_has_no_route_of_its_own(service):
    """Health, the policy with its places, events, and numbers in both forms."""
    service.script(CALLS)
    assert service.answers()

    status, headers, health = service.ask("/healthz")
    assert (status, json.loads(health)["targets"]["applied"]) == (200, 1)
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")

    [target] = json.loads(service.shown("/policy"))["targets"]
    assert [target["target"], target["state"], target["mode"]] == [
        "served:predict",
        "applied",
        "enforce",
    ]
    assert [rule["kind"] for rule in target["rules"]] == ["monitor", "retry"]
    attempts = target["rules"][1]["values"]["max_attempts"]
    assert attempts["value"] == "2"
    assert (attempts["file"], attempts["line"]) == (str(service.folder / "policy.yaml"), 6)

    outcomes = [one["outcome"] for one in json.loads(service.shown("/events"))["events"]]
    assert outcomes == ["ok", "ok", "ok", "error", "ok", "ok"]

    for accept, read in (("", parser), ("application/openmetrics-text", open_parser)):
        _, headers, text = service.ask("/metrics", Accept=accept)
        families = {one.name: one for one in read.text_string_to_metric_families(text)}
        calls = {one.labels["outcome"]: one.value for one in families["mlpolicy_calls"].samples}
        assert calls["ok"] == 5.0
        assert headers["Content-Type"].startswith(accept or "text/plain")


def test_it_is_only_looked_at(running):
    """Nothing but GET and HEAD, and nothing where nothing is."""
    status, headers, _ = running.ask("/policy", "POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    status, headers, body = running.ask("/metrics", "HEAD")
    assert (status, body) == (200, "")
    assert int(headers["Content-Length"]) > 100
    for path in ("/nope", "/page/index.html", "/../server.py", "/page.css/../../server.py"):
        assert running.ask(path)[0] == 404


def test_a_name_that_somebody_points_here_is_refused(running):
    """A page of theirs in a browser must not read it."""
    ours = ("localhost", "127.0.0.1:9464", "[::1]:80", "10.1.2.3")
    theirs = ("evil.example", "127.0.0.1.evil.example:9464", "localhost.evil.example", "")

    assert [running.ask("/metrics", Host=host)[0] for host in ours] == [200] * 4
    assert [running.ask("/metrics", Host=host)[0] for host in theirs] == [403] * 4


def test_who_says_nothing_blocks_nobody(running):
    """As many as there may be at once make room for one who asks."""
    silent = [socket.create_connection(("127.0.0.1", running.port), 5) for _ in range(20)]
    for one in silent:
        one.sendall(b"GET /metr")  # (and no more)

    began = time.monotonic()
    assert running.ask("/healthz")[0] == 200
    assert time.monotonic() - began < 2
    ended = [one for one in silent if select.select([one], [], [], 0)[0]]
    assert len(ended) >= len(silent) - MOST

    for one in silent:
        one.settimeout(15)
        assert one.recv(1) == b""  # (ended by the service, within its 5 s)
        one.close()
    assert time.monotonic() - began < 10


def test_a_long_request_is_refused(running):
    assert running.ask("/" + "x" * 9000)[0] == 431
    assert running.ask("/healthz", Long="x" * 9000)[0] == 431
    assert running.ask("/healthz")[0] == 200


def test_a_port_that_somebody_has_is_said_once_and_tried_on(service):
    """The service goes on, and has the port when it is free."""
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    other.bind(("127.0.0.1", 0))
    other.listen()
    port = other.getsockname()[1]
    service.script("print(served.predict(1), flush=True)\ninput()\n", ops=f"127.0.0.1:{port}")

    assert service.started[0].stdout.readline() == "1\n"
    assert until(lambda: f"127.0.0.1:{port} is in use by another program" in service.err)
    other.close()
    assert service.answers()
    assert service.err.count("is in use") == 1


FORKED = """
import os, signal, time
time.sleep(1)
child = os.fork()
if not child:
    time.sleep(60)
print(child, flush=True)
input()
"""


def test_a_forked_child_takes_over(service):
    """It answers once its parent is gone, within 2 s, and not before."""
    service.script(FORKED)
    assert service.answers()
    child = int(service.started[0].stdout.readline())
    parent = service.holder()
    assert parent != child
    assert {service.holder() for _ in range(20)} == {parent}

    psutil.Process(parent).kill()
    gone = time.monotonic()
    assert until(lambda: service.holder() == child)
    assert time.monotonic() - gone < 2
    psutil.Process(child).kill()
    assert until(lambda: service.shown("/healthz") is None)


def test_what_the_policy_closes_refuses_under_run_too(service):
    """The socket is that of all; whoever opens it again listens again."""
    service.script(
        "import mlpolicy, time\ninput()\nmlpolicy.uninstall()\nprint('closed', flush=True)\ninput()\n"
        "mlpolicy.install(policy='policy.yaml')\ninput()\n"
    )
    assert service.answers()
    program = service.started[0]
    print(file=program.stdin, flush=True)
    assert program.stdout.readline() == "closed\n"
    begun = time.monotonic()
    assert service.shown("/healthz") is None
    assert time.monotonic() - begun < 1
    print(file=program.stdin, flush=True)

    assert service.answers()


LONE = """
import os, sys, time, socket, mlpolicy
mlpolicy.install(policy="policy.yaml")
import served
def is_open():
    with socket.socket() as asked:
        asked.settimeout(1)
        return asked.connect_ex(("127.0.0.1", int(os.environ["MLPOLICY_OPS"].rpartition(":")[2]))) == 0
time.sleep(0.3)
"""


def test_without_run_it_is_opened_and_closed_with_the_policy(service):
    """`MLPOLICY_OPS` with any port names the port that was chosen; `uninstall` closes it."""
    ends = "print(is_open())\nmlpolicy.uninstall()\ntime.sleep(0.1)\nprint(is_open())\n"
    service.write("prog.py", LONE + ASKED + ends)
    started = service.start(sys.executable, "prog.py", MLPOLICY_OPS=":0")

    assert started.stdout.read() == "5.0\nTrue\nFalse\n"
    assert "ops: http://127.0.0.1:" in service.err


ASKED = """
import urllib.request
for _ in range(5): served.predict(1)
text = urllib.request.urlopen(f"http://{os.environ['MLPOLICY_OPS']}/metrics").read().decode()
print(text.split('mlpolicy_calls_total{function="served:predict",outcome="ok"} ')[1].split()[0])
"""


def test_the_policy_may_ask_for_it_and_the_variable_says_otherwise(service):
    """`settings.ops.listen`; `off` closes it, and an address that is none stops nothing."""
    with (service.folder / "policy.yaml").open("a") as policy:
        policy.write('settings: {ops: {listen: ":0"}}\n')
    text = LONE.split("def is_open")[0]
    service.write(
        "prog.py",
        f"{text}for _ in range(500):\n"
        "    if 'MLPOLICY_OPS' not in os.environ: time.sleep(0.02)\n"
        "time.sleep(0.3); print([*filter(None, [os.environ.get('MLPOLICY_OPS')])])\n",
    )

    assert "['127.0.0.1:" in service.start(sys.executable, "prog.py").stdout.read()
    for said in ("off", "nonsense"):
        out = service.start(sys.executable, "prog.py", MLPOLICY_OPS=said).stdout.read()
        assert out == f"['{said}']\n"
    assert "no port is opened: `nonsense` is no address" in service.err


def test_a_policy_without_it_imports_nothing_for_it(service):
    service.write("prog.py", LONE.split("def is_open")[0] + "print(*sorted(sys.modules))\n")

    loaded = set(service.start(sys.executable, "prog.py").stdout.read().split())

    assert "served" in loaded
    assert not {"mlpolicy.ops.server", "mlpolicy.ops.workers"} & loaded


def test_commands_that_import_the_service_do_not_open_it(service):
    """`apply` proves what would be, and is no service."""
    service.write(
        "served.py",
        "import sys\nprint('mlpolicy.ops.server' in sys.modules, file=open('seen', 'a'))\ndef predict(x): return x\n",
    )
    ops = "127.0.0.1:9464"
    for extra in ((), ("--in-process",)):
        command = ("apply", "--policy", "policy.yaml", "--module", "served", *extra)
        started = service.start(sys.executable, "-m", "mlpolicy", *command, MLPOLICY_OPS=ops)
        assert "applied" in started.stdout.read()

    assert (service.folder / "seen").read_text() == "False\nFalse\n"
