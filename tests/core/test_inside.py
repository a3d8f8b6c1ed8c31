"""Whose work a call is: ours, or the program's."""

from __future__ import annotations

from types import FunctionType

import pytest

from mlpolicy.core.world import is_below, is_ours


def asked():
    return is_ours()


def through(*names):
    """Call a driver through one function of each module, the outermost first."""
    call = FunctionType(asked.__code__, {"is_ours": is_ours, "__name__": "copy"})
    for name in reversed(names):
        names_of = {"call": call, "__name__": name}
        exec("def inner(): return call()", names_of)
        call = names_of["inner"]
    return call()


@pytest.mark.parametrize(
    ("names", "ours"),
    [
        ((), False),
        (("shop.serve",), False),
        (("mlpolicy.rules.cache.step",), True),
        (("mlpolicy.core.threads",), True),
        (("mlpolicy.rules.memory.relief", "threading", "logging"), True),
        (("mlpolicy.plan.load", "yaml.reader", "pydantic.main"), True),
        (("mlpolicy.rules.memory.relief", "shop.models"), False),
        (("mlpolicy.rules.memory.relief", "shop.models", "copy"), False),
        (("mlpolicy.rules.cache.step", "mlpolicy.core.world", "asyncio.tasks"), True),
        (("mlpolicy.testing.runner",), False),
        (("mlpolicy.cli.test", "click.core", "mlpolicy.testing.runner"), False),
        (("mlpolicyd.serve",), False),
        (("mlpolicy.rules.cache.step", *["copy"] * 300), False),
    ],
)
def test_a_call_is_ours_where_nothing_of_the_users_lies_between(names, ours):
    """Only what mlpolicy stands on is looked through."""
    assert through(*names) is ours


@pytest.mark.parametrize(
    ("module", "below"),
    [("os.path", True), ("pydantic.main", True), ("shop", False), ("__main__", False)],
)
def test_only_what_mlpolicy_stands_on_may_be_called_by_it(module, below):
    """Drivers of other functions do not ask."""
    assert is_below(module) is below
