"""A name that is defined more than once: each definition has a driver of its own."""

from __future__ import annotations

import asyncio
import gc
import importlib
import threading
import weakref

import pytest

import mlpolicy
from mlpolicy.core.metrics import METERS
from mlpolicy.install import bootstrap

both = pytest.mark.parametrize("when", ["early", "late"])

STUBS = """
    from typing import overload

    @overload
    def get(key): ...
    @overload
    def get(key, default, other): ...
    def get(key, default=None):
        return (key, default)

    class Store:
        @overload
        def get(self, key): ...
        @overload
        def get(self, key, tenant):
            'With a docstring.'
        def get(self, key, tenant=None):
            return (key, tenant)

    @overload
    async def fetch(key): ...
    async def fetch(key, default=None):
        return (key, default)
"""


@both
def test_stubs_of_overload_decide_no_key(service, when):
    """The parameters of the function itself make the key, not those of a stub."""
    policy = "{'svc:get': {cache: 1h}, 'svc:Store.get': {cache: 1h}, 'svc:fetch': {cache: 1h}}"
    module = service.start(when, "svc", STUBS, policy)
    store = module.Store()

    assert [module.get("a", "1"), module.get("a", "2")] == [("a", "1"), ("a", "2")]
    assert [store.get("a", "x"), store.get("a", "y")] == [("a", "x"), ("a", "y")]
    assert [asyncio.run(module.fetch("a", one)) for one in "12"] == [("a", "1"), ("a", "2")]


@both
def test_stubs_of_overload_drop_no_validation(service, when):
    """An argument that a stub lacks is checked."""
    text = """
        from typing import overload
        @overload
        def get(query): ...
        def get(query, limit=10):
            return limit
    """
    policy = "{'svc:get': {validate: {args: {limit: {range: [0, 100]}}}}}"
    module = service.start(when, "svc", text, policy)

    with pytest.raises(mlpolicy.ValidationFailed):
        module.get(1, 10**9)
    assert module.get(1, 7) == 7


@both
@pytest.mark.parametrize("flag", [True, False])
def test_of_two_definitions_the_one_that_holds_has_its_own_driver(service, when, flag):
    """In the branches of a condition, of a `try`, and in a class."""
    text = f"""
        if {flag}:
            def price(a): return (a,)
        else:
            def price(a, b): return (a, b)
        try:
            if {flag}:
                raise ImportError
            def cost(a, b, c): return (a, b, c)
        except ImportError:
            def cost(a, b=0): return (a, b)
        class Shop:
            if {flag}:
                def sell(self, what): return (what,)
            else:
                def sell(self, what, *rest, to=None): return (what, rest, to)
    """
    policy = "{'svc:price': {cache: 1h}, 'svc:cost': {cache: 1h}, 'svc:Shop.sell': {cache: 1h}}"
    module = service.start(when, "svc", text, policy)
    shop = module.Shop()

    assert service.states() == dict.fromkeys(("svc:price", "svc:cost", "svc:Shop.sell"), "applied")
    if flag:
        assert [module.price(1), module.price(2)] == [(1,), (2,)]
        assert [module.cost(1, 2), module.cost(1, 3)] == [(1, 2), (1, 3)]
        assert [shop.sell(1), shop.sell(2)] == [(1,), (2,)]
    else:
        assert [module.price(1, 2), module.price(1, 3)] == [(1, 2), (1, 3)]
        assert [module.cost(1, 2, 3), module.cost(1, 2, 4)] == [(1, 2, 3), (1, 2, 4)]
        assert [shop.sell(1, 2), shop.sell(1, to=2)] == [(1, (2,), None), (1, (), 2)]


def test_what_is_defined_anew_while_the_module_runs_answers_for_itself(service):
    """Both definitions are called during the import, with one key each."""
    text = """
        def work(a, b, c=1): return ("first", a, b)
        FIRST = [work(1, 2), work(1, 3)]
        old = work
        def work(a): return ("second", a)
        SECOND = [work(1), work(2), work(1)]
    """
    module = service.start("early", "svc", text, "{'svc:work': {cache: 1h}}")

    assert module.FIRST == [("first", 1, 2), ("first", 1, 3)]
    assert module.SECOND == [("second", 1), ("second", 2), ("second", 1)]
    assert (module.old(1, 4), module.work(1)) == (("first", 1, 4), ("second", 1))


@both
def test_the_setter_of_a_governed_property_runs_each_time(service, when):
    """The getter alone is meant, while the module is imported too."""
    text = """
        class Knob:
            sets = []
            @property
            def turn(self): return len(self.sets)
            @turn.setter
            def turn(self, by): self.sets.append(by)
            @turn.deleter
            def turn(self): self.sets.clear()
        knob = Knob()
        knob.turn = 1
        knob.turn = 1
        IMPORTED = list(knob.sets)
    """
    module = service.start(when, "svc", text, "{'svc:Knob.turn': {cache: 1h}}")
    module.knob.turn = 1
    module.knob.turn = 1

    assert (module.IMPORTED, module.Knob.sets) == ([1, 1], [1, 1, 1, 1])
    del module.knob.turn
    assert module.Knob.sets == []
    assert service.states() == {"svc:Knob.turn": "applied"}


