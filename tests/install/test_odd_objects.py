"""Objects of others beside functions of a module: whatever they answer, the functions obey."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from types import ModuleType

import pytest

import mlpolicy
from mlpolicy.install import bootstrap, child
from mlpolicy.install.lookup import reach

both = pytest.mark.parametrize("when", ["early", "late"])

KIT = """
    import functools

    ran = []

    def fails(*_):
        ran.append("code of an odd object")
        raise RuntimeError("outside of a request")

    class AnswersAll:
        def __getattr__(self, name): return fails()
        def __call__(self): fails()

    class Generous:
        \"\"\"As openai's stand-in for what it has removed: itself, whatever is asked.\"\"\"
        def __getattr__(self, name): return self
        def __call__(self): fails()

    class Local:
        \"\"\"As werkzeug's proxies.\"\"\"
        __slots__ = ("_get",)
        __class__ = __dict__ = __doc__ = property(fails)
        __module__ = __name__ = property(fails)
        __eq__ = __hash__ = __bool__ = __len__ = __iter__ = __repr__ = __str__ = fails
        __getattribute__ = __getattr__ = __get__ = __call__ = fails

    class Hidden:
        __wrapped__ = __closure__ = registry = register = property(fails)
        __dict__ = property(fails)
        def __call__(self): fails()

    class Meta(type):
        __dict__ = __module__ = __mro__ = __name__ = property(fails)
        __getattribute__ = __instancecheck__ = __subclasscheck__ = __eq__ = __hash__ = fails

    Strange = Meta("Strange", (), {"__call__": fails, "method": lambda self: 1})
    OfNoModule = type("OfNoModule", (), {"__module__": property(fails), "__call__": fails})

    class State(dict):
        keys = values = items = get = __getitem__ = __iter__ = fails

    class OddState:
        def __init__(self):
            object.__setattr__(self, "__dict__", State(a=AnswersAll()))
        def __call__(self): fails()

    class Text(str):
        __eq__ = __hash__ = fails

    class Name(Text):
        __hash__ = str.__hash__

    class OddSlotted:
        __slots__ = ("__wrapped__",)
        held = object.__new__(Strange)
        def __call__(self): fails()

    def with_odd_closure():
        request, everything = object.__new__(Local), AnswersAll()
        def view(x): return x, request, everything
        return view

    class OddDescriptor:
        def __get__(self, instance, owner=None): fails()
        def __set_name__(self, owner, name): pass
        def __call__(self): fails()

    class OddPartial(functools.partial):
        __dict__ = func = property(fails)
        __getattribute__ = fails
"""

ODD = {
    "answers_all": "AnswersAll()",
    "generous": "Generous()",
    "request": "object.__new__(Local)",
    "hidden": "Hidden()",
    "Strange": "Strange",
    "strange": "object.__new__(Strange)",
    "of_no_module": "object.__new__(OfNoModule)",
    "odd_state": "OddState()",
    "odd_slotted": "OddSlotted()",
    "view": "with_odd_closure()",
    "descriptor": "OddDescriptor()",
    "odd_partial": "OddPartial(fails)",
    "static": "staticmethod(Generous())",
    "classy": "classmethod(Generous())",
    "computed": "property(Generous())",
    "partial": "functools.partial(object.__new__(Local))",
    "cached": "functools.cached_property(Generous())",
    "number": "42",
    "mock": "__import__('unittest.mock').mock.MagicMock()",
    "bound": "Generous().method",
    "weak": "__import__('weakref').proxy(with_odd_closure)",
}

SERVICE = """
    import functools
    from oddkit import *
    from oddkit import fails

    def before(x):
        return x

    def uses(x):
        return x if x else {name}

    {name} = {value}

    class Model:
        {name} = {value}

        def predict(self, x):
            return x

        @staticmethod
        def score(x):
            return x

    def after(x):
        return x
