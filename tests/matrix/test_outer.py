"""What is called through its class or through C code."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import math
import pickle
import sys
import types
import weakref

import pytest

import mlpolicy
from mlpolicy.core.report import forget
from mlpolicy.install import bootstrap
from tests.matrix.placed import calls_of, write_policy

SOURCE = """
import dataclasses
import functools
import numpy as np

class Scale:
    def __init__(self, by):
        self.by = by

    def __call__(self, x):
        return x * self.by

@dataclasses.dataclass
class Shift:  # is equal by its fields, so it has no hash
    by: int

    def __call__(self, x):
        return x + self.by

triple = Scale(3)
shift = Shift(4)
part = functools.partial(max, 1)
plus = np.frompyfunc(lambda a: a + 1, 1, 1)
"""


@pytest.mark.parametrize("when", ["early", "late"])
def test_instances_partials_and_ufuncs(tmp_path, monkeypatch, when):
    """They are replaced by attribute, called as they were, and put back."""
    (tmp_path / "outerly.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ("outerly:triple", "outerly:part", "outerly:plus", "outerly:shift")
    policy = write_policy(tmp_path / "p.yaml", *names)
    before = calls_of(*names)
    try:
        if when == "early":
            mlpolicy.install(policy=policy)
        import outerly

        if when == "late":
            mlpolicy.install(policy=policy)
        assert (outerly.triple(2), outerly.part(5), outerly.plus(1)) == (6, 5, 2)
        assert (outerly.shift(1), outerly.shift.by) == (5, 4)
        assert isinstance(outerly.triple, outerly.Scale)
        mlpolicy.uninstall()
        assert type(outerly.triple) is outerly.Scale
    finally:
        mlpolicy.uninstall()
        sys.modules.pop("outerly", None)

    assert calls_of(*names) - before == 4


WHOLE = '''
import functools
import math
import numpy as np
from math import sqrt

class Failing:
    def __init__(self):
        self.calls = 0

    def fail(self):
        self.calls += 1
        if self.calls % 3:
            raise ConnectionError

class Async(Failing):
    async def __call__(self, x):
        self.fail()
        return x

class Stream(Failing):
    def __call__(self, x):
        self.fail()
        yield x

class AsyncStream(Failing):
    async def __call__(self, x):
        self.fail()
        yield x

class Hidden(Failing):
    def __call__(self, x):
        return Async()(x)

class Full:
    """What a Full is."""
    items = (1, 2)
    def __call__(self, x, y=2): return x + y
    def __len__(self): return 2
    def __getitem__(self, at): return self.items[at]
    def __add__(self, other): return ("sum", other)
    def __eq__(self, other): return isinstance(other, Full)
    def __hash__(self): return 42
    def __repr__(self): return "<Full>"
    def __bool__(self): return False
    def __enter__(self): return "in"
    def __exit__(self, *_): ...

answer, stream, astream, hidden, full = Async(), Stream(), AsyncStream(), Hidden(), Full()
part = functools.partial(functools.partial(Async()), 7)
plus = np.frompyfunc(lambda a: a + 1, 1, 1)

class Model:
    ask = staticmethod(Async())
    absolute = abs
    lower = str.lower

    @functools.lru_cache
    def twice(self, x): return 2 * x

@functools.lru_cache(maxsize=3)
def cached(x): return x

def plain(x, k=1):
    "What plain does."
    return x + k
plain.uses = 5

@functools.singledispatch
def show(x): return "any"

class Base:
    def scale(self, x=1): return ("base", x)

class Sub(Base): ...
'''
RETRY = "{retry: {initial_delay: 1ms, retry_on: [ConnectionError]}, monitor: {log: false}}"


@pytest.fixture(params=["early", "late"])
def place(request, tmp_path, monkeypatch):
    """Return what imports the module under a policy for some names, before or after it comes."""
    (tmp_path / "whole.py").write_text(WHOLE)
    monkeypatch.syspath_prepend(str(tmp_path))

    def place(*names, rules=RETRY):
        policy = write_policy(tmp_path / "p.yaml", *(f"whole:{one}" for one in names), rules=rules)
        if request.param == "late":
            import whole
        mlpolicy.install(policy=policy)
        import whole

        assert {one.placement for one in bootstrap.engine().placed.values()} == {"outer"}
        return whole

    forget()
    yield place
    mlpolicy.uninstall()
    sys.modules.pop("whole", None)


OUTER = "{placement: outer, monitor: {log: false}}"


def ran(*names):
    return calls_of(*(f"whole:{one}" for one in names))


def test_what_is_asynchronous_by_its_call_is_awaited_under_the_rules(place):
    """Three attempts are made of each, and the failed ones are no calls that went well."""
    whole = place("answer", "part", "Model.ask", "stream", "astream")
    before = ran("answer", "part", "Model.ask", "stream", "astream")

    async def drawn():
        return [item async for item in whole.astream(5)]

    assert asyncio.run(whole.answer(1)) == 1
    assert asyncio.run(whole.part()) == 7
    assert asyncio.run(whole.Model.ask(2)) == 2
    assert list(whole.stream(4)) == [4]
    assert asyncio.run(drawn()) == [5]
    assert ran("answer", "part", "Model.ask", "stream", "astream") - before == 5


def test_frameworks_see_that_a_call_is_asynchronous(place):
    """As they look for it: at the class's `__call__`, and inside of a partial."""
    whole = place("answer", "part", "stream", "full")

    assert inspect.iscoroutinefunction(whole.answer.__call__)
    assert inspect.iscoroutinefunction(whole.part.func.__call__)
    assert isinstance(whole.part, functools.partial)
    assert inspect.isgeneratorfunction(whole.stream.__call__)
    assert not inspect.iscoroutinefunction(whole.full.__call__)


