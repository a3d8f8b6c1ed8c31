"""A policy lies over what decorators say, field by field; `final=True` keeps it."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

import mlpolicy
from mlpolicy.core.report import forget
from mlpolicy.install import bootstrap

SERVICE = """
    import mlpolicy

    calls = []

    class Down(Exception):
        pass

    def down(x):
        calls.append(x)
        raise Down(x)

    RETRY = dict(max_attempts=5, initial_delay=0.001, retry_on=Down)

    @mlpolicy.retry(**RETRY)
    def predict(x):
        down(x)

    @mlpolicy.retry(**RETRY, final=True)
    def fixed(x):
        down(x)

    @mlpolicy.validate_input
    def take(x: int, y: "str | None" = None):
        return x

    @mlpolicy.cache_result(ttl=60)
    @mlpolicy.retry(**RETRY, on_result=lambda found: found is None)
    def both(x):
        down(x)

    def make(tag):
        class Local(Exception):
            pass

        @mlpolicy.cache_result(ttl=60)
        @mlpolicy.retry(max_attempts=5, initial_delay=0.001, retry_on=Local)
        def inner(x):
            calls.append(x)
            if x is None:
                raise Local
            return tag, x

        return inner

    class Store:
        @mlpolicy.retry(**RETRY)
        @classmethod
        def load(cls, x):
            down(x)

        @staticmethod
        @mlpolicy.retry(**RETRY)
        def clip(x):
            down(x)

        @mlpolicy.retry(**RETRY)
        async def fetch(self, x):
            down(x)
