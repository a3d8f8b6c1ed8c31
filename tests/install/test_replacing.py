"""One policy takes the place of another: no call goes ungoverned, and what is equal stays."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

import mlpolicy
from mlpolicy.core.metrics import METERS
from mlpolicy.install import bootstrap, registry
from mlpolicy.plan import rulebook


class Model:
    def __call__(self, x):
        return x

    def predict(self, x):
        return x


class Service:
    model = Model()

    def method(self, x):
        return x


def plain(x):
    return x


def outer(x):
    return x


def items(x):
    yield x


async def later(x):
    return x


instance = Model()
SERVICE = Service()
CALLS = {
    "plain": lambda: plain(1),
    "outer": lambda: outer(1),
    "instance": lambda: instance(1),
    "Service.method": lambda: SERVICE.method(1),
    "Service.model": lambda: SERVICE.model(1),
    "items": lambda: next(items(1)),
    "later": lambda: later(1).send(None),
}
REFUSES = "validate: {args: {x: {type: str}}}"


class Callers:
    """A thread for each function, which calls it until told to stop."""

    def __init__(self):
        self._done = threading.Event()
        self.through, self.refused = Counter(), Counter()
        self._threads = [threading.Thread(target=self._run, args=one) for one in CALLS.items()]

    def _run(self, name, call):
        while not self._done.is_set():
            try:
                call()
            except mlpolicy.ValidationFailed:
                self.refused[name] += 1
            except StopIteration:  # (the result of the coroutine)
                self.through[name] += 1
            else:
                self.through[name] += 1

    def __enter__(self):
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-4)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        for thread in self._threads:
            thread.join()
        sys.setswitchinterval(self._interval)


def drivers():
    return {name: one.driver for name, one in bootstrap.engine().placed.items()}


def call_all():
    with Callers():
        pass


@pytest.fixture
def policy(tmp_path, monkeypatch):
    """Write a policy on every function, with more rules beside the one that refuses all calls."""
    monkeypatch.setenv("MLPOLICY_CACHE_DIR", str(tmp_path / "plans"))

    def write(name, more=""):
        path = tmp_path / name
        lines = ["version: 1", "policies:"]
        for target in CALLS:
            placement = "placement: outer" if target == "outer" else ""
            lines += [
                f"  {__name__}:{target}:",
                f"    {REFUSES}",
                f"    {more}",
                f"    {placement}",
            ]
        path.write_text("\n".join(lines) + "\n")
        return path

    yield write
    mlpolicy.uninstall()


def test_no_call_gets_through_while_policies_replace_each_other(policy):
    """Whatever sort of function, and whether its code or its attribute is replaced."""
    paths = [policy("a.yaml", "retry: 2"), policy("b.yaml", "monitor: {log: false}")]
    mlpolicy.install(policy=paths[1])

    with Callers() as callers:
        for at in range(16):
            mlpolicy.install(policy=paths[at % 2])

    assert callers.through == {}
    assert min(callers.refused[name] for name in CALLS) > 16


def test_nor_while_a_rule_expires(policy, monkeypatch):
    mlpolicy.install(policy=policy("a.yaml", "monitor: {log: false, expires: '2099-12-31'}"))
    in_force = bootstrap._in_force[0]

    with Callers() as callers:
        for at in range(8):
            moment = datetime(2099, 12, 31, tzinfo=UTC) + timedelta(days=at % 2)
            monkeypatch.setattr(rulebook, "_now", lambda moment=moment: moment)
            in_force.turn()

    assert callers.through == {}


def test_nor_while_the_policy_before_comes_back(policy):
    """A refused new one changes nothing."""
    good, bad = policy("a.yaml"), policy("b.yaml", "retry: 0")
    mlpolicy.install(policy=good)
    call_all()
    codes = {plain.__code__, Service.method.__code__, id(instance), id(Service.model)}

    with Callers() as callers:
        for _ in range(6):
            with pytest.raises(mlpolicy.PolicyError):
                mlpolicy.install(policy=bad)

    assert callers.through == {}
    assert codes == {plain.__code__, Service.method.__code__, id(instance), id(Service.model)}


def test_what_is_equal_keeps_its_steps_and_its_driver(policy):
    """Of the file that changed in one rule, all others; what stands outer, too."""
    path = policy("a.yaml", "retry: 2")
    mlpolicy.install(policy=path)
    call_all()
    before = drivers()

    lines = path.read_text().splitlines()
    at = lines.index(f"  {__name__}:plain:")
    lines[at + 2] = "    retry: 3"
    path.write_text("\n".join(lines))
    mlpolicy.install(policy=path)

    after = drivers()
    changed = {name for name in before if before[name] is not after[name]}
    assert changed == {f"{__name__}:plain"}
    assert registry.record(Service.method).driver is after[f"{__name__}:Service.method"]


def test_a_file_that_did_not_change_changes_nothing(policy):
    path = policy("a.yaml", "cache: 1h")
    mlpolicy.install(policy=path)
    call_all()
    engine, before = bootstrap.engine(), drivers()

    path.touch()
    mlpolicy.install(policy=path)

    assert bootstrap.engine() is engine
    assert drivers() == before


def test_it_puts_back_what_somebody_took_away(policy):
    path = policy("a.yaml")
    mlpolicy.install(policy=path)
    plain.__code__ = registry.own_of(plain)
    Service.model = Model()

    mlpolicy.install(policy=path)

    for call in (CALLS["plain"], CALLS["Service.model"]):
        with pytest.raises(mlpolicy.ValidationFailed):
            call()


def test_another_environment_or_switch_is_another_policy(policy, monkeypatch):
    path = policy("a.yaml")
    mlpolicy.install(policy=path)
    monkeypatch.setenv("MLPOLICY_DISABLE", "validate")

    mlpolicy.install(policy=path)

    assert [plain(1), instance(1)] == [1, 1]


def make():
    def made(x):
        return x

    return made


def test_what_a_function_makes_is_let_go_with_its_rule(policy, tmp_path):
    """Though the rule of the function that makes it stays as it was."""
    path = tmp_path / "policy.yaml"
    head = f"version: 1\npolicies:\n  {__name__}:make: {{monitor: {{log: false}}}}\n"
    path.write_text(f"{head}  '{__name__}:make.<locals>.made': {{{REFUSES}}}\n")
    mlpolicy.install(policy=path)
    with pytest.raises(mlpolicy.ValidationFailed):
        make()(1)

    path.write_text(head)
    mlpolicy.install(policy=path)

    assert make()(1) == 1


def test_nothing_is_counted_after_uninstall(policy):
    mlpolicy.install(policy=policy("a.yaml"))
    assert METERS.value("mlpolicy_targets", state="applied") == len(CALLS)

    mlpolicy.uninstall()

    assert METERS.value("mlpolicy_targets", state="applied") == 0