def test_what_gives_an_awaitable_unmarked_says_so(place, caplog):
    """Its rules see the making of it alone."""
    whole = place("hidden")

    with pytest.raises(ConnectionError):
        asyncio.run(whole.hidden(1))

    assert "whole:hidden gives a coroutine to await" in caplog.text


def test_a_callable_instance_is_what_it_was_in_all_but_its_call(place):
    whole = place("full", "plus")
    full = whole.full

    assert (full(1), len(full), full[1], list(full), full + 1) == (3, 2, 2, [1, 2], ("sum", 1))
    assert (hash(full), repr(full), bool(full), 2 in full) == (42, "<Full>", False, True)
    assert full == whole.Full() and whole.Full() == full and isinstance(full, whole.Full)
    assert (full.__doc__, type(full).__name__) == ("What a Full is.", "Full")
    assert str(inspect.signature(full)) == "(x, y=2)"
    with full as entered:
        assert entered == "in"
    full.new = 3
    assert (full.new, vars(full)) == (3, {"new": 3})
    del full.new
    assert not hasattr(full, "new") and not hasattr(full, "__iter__")
    assert weakref.ref(full)() is full
    assert (whole.plus.nin, whole.plus(1)) == (1, 2)


def test_copies_and_pickles_are_those_of_the_original(place):
    """By content where it goes by content, by the governed name where it goes by name."""
    whole = place("full", "sqrt")
    for made in (copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        assert type(made(whole.full)) is whole.Full
        assert made(whole.sqrt) is whole.sqrt


def test_builtins_stay_builtins(place):
    """Also in a class, where they do not bind, and unlike methods of C, which do."""
    whole = place("sqrt", "Model.absolute", "Model.lower")

    assert inspect.isbuiltin(whole.sqrt) and whole.sqrt == math.sqrt
    assert (whole.sqrt.__name__, whole.sqrt.__module__, whole.sqrt(4)) == ("sqrt", "math", 2)
    assert (whole.Model().absolute(-3), whole.Model.absolute(-3)) == (3, 3)
    assert whole.Model.lower("A") == "a"


def test_functions_keep_their_attributes(place):
    """Caches their `cache_info`, dispatchers their `register`, functions their own."""
    whole = place("cached", "Model.twice", "plain", "show", rules=OUTER)
    model = whole.Model()

    assert [whole.cached(1), whole.cached(1), whole.cached.cache_info().hits] == [1, 1, 1]
    assert whole.cached.cache_parameters() == {"maxsize": 3, "typed": False}
    assert whole.cached.__wrapped__(3) == 3
    whole.cached.cache_clear()
    assert [model.twice(1), model.twice(1), whole.Model.twice.cache_info().hits] == [2, 2, 1]
    assert inspect.isfunction(whole.plain) and whole.plain.__code__.co_name == "plain"
    assert inspect.getsource(whole.plain).startswith("def plain")
    whole.plain.uses += 1
    whole.show.register(int, lambda x: "int")
    assert (whole.show(1), whole.show("a"), whole.plain(1)) == ("int", "any", 2)
    for one in (whole.cached, whole.plain, whole.show):
        assert pickle.loads(pickle.dumps(one)) is one

    mlpolicy.uninstall()
    assert (type(whole.plain), whole.plain.uses) == (types.FunctionType, 6)


def test_an_inherited_method_is_governed_for_the_subclass_alone(place):
    whole = place("Sub.scale", rules="validate: {args: {x: {range: [0, 9]}}}")

    assert (whole.Sub().scale(), whole.Sub().scale(x=4)) == (("base", 1), ("base", 4))
    assert whole.Base().scale(99) == ("base", 99)
    with pytest.raises(mlpolicy.ValidationFailed):
        whole.Sub().scale(99)
    assert pickle.loads(pickle.dumps(whole.Sub().scale))(2) == ("base", 2)
