"""Several targets may lead to one function, and one name to several modules."""

from __future__ import annotations

import functools
import importlib
import os.path
import sys

import pytest

import mlpolicy
from mlpolicy.core.metrics import METERS

both = pytest.mark.parametrize("when", ["early", "late"])
COUNT = "{monitor: {log: false}}"


@both
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_names_of_a_function_make_one_plan(service, when, order):
    """Both rules hold, under its own name; the order of imports decides nothing."""
    service.write("home", "def price(x): return x\n")
    names = ("home", "svc")
    policy = f"{{'home:price': {COUNT}, 'svc:price': {{retry: {{max_attempts: 2}}}}}}"
    service.write("svc", "from home import price\n")
    path = service.policy(policy)
    if when == "early":
        mlpolicy.install(policy=path)
    for at in order:
        importlib.import_module(names[at])
    mlpolicy.install(policy=path)

    assert sys.modules["svc"].price(1) == 1
    assert service.states() == {"home:price": "applied"}
    assert (service.calls("home:price"), service.calls("svc:price")) == (1, 0)
    for name in ("home:price", "svc:price", sys.modules["svc"].price):
        plan = mlpolicy.plan(name)
        assert str(plan.target) == "home:price"
        assert [rule.kind for rule in plan.rules] == ["monitor", "retry"]


@both
def test_a_closure_is_governed_by_the_name_that_holds_it_and_no_other_is(service, when):
    """Two closures of one factory share their code; each has rules of its own."""
    text = """
        import functools

        def factory(n):
            def adder(x):
                return x + n
            return adder

        def decorate(function):
            @functools.wraps(function)
            def wrapper(x):
                return function(x)
            return wrapper

        def base(x): return x

        add5, add6, add7 = factory(5), factory(6), factory(7)
        wrapped = decorate(factory(8))
        based = decorate(base)

        class Holder:
            add = factory(9)
            still = staticmethod(factory(10))
    """
    targets = ("add5", "add6", "wrapped", "based", "Holder.add", "Holder.still")
    policy = "{" + ", ".join(f"'svc:{one}': {COUNT}" for one in targets) + "}"
    module = service.start(when, "svc", text, policy)

    assert set(service.states().values()) == {"applied"}
    assert [module.add5(1), module.add5(2), module.add6(1), module.add7(1)] == [6, 7, 7, 8]
    assert (module.wrapped(1), module.based(1), module.Holder.still(1)) == (9, 1, 11)
    counts = [service.calls(f"svc:{one}") for one in targets]
    assert counts == [2, 1, 1, 1, 0, 1]


@both
def test_a_closure_named_by_its_holder_and_by_its_factory(service, when):
    """The name that means one object goes before the one that means all."""
    text = """
        def factory(n):
            def adder(x):
                return x + n
            return adder
        add5, add6 = factory(5), factory(6)
    """
    policy = f"{{'svc:factory.<locals>.adder': {COUNT}, 'svc:add5': {COUNT}}}"
    module = service.start(when, "svc", text, policy)

    assert (module.add5(1), module.add6(1), module.factory(1)(1)) == (6, 7, 2)
    assert service.calls("svc:add5") == 1
    assert service.calls("svc:factory.<locals>.adder") == 2


@both
def test_closures_of_one_factory_share_no_cached_answer(service, when):
    """What a closure has captured belongs to its key: by value, or by identity if it can change."""
    text = """
        class Model:
            def __init__(self, by): self.by = by

        def factory(n):
            def adder(x):
                return x + n
            return adder

        def serve(model):
            def predict(x):
                return x * model.by
            return predict

        def tell(log):
            def told(x):
                log.append(x)
                return log[0]
            return told

        add5, add7 = factory(5), factory(7)
        by2, by3 = serve(Model(2)), serve(Model(3))
        first, second = tell([1]), tell([2])
    """
    rule = "{cache: 1h, monitor: {log: false}}"
    targets = ("factory.<locals>.adder", "serve.<locals>.predict", "tell.<locals>.told")
    policy = "{" + ", ".join(f"'svc:{one}': {rule}" for one in targets) + "}"
    module = service.start(when, "svc", text, policy)

    assert [module.add5(1), module.add7(1), module.factory(5)(1), module.add7(1)] == [6, 8, 6, 8]
    assert [module.by2(2), module.by3(2), module.by2(2)] == [4, 6, 4]
    assert [module.first(9), module.second(9), module.first(9)] == [1, 2, 1]
    assert service.calls("svc:tell.<locals>.told") == 3
    assert (
        METERS.value("mlpolicy_cache_requests_total", function=f"svc:{targets[2]}", result="hit")
        == 1
    )


@both
def test_an_alias_of_a_module_is_a_name_of_its_functions(service, when):
    """`os.path` is another module's second name; a package may hold a module as an attribute."""
    service.write("pack._impl", "def f(x): return x\nclass C:\n    def m(self): return 1\n")
    service.write("pack._other", "def g(x): return x\n")
    text = "import sys\nfrom pack import _impl as api, _other\nsys.modules['pack.moved'] = _other\n"
    service.write("pack.__init__", text)
    targets = ("os.path:normcase", "pack.api:f", "pack.api:C.m", "pack.moved:g")
    path = service.policy("{" + ", ".join(f"'{one}': {COUNT}" for one in targets) + "}")
    if when == "late":
        importlib.import_module("pack")
    mlpolicy.install(policy=path)
    pack = importlib.import_module("pack")
    own = functools.partial(service.calls, f"{os.path.__name__}:normcase")

    before = own()
    os.path.normcase("a")
    assert own() - before == 1
    assert (pack.api.f(1), pack.api.C().m(), sys.modules["pack.moved"].g(2)) == (1, 1, 2)
    assert set(service.states().values()) == {"applied"}
    names = ("pack._impl:f", "pack._impl:C.m", "pack._other:g")
    assert [service.calls(one) for one in names] == [1, 1, 1]


