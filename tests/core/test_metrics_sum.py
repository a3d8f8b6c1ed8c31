"""Sums of amounts."""

from __future__ import annotations

from mlpolicy.core.metrics import Sum


def test_a_finalizer_may_add_in_the_middle_of_an_addition():
    """It neither waits for its own thread nor is its amount lost."""
    total = Sum()
    total.add(1.0)

    with total._lock:
        total.add(2.0)
    total.add(4.0)

    assert total.value() == 7.0
    total.restart()
    assert total.value() == 0.0
