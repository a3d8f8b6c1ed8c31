"""What a cache does at a call."""

from __future__ import annotations

import os
from collections.abc import Hashable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakSet, ref

from mlpolicy.core import clock
from mlpolicy.core.block import Lines, Loom
from mlpolicy.core.chance import draw
from mlpolicy.core.report import say_once
from mlpolicy.core.step import Step
from mlpolicy.core.verdict import PROCEED, Answer, Verdict, Wait
from mlpolicy.rules.cache.canonical import encode
from mlpolicy.rules.cache.copying import keeping, one_shot
from mlpolicy.rules.cache.flight import Ending, Flights, Ticket
from mlpolicy.rules.cache.keys import NOWHERE, Keys, parts
from mlpolicy.rules.cache.sizing import size_of
from mlpolicy.rules.cache.stores import STORES
from mlpolicy.rules.cache.stores.store import Entry, Store
from mlpolicy.rules.cache.weaving import caching, watching

if TYPE_CHECKING:
    from mlpolicy.core.site import Site
    from mlpolicy.rules.cache.rule import CacheRule

_LONG = 3600.0
"""One wait of a call without `lock_timeout`; then it looks again."""
_RESULTS = ("hit", "miss", "stale", "bypass", "error")
_REQUESTS_HELP = "Calls of a function with a cache, by what the cache gave."
_EVICTIONS_HELP = "Entries that a cache let go: for want of room, or because they had expired."
_ENTRIES_HELP = "Entries in a cache."