@both
@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("svc:price", "home:price"),
        ("svc:cost", "home:price"),
        ("home:cost", "home:price"),
        ("svc:Shop.sell", "home:Shop.sell"),
        ("home:Shop.trade", "home:Shop.sell"),
        ("svc:Corner.sell", "home:Corner.sell"),
        ("home:Shop._Shop__hide", "home:Shop.__hide"),
        ("svc:cached", "home:cached"),
        ("svc:add5", "home:add5"),
        ("svc:Shop.made", "home:Shop.made"),
        ("svc:lying", "home:lying"),
        ("home:double", "home:double"),
        ("home:Shop.post", "home:Shop.send"),
        ("home:posted", "home:sent"),
        ("svc:posted", "home:sent"),
        ("home:anew", "home:anew"),
    ],
)
def test_a_function_goes_by_where_it_is_defined(service, when, name, own):
    """Whatever else it is called: imported, assigned, inherited, decorated, claimed by another module."""
    service.write(
        "home",
        """
        import functools
        def price(x): return x
        cost = price
        def lying(x): return x
        lying.__module__ = "svc"
        @functools.lru_cache
        def cached(x): return x
        double = lambda x: 2 * x
        def factory(n):
            def add(x): return x + n
            return add
        add5 = factory(5)
        def wrapped(function):
            @functools.wraps(function)
            def wrapper(*args): return function(*args)
            return wrapper
        @wrapped
        def sent(x): return x
        posted, anew = sent, wrapped(price)
        class Shop:
            @wrapped
            def send(self, x): return x
            post = send
            def sell(self, x): return self.__hide(x)
            def __hide(self, x): return x
            @classmethod
            def made(cls): return cls()
            trade = sell
        class Corner(Shop): pass
        """,
    )
    text = "from home import Corner, Shop, add5, cached, lying, posted, price\ncost = price\n"
    service.start(when, "svc", text, f"{{'{name}': {COUNT}}}")

    assert service.states() == {own: "applied"}
    assert str(mlpolicy.plan(name).target) == own


@both
def test_a_pattern_takes_a_function_once(service, when):
    """Not by its second name too, whatever decorates it."""
    text = """
        import functools
        def opaque(function): return lambda *args: function(*args)
        @opaque
        @functools.cache
        def price(x): return x
        cost = price
        class Shop:
            @opaque
            def send(self, x): return x
            post = send
    """
    svc = service.start(
        when, "svc", text, '{all: {match: ["svc:*", "svc:*.*"], monitor: {log: false}}}'
    )

    assert (svc.cost(1), svc.Shop().post(2)) == (1, 2)
    assert set(service.states()) == {"svc:opaque", "svc:price", "svc:Shop.send"}
    assert (service.calls("svc:price"), service.calls("svc:Shop.send")) == (1, 1)


@both
def test_a_pattern_takes_what_a_descriptor_gives(service, when):
    """As sklearn's `available_if`, which gives a method where its estimator has one."""
    text = """
        import functools
        class Available:
            def __init__(self, function): self.function = function
            def __get__(self, instance, owner=None): return functools.partial(self.function, instance)
        class Shop:
            @Available
            def send(self, x): return x
            post = send
            @property
            def value(self): return 1
            @functools.cached_property
            def kept(self): return 1
    """
    svc = service.start(when, "svc", text, '{all: {match: "svc:Shop.*", monitor: {log: false}}}')

    assert (svc.Shop().send(1), svc.Shop().post(2), svc.Shop().kept) == (1, 2, 1)
    assert service.states() == {"svc:Shop.send": "applied"}
    assert service.calls("svc:Shop.send") == 2


@both
def test_names_that_contradict_each_other_are_told(service, when, caplog):
    """Which module hands a function out makes no policy rank higher."""
    service.write("home", "def price(x): return x\n")
    rules = "{retry: {max_attempts: %d}}"
    policy = f"{{'home:price': {rules % 2}, 'svc:price': {rules % 5}}}"
    service.start(when, "svc", "from home import price\n", policy)

    assert "two policies of equal rank set `retry.max_attempts` differently" in caplog.text


def test_a_name_that_comes_to_mean_another_function_is_let_go(service):
    """After a reload the module has a function of its own."""
    service.write("home", "def price(x): return x\n")
    module = service.start("early", "svc", "from home import price\n", f"{{'svc:price': {COUNT}}}")
    assert service.states() == {"home:price": "applied"}
    service.write("svc", "def price(x): return 2 * x\n")
    importlib.reload(module)

    assert (module.price(1), service.calls("svc:price")) == (2, 1)
    assert service.states()["svc:price"] == "applied"
    assert (sys.modules["home"].price(1), service.calls("home:price")) == (1, 0)
