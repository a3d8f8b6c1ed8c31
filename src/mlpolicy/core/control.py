"""Whether and how a rule holds: its mode, its dates, its share of calls, and the kill switch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from mlpolicy.core.frozen import frozen
from mlpolicy.core.site import Mode

OnExpiry = Literal["disable", "shadow", "keep"]
Otherwise = Literal["shadow", "disabled"]

KILL_SWITCH = "MLPOLICY_DISABLE"
EVERYTHING = frozenset({"1", "true", "yes", "on", "all"})
"""What switches everything off, in small letters or not: in an emergency nobody looks it up."""


@frozen()
class Rollout:
    """The share of calls that a rule holds for."""

    percent: float
    """From 0 to 1."""
    by: str | None = None
    """The path to an argument: calls with equal values are decided alike, in every process."""
    otherwise: Otherwise = "disabled"
    """What the rule is for all other calls."""


@frozen()
class Control:
    """What was written of whether a rule holds."""

    kind: str
    mode: Mode = "enforce"
    expires: date | None = None
    on_expiry: OnExpiry = "disable"
    rollout: Rollout | None = None
    policies: tuple[str, ...] = ()
    """The policies that wrote the rule; the kill switch names them."""
    shadowable: bool = True
    """Whether the kind can be tried out: watching changes nothing, so it is in force instead."""

    def ends(self) -> datetime | None:
        """Return the moment from which the rule has expired: 00:00 UTC after its date."""
        return None if self.expires is None else end_of(self.expires)


def end_of(day: date) -> datetime:
    """Return the moment when *day* is over, in UTC."""
    if day == date.max:
        return datetime.max.replace(tzinfo=UTC)  # as people write `never`
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def effective_mode(
    control: Control,
    *,
    now: datetime,
    environment: Mapping[str, str],
    call_key: float | None = None,
) -> Mode:
    """Return how a rule holds: the kill switch first, then its date, its mode, its rollout.

    Args:
        control: What was written.
        now: The moment, with its time zone.
        environment: The variables of the process, for the kill switch.
        call_key: Where the call stands in the rollout, from 0 to 1; None asks for calls that
            the rollout takes.
    """
    if _killed(control, environment.get(KILL_SWITCH, "")):
        return "disabled"
    mode, end = control.mode, control.ends()
    if mode != "disabled" and end is not None and now >= end and control.on_expiry != "keep":
        mode = "shadow" if control.on_expiry == "shadow" else "disabled"
    rollout = control.rollout
    left_out = rollout is not None and call_key is not None and call_key >= rollout.percent
    if mode == "enforce" and rollout is not None and left_out:
        mode = rollout.otherwise
    return "enforce" if mode == "shadow" and not control.shadowable else mode


def switches(written: str) -> frozenset[str]:
    """Return what the kill switch names."""
    return frozenset(part.strip() for part in written.split(",") if part.strip())


def _killed(control: Control, written: str) -> bool:
    named = switches(written)
    if not EVERYTHING.isdisjoint(one.lower() for one in named):
        return True
    return control.kind in named or any(f"policy:{name}" in named for name in control.policies)
