"""`mlpolicy top`, against real servers that tell real states, and against others."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).parents[2] / "src")
STATES = """
import json, mlpolicy
mlpolicy.install(policy="policy.yaml")
import served
from mlpolicy.ops.state import state
first = state()
for x in range(100):
    try: served.predict(x)
    except ValueError: pass
second = state()
second["time"] = first["time"] + 10
print(json.dumps([first, second]))
"""
SERVED = "def predict(x):\n    if x == 5: raise ValueError(x)\n    return x\n"
POLICY = """
version: 1
policies:
  served:predict:
    monitor: {buckets: [1ms, 10s], log: false}
    validate: {args: {x: {range: [1, 80]}}}
"""


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    """What a process told before and after 100 calls, as if they had taken 10 seconds."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "served.py").write_text(SERVED)
    (folder / "policy.yaml").write_text(POLICY)
    terms = {"PYTHONPATH": SOURCE, "MLPOLICY_CACHE_DIR": str(folder / "plans")}
    terms["MLPOLICY_OPS"] = "127.0.0.1:0"
    told = subprocess.run(
        [sys.executable, "-c", STATES],
        cwd=folder,
        env=os.environ | terms,
        stdout=subprocess.PIPE,
        check=True,
    )
    return [json.dumps(one) for one in json.loads(told.stdout)]


@pytest.fixture
def told():
    """Serve these answers to `/state`, one after the other, the last one again and again."""
    servers = []

    def serve(*answers, status=200):
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = (left.pop(0) if len(left) > 1 else left[0]).encode()
                self.send_response(status if self.path == "/state" else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"127.0.0.1:{servers[-1].server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_rates_shares_and_quantiles_are_of_what_happened_in_between(project, states, told):
    """100 calls in 10 seconds, of which 20 were refused and one failed: all end within a millisecond."""
    address = told(*states)

    ended = project.run("top", address, "--once", "--interval", "0.1", COLUMNS="190")

    assert (ended.code, ended.err) == (0, "")
    head, memory, _, titles, row = ended.out.splitlines()
    assert head.startswith(f"http://{address} · 1 worker · policy ")
    assert memory == "0 events dropped"
    assert titles.split()[:4] == ["FUNCTION", "RULES", "CALLS/S", "ERRORS"]
    figures = [
        "10.0",
        "█",
        "1.0%",
        "ValueError",
        "<1ms",
        "<1ms",
        "<1ms",
        "–",
        "–",
        "2.0",
        "validate",
        "0",
        "–",
    ]
    assert row.split() == ["served:predict", "monitor", "validate", *figures]


def test_a_narrow_terminal_cuts_words_and_leaves_columns_out(project, states, told):
    """Figures are never cut, nor the end of a name; each line of the head stays one."""
    name = "shop.recommendations.serving.online.handlers:Handler.predict"
    states = [one.replace("served:predict", name) for one in states]

    ended = project.run("top", told(*states), "--once", "--interval", "0.1", COLUMNS="40")
    wider = project.run("top", told(*states), "--once", "--interval", "0.1", COLUMNS="90")

    assert max(map(len, ended.out.splitlines())) <= 40
    assert len(ended.out.splitlines()) == 5
    assert ended.out.splitlines()[-1].split() == ["…Handler.predict", "10.0", "1.0%"]
    row = "…line.handlers:Handler.predict 10.0 1.0% ValueError <1ms – 2.0 validate"
    assert wider.out.splitlines()[-1].split() == row.split()


def test_what_fails_most_comes_first(project, states, told):
    """Then what is called most."""
    first, last = map(json.loads, states)
    [failing] = last["functions"]
    for count in (90, 900, 0):
        other = failing | {"function": f"a:f{count}", "calls": {"ok": count}}
        first["functions"].append(other | {"calls": {"ok": 0}})
        last["functions"].insert(0, other)

    ended = project.run(
        "top",
        told(json.dumps(first), json.dumps(last)),
        "--once",
        "--interval",
        "0.1",
        COLUMNS="80",
    )

    shown = [line.split()[0] for line in ended.out.splitlines()[-4:]]
    assert shown == ["served:predict", "a:f900", "a:f90", "a:f0"]


def test_where_nothing_answers_it_says_how_to_open_the_port(project):
    """No traceback: what was tried, why it failed, and the command."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"

    ended = project.run("top", MLPOLICY_OPS=address)

    assert (ended.code, ended.out) == (5, "")
    assert f"nothing to show at http://{address}: Connection refused" in ended.err
    assert "mlpolicy run --ops" in ended.err


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        ("<html>", 200, "no mlpolicy.state/1"),
        ("[" * 100_000, 200, "no mlpolicy.state/1"),
        ('{"schema": "mlpolicy.state/2"}', 200, "no mlpolicy.state/1"),
        ('{"schema": "mlpolicy.state/1", "time": "x"}', 200, "no mlpolicy.state/1"),
        ('{"schema": "mlpolicy.state/1", "time": 1, "functions": [{}]}', 200, "no mlpolicy"),
        ("no", 403, "it answers 403 Forbidden"),
    ],
)
def test_what_is_no_state_is_said_in_words(project, told, answer, status, why):
    """Another program may have the port, or another version of ours."""
    ended = project.run("top", told(answer, status=status), "--once")

    assert (ended.code, ended.out) == (5, "")
    assert why in ended.err


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1", ":0", "http://[::1"])
def test_an_address_that_is_none_is_refused(project, url):
    """Nothing but HTTP is asked."""
    ended = project.run("top", url, "--once")

    assert (ended.code, ended.out) == (2, "")
    assert f"`{url}` " in ended.err