"""

OWN = ("after", "before", "uses", "Model.predict", "Model.score")
ALL = '{all: {match: ["shop:*", "shop:*.*"], monitor: {log: false}}}'


def applied(service):
    return {name for name, state in service.states().items() if state == "applied"}


@both
@pytest.mark.parametrize("name", ODD)
def test_an_odd_object_hides_no_function_and_is_not_asked(service, when, name):
    """Every function is placed and counted; no code of the object runs."""
    service.write("oddkit", KIT)

    shop = service.start(when, "shop", SERVICE.format(name=name, value=ODD[name]), ALL)

    model = shop.Model()
    results = shop.before(1), shop.after(2), model.predict(3), model.score(4), shop.uses(5)
    assert results == (1, 2, 3, 4, 5)
    assert [service.calls(f"shop:{one}") for one in OWN] == [1, 1, 1, 1, 1]
    assert sys.modules["oddkit"].ran == []
    assert bootstrap.engine().unread == {}


@both
@pytest.mark.parametrize("name", ODD)
def test_an_exact_target_that_is_odd_fails_by_itself(service, when, name):
    """The other targets of the module are placed, whatever becomes of it."""
    service.write("oddkit", KIT)
    policy = (
        f'{{"shop:{name}": {{retry: 2}}, "shop:after": {{retry: 2}}, "shop:before": {{retry: 2}}}}'
    )

    shop = service.start(when, "shop", SERVICE.format(name=name, value=ODD[name]), policy)

    assert shop.after(2) == 2
    assert {"shop:after", "shop:before"} <= applied(service)


@both
def test_odd_names_and_functions_that_lie_hide_nothing(service, when, caplog):
    """A function is of the module that wrote its code; a name that is no text is no name."""
    text = """
        class Raises:
            __eq__ = __str__ = None
            def __eq__(self, other): raise RuntimeError
            __hash__ = None

        globals()[42] = lambda x: x

        def before(x): return x
        def lies(x): return x
        lies.__module__ = Raises()
        def after(x): return x
    """

    shop = service.start(when, "shop", text, ALL)

    assert (shop.before(1), shop.lies(2), shop.after(3)) == (1, 2, 3)
    assert applied(service) == {"shop:before", "shop:lies", "shop:after"}


@both
def test_what_says_that_it_is_of_a_module_that_hands_it_out_is_of_the_one_that_wrote_it(
    service, when
):
    """Functions and classes, as pandas and numpy mark theirs; the other module has none of them."""
    service.write("front", "from shop import *\n")
    text = """
        def public(held):
            held.__module__ = "front"
            return held

        @public
        def price(x): return x

        @public
        class Shop:
            def sell(self, x): return x
            @staticmethod
            def still(x): return x
    """
    shop = service.start(
        when,
        "shop",
        text,
        '{all: {match: ["shop:*", "shop:*.*", "front:*", "front:*.*"], monitor: {log: false}}}',
    )
    front = importlib.import_module("front")

    assert (front.price(1), front.Shop().sell(2), shop.Shop.still(3)) == (1, 2, 3)
    names = {f"shop:{one}" for one in ("price", "public", "Shop.sell", "Shop.still")}
    assert applied(service) == names


@pytest.mark.parametrize("name", ODD)
def test_an_odd_object_ends_no_proof(service, name):
    """`apply` looks at what a function uses, at what serves, and for words of like spelling."""
    service.write("oddkit", KIT)
    text = SERVICE.format(name=name, value=ODD[name]) + "\n    globals()[Name('app')] = 1\n"
    service.write("shop", text)
    policy = service.policy(
        """
            "shop:uses": {retry: {max_attempts: 2, retry_on: [shop.Moddel]}}
            "shop:Model.predict": {retry: 2, validate: {args: {x: {type: shop.Moddel}}}}
            "shop:after": {validate: {args: {x: {model: "shop:Moddel"}}}}
            "oddkit:Strange.method": {retry: 2}
            "oddmodule:f": {retry: 2}
        """
    )
    broken = type("Broken", (ModuleType,), {"__getattr__": lambda *_: 1 / 0})("oddmodule")
    sys.modules["oddmodule"] = broken

    try:
        answer = child.prove({"policy": [policy], "modules": ["shop"]})
    finally:
        del sys.modules["oddmodule"]

    states = {row["target"]: row["status"] for row in answer["targets"]}
    assert states.pop("oddmodule:f") == "error"
    assert set(states.values()) == {"applied"}
    assert sorted(one["code"] for one in answer["proofs"]) == ["MP208", "MP208", "MP603"]
    assert "did you mean `shop.Model`?" in {one.get("help") for one in answer["proofs"]}


@both
def test_what_cannot_be_looked_at_is_named(service, when, caplog, monkeypatch):
    """It is in state `error`, with what was raised; the next function is placed."""
    from mlpolicy.install import patterns

    def look(raw, module, qualname, look=patterns.function_behind):
        if qualname == "before":
            raise ValueError("ours")
        return look(raw, module, qualname)

    monkeypatch.setattr(patterns, "function_behind", look)

    service.start(when, "shop", "def before(x): ...\ndef after(x): ...\n", ALL)

    placed = bootstrap.engine().placed
    assert (placed["shop:before"].state, placed["shop:before"].detail) == (
        "error",
        "ValueError: ours",
    )
    assert placed["shop:after"].state == "applied"
    assert "shop:before could not be placed: ours" in caplog.text


WRAPPED = """
    import functools

    def wraps(function):
        @functools.wraps(function)
        def inner(*args): return function(*args)
        return inner

    def opaque(function):
        return lambda *args: function(*args)

    class Held:
        def __init__(self, function): self.function = function
        def __call__(self, *args): return self.function(*args)

    class Slotted:
        __slots__ = ("__wrapped__",)
        def __init__(self, function): self.__wrapped__ = function
        def __call__(self, *args): return self.__wrapped__(*args)

    class Pretends(Held):
        __class__ = property(lambda self: type(self.function))

    class Asked(Held):
        def __getattr__(self, name): return getattr(self.function, name)

    class AsState(dict):
        def __init__(self, function):
            self["function"] = function
            self.__dict__ = self
        def __call__(self, *args): return self["function"](*args)

    def partial(function): return functools.partial(function)
