"""What is said once."""

from __future__ import annotations

import logging
import threading

from mlpolicy.core import report
from mlpolicy.core.report import forget, say_once


def test_of_many_threads_one_says_it(caplog):
    """No lock is taken: a finalizer may say something in the middle of it."""
    forget()
    said, start = [], threading.Barrier(32)

    def say():
        start.wait()
        said.append(say_once("key", "a message"))

    threads = [threading.Thread(target=say) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) == [False] * 31 + [True]
    assert [one.message for one in caplog.records] == ["a message"]
    assert not [name for name in vars(report) if "lock" in name.lower()]


def test_what_is_remembered_is_bounded(caplog):
    """A text that differs at every call fills neither memory nor log."""
    forget()
    with caplog.at_level(logging.CRITICAL, "mlpolicy"):
        said = sum(say_once(f"key {number}", "text") for number in range(20_000))

    assert said == len(report._said) == report._MOST
    forget()
    assert say_once("key 0", "text")
