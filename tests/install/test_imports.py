"""What rules of a policy import by name while a service runs."""

from __future__ import annotations

import logging

import pytest

import mlpolicy
from mlpolicy.errors import PolicyError, ValidationFailed
from mlpolicy.install import bootstrap

SERVE = "def predict(x): return x\n"
FALLBACK = """
    from os import getpid
    def empty(x): return "own"
"""
RULE = "validate: {args: {x: {type: int}}, on_fail: default, default: {call: 'CALL'}}"


def served(service, call, *, before="", serve=SERVE, fallback=FALLBACK):
    service.write("guarded_kitchen.fallback", fallback)
    service.write("guarded_stranger", "def empty(x): return 'strange'\n")
    policy = service.policy(
        f"\n  guarded_kitchen.serve:predict: {{{RULE.replace('CALL', call)}}}\n"
    )
    policy.write_text(f"{before}{policy.read_text()}")
    service.write("guarded_kitchen.serve", serve)
    service.write("guarded_kitchen.__init__", "")
    mlpolicy.install(policy=policy)
    return __import__("guarded_kitchen.serve").serve


def test_a_default_of_the_own_package_is_called(service):
    assert served(service, "guarded_kitchen.fallback:empty").predict("a") == "own"


def test_a_policy_that_names_another_package_is_not_put_in_force(service):
    with pytest.raises(PolicyError, match="MP010"):
        served(service, "guarded_stranger:empty")


def test_what_a_module_only_holds_is_not_called(service, caplog):
    """The call is refused instead, and the log says why."""
    module = served(service, "guarded_kitchen.fallback:getpid")

    with caplog.at_level(logging.WARNING), pytest.raises(ValidationFailed):
        module.predict("a")
    assert "posix:getpid" in caplog.text
    assert "`settings.allow_call` does not allow it" in caplog.text


def test_what_is_made_later_in_place_of_it_is_not_called(service):
    """It is judged where it is called, whatever the source said."""
    module = served(service, "guarded_kitchen.fallback:empty")
    __import__("guarded_kitchen.fallback")
    __import__("sys").modules["guarded_kitchen.fallback"].empty = __import__("os").getpid

    with pytest.raises(ValidationFailed):
        module.predict("a")


def test_a_plan_from_the_plan_cache_allows_no_more(service):
    """A worker that reads no policy file is told the same."""
    module = served(
        service,
        "guarded_stranger:empty",
        before="settings: {allow_call: ['guarded_stranger:*']}\n",
    )
    assert module.predict("a") == "strange"
    mlpolicy.uninstall()

    mlpolicy.install(policy=service.folder / "policy.yaml")

    plan = bootstrap.engine().rulebook.plan(bootstrap.engine().rulebook.exact[0])
    assert [str(one) for each in plan.lists for one in each] == ["guarded_stranger:*"]
    assert module.predict("a") == "strange"


def test_what_a_decorator_names_is_the_codes_own(service):
    """A policy may lie over it; what the policy names itself is the policy's."""
    serve = """
        import mlpolicy
        @mlpolicy.validate_input(x=int, on_fail="default", default={"call": "guarded_stranger:empty"})
        def predict(x): return x
        @mlpolicy.validate_input(x=int, on_fail="default", default={"call": "guarded_stranger:empty"})
        def other(x): return x
    """
    module = served(service, "guarded_kitchen.fallback:empty", serve=serve)

    assert (module.predict("a"), module.other("a")) == ("own", "strange")


def test_a_policy_named_like_the_layer_of_decorators_is_a_policy(service):
    service.write("guarded_kitchen.fallback", FALLBACK)
    rule = RULE.replace("CALL", "guarded_kitchen.fallback:getpid")
    policy = service.policy(f"{{code: {{match: 'guarded_kitchen.serve:predict', {rule}}}}}\n")
    service.write("guarded_kitchen.serve", SERVE)
    service.write("guarded_kitchen.__init__", "")
    mlpolicy.install(policy=policy)

    with pytest.raises(ValidationFailed):
        __import__("guarded_kitchen.serve").serve.predict("a")