"""
WRAPPERS = (
    "wraps opaque Held Slotted Pretends Asked AsState partial functools.lru_cache functools.cache "
    "functools.singledispatch staticmethod"
).split()


@both
@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("outer", ["", "@wraps", "@functools.lru_cache", "@Held"])
def test_what_decorators_hold_is_found(service, when, wrapper, outer):
    """By closure, attribute, slot, `__wrapped__` or in C: the function under them obeys."""
    service.write("wrappers", WRAPPED)
    text = f"""
        from wrappers import *
        import functools

        {outer}
        @{wrapper}
        def predict(x):
            return x
    """

    shop = service.start(when, "shop", text, ALL)

    assert shop.predict(1) == 1
    assert service.calls("shop:predict") == 1


def test_what_c_code_wraps_is_found():
    """Proxies of wrapt that hold a function lead to it; a lazy one is not made for that."""
    wrapt = pytest.importorskip("wrapt")

    def function(): ...

    @wrapt.decorator
    def plain(wrapped, instance, args, kwargs):
        return wrapped(*args, **kwargs)

    assert function in reach(plain(function))
    if hasattr(wrapt, "LazyObjectProxy"):
        lazy = wrapt.LazyObjectProxy(lambda: pytest.fail("made"))
        assert list(reach(lazy)) == []


def test_install_after_the_import_reaches_every_module(service, caplog):
    """One module that cannot be looked through is named, and no later one is left ungoverned."""
    for name in ("shop_a", "shop_c"):
        service.write(name, "def predict(x):\n    return x\n")
    policy = service.policy(
        '{all: {match: ["shop_a:*", "shop_b:*", "shop_c:*"], monitor: {log: false}}}'
    )
    importlib.import_module("shop_a")
    broken = ModuleType("shop_b")
    del broken.__dict__["__name__"]
    sys.modules["shop_b"] = broken
    importlib.import_module("shop_c")

    try:
        with caplog.at_level(logging.INFO, "mlpolicy"):
            mlpolicy.install(policy=policy)
    finally:
        del sys.modules["shop_b"]

    assert applied(service) == {"shop_a:predict", "shop_c:predict"}
    assert list(bootstrap.engine().unread) == ["shop_b"]
    assert "shop_b could not be looked through" in caplog.text
    assert caplog.messages[-1] == "policy: 2 applied, 0 pending, 0 skipped, 1 failed"


@pytest.mark.parametrize("odd", ["lazy", "spec", "file", "proxy", "number", "state"])
def test_odd_modules_hide_no_other(service, odd):
    """A lazy one is not made, and governed once it is; others are read by their types."""
    service.write("shop_b", "def predict(x):\n    return x\n")
    service.write("shop_c", "def predict(x):\n    return x\n")

    class State(ModuleType):
        __dict__ = property(lambda self: pytest.fail("asked"))

    class Proxy:
        __class__ = property(lambda self: pytest.fail("asked"))

    module = {"proxy": Proxy(), "number": 7, "state": State("shop_b")}.get(odd)
    if module is None:
        spec = importlib.util.find_spec("shop_b")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        if odd == "lazy":
            spec.loader.exec_module(module)
        else:
            spec.loader.loader.exec_module(module)
            setattr(module, f"__{odd}__", Proxy() if odd == "spec" else 3)
    sys.modules["shop_b"] = module
    importlib.import_module("shop_c")

    try:
        mlpolicy.install(
            policy=service.policy('{all: {match: ["shop_b:*", "shop_c:*"], monitor: {log: false}}}')
        )
        before = set(applied(service))
        made = odd == "lazy" and module.predict(1)
    finally:
        del sys.modules["shop_b"]

    assert "shop_c:predict" in before
    assert ("shop_b:predict" in before) is (odd in ("spec", "file"))
    assert service.calls("shop_b:predict") == made


@both
def test_one_line_says_what_became_of_the_policy(service, when, caplog):
    """At the end of what is imported first: counts, a warning where anything is not in place."""
    text = "import sys\ndef good(x): return x\ndef peeks(): return sys._getframe(1)\n"
    policy = '{"shop:good": {retry: 2}, "shop:gone": {retry: 2}, "later:f": {retry: 2}, p: {match: "shop:*", monitor: {}}}'

    with caplog.at_level(logging.INFO, "mlpolicy"):
        service.start(when, "shop", text, policy)

    said = [(one.levelname, one.message) for one in caplog.records if "applied" in one.message]
    assert said[-1] == ("WARNING", "policy: 1 applied, 1 pending, 1 skipped, 1 failed")


@both
def test_where_all_is_well_the_line_is_no_warning(service, when, caplog):
    """It is information, and said again only once it has changed."""
    with caplog.at_level(logging.INFO, "mlpolicy"):
        service.start(when, "shop", "def f(x): return x\n", '{"shop:f": {retry: 2}}')
        importlib.import_module("shop")
        bootstrap.engine().settled()

    said = [(one.levelname, one.message) for one in caplog.records if "applied" in one.message]
    assert said[-1] == ("INFO", "policy: 1 applied, 0 pending, 0 skipped, 0 failed")
    assert len(said) == len(set(said))


def test_a_message_that_cannot_be_made_stops_nothing(service, monkeypatch):
    """The class of the exception is told."""
    from mlpolicy.install import patterns

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    def look(raw, module, qualname, look=patterns.function_behind):
        if qualname == "before":
            raise Mute
        return look(raw, module, qualname)

    monkeypatch.setattr(patterns, "function_behind", look)

    service.start("late", "shop", "def before(x): ...\ndef after(x): ...\n", ALL)

    assert bootstrap.engine().placed["shop:before"].detail.startswith("Mute: ")
    assert "shop:after" in applied(service)
