"""Alerts and dashboards: made from the list of metrics, and taken by the real Prometheus."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from mlpolicy.cli.alerts import alerts
from mlpolicy.cli.dashboard import board
from mlpolicy.rules import KINDS
from mlpolicy.rules.catalogue import METRICS

ROOT = Path(__file__).parents[2]
SHIPPED = {
    "alerts/mlpolicy.yaml": ("alerts", "prometheus"),
    "dashboards/mlpolicy.json": ("dashboard", "grafana"),
}
ALERTS = {one["name"]: one["expr"] for one in alerts(KINDS)}
PANELS = [one for one in board()["panels"] if one["type"] != "row"]
QUERIES = [target["expr"] for one in PANELS for target in one["targets"]]
EXPRESSIONS = [*ALERTS.values(), *QUERIES]
LABELS = {name: one.labels for one in METRICS for name in one.series}
ADDED = {"job"}
"""Labels that Prometheus gives what it scrapes."""


def tool(name):
    """Return where a program of Prometheus is."""
    found = shutil.which(name) or str(ROOT / f".venv/prometheus/usr/bin/{name}")
    if not os.access(found, os.X_OK):
        pytest.skip(f"{name} is not on this machine: scripts/prometheus .venv/prometheus")
    return found


@pytest.mark.parametrize("file", SHIPPED)
def test_what_is_shipped_is_current(project, file):
    """`mlpolicy alerts prometheus -o alerts/mlpolicy.yaml`, and so for the dashboard."""
    ended = project.run(*SHIPPED[file])

    assert ended.code == 0
    assert ended.out == (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_metrics_and_labels_that_there_are(expression):
    """Those of the list, and what Prometheus adds."""
    asked = re.findall(r"(mlpolicy_\w+)(?:\{(.*?)\})?", expression)
    matched = [
        (name, label) for name, inside in asked for label in re.findall(r"(\w+)[=!]", inside)
    ]
    grouped = re.findall(r"\b(?:by|on|group_left) \((.*?)\)", expression)
    by = {label for labels in grouped for label in labels.split(", ") if label}
    of_all = {label for name, _ in asked for label in LABELS[name]}

    assert asked
    assert [(name, label) for name, label in matched if label not in LABELS[name]] == []
    assert by <= of_all | ADDED | {"le"}


def test_every_metric_is_on_the_board():
    """What is counted can be seen."""
    shown = " ".join(QUERIES)
    missing = {one.name for one in METRICS if not any(name in shown for name in one.series)}

    assert missing == {"mlpolicy_calls_begun_total"}


def test_legends_name_labels_that_are_left():
    """Those by which the query sums."""
    for panel in PANELS:
        for target in panel["targets"]:
            by = re.match(r".*?by \((.*?)\)", target["expr"])
            left = set(by[1].split(", ")) - {"le"} if by else set()
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= left, target


def test_the_panels_of_the_board_are_beside_each_other():
    """Each has a number and a place of its own."""
    board_panels = board()["panels"]
    cells = [
        (x, y)
        for panel in board_panels
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in board_panels}) == len(board_panels)


def test_the_alerts_of_a_policy_are_those_of_its_kinds(project):
    """What no rule counts nobody asks for."""
    project.write(svc="def f(x): return x", policy="version: 1\npolicies: {'svc:f': {retry: 3}}")
    ended = project.run("alerts", "prometheus", "--policy", "policy.yaml")
    names = [rule["alert"] for rule in yaml.safe_load(ended.out)["groups"][0]["rules"]]

    assert names == [
        "MlpolicyAttemptsExhausted",
        "MlpolicyRuleStoodAside",
        "MlpolicyTargetsNotGoverned",
    ]


def test_each_alert_says_what_to_do():
    """In the rule itself."""
    rules = yaml.safe_load((ROOT / "alerts/mlpolicy.yaml").read_text())["groups"][0]["rules"]

    for rule in rules:
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}
        assert rule["annotations"]["runbook"].startswith("1. ")


# --- the real Prometheus --------------------------------------------------------------


def test_each_alert_fires_above_its_threshold_and_not_below():
    """promtool's own tests, which name every alert."""
    file = ROOT / "alerts/mlpolicy.test.yaml"
    done = subprocess.run([tool("promtool"), "test", "rules", str(file)], capture_output=True)

    assert done.returncode == 0, done.stderr
    assert [
        name for name in ALERTS if f'"{name}", alertstate="firing"' not in file.read_text()
    ] == []