@both
def test_a_reload_with_other_parameters_keys_by_those(service, when):
    """An answer of the old definition never answers the new one, and calls in flight end well."""
    old = """
        import threading
        entered, go_on = threading.Event(), threading.Event()
        def get(key, limit=1):
            entered.set()
            assert go_on.wait(30)
            return ("old", key)
    """
    rules = "{cache: 1h, validate: {args: {limit: {range: [0, 100]}}}}"
    module = service.start(when, "svc", old, f"{{'svc:get': {rules}}}")
    before, given = module.get, []
    flying = threading.Thread(target=lambda: given.append(before("a")))
    flying.start()
    assert module.entered.wait(30)
    go_on = module.go_on

    service.write("svc", "def get(key, tenant, limit=1): return ('new', key, tenant)\n")
    importlib.reload(module)

    assert [module.get("a", "x"), module.get("a", "y")] == [("new", "a", "x"), ("new", "a", "y")]
    with pytest.raises(mlpolicy.ValidationFailed):
        module.get("a", "x", 10**9)
    go_on.set()
    flying.join(30)
    assert given == [("old", "a")]
    assert module.get("a", "z") == ("new", "a", "z")


def test_what_a_reload_leaves_behind_is_forgotten(service):
    """Drivers and steps of a definition go with its code."""
    text = "def get(key):\n    return key\n"
    module = service.start("early", "svc", text, "{'svc:get': {cache: 1h, memory: true}}")
    module.get(1)
    gone = weakref.ref(bootstrap.engine().placed["svc:get"].driver.steps[0])
    for _ in range(3):
        importlib.reload(module)
    module.get(1)
    gc.collect()

    assert len(bootstrap.engine()._placing._definitions) == 1
    assert gone() is None
    assert METERS.value("mlpolicy_cache_entries", function="svc:get") == 1


@both
def test_functions_of_one_name_in_two_modules_share_nothing(service, when):
    service.write("other", "def get(key, tenant): return ('other', key, tenant)\n")
    policy = "{'svc:get': {cache: 1h}, 'other:get': {cache: 1h}}"
    module = service.start(when, "svc", "import other\ndef get(key): return ('svc', key)\n", policy)

    assert (module.get(1), module.other.get(1, 2)) == (("svc", 1), ("other", 1, 2))
    assert module.other.get(1, 3) == ("other", 1, 3)


@both
def test_decorators_in_the_code_hold_beside_the_policy(service, when):
    """The rules of both make one driver, whenever the policy comes."""
    text = """
        import mlpolicy
        calls = []
        @mlpolicy.retry(max_attempts=3, initial_delay=0.0, retry_on=["KeyError"])
        def work(x: int) -> int:
            calls.append(x)
            raise KeyError(x)
    """
    module = service.start(when, "svc", text, "{'svc:work': {monitor: {log: false}}}")

    with pytest.raises(KeyError):
        module.work(1)
    assert (module.calls, service.calls("svc:work", "error")) == ([1, 1, 1], 1)


@both
@pytest.mark.parametrize("alive", [9, 11, 500])
def test_many_living_functions_of_a_factory(service, when, alive):
    """However many there are, each obeys; `install` walks past none and breaks nothing."""
    text = f"""
        def factory(n):
            def made(x):
                return x + n
            return made
        functions = [factory(n) for n in range({alive})]
    """
    policy = "{'svc:factory.<locals>.made': {monitor: {log: false}}}"
    module = service.start(when, "svc", text, policy)

    assert [one(1) for one in module.functions] == [n + 1 for n in range(alive)]
    assert service.calls("svc:factory.<locals>.made") == alive


def test_other_threads_may_fill_tuples_while_functions_are_looked_for(service):
    """A list of all objects would hold what they are making, and they would fail."""
    text = """
        def factory(n):
            def made(x): return x + n
            return made
        functions = [factory(n) for n in range(20)]
    """
    service.write("svc", text)
    importlib.import_module("svc")
    path = service.policy("{'svc:factory.<locals>.made': {retry: 3}}")
    done, wrong = threading.Event(), []

    def fill():
        while not done.is_set():
            try:
                tuple(n for n in range(400))
            except SystemError as error:
                wrong.append(error)

    threads = [threading.Thread(target=fill, daemon=True) for _ in range(2)]
    for one in threads:
        one.start()
    try:
        for _ in range(10):
            mlpolicy.install(policy=path)
            mlpolicy.uninstall()
    finally:
        done.set()
    for one in threads:
        one.join()

    assert wrong == []
