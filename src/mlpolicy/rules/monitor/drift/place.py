"""Puts the watch of a policy on a function, tells of what it sees, and says what cannot be watched."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from mlpolicy.core.diagnostic import Diagnostic, closest, did_you_mean, there_are
from mlpolicy.core.report import say, say_once
from mlpolicy.core.site import Site
from mlpolicy.rules.monitor.drift.detect import DriftWatch, Standing
from mlpolicy.rules.monitor.drift.profile import DataProfile, ProfileError, Signal, found_from, load
from mlpolicy.rules.monitor.drift.signals import SignalPath, chosen
from mlpolicy.rules.monitor.drift.store import store_of
from mlpolicy.rules.monitor.drift.watches import RESULT, STATES, WATCHES
from mlpolicy.rules.monitor.event import stamp
from mlpolicy.rules.monitor.lanes import EXPORTER, Sink

if TYPE_CHECKING:
    from mlpolicy.core.site import Function
    from mlpolicy.rules.monitor.rule import DriftBlock, MonitorRule

SCHEMA = "mlpolicy.drift/1"


def watched(rule: DriftBlock, function: str, source: str) -> tuple[DataProfile, dict[str, Signal]]:
    """Return the profile of *function* and the signals to watch, or raise a `ProfileError`."""
    path = found_from(rule.profile, source)
    profile = load(path)
    if profile.function != function:
        raise ProfileError(f"the profile `{path}` is of `{profile.function}`, this is `{function}`")
    names, lost = chosen(rule.signals or profile.signals, profile.signals)
    if lost:
        near = closest(lost[0], profile.signals)
        known = did_you_mean(near, there_are(profile.signals))
        raise ProfileError(f"the profile `{path}` has no signal `{lost[0]}`; {known}")
    for name in names:
        try:
            SignalPath.parse(name)
        except ValueError as error:
            raise ProfileError(
                f"the profile `{path}` names a signal that is not one: {error}"
            ) from None
    return profile, {name: profile.signals[name] for name in names}


def place(rule: DriftBlock, site: Site, sinks: Sequence[tuple[str, Sink]]) -> DriftWatch | None:
    """Return the watch on the function of *site*; None where none can be, which is said once.

    After a reload that changes nothing of it the watch is the one that was there.
    """
    try:
        profile, signals = watched(rule, site.target, site.source)
    except ProfileError as error:
        say_once(f"drift:{site.target}", f"{site.target}: drift is not watched: {error}")
        return None
    settings = f"{site.target} {rule!r} {profile.digest()}"
    known = WATCHES.get(site.target)
    if known is not None and known.settings == settings:
        known.users += 1
        return known
    if known is not None:
        known.hide(site.meters, site.target)
    signals = {name: one for name, one in signals.items() if _is_there(name, site)}
    return _begun(rule, site, sinks, (profile, signals, settings)) if signals else None


def _begun(
    rule: DriftBlock,
    site: Site,
    sinks: Sequence[tuple[str, Sink]],
    of: tuple[DataProfile, dict[str, Signal], str],
) -> DriftWatch:
    """Return a new watch *of* signals of a profile, made of these settings."""
    profile, signals, settings = of
    name = blake2b(settings.encode(), digest_size=8).hexdigest()
    lanes = [EXPORTER.lane(named, sink) for named, sink in sinks if named in ("log", "file")]
    tell = partial(_tell, site.target, [lane.put for lane in lanes])
    told = tell if "log" in rule.on_drift else None
    watch = DriftWatch(rule, profile, signals, partial(store_of, name), tell=told)
    watch.settings, watch.users = settings, 1
    if "metric" in rule.on_drift:
        watch.show(site.meters, site.target)
    WATCHES[site.target] = watch
    EXPORTER.every_round(_every_round)
    return watch


def _is_there(name: str, site: Site) -> bool:
    """Whether the function has what the signal begins at; what it lacks is said once."""
    base = SignalPath.parse(name).base
    if base == RESULT or base in [one.name for one in site.parameters]:
        return True
    text = f"{site.target} has no argument `{base}`: its signal `{name}` is not watched"
    say_once(f"drift:{site.target}:{base}", text)
    return False


def _every_round() -> None:
    for watch in WATCHES.copy().values():
        watch.every_round()


def _tell(
    target: str, writes: Sequence[Any], signal: str, before: Standing, after: Standing
) -> None:
    """Write the event of a change, to the sinks of the rule that take events of any kind."""
    state = STATES[after.state]
    event: Mapping[str, Any] = {
        "schema": SCHEMA,
        "time": stamp(),
        "severity": "WARNING" if after.state else "INFO",
        "event": "drift",
        "function": target,
        "signal": signal,
        "state": state,
        "before": STATES[before.state],
        "in_a_row": after.row,
        "score": round(after.score, 6),
        "threshold": round(after.threshold, 6),
        "p": after.p,
        "calls": sum(after.counts),
    }
    for write in writes:
        write(event)
    if not writes:
        text = f"{target}: `{signal}` is {state}: {after.score:.3f}, a drift is above {after.threshold:.3f}"
        say(text, logging.WARNING if after.state else logging.INFO)


# --- findings -------------------------------------------------------------------------


def check(rule: DriftBlock) -> Iterator[tuple[str, ...]]:
    """Yield what is wrong with the settings alone."""
    if rule.window.calls < rule.min_samples:
        text = f"a window of {rule.window.calls} calls never has the {rule.min_samples} of `min_samples`"
        yield "MP904", "drift.window.calls", text, "make the window larger, or ask for less"
    if rule.floor.warn > rule.floor.drift:
        text = f"`warn` of {rule.floor.warn} is above `drift`, {rule.floor.drift}"
        yield "MP904", "drift.floor.warn", text, "a warning comes before a drift"


def lint(rule: MonitorRule, function: Function) -> Iterator[Diagnostic]:
    """Yield what is wrong with the profile of *function*, and with its signals."""
    if rule.drift is None or function.is_disabled or function.resolve is not None:
        return  # (an import shows nothing more)
    at = function.at("drift.profile")
    try:
        _, signals = watched(rule.drift, function.name, function.at().file)
    except ProfileError as error:
        where = function.at("drift.signals") if "has no signal" in str(error) else at
        yield Diagnostic("MP904", str(error), where)
        return
    known = {one.name for one in function.parameters or ()} | {RESULT}
    for name in signals if function.parameters is not None else ():
        base = SignalPath.parse(name).base
        if base not in known:
            text = f"`{function.name}` has no argument `{base}`, which the signal `{name}` is in"
            help = did_you_mean(closest(base, known), "make the profile anew, or name `signals`")
            yield Diagnostic("MP904", text, at, help=help)
            return
