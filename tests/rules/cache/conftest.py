"""What the tests of the cache share."""

from __future__ import annotations

import pytest


@pytest.fixture
def requests(place):
    """Return the requests of a function by result, those that were any."""

    def count(function):
        target = f"{function.__module__}:{function.__qualname__}"
        counts = {
            result: place.meters.value(
                "mlpolicy_cache_requests_total", function=target, result=result
            )
            for result in ("hit", "miss", "stale", "bypass", "error")
        }
        return {result: count for result, count in counts.items() if count}

    return count
