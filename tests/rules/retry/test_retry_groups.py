"""Groups of errors: each of them decides."""

from __future__ import annotations

import asyncio

import pytest
import trio

from mlpolicy.rules.retry.answers import asked_pause
from mlpolicy.rules.retry.exceptions import Choice
from tests.rules.retry import answers
from tests.rules.retry.scripts import EXACT, Script, every_kind, retries, run


def group(*errors):
    return ExceptionGroup("several", errors)


def decided(error, retry_on=("transient",), give_up_on=()):
    return Choice(retry_on, give_up_on).retries(error)


@pytest.mark.parametrize(
    ("error", "retry_on", "give_up_on", "again"),
    [
        (group(ConnectionError(), TimeoutError()), ["transient"], [], True),
        (group(ConnectionError(), group(group(TimeoutError()))), ["transient"], [], True),
        (group(ConnectionError(), ValueError()), ["transient"], [], False),
        (group(ConnectionError(), group(ValueError())), ["transient"], [], False),
        (group(ConnectionError(), TypeError()), ["Exception"], [], False),
        (group(ConnectionError(), ValueError()), ["Exception"], [], True),
        (group(ConnectionResetError(), TimeoutError()), ["transient"], ["TimeoutError"], False),
        (group(ConnectionError()), ["transient"], ["ExceptionGroup"], False),
        (group(ValueError()), ["ExceptionGroup"], [], True),
        (group(ValueError()), ["ExceptionGroup"], ["ValueError"], False),
        (group(answers.of_httpx(503)), ["http:5xx"], [], True),
        (group(answers.of_httpx(503), answers.of_httpx(404)), ["http:5xx"], [], False),
        (group(answers.of_httpx(503)), ["http:5xx"], ["http:503"], False),
    ],
)
def test_a_group_is_retried_where_each_error_in_it_is(error, retry_on, give_up_on, again):
    """However deep they stand; one that is not worth it is enough to give up."""
    assert decided(error, retry_on, give_up_on) is again


def test_groups_may_be_nested_deep():
    """No stack of the interpreter's is used."""
    error = group(ConnectionError())
    for _ in range(2000):
        error = group(error)

    assert decided(error)


@every_kind
def test_a_group_that_may_pass_is_called_again(place, world, make):
    """As its errors alone would be."""
    script = Script(group(ConnectionError(), TimeoutError()), "value")
    fetch = place(make(script), world=world, retry=EXACT)

    assert run(fetch) == "value"
    assert retries(place, fetch, "success") == 1


@every_kind
@pytest.mark.parametrize("cls", [KeyboardInterrupt, asyncio.CancelledError, SystemExit])
def test_a_group_with_what_ends_the_program_passes(place, world, make, cls):
    """At once, and as it is."""
    error = BaseExceptionGroup("both", [ConnectionError(), cls()])
    script = Script(error)
    fetch = place(make(script), world=world, retry={"retry_on": ["Exception"]})

    with pytest.raises(BaseExceptionGroup) as caught:
        run(fetch)

    assert caught.value is error
    assert (script.calls, world.slept) == (1, [])


def test_a_task_group_of_asyncio_is_called_again(place, world):
    """Its tasks fail together."""
    calls = []

    async def one():
        calls.append(1)
        if len(calls) < 3:
            raise ConnectionError

    async def gather():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(one())
            tasks.create_task(one())

    asyncio.run(place(gather, world=world, retry=EXACT)())

    assert len(calls) == 4


def test_a_nursery_of_trio_is_called_again(place):
    """Its pauses are trio's, too."""
    calls = []

    async def one():
        calls.append(1)
        if len(calls) < 2:
            raise ConnectionError

    async def gather():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one)

    trio.run(place(gather, retry={**EXACT, "initial_delay": "1ms"}))

    assert len(calls) == 2


def test_a_group_pauses_as_long_as_the_longest_of_its_errors_asks():
    """All of them can be answered then."""
    asking = [answers.of_httpx(503, **{"Retry-After": after}) for after in ("1", "7", "3")]

    assert asked_pause(group(asking[0], group(asking[1]), asking[2], ConnectionError())) == 7.0
    assert asked_pause(group(ConnectionError())) is None
