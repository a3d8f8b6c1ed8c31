"""Methods of every kind."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest

from tests.matrix.placed import placed

C = "sample.classes:"


@placed(C + "Model.predict", calls=4)
def test_methods_inherited_overridden_and_called_through_super():
    from sample.classes import Deep, Model, Plain

    model, bound = Model(), Model(3).predict
    yield
    assert (model.predict(2), bound(1), Plain().predict(1), Deep().predict(1)) == (5, 4, 3, 1004)


@placed(C + "Model.load", C + "Model.clip", calls=4)
def test_class_and_static_methods():
    from sample.classes import Deep, Model

    yield
    assert (Model.load(4).scale, type(Deep.load(1)).__name__) == (4, "Deep")
    assert (Model.clip(11), Model().clip(3)) == (10, 3)


@placed(C + "Model.size", C + "Model.weights", calls=3)
def test_properties():
    from sample.classes import Model

    model = Model()
    yield
    assert model.size == 20
    model.size = 50
    assert (model.size, model.weights, model.weights) == (50, [5] * 3, [5] * 3)


@placed(
    C + "Model.__init__",
    C + "Model.__call__",
    C + "Model.__getitem__",
    C + "Model.__eq__",
    C + "Model.__enter__",
    calls=7,
)
def test_special_methods():
    from sample.classes import Model

    yield
    model = Model(4)
    assert (model(1), model[3]) == (105, 7)
    assert model == Model(4)
    with model as entered:
        assert entered is model
    assert pickle.loads(pickle.dumps(model)).scale == 4
    assert copy.copy(model) == model


@placed(C + "Model.apredict", C + "Model.batches", calls=2)
def test_async_and_generator_methods():
    from sample.classes import Model

    yield
    assert asyncio.run(Model().apredict(1)) == 3
    assert list(Model().batches(2)) == [1, 3]


@placed(C + "Linear.forward", calls=2)
def test_forward_is_met_through_call_and_super():
    from sample.classes import Linear, Residual

    linear = Linear()
    yield
    assert (linear(1), Residual()(2)) == (2, 5)


@placed(C + "Ranker.rank")
def test_an_abstract_method_stays_abstract():
    from sample.classes import Ranker, Reversed

    yield
    assert Reversed().rank([1, 3, 2]) == [3, 2, 1]
    with pytest.raises(TypeError):
        Ranker()


@placed(C + "Order.__init__", C + "Order.total", C + "Frozen.doubled", C + "Point.norm", calls=4)
def test_dataclasses_and_named_tuples():
    from sample.classes import Frozen, Order, Point

    yield
    assert Order("x", 3).total(2) == 6
    assert (Frozen(2).doubled().x, Point(-1, 2).norm()) == (4, 3)


@placed(C + "Colour.mixed", C + "Colour.parse", C + "Colour.label", C + "Slotted.bump", calls=4)
def test_enums_and_slots():
    from sample.classes import Colour, Slotted

    yield
    assert (Colour.RED.mixed(Colour.GREEN), Colour.parse("green").label) == (3, "Green")
    assert Slotted(1).bump(2) == 3


@placed(C + "Outer.Inner.reach", C + "Outer.Inner.Innermost.reach", calls=2)
def test_nested_classes():
    from sample.classes import Outer

    yield
    assert (Outer.Inner().reach(1), Outer.Inner.Innermost().reach(1)) == (6, 7)


@placed(C + "Vault.__secret", C + "Vault.open", calls=2)
def test_private_names():
    from sample.classes import Vault

    yield
    assert Vault().open("k") == "k/3"


@placed(
    C + "Registry.names",
    C + "Registered.__init__",
    C + "Report.total",
    C + "Fallback.__getattr__",
    calls=4,
)
def test_metaclasses_and_descriptors_of_ones_own():
    from sample.classes import Fallback, Registered, Registry, Report

    Registry.made.clear()
    yield
    assert Registered(4).x == 4
    assert Registered.names() == "Registered of 1"
    assert (Report().total, Fallback().nothing) == (8, "no nothing")


@placed(C + "Multiplier.__call__", calls=1)
def test_a_callable_instance_by_its_class():
    from sample.classes import triple

    yield
    assert triple(4) == 12
