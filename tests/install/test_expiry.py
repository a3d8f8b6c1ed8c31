"""A rule ends with its day, in a process that goes on."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta

import pytest

import mlpolicy
from mlpolicy.install import bootstrap
from mlpolicy.install.calendar import Calendar
from mlpolicy.plan import rulebook

CALLS = []


def work(x):
    CALLS.append(x)
    return len(CALLS)


@pytest.fixture
def policy(tmp_path):
    def put(rule, **more):
        lines = "".join(f"    {key}: {value}\n" for key, value in more.items())
        path = tmp_path / "policy.yaml"
        path.write_text(f"version: 1\npolicies:\n  {__name__}:work:\n    {rule}\n{lines}")
        mlpolicy.install(policy=path)
        return bootstrap._in_force[0]

    CALLS.clear()
    yield put
    mlpolicy.uninstall()


@pytest.fixture
def midnight(monkeypatch):
    """Let the clock of policies stand at the first moment after a day."""

    def after(day):
        moment = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
        monkeypatch.setattr(rulebook, "_now", lambda: moment)

    return after


def test_a_rule_ends_while_the_process_runs(policy, midnight):
    """Until midnight it holds; then the function has its own code back."""
    own = work.__code__
    in_force = policy("cache: 1h", expires="2099-12-31")
    assert (work(1), work(1), in_force.calendar is not None) == (1, 1, True)

    midnight("2099-12-31")
    in_force.turn()

    assert (work(1), work(1)) == (2, 3)
    assert work.__code__ is own


def test_it_may_go_on_in_shadow(policy, midnight):
    in_force = policy("cache: 1h", expires="2099-12-31", on_expiry="shadow")

    midnight("2099-12-31")
    in_force.turn()

    assert (work(1), work(1)) == (1, 2)
    assert bootstrap.engine().placed[f"{__name__}:work"].plan.mode == "shadow"


def test_or_be_kept(policy, midnight):
    in_force = policy("cache: 1h", expires="2099-12-31", on_expiry="keep")

    midnight("2099-12-31")
    in_force.turn()

    assert (work(1), work(1)) == (1, 1)


def test_what_has_expired_does_not_keep_a_service_from_starting(policy):
    """`mlpolicy validate` fails; the process runs without the rule."""
    policy("cache: 1h", expires="2020-01-31")

    assert (work(1), work(1)) == (1, 2)


def test_a_policy_without_dates_keeps_no_calendar(policy):
    assert policy("cache: 1h").calendar is None


def test_a_calendar_calls_when_the_moment_has_come():
    came = threading.Event()
    Calendar(datetime.now(UTC) + timedelta(seconds=0.05), came.set)

    assert came.wait(5)


def test_a_stopped_calendar_never_calls():
    came = threading.Event()
    Calendar(datetime.now(UTC) + timedelta(seconds=0.2), came.set).stop()

    assert not came.wait(0.5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_waits_too():
    """Its copy of the thread is gone; it starts another."""
    read, write = os.pipe()
    calendar = Calendar(
        datetime.now(UTC) + timedelta(seconds=0.3), lambda: os.write(write, b"came")
    )
    child = os.fork()
    if child == 0:
        import time

        time.sleep(2)
        os._exit(0)
    calendar.stop()

    os.waitpid(child, 0)
    os.close(write)
    assert os.read(read, 10) == b"came"
    os.close(read)


def test_the_kill_switch(policy, monkeypatch):
    """`MLPOLICY_DISABLE` names kinds, policies, or says 1."""
    for said, calls in [
        ("", 1), ("retry", 1), ("cache", 2), ("1", 2), ("retry, cache", 2), ("TRUE", 2), ("on", 2),
        (f"policy:{__name__}:work", 2), ("policy:other", 1),
    ]:  # fmt: skip
        mlpolicy.uninstall()  # (a policy that follows another takes over what it has cached)
        CALLS.clear()
        monkeypatch.setenv("MLPOLICY_DISABLE", said)
        policy("cache: 1h")
        work(1), work(1)
        assert len(CALLS) == calls, said
