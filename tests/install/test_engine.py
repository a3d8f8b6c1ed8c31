"""What `install` does to a process, and takes back."""

from __future__ import annotations

import logging
import os
import sys
from textwrap import dedent

import pytest

import mlpolicy
from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import forget
from mlpolicy.install import bootstrap

SERVICE = """
    calls = []

    def flaky(x):
        calls.append(x)
        if len(calls) % 3:
            raise ConnectionError
        return x

    def slow(x):
        calls.append(x)
        return x

    root = pow
    NUMBER = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "governed.py").write_text(dedent(SERVICE))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("MLPOLICY_CACHE_DIR", str(tmp_path / "plans"))
    forget()
    yield tmp_path
    mlpolicy.uninstall()
    sys.modules.pop("governed", None)


def policy(folder, text, name="policy.yaml"):
    path = folder / name
    path.write_text("version: 1\n" + dedent(text))
    return path


RETRY = "policies: {governed:flaky: {retry: {initial_delay: 1ms}}}\n"


def states():
    return {name: one.state for name, one in bootstrap.engine().placed.items()}


def test_every_state_of_a_target(folder, caplog):
    mlpolicy.install(
        policy=policy(
            folder,
            """
            policies:
              governed:flaky: {retry: 3}
              governed:root: {retry: 3}
              governed:nothing: {retry: 3}
              governed:NUMBER: {retry: 3}
              elsewhere:f: {retry: 3}
              out: {match: "governed:slow", exclude: ["governed:slow"], retry: 3}
            """,
        )
    )
    import governed

    with caplog.at_level(logging.WARNING, "mlpolicy"):
        assert governed.root(2, 3) == 8

    assert states() == {
        "governed:flaky": "applied",
        "governed:root": "applied",
        "governed:nothing": "missing",
        "governed:NUMBER": "unwrappable",
        "elsewhere:f": "pending",
        "governed:slow": "excluded",
    }
    assert METERS.value("mlpolicy_targets", state="missing") == 1
    mlpolicy.uninstall()
    assert governed.root is pow


def test_a_missing_target_is_said_once(folder, caplog):
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        mlpolicy.install(policy=policy(folder, "policies: {governed:nothing: {retry: 3}}\n"))
        import governed

        bootstrap.engine().sweep()
        assert governed.NUMBER == 3

    said = [one.getMessage() for one in caplog.records if "nothing" in one.getMessage()]
    assert len(said) == 1
    assert "policy.yaml:2" in said[0]


@pytest.mark.parametrize(
    "text",
    ["policies: {governed:flaky: {rety: 3}}\n", "policies: [\n", "policies: {x: {retry: 3}}\n"],
)
def test_a_bad_file_raises_and_changes_nothing(folder, text):
    mlpolicy.install(policy=policy(folder, RETRY))
    import governed

    code, finders = governed.flaky.__code__, list(sys.meta_path)

    with pytest.raises(mlpolicy.PolicyError) as caught:
        mlpolicy.install(policy=policy(folder, text, name="bad.yaml"))

    assert caught.value.diagnostics[0].span.line >= 2
    assert (governed.flaky.__code__ is code, sys.meta_path) == (True, finders)
    assert governed.flaky(1) == 1


def test_a_new_policy_takes_the_place_of_the_one_before(folder):
    mlpolicy.install(policy=policy(folder, RETRY))
    import governed

    own = governed.slow.__code__
    mlpolicy.install(policy=policy(folder, "policies: {governed:slow: {cache: 1h}}\n", "new.yaml"))

    with pytest.raises(ConnectionError):
        governed.flaky(1)
    assert (governed.slow(1), governed.slow(1), governed.calls.count(1)) == (1, 1, 2)
    assert governed.slow.__code__ is not own


def test_a_new_install_keeps_the_cache_and_uninstall_drops_it(folder):
    path = policy(folder, "policies: {governed:slow: {cache: 1h}}\n")
    mlpolicy.install(policy=path)
    import governed

    assert [governed.slow(5) for _ in range(2)] == [5, 5]
    mlpolicy.install(policy=policy(folder, "policies: {governed:slow: {cache: 2h}}\n", "new.yaml"))
    governed.slow(5)
    kept = governed.calls.count(5)
    mlpolicy.uninstall()
    mlpolicy.install(policy=path)
    governed.slow(5)

    assert (kept, governed.calls.count(5)) == (1, 2)


def test_the_environment_names_the_policy(folder, monkeypatch):
    (folder / "set").mkdir()
    policy(folder / "set", RETRY, "one.yaml")
    policy(folder / "set", "policies: {governed:slow: {cache: 1h}}\n", "two.yml")
    (folder / "set" / "x.test.yaml").write_text("not: a policy\n")
    monkeypatch.setenv("MLPOLICY_POLICY", str(folder / "set"))

    mlpolicy.install()
    import governed

    assert governed.flaky(1) == 1
    assert states() == {"governed:flaky": "applied", "governed:slow": "applied"}
    monkeypatch.delenv("MLPOLICY_POLICY")
    with pytest.raises(ValueError, match="MLPOLICY_POLICY"):
        mlpolicy.install()


def test_the_error_of_a_module_passes_as_it_is(folder):
    (folder / "broken.py").write_text("import governed\nraise RuntimeError('mine')\n")
    mlpolicy.install(policy=policy(folder, "policies: {broken:f: {retry: 3}}\n"))

    with pytest.raises(RuntimeError, match="mine"):
        import broken  # noqa: F401

    assert "broken" not in sys.modules


def test_a_plan_is_what_explain_prints(folder):
    mlpolicy.install(policy=policy(folder, RETRY))

    assert "initial_delay  1ms" in str(mlpolicy.plan("governed:flaky"))
    assert mlpolicy.plan("governed:other") is None
    mlpolicy.uninstall()
    with pytest.raises(LookupError):
        mlpolicy.plan("governed:flaky")


@pytest.mark.parametrize("harm", ["tampered", "writable", "other file"])
def test_a_plan_cache_that_cannot_be_trusted_is_not(folder, harm):
    path = policy(folder, RETRY)
    mlpolicy.install(policy=path)
    mlpolicy.uninstall()
    [held] = (folder / "plans").glob("*.plan")
    assert (folder / "plans").stat().st_mode & 0o777 == 0o700
    if harm == "tampered":
        held.write_bytes(held.read_bytes()[:-1] + b"x")
    elif harm == "writable":
        os.chmod(folder / "plans", 0o777)
    else:
        policy(folder, RETRY.replace("1ms", "2ms"))

    mlpolicy.install(policy=path)

    delay = mlpolicy.plan("governed:flaky").rule("retry").rule.initial_delay
    assert float(delay) == (0.002 if harm == "other file" else 0.001)


def test_closed_fails_a_call_when_a_rule_fails_by_itself(folder, monkeypatch):
    text = "settings: {on_engine_error: closed}\n" + RETRY
    mlpolicy.install(policy=policy(folder, text))
    import governed

    bootstrap.engine().weave()
    step = bootstrap.engine().placed["governed:flaky"].driver.steps[0]
    monkeypatch.setattr(step, "_backoff", None)
    monkeypatch.setattr(step, "_choice", None)

    with pytest.raises(AttributeError):
        governed.flaky(1)


def test_decorators_make_one_driver_and_the_policy_wins(folder):
    calls = []

    @mlpolicy.cache_result(ttl=60)
    @mlpolicy.retry(max_retries=1, initial_delay=0.0, retry_on=["KeyError"])
    def work(x):
        calls.append(x)
        raise KeyError(x)

    work.__qualname__ = "work"
    with pytest.raises(KeyError):
        work(1)
    text = f"policies: {{{work.__module__}:work: {{retry: {{max_attempts: 4, initial_delay: 0s, retry_on: [KeyError]}}}}}}\n"
    module = sys.modules[work.__module__]
    module.work = work
    mlpolicy.install(policy=policy(folder, text))
    with pytest.raises(KeyError):
        work(2)
    mlpolicy.uninstall()
    with pytest.raises(KeyError):
        work(3)

    assert [calls.count(x) for x in (1, 2, 3)] == [2, 4, 2]


def test_decorators_on_methods_and_on_what_has_no_code():
    class Model:
        @mlpolicy.monitor
        @staticmethod
        def clip(x):
            return x

        @classmethod
        @mlpolicy.retry(max_attempts=2)
        def load(cls, x):
            return cls.__name__, x

    power = mlpolicy.retry(max_attempts=2)(pow)

    assert (Model.clip(1), Model.load(2), power(2, 3)) == (1, ("Model", 2), 8)
    with pytest.raises(mlpolicy.PolicyError, match="a class"):
        mlpolicy.retry(Model)


def test_a_function_whose_rules_are_all_disabled_keeps_its_code(folder):
    import governed

    code = governed.slow.__code__
    text = "policies: {governed:slow: {cache: false, retry: {mode: disabled}}}\n"
    mlpolicy.install(policy=policy(folder, text))

    assert governed.slow.__code__ is code
    assert states() == {"governed:slow": "applied"}