SERVICE = """
    import sys, time
    from prometheus_client import start_http_server

    def predict(x):
        if x % 5 == 0:
            raise ConnectionError("away")
        return {"label": "even" if x % 2 == 0 else "odd"}

    start_http_server(int(sys.argv[1]), addr="127.0.0.1")
    for x in range(10**9):
        try:
            predict(x % 100 if x % 7 else "text")
        except Exception:
            pass
        time.sleep(0.002)
"""
POLICY = """
    version: 1
    policies:
      serve:predict:
        monitor: {log: false, labels_from: result.label, slo: {p99: 1s, error_rate: 1%}}
        validate: {args: {x: {type: int}}}
        retry: {initial_delay: 1ms, max_attempts: 2}
        cache: {ttl: 200ms}
        memory: {}
"""
CONFIGURED = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: shop
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(command, folder):
    """Keep *command* running in *folder*."""
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # (with what it has started)
            process.wait(30)


@pytest.fixture
def prometheus(project):
    """Ask a Prometheus that scrapes a governed service, `prometheus(path, **parameters)`."""
    port, own = free_port(), free_port()
    project.write(serve=SERVICE, policy=POLICY)
    folder = project.folder
    rules = ROOT / "alerts/mlpolicy.yaml"
    (folder / "prometheus.yml").write_text(CONFIGURED.format(rules=rules, port=port))
    options = ("--config.file=prometheus.yml", f"--web.listen-address=127.0.0.1:{own}")
    server = [tool("prometheus"), *options, f"--storage.tsdb.path={folder / 'data'}"]
    way = ["-m", "mlpolicy", "run", "--policy", "policy.yaml", "--", sys.executable]
    service = [sys.executable, *way, "serve.py", str(port)]
    client = httpx.Client(base_url=f"http://127.0.0.1:{own}/api/v1", trust_env=False)

    def ask(path, **parameters):
        return client.get(path, params=parameters).json()

    with client, running(service, folder) as governed, running(server, folder):
        yield ask
        assert governed.poll() is None, (folder / "python.log").read_text()


def await_answer(ask, query):
    """Wait until there is one: a rate takes two scrapes, an alert an evaluation more."""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        try:
            answer = ask("query", query=query)
        except httpx.TransportError:
            answer = {}
        if answer.get("data", {}).get("result"):
            return
        time.sleep(0.2)
    pytest.fail(f"no answer to {query} after 30 s")


@pytest.mark.slow
def test_a_real_prometheus_takes_it_all(prometheus):
    """It scrapes a governed service, loads the alerts, and answers each query of the board."""
    await_answer(prometheus, "rate(mlpolicy_calls_total[30s]) > 0")
    await_answer(prometheus, 'ALERTS{alertname="MlpolicyErrorRate", alertstate="pending"}')
    filled = {"$function": ".*", "$__rate_interval": "30s"}
    unanswered, empty = {}, set()
    for query in QUERIES:
        for variable, value in filled.items():
            query = query.replace(variable, value)
        answer = prometheus("query", query=query)
        if answer["status"] != "success":
            unanswered[query] = answer
        elif not answer["data"]["result"]:
            empty.update(re.findall(r"mlpolicy_\w+", query))
    loaded = prometheus("rules")["data"]["groups"][0]["rules"]

    assert unanswered == {}
    rare = ("engine_errors", "dropped_events", "record_deleted", "shadow")
    rare = {f"mlpolicy_{name}_total" for name in rare}
    assert {name for name in empty if "drift" not in name} <= rare
    assert {rule["name"] for rule in loaded} == set(ALERTS)
    assert {(rule["health"], rule.get("lastError")) for rule in loaded} == {("ok", None)}
    assert json.dumps(prometheus("label/label/values")["data"]) == '["even", "odd", "other"]'
