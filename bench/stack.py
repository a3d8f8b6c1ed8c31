"""All rules at once, beside the stacks that people build."""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import cachebox
import cachetools
import psutil
import tenacity
from beartype import beartype
from beartype.vale import Is
from pydantic import Field, validate_call

from bench import subject
from bench.harness import Bench, Contender
from bench.memory import by_psutil
from bench.monitor import bound, bound_async, labels
from bench.policy import governed

FOUR = """\
monitor: {log: {sample: 1%}}
validate: {args: {x: {type: int, range: [0, 100]}}}
retry: {max_attempts: 3}
memory: {warn_at: 90%, resume_at: 90%, act_at: 95%, reject_at: 99%}"""
FIVE = FOUR + "\ncache: {ttl: 1h}"


Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


def benches() -> Iterator[Bench]:
    """Yield the rows of the budget."""
    five, four = subject.copy_of(subject.predict, "five"), subject.copy_of(subject.predict, "four")
    with governed({"five": FIVE, "four": FOUR}):
        yield _bench("all five, hit", five, target=3, cached=True)
        yield _bench("four, no cache", four, target=2.7, cached=False)
    five_async = subject.copy_of(subject.predict_async, "five_async")
    four_async = subject.copy_of(subject.predict_async, "four_async")
    with governed({"five_async": FIVE, "four_async": FOUR}):
        yield _bench_async("all five, hit, async", five_async, target=3, cached=True)
        yield _bench_async("four, no cache, async", four_async, target=2.7, cached=False)


def _bench(row: str, ours: Callable[..., Any], *, target: float, cached: bool) -> Bench:
    return Bench(
        row,
        subject.bare(subject.predict),
        [
            Contender("mlpolicy", ours, peer=False),
            Contender("usual stack", usual(cached=cached)),
            Contender("the same, tuned", usual(cached=cached, measured=bound, guard=_sampled)),
            Contender("quickest peers", tuned(cached=cached)),
        ],
        target,
        arguments=(3,),
        note="usual: tenacity, pydantic, cachetools, psutil, labels; tuned: bound children and "
        "sampled memory; quickest: tenacity, beartype, cachebox, and those two",
    )


def _bench_async(row: str, ours: Callable[..., Any], *, target: float, cached: bool) -> Bench:
    return Bench(
        row,
        subject.bare_async(subject.predict_async),
        [
            Contender("mlpolicy", ours, peer=False),
            Contender("quickest peers", tuned_async(cached=cached)),
        ],
        target,
        asynchronous=True,
        arguments=(3,),
        note="tuned: tenacity, beartype, cachebox, bound children",
    )


def tuned_async(*, cached: bool) -> Callable[..., Any]:
    """Stack the quickest of today's libraries around a coroutine function."""
    inner = _retried(subject.predict_async)
    if cached:
        inner = cachebox.cached(cachebox.TTLCache(1024, 3600))(inner)

    @beartype
    async def checked(x: Annotated[int, Is[lambda x: 0 <= x <= 100]]) -> int:
        return await inner(x)

    return bound_async(checked)


def usual(*, cached: bool, measured: Wrap = labels, guard: Wrap = by_psutil) -> Callable[..., Any]:
    """Stack today's libraries as their tutorials do, in the order of ours."""
    inner = _retried(guard(subject.predict))
    if cached:
        inner = cachetools.cached(cachetools.TTLCache(1024, 3600), lock=threading.RLock())(inner)

    @validate_call
    def checked(x: Annotated[int, Field(ge=0, le=100)]) -> int:
        return inner(x)

    return measured(checked)


def tuned(*, cached: bool) -> Callable[..., Any]:
    """Stack the quickest of today's libraries, tuned, in the order of ours."""
    inner = _retried(_sampled(subject.predict))
    if cached:
        inner = cachebox.cached(cachebox.TTLCache(1024, 3600))(inner)

    @beartype
    def checked(x: Annotated[int, Is[lambda x: 0 <= x <= 100]]) -> int:
        return inner(x)

    return bound(checked)


def _retried(function: Callable[..., Any]) -> Callable[..., Any]:
    return tenacity.retry(
        stop=tenacity.stop_after_attempt(3),
        retry=tenacity.retry_if_exception_type(ConnectionError),
        reraise=True,
    )(function)


def _sampled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Ask for memory at most ten times a second."""
    state = [psutil.virtual_memory().percent, time.monotonic()]

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        now = time.monotonic()
        if now - state[1] > 0.1:
            state[:] = [psutil.virtual_memory().percent, now]
        if state[0] > 99:
            raise MemoryError
        return function(*args, **kwargs)

    return wrapper
