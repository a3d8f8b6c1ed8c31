"""Functions that choose an implementation by class: every implementation obeys the target."""

from __future__ import annotations

import importlib
import json
import sys

import pytest

import mlpolicy

both = pytest.mark.parametrize("when", ["early", "late"])
RULES = "{retry: {initial_delay: 1ms, retry_on: [ConnectionError]}, monitor: {log: false}}"

TEXT = """
    import functools
    import json

    calls = []

    def failing(x):
        calls.append(x)
        if len(calls) % 3:
            raise ConnectionError
        return x

    @functools.singledispatch
    def show(x, *, mark=""):
        return "any", failing(x)

    @show.register
    def _(x: int, *, mark=""):
        return "int", failing(x)

    @show.register(list)
    def _(items, *, mark=""):
        return "list", failing(items)

    @show.register(dict)
    def show_dict(x, *, mark=""):
        return "dict", failing(x)

    class Shelf:
        @functools.singledispatchmethod
        def put(self, x):
            return "any", failing(x)

        @put.register
        def _(self, x: int):
            return "int", failing(x)

        @put.register(str)
        @classmethod
        def _(cls, x):
            return "str", failing(x)
"""


@both
def test_each_implementation_is_retried_and_counted_once(service, when):
    module = service.start(when, "svc", TEXT, f"{{'svc:show': {RULES}}}")

    given = [module.show(one) for one in ("x", 1, [1], {})]

    assert given == [("any", "x"), ("int", 1), ("list", [1]), ("dict", {})]
    assert (len(module.calls), service.calls("svc:show")) == (12, 4)


@both
def test_methods_that_choose_obey_too(service, when):
    module = service.start(when, "svc", TEXT, f"{{'svc:Shelf.put': {RULES}}}")
    shelf = module.Shelf()

    assert [shelf.put(1.0), shelf.put(1), shelf.put("a")] == [
        ("any", 1.0),
        ("int", 1),
        ("str", "a"),
    ]
    assert (len(module.calls), service.calls("svc:Shelf.put")) == (9, 3)


@both
def test_what_is_registered_later_obeys_and_uninstall_lets_it_go(service, when):
    """By another module, too; the dispatcher stays as it was."""
    module = service.start(when, "svc", TEXT, f"{{'svc:show': {RULES}}}")
    service.write(
        "plugin",
        "import svc\n@svc.show.register\ndef _(x: tuple, *, mark=''):\n    return 'tuple', svc.failing(x)\n",
    )
    plugin = importlib.import_module("plugin")

    assert (module.show((1,)), len(module.calls)) == (("tuple", (1,)), 3)
    assert module.show.dispatch(tuple) is plugin._
    mlpolicy.uninstall()
    with pytest.raises(ConnectionError):
        module.show((1,))
    assert module.show.register(set)(set.copy) is set.copy


@both
def test_an_implementation_that_a_policy_names_keeps_its_own_rules(service, when):
    policy = "{'svc:show': {monitor: {log: false}}, 'svc:show_dict': {monitor: {log: false}}}"
    module = service.start(when, "svc", TEXT.replace("% 3", "% 1"), policy)
    module.show({})
    module.show(1)

    assert (service.calls("svc:show"), service.calls("svc:show_dict")) == (1, 1)
    assert service.states() == {"svc:show": "applied", "svc:show_dict": "applied"}


@both
def test_a_pattern_takes_the_implementations_that_have_no_public_name(service, when):
    module = service.start(
        when, "svc", TEXT.replace("% 3", "% 1"), "{all: {match: 'svc:*', monitor: {log: false}}}"
    )
    for one in ("x", 1, [1], {}):
        module.show(one)

    assert (service.calls("svc:show"), service.calls("svc:show_dict")) == (3, 1)


def test_a_function_of_the_standard_library_is_left_alone(service):
    """Others call it too: it is said that it does not obey."""
    text = TEXT + "\n    show.register(float, json.dumps)\n    show.register(bytes, len)\n"
    module = service.start("late", "svc", text, f"{{'svc:show': {RULES}}}")
    own = json.dumps.__code__

    assert (module.show(1.0), module.show(b"ab")) == ("1.0", 2)
    assert json.dumps.__code__ is own
    placed = sys.modules["mlpolicy.install.bootstrap"].engine().placed["svc:show"]
    assert "is not its own function" in placed.detail
