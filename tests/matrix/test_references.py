"""References that were taken before the policy came, and decorators."""

from __future__ import annotations

import asyncio
import functools

import pytest

from tests.matrix.placed import placed

D, P = "sample.decorated:", "sample.functions:price"


@placed(P, calls=10)
def test_references_of_every_kind():
    from sample import captures

    call = functools.partial(captures.price, 2)
    yield
    assert (captures.price(1), captures.renamed(1), captures.TABLE["price"](1)) == (2, 2, 2)
    assert (captures.HANDLERS[0](1), captures.half(4), call()) == (2, 2, 4)
    assert (captures.through_default(1), captures.through_closure(1)) == (2, 2)
    assert (captures.Service.price(1), captures.Service().run(1)) == (2, 2)


@placed(
    "sample.classes:Model.predict",
    "sample.classes:Model.clip",
    "sample.classes:Model.load",
    calls=5,
)
def test_bound_and_unbound_methods():
    from sample import captures

    yield
    assert (captures.predict(1), captures.unbound(captures.MODEL, 2)) == (5, 9)
    assert (captures.ask(captures.MODEL), captures.clip(99), captures.load(2).scale) == (9, 10, 2)


@placed(D + "registered", calls=2)
def test_a_registry():
    from sample import decorated

    yield
    assert (decorated.REGISTRY["registered"](1), decorated.registered(1)) == (11, 11)


@placed(
    D + "wrapped", D + "wrapped_twice", D + "hidden", D + "other_hidden", D + "repeated", calls=7
)
def test_decorators_stay_around_the_policy():
    from sample import decorated as d

    yield
    assert (d.wrapped(1), d.wrapped_twice(1)) == (("kept", 2), ("kept", ("kept", 3)))
    assert (d.hidden(1), d.other_hidden(1), d.repeated(1)) == (
        ("opaque", 4),
        ("opaque", 5),
        [6] * 3,
    )


@placed(D + "cached", D + "Shelf.slot", D + "Shelf.weight", calls=3)
def test_caches_of_the_standard_library_stay_above():
    from sample import decorated

    shelf = decorated.Shelf()
    yield
    assert (decorated.cached(3), decorated.cached(3), decorated.cached.cache_info().hits) == (
        9,
        9,
        1,
    )
    assert (shelf.slot(3), shelf.slot(3), shelf.weight(2), shelf.weight(2)) == (2, 2, 18, 18)
    decorated.cached.cache_clear()
    decorated.Shelf.weight.cache_clear()
    decorated.Shelf.slot.cache_clear()


@placed(D + "Shelf.built", D + "Shelf.stack", D + "Shelf.show", calls=5)
def test_methods_under_decorators():
    from sample import decorated

    shelf = decorated.Shelf()
    yield
    assert (shelf.built(1), shelf.stack_five(6), shelf.stack(1, 2)) == (
        ("kept", ("Shelf", 1)),
        (5, 6),
        (1, 2),
    )
    assert (shelf.show("x"), shelf.show(3)) == ("thing x", "number 3")


@placed(D + "opened", D + "aopened", calls=2)
def test_context_managers():
    from sample import decorated

    async def enter():
        async with decorated.aopened("b") as held:
            return held

    yield
    with decorated.opened("a") as held:
        assert (held, asyncio.run(enter())) == ("open a", "open b")


@placed(D + "opened", calls=2)
def test_an_error_in_a_context_manager_is_the_same_object():
    """Before 3.12 `contextlib` throws a class, a value and a traceback."""
    from sample import decorated

    class Refused(Exception):
        def __init__(self, one, two):
            super().__init__(one, two)

    yield
    for error in (Refused(1, 2), KeyError("x")):
        with pytest.raises(type(error)) as caught, decorated.opened("a"):
            raise error
        assert caught.value is error


@placed(D + "describe", D + "describe_int", D + "describe_list", calls=3)
def test_singledispatch():
    from sample import decorated

    yield
    assert [decorated.describe(one) for one in ("x", 1, [1])] == [
        "thing x",
        "number 1",
        "list of 1",
    ]


@placed("sample.closures:make_adder.<locals>.adder", calls=3)
def test_closures_made_before_and_after():
    from sample import closures

    yield (closures.add5, closures.add7)
    assert (closures.add5(1), closures.add7(1), closures.make_adder(1)(1)) == (6, 8, 2)


@placed("sample.closures:add5", calls=1)
def test_a_closure_by_the_name_that_holds_it():
    from sample import closures

    yield
    assert (closures.add5(1), closures.add7(1)) == (6, 8)


@placed(
    "sample.closures:make_counter.<locals>.step",
    "sample.closures:make_class.<locals>.Made.grow",
    "sample.closures:make_fetch.<locals>.fetch",
    "sample.closures:outermost.<locals>.middle.<locals>.innermost",
    calls=5,
)
def test_closures_of_many_kinds():
    from sample import closures as c

    yield
    step = c.make_counter()
    assert (step(), step(5)) == (1, 6)
    assert c.make_class(4)().grow(1) == 5
    assert asyncio.run(c.make_fetch("a")("b")) == "ab"
    assert c.outermost(1)(2)(3) == 6


@placed(
    "sample.native:root",
    "sample.native:Tools.root",
    "sample.native:shout",
    "sample.native:first",
    calls=4,
)
def test_what_has_no_python_code_is_replaced():
    from sample import native

    yield
    assert (native.root(4), native.Tools.root(9), native.shout("a"), native.first([7])) == (
        2,
        3,
        "A",
        7,
    )


@placed("sample.frames:caller", "sample.frames:old", calls=2)
def test_functions_that_look_at_their_caller_are_placed_by_name():
    import warnings

    from sample import frames

    yield
    frames.caller()
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        assert frames.old(1) == 1


@placed(
    "sample.importing:tariff",
    "sample.importing:afetch",
    "sample.importing:Grid.cell",
    calls={"early": 8, "late": 3},
)
def test_functions_called_while_their_module_is_imported():
    from sample import importing

    yield
    assert (importing.TABLE, importing.FIRST, importing.tariff(1)) == ([0, 3, 6, 9], 2, 3)
    assert (importing.Grid().cell(1), asyncio.run(importing.afetch(2))) == (2, 2)
