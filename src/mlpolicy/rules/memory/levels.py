"""How full is too full: four shares of the limit, and what becomes of those not written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

ORDER = ("warn_at", "resume_at", "act_at", "reject_at")
"""The thresholds, in the order in which they must rise."""
DEFAULTS = (0.75, 0.80, 0.85, 0.92)
FREE = 256 * 1024**2
"""What is kept free unless somebody says how much."""
MOST_FREE = 0.1
"""The largest share of the limit that `min_free` may keep free."""


class Marks(NamedTuple):
    """The thresholds in bytes, for one limit."""

    warn: float
    resume: float
    act: float
    bound: float
    """At this much a call is not begun."""


class Levels(NamedTuple):
    """The thresholds as shares of the limit."""

    warn_at: float = DEFAULTS[0]
    resume_at: float = DEFAULTS[1]
    act_at: float = DEFAULTS[2]
    reject_at: float = DEFAULTS[3]
    min_free: int | None = None
    """What is to be kept free, None where nobody has said how much."""

    def of(self, limit: int) -> Marks:
        """Return the thresholds for *limit* bytes.

        `min_free` is counted in bytes: of a small limit it would be most, so that it keeps a
        tenth free at most. Where nobody has written it, it keeps no more than a written
        `act_at` leaves: `memory: 95%` is to act at 95%.
        """
        free = min(FREE if self.min_free is None else self.min_free, MOST_FREE * limit)
        if self.min_free is None:
            free = min(free, (1 - self.act_at) * limit)
        bound = min(self.reject_at * limit, limit - free)
        act = min(self.act_at * limit, bound)
        return Marks(self.warn_at * limit, min(self.resume_at * limit, bound), act, bound)


def derived(written: Mapping[str, float]) -> dict[str, float]:
    """Return a share for each threshold that is not among the *written* ones.

    They keep the distances of the defaults: `warn_at` is 10 points below `act_at`, `resume_at`
    is 5 below it, and `reject_at` is 7 above it, or half of what is left, and 92% at least.
    Where those written are not in order themselves, nothing fits between them.
    """
    shares = [written[name] for name in ORDER if name in written]
    if shares != sorted(shares):
        return {}
    # 85 of 92, as in the defaults, where calls are refused earlier than those say.
    act = min(DEFAULTS[2], written.get("reject_at", 1.0) * DEFAULTS[2] / DEFAULTS[3])
    act = written.get("act_at", _between("act_at", act, written))
    wanted = {
        "warn_at": max(act - 0.10, act * 0.7),
        "resume_at": max(act - 0.05, act * 0.8),
        "act_at": act,
        "reject_at": max(DEFAULTS[3], act + min(0.07, (1 - act) / 2)),
    }
    return {
        name: round(_between(name, share, written), 4)
        for name, share in wanted.items()
        if name not in written
    }


def _between(name: str, share: float, written: Mapping[str, float]) -> float:
    at = ORDER.index(name)
    lowest = max((written.get(lower, 0.0) for lower in ORDER[:at]), default=0.0)
    highest = min((written.get(upper, 1.0) for upper in ORDER[at + 1 :]), default=1.0)
    return min(max(share, lowest), highest)
