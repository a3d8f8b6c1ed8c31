"""Plain functions, coroutines and generators, of every shape."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import traceback

import pytest

from tests.matrix.placed import placed

F = "sample.functions:"


@placed(F + "every_kind", calls=2)
def test_every_kind_of_parameter():
    from sample import functions

    yield functions.every_kind
    assert functions.every_kind(1, k=4) == (1, 2, 3, (), 4, 5, {})
    assert functions.every_kind(1, 9, 8, 7, k=4, kk=6, z=1) == (1, 9, 8, (7,), 4, 6, {"z": 1})
    shown = "(a, b=2, /, c=3, *args, k, kk=5, **kw)"
    assert str(inspect.signature(functions.every_kind)) == shown


@placed(F + "positional_only", F + "keyword_only", F + "nothing", calls=4)
def test_shapes_of_parameters():
    from sample import functions

    yield
    assert (functions.positional_only(9), functions.positional_only(9, 1)) == (2, 8)
    assert (functions.keyword_only(a=1), functions.nothing()) == (2, None)


@placed(F + "collect", calls=2)
def test_a_mutable_default_is_shared_as_before():
    from sample import functions

    functions.collect.__defaults__[0].clear()
    yield
    assert (functions.collect(1), functions.collect(2)) == ([1], [1, 2])


@placed(F + "factorial", calls=5)
def test_recursion_meets_the_policy_at_each_turn():
    from sample import functions

    yield
    assert functions.factorial(4) == 24


@placed(F + "clash", F + "größe", F + "annotated", F + "rebound", F + "double", calls=5)
def test_odd_names_and_bodies():
    from sample import functions as f

    yield
    assert f.clash(1, 2, 3, 4, 5, 6, 7, 8) == (1, 2, 3, 4, 5, 6, 7, 8)
    assert f.größe(3, ß=2) == 6
    assert (f.annotated(1, [1, 2]), f.rebound(1), f.double(4)) == (3, (2, [0, 2, 4]), 8)


@placed(F + "price")
def test_defaults_that_are_changed_later_hold():
    from sample import functions

    yield functions.price
    before, functions.price.__defaults__ = functions.price.__defaults__, (5,)
    assert functions.price(2) == 10
    functions.price.__defaults__ = before


@placed(F + "price", F + "fetch", F + "stream", F + "feed", calls=0)
def test_what_is_asked_of_a_function_is_answered_as_before():
    from sample import functions

    yield functions.price
    assert functions.price.__doc__ == "Give the price of *amount*."
    assert "return amount * rate" in inspect.getsource(functions.price)
    assert inspect.getsourcelines(functions.price)[1] == functions.price.__code__.co_firstlineno
    assert pickle.loads(pickle.dumps(functions.price)) is functions.price
    assert inspect.iscoroutinefunction(functions.fetch)
    assert inspect.isgeneratorfunction(functions.stream)
    assert inspect.isasyncgenfunction(functions.feed)


@placed(F + "divide")
def test_a_traceback_shows_the_code_of_the_user():
    from sample import functions

    yield
    with pytest.raises(ZeroDivisionError) as caught:
        functions.divide(1, 0)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.name, last.line) == ("divide", "quotient = a / b")


@placed(F + "fetch", F + "fail_later", F + "await_tick", calls=3)
def test_coroutines():
    from sample import functions as f

    yield
    assert asyncio.run(f.fetch(1, prefix="w")) == "w:1"
    with pytest.raises(LookupError):
        asyncio.run(f.fail_later("x"))
    assert asyncio.run(f.await_tick(1)) == 2


def test_a_generator_made_a_coroutine(tmp_path):
    """`types.coroutine` copies the code: the function has its own back all the same."""
    from tests.matrix.placed import Tally, fresh, governed, write_policy

    policy = write_policy(tmp_path / "p.yaml", F + "tick")
    with fresh():
        with governed(policy):
            from sample import functions

            tally = Tally(F + "tick")
            assert asyncio.run(functions.await_tick(1)) == 2
        assert asyncio.run(functions.await_tick(1)) == 2

    assert tally.calls == 1
    assert not [one for one in functions.tick.__code__.co_consts if callable(one)]


@placed(F + "stream", calls=3)
def test_generators_are_sent_to_and_thrown_into():
    from sample import functions

    yield
    made = functions.stream(3)
    assert (next(made), made.send(10), made.throw(KeyError("k"))) == (0, 10, "caught k")
    made.close()
    assert list(functions.stream(2)) == [0, 1]
    with pytest.raises(StopIteration) as ended:
        next(functions.stream(0))
    assert ended.value.value == "0 done"


@placed(F + "empty_stream", F + "delegating", F + "guarded_stream", calls=3)
def test_generators_that_end_in_other_ways():
    from sample import functions as f

    yield
    assert list(f.empty_stream()) == []
    assert list(f.delegating(2)) == [0, 1, "2 done"]
    made = f.guarded_stream()
    next(made)
    made.close()
    assert f.closed.pop() == "stream"


@placed(F + "feed", F + "empty_feed", F + "guarded_feed", calls=3)
def test_async_generators_are_sent_to_and_thrown_into():
    from sample import functions as f

    async def use():
        made = f.feed(3)
        seen = [await anext(made), await made.asend(10), await made.athrow(KeyError("k"))]
        await made.aclose()
        seen += [item async for item in f.empty_feed()]
        held = f.guarded_feed()
        seen.append(await anext(held))
        await held.aclose()
        return seen

    yield
    assert asyncio.run(use()) == [0, 10, "caught k", 1]
    assert f.closed.pop() == "feed"


@placed(
    *(f"sample.shadows:{name}" for name in ("total", "type", "max", "fail", "read", "numbers")),
    calls=6,
)
def test_a_module_that_shadows_builtins():
    from sample import shadows

    yield
    assert (shadows.total([1, 2]), shadows.type(1), shadows.max(1, 2)) == (11, "kind of 1", 2)
    with pytest.raises(ValueError):
        shadows.fail("x")
    assert asyncio.run(shadows.read(1)) == (1, 3, 5)
    assert list(shadows.numbers(2)) == [3, 4]
