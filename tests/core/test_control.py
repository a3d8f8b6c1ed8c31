"""Until when a rule holds."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from mlpolicy.core.site import Control


@pytest.mark.parametrize("day", [date(9999, 12, 31), date(9999, 12, 30)])
def test_the_last_day_there_is_never_ends(day):
    """`9999-12-31` is how people write `never`; there is no day after it."""
    control = Control("retry", expires=day)

    mode = control.mode_at(datetime(2026, 1, 1, tzinfo=UTC), "")

    assert (mode, control.ends() > datetime(9999, 12, 30, tzinfo=UTC)) == ("enforce", True)