"""


@pytest.fixture(params=["early", "late"])
def service(request, tmp_path, monkeypatch):
    """Put a policy in force before the service is imported, or after; return the service."""
    (tmp_path / "coded.py").write_text(dedent(SERVICE))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("MLPOLICY_CACHE_DIR", str(tmp_path / "plans"))
    forget()

    def start(text):
        path = tmp_path / "policy.yaml"
        path.write_text("version: 1\n" + dedent(text))
        if request.param == "late":
            import coded
        mlpolicy.install(policy=path)
        import coded

        coded.calls.clear()
        return coded

    yield start
    mlpolicy.uninstall()
    sys.modules.pop("coded", None)


def calls(service, function, *arguments):
    service.calls.clear()
    with pytest.raises(Exception):
        function(*arguments)
    return len(service.calls)


def test_a_policy_changes_one_field_and_leaves_the_others(service):
    """Each value says where it comes from; what the policy beats is shown."""
    coded = service("policies: {coded:predict: {retry: {max_attempts: 2}}}")

    assert calls(coded, coded.predict, 1) == 2
    values = mlpolicy.plan(coded.predict).rule("retry").values
    line = next(n for n, one in enumerate(SERVICE.splitlines()) if "def predict" in one)
    assert values["max_attempts"].policy == "coded:predict"
    assert values["retry_on"].layer == "code"
    assert values["retry_on"].source.place == f"{coded.__file__}:{line}"
    shown = str(mlpolicy.plan("coded:predict"))
    assert "beats  5" in shown and "[coded.Down]" in shown
    mlpolicy.uninstall()
    assert calls(coded, coded.predict, 1) == 5


def test_defaults_of_the_policy_lie_over_the_code_too(service):
    """The code is the lowest layer, wherever a policy has the rule."""
    coded = service(
        """
        defaults: {retry: {max_attempts: 3}}
        policies: {coded:predict: {retry: {max_delay: 1s}}, coded:both: {monitor: {}}}
        """
    )

    assert calls(coded, coded.predict, 1) == 3
    assert calls(coded, coded.both, 1) == 5


def test_a_pattern_lies_over_decorators(service):
    coded = service("policies: {all: {match: 'coded:*', retry: {max_attempts: 2}}}")

    assert [calls(coded, coded.predict, 1), calls(coded, coded.both, 2)] == [2, 2]
    kinds = [one.kind for one in mlpolicy.plan(coded.both).rules]
    assert kinds == ["cache", "retry"]


@pytest.mark.parametrize("text", ["retry: {mode: disabled}", "retry: false"])
def test_a_policy_switches_a_decorator_off(service, text):
    """The function runs its own code, until the policy is gone."""
    coded = service(f"policies: {{coded:predict: {{{text}}}}}")

    assert calls(coded, coded.predict, 1) == 1
    assert coded.predict.__code__.co_names == ("down",)
    mlpolicy.uninstall()
    assert calls(coded, coded.predict, 1) == 5


def test_final_in_the_code_stays_and_the_policy_that_tries_is_told(service, caplog):
    coded = service(
        "policies: {coded:fixed: {retry: {max_attempts: 2, mode: disabled, max_delay: 1s}}}"
    )

    assert calls(coded, coded.fixed, 1) == 5
    rule = mlpolicy.plan(coded.fixed).rule("retry")
    assert (rule.rule.max_attempts, rule.mode, float(rule.rule.max_delay)) == (5, "enforce", 1)
    told = [one.message for one in caplog.records if "MP402" in one.message]
    assert len(told) == 2
    assert "policy.yaml:2:" in told[0] and "the decorator in the code is final" in told[0]


def test_specs_of_annotations_and_policies_meet_field_by_field(service):
    coded = service("policies: {coded:take: {validate: {args: {x: {range: [0, 10]}}}}}")

    assert coded.take(10) == 10
    for wrong in ((11,), ("1",), (1, 3)):
        with pytest.raises(mlpolicy.ValidationFailed):
            coded.take(*wrong)
    mlpolicy.uninstall()
    assert coded.take(11) == 11


def test_closures_keep_what_is_their_own_under_a_policy(service):
    """Each has its own class of errors and its own results, made before the policy or after."""
    coded = service("policies: {'coded:make.<locals>.inner': {retry: {max_attempts: 2}}}")
    first, second = coded.make("a"), coded.make("b")

    assert [calls(coded, first, None), calls(coded, second, None)] == [2, 2]
    assert [first(1), second(1), first(1)] == [("a", 1), ("b", 1), ("a", 1)]
    assert mlpolicy.plan(first).rule("retry").rule.max_attempts == 2
    mlpolicy.uninstall()
    assert [calls(coded, first, None), calls(coded, coded.make("c"), None)] == [5, 5]


def test_methods_under_a_policy(service):
    names = ("load", "clip", "fetch")
    each = ", ".join(f"coded:Store.{name}: {{retry: {{max_attempts: 2}}}}" for name in names)
    coded = service(f"policies: {{{each}}}")
    store = coded.Store()

    import asyncio

    assert calls(coded, coded.Store.load, 1) == 2
    assert calls(coded, store.clip, 1) == 2
    assert calls(coded, lambda: asyncio.run(store.fetch(1))) == 2
    assert mlpolicy.plan(store.fetch).target == mlpolicy.plan("coded:Store.fetch").target


def test_a_policy_of_another_function_leaves_decorators_alone(service):
    coded = service("policies: {coded:down: {monitor: {}}}")

    assert calls(coded, coded.predict, 1) == 5
    assert set(bootstrap.engine().placed) == {"coded:down"}


def test_a_new_policy_takes_the_place_of_the_old_one(service, tmp_path):
    coded = service("policies: {coded:predict: {retry: {max_attempts: 2}}}")
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\npolicies: {coded:predict: {retry: {max_attempts: 3}}}\n")

    for _ in range(3):
        mlpolicy.install(policy=other)
        assert calls(coded, coded.predict, 1) == 3
        mlpolicy.install(policy=tmp_path / "policy.yaml")
        assert calls(coded, coded.predict, 1) == 2


def test_a_decorator_that_comes_after_the_policy(service):
    """It lies under the policy at once, and stays when that is gone."""
    coded = service("policies: {coded:down: {retry: {max_attempts: 2}}}")

    same = mlpolicy.retry(max_attempts=4, initial_delay=0, retry_on=coded.Down)(coded.down)

    assert same is coded.down
    assert calls(coded, coded.down, 1) == 2
    mlpolicy.uninstall()
    assert calls(coded, coded.down, 1) == 4


def test_the_kill_switch_reaches_decorators(monkeypatch):
    monkeypatch.setenv("MLPOLICY_DISABLE", "all")
    done = []

    @mlpolicy.retry(max_attempts=3, initial_delay=0, retry_on=KeyError)
    def work():
        done.append(1)
        raise KeyError

    with pytest.raises(KeyError):
        work()
    assert len(done) == 1


def test_without_a_policy_decorators_have_plans_and_others_none():
    @mlpolicy.monitor
    def work():
        return 1

    work.__qualname__ = "here"
    sys.modules[__name__].here = work

    assert mlpolicy.plan(work).policies == ("code",)
    assert mlpolicy.plan(f"{__name__}:here").policies == ("code",)
    for none in (calls, f"{__name__}:calls"):
        with pytest.raises(LookupError, match="no policy is in force"):
            mlpolicy.plan(none)
    with pytest.raises(ValueError, match="not a function"):
        mlpolicy.plan(3)
