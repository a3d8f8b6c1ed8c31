"""Decorators take what Python has where a policy file writes a name or an amount."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from enum import Enum
from fractions import Fraction
from typing import Annotated, Any, Literal, NewType, Protocol, TypedDict, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from jaxtyping import Float, Float32, Shaped
from pydantic import BaseModel, Field

import mlpolicy
from mlpolicy import cache_result, memory_guard, monitor, retry, validate_input


def rule(decorated, kind):
    return mlpolicy.plan(decorated).rule(kind).rule


def refused(function, *arguments, **named):
    try:
        function(*arguments, **named)
    except mlpolicy.ValidationFailed:
        return True
    return False


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"initial_delay": 0.5}, {"initial_delay": 0.5}),
        ({"initial_delay": timedelta(milliseconds=20)}, {"initial_delay": 0.02}),
        ({"delay": "250ms"}, {"initial_delay": 0.25}),
        ({"initial_delay": np.float32(0.5)}, {"initial_delay": 0.5}),
        ({"initial_delay": Fraction(1, 4)}, {"initial_delay": 0.25}),
        ({"max_retries": 3, "backoff_factor": 3}, {"max_attempts": 4, "multiplier": 3.0}),
        ({"tries": 2}, {"max_attempts": 2}),
        ({"retry_on": "transient"}, {"retry_on": ("transient",)}),
        ({"retry_on": {"ConnectionError"}}, {"retry_on": ("ConnectionError",)}),
    ],
)
def test_amounts_of_retry(written, meant):
    made = rule(retry(**written)(lambda: 1), "retry")

    assert {name: getattr(made, name) for name in meant} == meant


@pytest.mark.parametrize(
    ("decorator", "written", "kind", "meant"),
    [
        (cache_result, {"ttl_seconds": 30}, "cache", {"ttl": 30.0}),
        (cache_result, {"ttl": timedelta(hours=1), "maxsize": 5}, "cache", {"max_entries": 5}),
        (cache_result, {"ttl": 1, "max_bytes": 2048}, "cache", {"max_bytes": 2048}),
        (cache_result, {"ttl": 1, "ttl_jitter": 0.2}, "cache", {"ttl_jitter": 0.2}),
        (cache_result, {"ttl": 1, "ttl_jitter": "20%"}, "cache", {"ttl_jitter": 0.2}),
        (memory_guard, {"threshold": "85%"}, "memory", {"act_at": 0.85}),
        (memory_guard, {"reject_at": 0.9, "limit": 2**30}, "memory", {"limit": 2**30}),
        (monitor, {"buckets": (0.1, timedelta(seconds=1))}, "monitor", {"buckets": (0.1, 1.0)}),
        (monitor, {"sinks": "log"}, "monitor", {"sinks": ("log",)}),
    ],
)
def test_amounts_of_the_others(decorator, written, kind, meant):
    made = rule(decorator(**written)(lambda: 1), kind)

    assert {name: getattr(made, name) for name in meant} == meant


def test_what_every_rule_takes():
    """Dates as dates, a rollout as a share."""
    made = retry(mode="shadow", expires=date(2020, 1, 1), rollout=0.25)(lambda: 1)
    other = retry(expires="2999-01-01", rollout={"percent": "50%"})(lambda: 1)

    [gone, holds] = (mlpolicy.plan(one).rule("retry") for one in (made, other))
    assert (gone.mode, gone.control.rollout.percent) == ("disabled", 0.25)
    assert (holds.mode, holds.rollout.percent) == ("enforce", 0.5)
    assert (made(), other()) == (1, 1)


def test_an_exception_of_a_functions_own_is_retried():
    """No path leads to the class; subclasses count, and others of the name do not."""

    class Local(Exception):
        pass

    class Below(Local):
        pass

    other, calls = type("Local", (Exception,), {}), []

    @retry(max_attempts=3, initial_delay=0, exceptions=Local | OSError, give_up_on=[KeyError])
    def work(error):
        calls.append(error)
        raise error

    for error in (Local, Below, other, KeyError):
        with pytest.raises(error):
            work(error)

    assert [calls.count(one) for one in (Local, Below, other, KeyError)] == [3, 3, 1, 1]


def test_on_result_takes_a_predicate():
    """Asked of each result; what it raises is no reason to ask the function again."""
    found = iter([[], [], [1]])

    @retry(max_attempts=5, initial_delay=0, on_result=lambda rows: not rows)
    def fetch():
        return next(found)

    @retry(max_attempts=5, initial_delay=0, on_result=lambda rows: rows.missing)
    def odd():
        return next(found, "odd")

    assert (fetch(), odd()) == ([1], "odd")


def test_on_result_of_a_coroutine():
    import asyncio

    found = [None, 2]
    ask = retry(max_attempts=2, initial_delay=0, on_result=lambda one: one is None)(_again)

    assert asyncio.run(ask(found)) == 2


async def _again(found):
    return found.pop(0)


def test_key_takes_a_function_of_the_arguments():
    """It is called as the function is; what it returns is the key, of parts of any sort."""
    seen, calls = [], []

    @cache_result(ttl=60, key=lambda user, /, *ids, flag=False, **rest: (user["id"], ids, flag))
    def look(user, /, *ids, flag=False, **rest):
        calls.append(user)
        return len(calls)

    seen += [look({"id": 1, "at": n}, 5, flag=True, extra=n) for n in range(3)]
    seen += [look({"id": 1}, 6, flag=True), look({"id": 2}, 5, flag=True), look({"id": 1}, 5)]

    assert seen == [1, 1, 1, 2, 3, 4]


def test_a_call_whose_key_cannot_be_made_is_not_cached():
    calls = []

    @cache_result(ttl=60, key=lambda x: x.missing)
    def look(x):
        calls.append(x)
        return len(calls)

    assert (look(1), look(1)) == (1, 2)


def test_defaults_may_be_functions_and_values():
    """A function is called with the same arguments, whatever it is."""

    @validate_input(x=int, on_fail="default", default=lambda x, y=2: (x, y))
    def by_function(x, y=2):
        return "own"

    @validate_input(x=int, on_fail="default", fallback=[1])
    def by_value(x):
        return "own"

    first, second = by_value("a"), by_value("b")
    assert (by_function("a", 3), by_function(1)) == (("a", 3), "own")
    assert first == second == [1] and first is not second


def test_relief_may_be_a_function():
    from mlpolicy.rules.memory import relief

    freed = []
    made = rule(memory_guard(relieve=["gc", lambda: freed.append(1)])(lambda: 1), "memory")
    alone = rule(memory_guard(relieve=freed.clear)(lambda: 1), "memory")

    from mlpolicy.core.allowed import EVERYTHING
    from mlpolicy.runtime.assemble import Importer

    names = tuple(getattr(one, "call", one) for one in made.relieve)
    relief.shared(names, 30.0, Importer(EVERYTHING, frozenset())).run()
    assert (freed, len(alone.relieve)) == ([1], 1)


class User(BaseModel):
    name: str


class Colour(Enum):
    RED = 1


class Options(TypedDict, total=False):
    depth: int


class Named(Protocol):
    name: str


Count = NewType("Count", int)
T = TypeVar("T", bound=int)
ROW = np.zeros((2, 64), np.float32)


@pytest.mark.parametrize(
    ("spec", "right", "wrong"),
    [
        (int, [1, np.int64(1)], [1.0, "1", True, None]),
        (float, [1, 1.0, np.float32(1)], ["1", None]),
        (str, [""], [b"", None]),
        (dict, [{}], [[], None]),
        (list, [[]], [(), None]),
        (User, [User(name="a"), {"name": "a"}], [{"name": 1}, 3]),
        (ValueError, [ValueError()], [KeyError(), None]),
        (Colour, [Colour.RED], [1, "RED"]),
        (complex, [1j, 1.0, 1], ["1"]),
        (int | None, [1, None], ["1"]),
        (int | str, [1, "1", np.int8(1)], [1.0, None]),
        (User | None, [None, User(name="a")], [3]),
        (list[int], [[], [1]], [["1"], (1,)]),
        (Sequence[int], [[1], (1,)], [["1"], "1"]),
        (tuple[int, ...], [(1, 2)], [("a",), [1]]),
        (tuple[int, str], [(1, "a")], [(1,), (1, "a", 2)]),
        (dict[str, int], [{}], [[]]),
        (Literal["a", "b"], ["a"], ["c", None]),
        (Literal["a", None], ["a", None], ["c"]),
        (Annotated[int, Field(ge=0, le=5)], [0, 5], [-1, 6, "1"]),
        (Annotated[int, Field(gt=0, lt=5)], [1, 4], [0, 5]),
        (Annotated[float, Field(gt=0)], [5e-324, 1], [0.0, -1]),
        (Annotated[str, Field(min_length=2, pattern="^a")], ["ab"], ["a", "bb"]),
        (Annotated[list[int], Field(max_length=1)], [[1]], [[1, 2]]),
        (Annotated[int | None, Field(ge=0)], [None, 0], [-1]),
        (Annotated[np.ndarray, {"shape": (None, 64)}], [ROW], [ROW[:, 1:]]),
        (npt.NDArray[np.float32], [ROW], [ROW.astype("f8"), [1.0]]),
        (np.ndarray, [ROW], [[1]]),
        (Float32[np.ndarray, "n 64"], [ROW], [ROW[:, 1:], ROW.astype("f8")]),
        (Float[np.ndarray, "... 64"], [ROW, ROW.astype("f8")], [ROW.astype("i8")]),
        (Shaped[np.ndarray, "2 _"], [ROW, ROW.astype("i8")], [ROW[:1]]),
        (Options, [{"depth": 1}, {}], [{"depth": "1"}, 3]),
        (Count, [1], ["1"]),
        (T, [1], ["1"]),
        ("int", [1], ["1"]),
        ({"dtype": np.float32}, [ROW], [ROW.astype("f8")]),
        ({"dtype": (np.float32, np.dtype("float64"))}, [ROW], [ROW.astype("f2")]),
        ({"dtype": float}, [ROW.astype("f8")], [ROW]),
        ({"dtype": bool}, [np.zeros(1, bool)], [ROW]),
        ({"shape": [None, 64]}, [ROW], [ROW.T]),
        ({"shape": 2}, [np.zeros(2)], [np.zeros(3)]),
        ({"type": (int, str)}, [1, "a"], [1.0]),
        ({"type": int | str}, [1, "a"], [1.0]),
        ({"model": User}, [{"name": "a"}], [{}]),
        ({"pattern": re.compile("^A", re.I)}, ["ab"], ["ba"]),
        ({"ge": 0, "le": 1}, [0, 1], [-1, 2]),
        ({"min": 0}, [0, 10], [-1]),
        ({"enum": {"a", "b"}}, ["a"], ["c"]),
        ({"items": Annotated[int, Field(ge=0)]}, [[1]], [[-1], ["a"]]),
        ({"fields": {"user": User}}, [{"user": {"name": "a"}}], [{"user": 3}]),
        (
            {"columns": {"age": np.float64}},
            [pd.DataFrame({"age": [1.0]})],
            [pd.DataFrame({"age": [1]}), pd.DataFrame()],
        ),
    ],
)
def test_what_a_spec_may_be(spec, right, wrong):
    """What is right passes, what is wrong is refused: the same for a second call of its class."""

    @validate_input(x=spec)
    def take(x):
        return None

    assert [refused(take, one) for one in (*right, *right)] == [False] * 2 * len(right)
    assert [refused(take, one) for one in (*wrong, *wrong)] == [True] * 2 * len(wrong)


def test_without_arguments_annotations_say_what_is_right():
    """Text is read where the function stands; what says nothing is let through."""

    class Local:
        pass

    @validate_input
    def take(
        n: Annotated[int, Field(ge=0)],
        user: User | None = None,
        *rest: int,
        local: "Local" = None,
        named: Named = 1,
        anything: Any = None,
        bare=None,
        **more: str,
    ):
        return n

    class Holder:
        @validate_input()
        def take(self, local: Local):
            return local

    assert take(1, {"name": "a"}, "rest", local=Local(), named=3, more=5) == 1
    assert take(1, local=None) == 1
    assert isinstance(Holder().take(Local()), Local)
    assert refused(Holder().take, 1)
    assert [refused(take, -1), refused(take, 1, 5), refused(take, 1, local=3)] == [True] * 3


def test_a_parameter_that_is_called_like_a_setting():
    """Names of settings come first, then those of parameters, then what is a habit."""

    @validate_input(inputs=int, on_fail="warn")
    def habit(inputs):
        return inputs

    @validate_input(args={"default": int})
    def setting(default):
        return default

    assert rule(habit, "validate").on_fail == "warn"
    assert refused(setting, "a")


def test_objects_are_shown_by_their_path_and_never_by_their_content():
    class Secret:
        def __call__(self, x):
            return x

        def __repr__(self):
            return "hunter2"

    @cache_result(ttl=5, key=Secret())
    @retry(retry_on=(ConnectionError, KeyError), on_result=Secret())
    @validate_input(x=User, on_fail="default", default=Secret())
    def work(x):
        return x

    class Value:
        __repr__ = Secret.__repr__

    @validate_input(x=User, on_fail="default", default={"a": [Value()]})
    def other(x):
        return x

    shown = str(mlpolicy.plan(work))

    assert "hunter2" not in shown + str(mlpolicy.plan(other))
    assert f"{__name__}.User" in shown
    assert "[ConnectionError, KeyError]" in shown
    assert "Secret" in shown


def test_words_of_every_rule_stand_beside_specs_by_name():
    """`mode` and `final` are not taken for parameters of the function."""

    def work(x):
        return x

    watched = validate_input(x=int, mode="shadow")(work)

    assert watched("no number") == "no number"
    assert mlpolicy.plan(watched).rule("validate").mode == "shadow"