class CacheStep(Step):
    """Answers from the store, lets one call of a key compute, and keeps what it gives."""

    kind: ClassVar[str] = "cache"

    def __init__(self, rule: CacheRule, site: Site) -> None:
        super().__init__(rule, site)
        self.keys = Keys(parts(rule, site.parameters), site, rule.key)
        self._ttl = float(rule.ttl)
        self._jitter = float(rule.ttl_jitter)
        self._stale = float(rule.stale_if_error or 0.0)
        self._patience = None if rule.lock_timeout is None else float(rule.lock_timeout)
        self._keep = keeping(rule.copy)
        self._flights = Flights()
        self._handed_on = False
        self._skew = 0.0
        """The clock of the calls less the clock that is read here; 0 but for tests."""
        self._meter(site)
        self.store = self._new_store(rule)
        _alive.add(self)

    def _meter(self, site: Site) -> None:
        meters, name = site.meters, site.target
        self._requests = {
            result: meters.counter(
                "mlpolicy_cache_requests_total",
                _REQUESTS_HELP,
                function=name,
                result=result,
            )
            for result in _RESULTS
        }
        self.hits = self._requests["hit"]
        self._evictions = {
            reason: meters.counter(
                "mlpolicy_cache_evictions_total",
                _EVICTIONS_HELP,
                function=name,
                reason=reason,
            )
            for reason in ("capacity", "expired")
        }
        self._would = {
            would: site.would(self.kind, would)
            for would in (("hit", "stale_mismatch") if site.shadow else ())
        }
        me = ref(self)

        def count() -> float:
            step = me()
            return float(step.size()) if step else 0.0

        meters.gauge("mlpolicy_cache_entries", _ENTRIES_HELP, count, function=name)

    def _new_store(self, rule: CacheRule) -> Store:
        return STORES[rule.store](
            None if rule.max_entries is None else int(rule.max_entries),
            None if rule.max_bytes is None else int(rule.max_bytes),
            linger=self._stale,
            evicted=self._evictions["capacity"].add,
            expired=self._evictions["expired"].add,
        )

    def weave(self, inner: Lines, loom: Loom) -> Lines:
        """Return the cache around *inner*; in shadow, an onlooker beside it.

        A key that names what is no argument would put all calls under one: nothing is cached.
        """
        absent = [str(one.path) for one in self.keys.parts if one.name == NOWHERE]
        if absent:
            name = self.site.target
            say_once(
                f"cache:argument:{name}",
                f"{name} has no argument `{absent[0]}`; the cache rule is skipped",
            )
            return inner
        return (watching if self.site.shadow else caching)(self, inner, loom)

    def admit(self, ticket: Ticket) -> Verdict:
        """Say whether a call without a fresh entry computes, waits, or has its answer by now."""
        if ticket.key is None or not self.rule.single_flight:
            return PROCEED
        if ticket.awaited is not None:
            verdict, settled = self._after_waiting(ticket)
            if settled:
                return verdict
        waiter = self._flights.join(ticket)
        if waiter is not None:
            return self._wait(ticket, waiter)
        return self._just_kept(ticket)

    def _wait(self, ticket: Ticket, waiter: Any) -> Verdict:
        if self._patience is None:
            return Wait(waiter, _LONG)
        left = self._patience - (ticket.now() - ticket.start)
        return Wait(waiter, left) if left > 0 else PROCEED

    def _after_waiting(self, ticket: Ticket) -> tuple[Verdict, bool]:
        """Return what the awaited computation means for *ticket*, and whether that is all."""
        flight = ticket.awaited
        assert flight is not None
        if flight.entry is not None:
            return self._hit(flight.entry), True
        if flight.ending == "not kept":
            return PROCEED, True
        stale = self._stale_entry(ticket) if flight.ending == "failed" else None
        if stale is not None:
            return self._answer_stale(ticket, stale), True
        return PROCEED, False

    def _just_kept(self, ticket: Ticket) -> Verdict:
        """Answer a new leader whose predecessor landed while it was on its way here."""
        entry = self.store.entries.get(ticket.key)
        if entry is None or ticket.leads is None or ticket.now() >= entry.expires:
            return PROCEED
        self._flights.land(ticket, "kept", entry)
        return self._hit(entry)

    def _hit(self, entry: Entry) -> Answer:
        entry.visited = True
        self.hits.add()
        return Answer(entry.given())

    def keep(self, ticket: Ticket, result: Any) -> Verdict:
        """Put *result* into the store; Answer holds what the caller gets in its place."""
        if ticket.key is None:
            self._count(ticket, "bypass")
            return PROCEED
        ending: Ending = "not kept"
        entry, outcome = None, "error"
        try:
            if self._worth(result):
                entry, given = self._entry(ticket, result)
                if self.store.put(entry, now=ticket.now()):
                    ending, result = "kept", given
            outcome = "miss"
        except Exception as error:  # noqa: BLE001 (a copy of the result may run the user's code)
            self._report(error)
        finally:
            self._count(ticket, outcome)
            self._flights.land(ticket, ending, entry if ending == "kept" else None)
        return Answer(result)

    def _worth(self, result: object) -> bool:
        if result is None:
            return bool(self.rule.cache_none)
        if one_shot(result):
            self._report(TypeError(f"a {type(result).__name__} can be used only once"))
            return False
        return True

    def _entry(self, ticket: Ticket, result: object) -> tuple[Entry, object]:
        self._skew = ticket.start - ticket.read
        kept = self._keep(result)
        entry = self._fresh(ticket.key, kept.value, now=ticket.now())
        entry.copied = kept.copied
        return entry, kept.given

    def _fresh(self, key: Hashable, value: object, *, now: float) -> Entry:
        entry = Entry(key, value, born=now, expires=self._end(now))
        if self.store.max_bytes is not None:
            entry.size = size_of(value) + size_of(key)
        return entry

    def _end(self, born: float) -> float:
        # Earlier by chance, never later: `ttl` is a promise about age.
        return born + self._ttl * (1.0 - self._jitter * draw())

    def _report(self, error: Exception) -> None:
        say_once(
            f"cache:{self.site.target}:keep:{type(error).__name__}",
            f"{self.site.target}: a result is not cached ({type(error).__name__}: {error})",
        )

    def fail(self, ticket: Ticket, error: BaseException) -> Answer | None:
        """Let the next one compute; answer with an old result where the rule allows it."""
        self._flights.land(ticket, "failed")
        entry = self._stale_entry(ticket) if isinstance(error, Exception) else None
        if entry is not None:
            return self._answer_stale(ticket, entry)
        self._count(ticket, "bypass" if ticket.key is None else "miss")
        return None

    def _stale_entry(self, ticket: Ticket) -> Entry | None:
        if not self._stale or ticket.key is None:
            return None
        entry: Entry | None = self.store.entries.get(ticket.key)
        return entry if entry and ticket.now() < entry.expires + self._stale else None

    def _answer_stale(self, ticket: Ticket, entry: Entry) -> Answer:
        self._count(ticket, "stale")
        return Answer(entry.given())

    def _count(self, ticket: Ticket, result: str) -> None:
        self._requests[result].add()
        if self.site.notes is not None:
            self.site.notes.add(ticket.call, "cache", result)

    def watch(self, key: Hashable | None, result: object, now: float) -> None:
        """Count what the cache would have done; *result* is what the function gave."""
        if key is None:
            return
        entry = self.store.entries.get(key)
        token: object = None
        with suppress(Exception):
            token = encode(result)
        if entry is None or now >= entry.expires:
            self.store.put(self._fresh(key, token, now=now), now=now)
            return
        entry.visited = True
        self._would["hit"].add()
        if token != entry.value:
            self._would["stale_mismatch"].add()

    def size(self) -> int:
        """Return how many entries there are, once those are gone whose time is over."""
        self.store.sweep(self._skew + clock.now())
        return len(self.store)

    def close(self) -> None:
        """Drop every entry, unless a later step took them over."""
        if not self._handed_on:
            self.store.clear()

    def inherit(self, earlier: Step) -> None:
        """Take over the entries of *earlier* that still hold, under the settings of this rule."""
        if not isinstance(earlier, CacheStep) or _meaning(earlier) != _meaning(self):
            return
        self._flights = earlier._flights
        newest = 0.0
        for entry in earlier.store:
            newest = max(newest, entry.born)
            moved = Entry(entry.key, entry.value, born=entry.born, expires=self._end(entry.born))
            moved.copied, moved.visited = entry.copied, entry.visited
            moved.size = self._size_of(entry)
            self.store.put(moved, now=newest)
        # What is still being computed for the old step lands where calls look for it.
        earlier.store.clear()
        earlier.store = self.store
        earlier._handed_on = True

    def _size_of(self, entry: Entry) -> int:
        if self.store.max_bytes is None:
            return 0
        return entry.size or size_of(entry.value) + size_of(entry.key)

    def after_fork(self) -> None:
        """Go on in a forked child with the entries, and without the threads of the parent."""
        self._flights.forget()
        self.store.after_fork()


def _meaning(step: CacheStep) -> tuple[object, ...]:
    """Return what decides whether the entries of one step mean the same to another."""
    rule, site = step.rule, step.site
    keyed = (rule.key, frozenset(rule.ignore), rule.version, rule.copy)
    passed = tuple((one.name, one.kind) for one in site.parameters)
    return (*keyed, site.target, site.code_hash, site.shadow, passed)


_alive: WeakSet[CacheStep] = WeakSet()


def _after_fork() -> None:
    for step in list(_alive):
        step.after_fork()


os.register_at_fork(after_in_child=_after_fork)
