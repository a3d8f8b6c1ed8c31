"""The example plugin, installed by `pip` as anybody would: all four groups of entry points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
POLICY = """\
version: 1
policies:
  shop:load:
    use: [acme-store]
    monitor: {sinks: [file], log: {sample: 100%}}
    faults: 50%
    retry: {initial_delay: 1ms}
    cache: {ttl: 1m, max_entries: 2}
"""
SHOP = """\
made = []

def load(user, customer=None):
    made.append(user)
    return {"user": user}
"""
SERVE = """\
import sys
before = set(sys.modules)
import mlpolicy
mlpolicy.install("policies")
print("importlib_metadata" in sys.modules, "yaml" in sys.modules)
import shop
errors = 0
for n in range(200):
    try:
        shop.load(n % 3)
    except ConnectionError:
        errors += 1
from mlpolicy.plugin import METERS
from mlpolicy.rules.monitor.lanes import EXPORTER
EXPORTER.flush()
faults = METERS.counter("acme_faults_total", "", function="shop:load").value()
print(errors, len(shop.made), int(faults))
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Install the example into a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--disable-pip-version-check"),
            *("--target", str(folder), str(HERE / "examples" / "plugin")),
        ],
        check=True,
        timeout=120,
    )
    return folder


@pytest.fixture
def shop(tmp_path, site):
    """A service and its policy, beside the installed plugin."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "shop.yaml").write_text(POLICY)
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "serve.py").write_text(SERVE)

    def run(*command, plugins=True):
        paths = [str(site)] if plugins else []
        environ = os.environ | {
            "PYTHONPATH": os.pathsep.join([*paths, str(HERE / "src"), str(tmp_path)]),
            "ACME_EVENTS": str(tmp_path / "events.jsonl"),
            "MLPOLICY_CACHE_DIR": str(tmp_path / "cache"),
        }
        return subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_all_of_it_is_listed(shop):
    done = shop("-m", "mlpolicy", "list", "plugins", "--format", "json")

    rows = {one["plugin"]: one for one in json.loads(done.stdout)["plugins"]}
    assert {name: one["adds"] for name, one in rows.items()} == {
        "acme": "policies",
        "faults": "kinds",
        "file": "sinks",
        "timeout": "kinds",
    }
    assert {one["state"] for one in rows.values()} == {"ok"}
    assert {one["distribution"] for one in rows.values()} == {"acme-guardrails 1.0"}


def test_a_policy_that_uses_all_of_it_is_right(shop):
    done = shop("-m", "mlpolicy", "validate", "--fail-on", "info")

    assert (done.returncode, done.stderr) == (0, "")
    assert "2 files, 1 policy" in done.stdout


def test_it_works(shop, tmp_path):
    """Cold and warm: faults are injected inside retry, two entries are kept, events arrive."""
    for warm in (False, True):
        done = shop("serve.py")

        assert done.stderr == ""
        first, second = done.stdout.splitlines()
        errors, made, faults = map(int, second.split())
        assert first == ("False False" if warm else "True True")
        assert 0 < errors < faults  # most are made good by another attempt
        assert 0 < made <= 200
    events = [json.loads(one) for one in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert 200 <= len(events) <= 400  # the rate of what is logged is bounded
    assert {one["schema"] for one in events} == {"mlpolicy.event/1"}


def test_it_stands_where_it_says(shop):
    done = shop("-m", "mlpolicy", "explain", "shop:load")

    assert "monitor > cache > retry > faults" in done.stdout
    assert "log.redact" in done.stdout
    assert "base.yaml:7:19 defaults" in done.stdout


SLOW = """\
import asyncio
import logging

async def fetch(name, pause=0.0):
    CALLS.append(name)
    await asyncio.sleep(pause if len(CALLS) < 3 else 0.0)
    return name

async def own():
    CALLS.append("own")
    raise TimeoutError("own")

def plain():
    return "plain"

CALLS = []
"""
BOUNDED = """\
version: 1
policies:
  slow:fetch: {timeout: 50ms, retry: {max_attempts: 3, initial_delay: 1ms}}
  slow:own: {timeout: {attempt: 5s}, retry: {max_attempts: 2, initial_delay: 1ms}}
  slow:plain: {timeout: 1s}
"""


def test_a_kind_in_one_folder_bounds_attempts(shop, tmp_path):
    """Of coroutines: retry makes another; what the function itself raises, and plain calls, pass."""
    (tmp_path / "policies" / "shop.yaml").write_text(BOUNDED)
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "use.py").write_text("""
import asyncio, mlpolicy
mlpolicy.install("policies")
import slow
print(asyncio.run(slow.fetch("a", 30.0)), len(slow.CALLS))
try:
    asyncio.run(slow.own())
except TimeoutError as error:
    print(type(error).__name__, error, len(slow.CALLS))
slow.CALLS[:] = [0] * -9
try:
    asyncio.run(asyncio.wait_for(slow.fetch("b", 30.0), 0.01))
except TimeoutError as error:
    print(type(error).__name__, len(slow.CALLS))
print(slow.plain())
""")

    done = shop("use.py")

    assert "slow:plain is no coroutine: nothing can end it" in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout.splitlines() == ["a 3", "TimeoutError own 5", "TimeoutError 1", "plain"]
    explained = shop("-m", "mlpolicy", "explain", "slow:fetch")
    assert "retry > timeout" in explained.stdout


def test_its_findings_have_pages_and_can_be_suppressed(shop, tmp_path):
    policy = tmp_path / "policies" / "shop.yaml"
    policy.write_text(POLICY.replace("50%", "80%"))
    assert "warning[ACME001]" in shop("-m", "mlpolicy", "validate").stdout

    policy.write_text(POLICY.replace("50%", "80%  # mlpolicy: ignore[ACME001] a game day"))
    assert shop("-m", "mlpolicy", "validate", "--fail-on", "info").returncode == 0

    page = shop("-m", "mlpolicy", "explain", "ACME001")
    assert "That is no rehearsal but an outage." in page.stdout


def test_editors_know_it(shop):
    with_it = json.loads(shop("-m", "mlpolicy", "schema").stdout)
    without = json.loads(shop("-m", "mlpolicy", "schema", "--no-plugins").stdout)

    assert "faults" in with_it["$defs"]
    assert without == json.loads((HERE / "mlpolicy.schema.json").read_text())


def test_where_it_is_taken_away_the_policy_says_so(shop):
    """A plan that was cached with it is not used without it."""
    assert shop("serve.py").returncode == 0

    done = shop("serve.py", plugins=False)

    assert done.returncode == 1
    assert "the sink `file` needs settings" in done.stderr


def test_a_package_may_be_all_the_policy_there_is(shop, tmp_path):
    (tmp_path / "bare.py").write_text("import mlpolicy\nmlpolicy.install()\nprint('in force')\n")

    assert shop("bare.py").stdout == "in force\n"
    assert "no policy is named" in shop("bare.py", plugins=False).stderr


def test_doctor_looks_at_plugins(shop):
    done = shop("-m", "mlpolicy", "doctor")

    assert "acme-guardrails 1.0 adds to kinds" in done.stdout


def test_its_rules_are_tested_like_others(shop, tmp_path):
    (tmp_path / "policies" / "shop.test.yaml").write_text("""\
version: 1
policies: [shop.yaml]
tests:
  - name: faults are rehearsed
    resolve: shop:load
    expect: {faults.percent: 50%, monitor.sinks: [file], rules: [monitor, cache, retry, faults]}
""")

    ended = shop("-m", "mlpolicy", "test")

    assert ended.returncode == 0, ended.stdout
