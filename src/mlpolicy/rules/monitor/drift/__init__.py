"""Drift: whether what a function gets and gives is still what its profile was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlpolicy.core.site import GENERATORS, Site
from mlpolicy.core.step import Lines, Loom, indented
from mlpolicy.rules.monitor.drift.watches import RESULT, WATCHES

if TYPE_CHECKING:
    from mlpolicy.rules.monitor.drift.detect import DriftWatch
    from mlpolicy.rules.monitor.rule import DriftBlock
    from mlpolicy.rules.monitor.sinks import Sink


def states() -> dict[str, dict[str, dict[str, Any]]]:
    """Return, by function and signal, what a page shows.

    That is `state`, `score`, `threshold`, `p`, `type`, `labels` of the bins, `edges`, and the counts
    of the last window (`window`) and of the reference (`reference`).
    """
    return {target: watch.shown() for target, watch in WATCHES.copy().items()}


def watch(rule: DriftBlock | None, site: Site, sinks: list[tuple[str, Sink]]) -> DriftWatch | None:
    """Return the watch that *rule* asks for, if it does; all that it takes is imported then."""
    if rule is None or site.function in GENERATORS:
        return None
    from mlpolicy.rules.monitor.drift.place import place

    return place(rule, site, sinks)


def let_go(watch: DriftWatch | None, site: Site) -> None:
    """Count one user of *watch* less; after the last it is shown no longer."""
    if watch is not None:
        watch.users -= 1
        if watch.users <= 0 and WATCHES.get(site.target) is watch:
            del WATCHES[site.target]
            watch.hide(site.meters, site.target)


def lines(watch: DriftWatch | None, record: str, loom: Loom) -> Lines:
    """Return lines that show *watch* a call that went well; of one that did not the *record* is a tuple."""
    if watch is None:
        return []
    named = {**loom.arguments, RESULT: loom.result}
    given = ", ".join(named[base] for base in watch.bases)
    take = loom.constant("watch", watch.take)
    seen = loom.guarded(f"{take}({given})", loom.local("seen"))
    return [f"if {record}.__class__ is not {loom.constant('tuple', tuple)}:", *indented(seen)]
