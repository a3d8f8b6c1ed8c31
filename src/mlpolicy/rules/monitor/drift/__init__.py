"""Drift: whether what a function gets and gives is still what its profile was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlpolicy.core.site import GENERATORS, Site
from mlpolicy.core.step import Lines, Loom, indented
from mlpolicy.rules.monitor.drift.signals import SAFE, Reader
from mlpolicy.rules.monitor.drift.watches import RESULT, WATCHES

if TYPE_CHECKING:
    from mlpolicy.rules.monitor.drift.detect import DriftWatch
    from mlpolicy.rules.monitor.lanes import Sink
    from mlpolicy.rules.monitor.rule import DriftBlock


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
    """Return lines that show *watch* a call that went well; of one that did not the *record* is a tuple.

    What lies in a dict, a list or a tuple itself is read here, all else by a `Reader`. A row of
    values that nobody can change is kept as it is.
    """
    if watch is None:
        return []
    named = {**loom.arguments, RESULT: loom.result}
    read: Lines = []
    values: list[str] = []
    for reader in watch.readers:
        base = named[reader.base]
        if reader.is_whole:
            values.append(base)
            continue
        seen = [loom.local("seen") for _ in reader.names]
        values += seen
        read += _read(reader, base, seen, loom)
    row, kind = f"({', '.join(values)},)", loom.constant("type", type)
    number, safe = loom.constant("float", float), loom.constant("safe", SAFE)
    are_safe = (f"({kind}({one}) is {number} or {kind}({one}) in {safe})" for one in values)
    read += [
        f"if {' and '.join(are_safe)}:",
        f"    {loom.constant('append', watch.ring.append)}({row})",
        "else:",
        f"    {loom.constant('keep', watch.keep)}({row})",
    ]
    went_well = f"{record}.__class__ is not {loom.constant('tuple', tuple)}"
    return [f"if {went_well}:", *indented(loom.tried(read))]


def _read(reader: Reader, base: str, seen: list[str], loom: Loom) -> Lines:
    """Return lines that leave the signals of *reader* in the locals *seen*."""
    kind = f"{loom.constant('type', type)}({base})"
    otherwise = f"{', '.join(seen)}, = {loom.constant('read', reader.read)}({base})"
    if reader.keys and reader.by_name:
        test = f"{kind} is {loom.constant('dict', dict)}"
        found = [f"{base}.get({key!r})" for key in reader.keys]
    elif reader.keys and all(isinstance(key, int) for key in reader.keys):
        classes = loom.constant("tuple", tuple), loom.constant("list", list)
        longer = f"{loom.constant('len', len)}({base}) > {max(reader.keys)}"
        test = f"({kind} is {classes[1]} or {kind} is {classes[0]}) and {longer}"
        found = [f"{base}[{key}]" for key in reader.keys]
    else:
        return [otherwise]
    stores = [f"    {local} = {value}" for local, value in zip(seen, found, strict=True)]
    return [f"if {test}:", *stores, "else:", f"    {otherwise}"]
