"""A waiter wakes threads and tasks, of asyncio and of trio."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
import trio

from mlpolicy.core.threads import Waiter


def _asyncio(main):
    return asyncio.run(main())


def _wake_soon(waiter):
    threading.Timer(0.05, waiter.wake).start()


def test_threads_wait_until_woken():
    """All of them, and those that come later too."""
    waiter, woken = Waiter(), []
    threads = [threading.Thread(target=lambda: woken.append(waiter.wait(30))) for _ in range(20)]
    for thread in threads:
        thread.start()

    waiter.wake()
    for thread in threads:
        thread.join(30)

    assert (woken, waiter.wait(0.0)) == ([True] * 20, True)


def test_a_thread_waits_no_longer_than_it_is_told():
    """And leaves nothing behind."""
    waiter = Waiter()

    assert not waiter.wait(0.01)
    assert not waiter._calls


@pytest.mark.parametrize("run", [_asyncio, trio.run])
def test_a_task_waits_until_another_thread_wakes_it(run):
    """In the loop that runs it, whichever it is."""
    waiter = Waiter()

    async def main():
        _wake_soon(waiter)
        return await waiter.wait_async(30)

    assert run(main)


@pytest.mark.parametrize("run", [_asyncio, trio.run])
def test_a_task_waits_no_longer_than_it_is_told(run):
    """And leaves nothing behind."""
    waiter = Waiter()

    async def main():
        return await waiter.wait_async(0.01)

    assert not run(main)
    assert not waiter._calls


def test_a_cancellation_is_not_lost_that_comes_with_the_waking():
    """A task that is cancelled in the tick in which it is woken ends there."""

    async def main():
        waiter = Waiter()
        task = asyncio.create_task(waiter.wait_async(30))
        await asyncio.sleep(0)
        waiter.wake()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_cancelled_task_of_trio_leaves_nothing_behind():
    """The waiter no longer calls the loop for it."""
    waiter = Waiter()

    async def main():
        with trio.move_on_after(0.01) as scope:
            await waiter.wait_async(None)
        return scope.cancelled_caught

    assert trio.run(main)
    assert not waiter._calls


def test_a_waiter_wakes_a_loop_that_is_gone():
    """Nothing is raised in the thread that wakes."""
    waiter = Waiter()

    async def main():
        asyncio.create_task(waiter.wait_async(30))
        await asyncio.sleep(0)

    asyncio.run(main())

    waiter.wake()


def test_a_signal_handler_may_wake_what_waits_in_its_own_thread():
    """No lock stands between the two."""
    import signal

    waiter = Waiter()
    before = signal.signal(signal.SIGALRM, lambda *_: waiter.wake())
    began = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        woken = waiter.wait(30)
    finally:
        signal.signal(signal.SIGALRM, before)

    assert woken
    assert time.monotonic() - began < 20
