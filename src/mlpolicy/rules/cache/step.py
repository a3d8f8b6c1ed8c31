"""What a cache does at a call."""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import ref

from mlpolicy.core import clock
from mlpolicy.core.chance import draw
from mlpolicy.core.report import interrupts, say_once
from mlpolicy.core.step import PROCEED, Answer, Lines, Loom, Step, Verdict, Wait, indented
from mlpolicy.core.threads import Forked
from mlpolicy.core.tick import TICKS
from mlpolicy.rules.cache.canonical import encode
from mlpolicy.rules.cache.classes import Unkept
from mlpolicy.rules.cache.contents import refuse_one_shots, size_of, used_once
from mlpolicy.rules.cache.copying import Lost, keeping, not_kept
from mlpolicy.rules.cache.flight import Flight, Flights, Ticket
from mlpolicy.rules.cache.keys import Keys, key_lines
from mlpolicy.rules.cache.store import CacheEntry, NearStore

if TYPE_CHECKING:
    from mlpolicy.core.site import Site
    from mlpolicy.rules.cache.rule import CacheRule

_LOOK = 1.0
"""One wait of a call; then it looks whether the one that it waits for is still there."""
_SOONEST = 15.0
"""Seconds between two looks for what has expired, or half of a `ttl` that is longer."""
_REQUESTS = "mlpolicy_cache_requests_total"
_REQUESTS_HELP = "Calls of a function with a cache, by what the cache gave."
_EVICTIONS = "mlpolicy_cache_evictions_total"
_EVICTIONS_HELP = "Entries that a cache let go: for want of room, or because they had expired."


class CacheStep(Step):
    """Answers from the store, lets one call of a key compute, and keeps what it gives."""

    kind: ClassVar[str] = "cache"

    def __init__(self, rule: CacheRule, site: Site) -> None:
        super().__init__(rule, site)
        self.keys = Keys(rule, site)
        self._ttl = float(rule.ttl)
        self._jitter = float(rule.ttl_jitter)
        self._stale_for = float(rule.stale_if_error or 0.0)
        self._patience = None if rule.lock_timeout is None else float(rule.lock_timeout)
        self._keep = keeping(rule.copy, site.target)
        self._flights = Flights()
        self._handed_on = False
        self._tended = False
        self._skew = 0.0
        """The clock of the calls less the clock that is read here; 0 but for tests."""
        meters, name = site.meters, site.target
        self._requests = {
            result: meters.counter(_REQUESTS, _REQUESTS_HELP, function=name, result=result)
            for result in ("hit", "miss", "stale", "bypass", "error")
        }
        self.hits = self._requests["hit"]
        capacity, expired = (
            meters.counter(_EVICTIONS, _EVICTIONS_HELP, function=name, reason=reason)
            for reason in ("capacity", "expired")
        )
        would = ("hit", "stale_mismatch") if site.shadow else ()
        self._would = {result: site.would(self.kind, result) for result in would}
        self.store = NearStore(
            None if rule.max_entries is None else int(rule.max_entries),
            None if rule.max_bytes is None else int(rule.max_bytes),
            linger=self._stale_for,
            evicted=capacity.add,
            expired=expired.add,
        )
        alive = ref(self)
        meters.gauge(
            "mlpolicy_cache_entries",
            "Entries in a cache.",
            lambda: float(step.size()) if (step := alive()) else 0.0,
            function=name,
        )
        _alive.add(self)

    def weave(self, inner: Lines, loom: Loom) -> Lines:
        """Return the cache around *inner*; in shadow, an onlooker beside it.

        A key that names what is no argument would put all calls under one: nothing is cached.
        """
        if self.keys.absent:
            name, absent = self.site.target, self.keys.absent
            text = f"{name} has no argument `{absent}`; the cache rule is skipped"
            say_once(f"cache:argument:{name}", text)
            return inner
        if not self.site.shadow:
            return _caching(self, inner, loom)
        key, watch = loom.local("key"), loom.method("cache_watch", self.watch)
        watched = f"{watch}({key}, {loom.result}, {loom.now()})"
        return [*key_lines(self.keys, self.site, key, loom), *inner, watched]

    def admit(self, ticket: Ticket) -> Verdict:
        """Say whether a call without a fresh entry computes, waits, or has its answer by now."""
        if ticket.key is None or not self.rule.single_flight:
            return PROCEED
        if self.site.function == "function":
            ticket.lead.thread = get_ident()
        flight = ticket.awaited
        if flight is not None and flight.over():
            self._flights.leave(ticket)
            if flight.ending == "not kept":
                return PROCEED
            answer = self._after_waiting(ticket, flight)
            if answer is not None:
                return answer
        if ticket.awaited is None:
            self._flights.join(ticket)
        return self._just_kept(ticket) or (PROCEED if ticket.waiter is None else self._wait(ticket))

    def _wait(self, ticket: Ticket) -> Verdict:
        left = _LOOK
        if self._patience is not None:
            left = min(left, self._patience - (ticket.now() - ticket.start))
        if left > 0 and ticket.waiter and not self._flights.would_wait_for_itself(ticket):
            return Wait(ticket.waiter, left)
        self._flights.leave(ticket)
        return PROCEED

    def _after_waiting(self, ticket: Ticket, flight: Flight) -> Verdict:
        """Answer with what the awaited call has kept, or in place of its failure."""
        if flight.entry is not None:
            return self._hit(flight.entry)
        return self._stale(ticket) if flight.ending == "failed" else None

    def _just_kept(self, ticket: Ticket) -> Verdict:
        """Answer with what was kept while the call was on its way here, or waited."""
        entry = self.store.entries.get(ticket.key)
        if entry is None or ticket.now() >= entry.expires:
            return PROCEED
        hit = self._hit(entry)
        if hit is not PROCEED:
            self._flights.land(ticket, "kept", entry)
            self._flights.leave(ticket)
        return hit

    def _hit(self, entry: CacheEntry) -> Verdict:
        given = entry.given()
        if given is Lost:
            return PROCEED
        entry.visited = True
        self.hits.add()
        return Answer(given)

    def keep(self, ticket: Ticket, result: Any) -> Verdict:
        """Put *result* into the store; Answer holds what the caller gets in its place."""
        ticket.computed = True
        if ticket.key is None:
            self._count(ticket, "bypass")
            return PROCEED
        entry, given, outcome = None, result, "miss"
        try:
            if self._is_worth_keeping(result):
                entry, given = self._entry(ticket, result)
        except Exception as error:
            if interrupts(error):
                raise
            not_kept(self.site.target, result, error)
            outcome = "error"
        self._flights.land(ticket, "not kept" if entry is None else "kept", entry)
        self._count(ticket, outcome)
        return PROCEED if given is result else Answer(given)

    def pass_on(self, ticket: Ticket) -> None:
        """Keep nothing: a rule has answered in place of the function."""
        ticket.computed = True
        self._flights.land(ticket, "not kept", None)
        self._count(ticket, "miss" if ticket.key is not None else "bypass")

    def _is_worth_keeping(self, result: object) -> bool:
        if result is None:
            return bool(self.rule.cache_none)
        if used_once(result):
            raise Unkept(f"a {type(result).__qualname__} can be used only once")
        return True

    def _entry(self, ticket: Ticket, result: object) -> tuple[CacheEntry | None, object]:
        """Return the entry that is kept, and what the caller gets; None where it has no room."""
        self._skew = ticket.start - ticket.read
        most, size = self.store.max_bytes, 0
        if most is not None:
            size = size_of(result) + size_of(ticket.key)
            if size > most:  # before it is copied, which would take the memory after all
                self.store.remove(ticket.key)
                return None, result
        kept = self._keep(result)
        now = ticket.now()
        entry = CacheEntry(ticket.key, kept.value, born=now, expires=self._end(now))
        entry.copied, entry.size = kept.copied, size
        return (entry, kept.given) if self._put(entry, now) else (None, result)

    def _put(self, entry: CacheEntry, now: float) -> bool:
        kept = self.store.put(entry, now=now)
        # Entries leave when their time is over, even if no call comes.
        if kept and (not self._tended or TICKS.rests):
            self._tended = True
            TICKS.every(max(_SOONEST, (self._ttl + self._stale_for) / 2), self.tend)
        return kept

    def _end(self, born: float) -> float:
        # Earlier by chance, never later: `ttl` is a promise about age.
        return born + self._ttl * (1.0 - self._jitter * draw())

    def fail(self, ticket: Ticket, error: BaseException) -> Verdict:
        """Let the next one compute; answer with an old result where the rule allows it."""
        self._flights.land(ticket, "failed")
        self._flights.leave(ticket)
        stale = self._stale(ticket) if isinstance(error, Exception) else None
        if stale is None:
            self._count(ticket, "bypass" if ticket.key is None else "miss")
        return stale

    def _stale(self, ticket: Ticket) -> Answer | None:
        """Return an old result in place of a failure, where there is one that may stand in."""
        if not self._stale_for or ticket.key is None or ticket.computed:
            return None
        entry: CacheEntry | None = self.store.entries.get(ticket.key)
        if entry is None or ticket.now() >= entry.expires + self._stale_for:
            return None
        given = entry.given()
        if given is Lost:
            return None
        self._count(ticket, "stale")
        return Answer(given)

    def _count(self, ticket: Ticket, result: str) -> None:
        self._requests[result].add()
        if self.site.notes is not None:
            self.site.notes.add(ticket.call, "cache", result)

    def watch(self, key: Hashable | None, result: object, now: float) -> None:
        """Count what the cache would have done; *result* is what the function gave."""
        try:
            if key is None or not self._is_worth_keeping(result):
                return
            refuse_one_shots(result)
        except Unkept as error:
            not_kept(self.site.target, result, error)
            return
        entry = self.store.entries.get(key)
        token: object = None
        try:
            token = encode(result)
        except Exception as error:
            if interrupts(error):
                raise
        if entry is None or now >= entry.expires:
            made = CacheEntry(key, token, born=now, expires=self._end(now))
            made.size = self._size_of(made)
            self._put(made, now)
            return
        entry.visited = True
        self._would["hit"].add()
        if token != entry.value:
            self._would["stale_mismatch"].add()

    def size(self) -> int:
        """Return how many entries there are, once those are gone whose time is over."""
        self.store.sweep(self._skew + clock.now())
        return len(self.store)

    def tend(self) -> bool:
        """Let go of all that has expired; return whether there is anything left."""
        self._tended = False  # first: a call that keeps something meanwhile starts it anew
        before = len(self.store) + 1
        while len(self.store) < before:
            before = len(self.store)
            self.size()
        self._tended = before > 0
        return self._tended

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
            moved = CacheEntry(
                entry.key, entry.value, born=entry.born, expires=self._end(entry.born)
            )
            moved.copied, moved.visited = entry.copied, entry.visited
            moved.size = self._size_of(entry)
            self._put(moved, newest)
        self._skew = earlier._skew
        # What is still being computed for the old step lands where calls look for it.
        earlier.store.clear()
        earlier.store = self.store
        earlier._handed_on = True

    def _size_of(self, entry: CacheEntry) -> int:
        if self.store.max_bytes is None:
            return 0
        return entry.size or size_of(entry.value) + size_of(entry.key)

    def after_fork(self) -> None:
        """Go on in a forked child with the entries, and without the threads of the parent."""
        self._flights.forget()  # (the store sees what was half done; its lock is new)


def _meaning(step: CacheStep) -> tuple[object, ...]:
    """Return what decides whether the entries of one step mean the same to another."""
    rule, site = step.rule, step.site
    keyed = (rule.key, frozenset(rule.ignore), rule.version, rule.copy)
    parameters = tuple((one.name, one.kind) for one in site.parameters)
    return (*keyed, site.target, site.code_hash, site.shadow, parameters)


_alive = Forked(CacheStep.after_fork)


# --- the lines of a driver: a hit calls nothing but a clock and two dicts ---------------


def _caching(step: CacheStep, inner: Lines, loom: Loom) -> Lines:
    """Return *inner* with the cache around it."""
    key, entry = loom.local("key"), loom.local("entry")
    find = loom.constant("find", step.store.entries.get)
    hit, lost = loom.constant("hit", step.hits.add), loom.constant("Lost", Lost)
    return [
        *key_lines(step.keys, step.site, key, loom, find=find, entry=entry),
        # It runs once: `while` lets a result that cannot be copied become a miss.
        f"while {entry} is not None and {loom.now()} < {entry}.expires:",
        f"    {loom.result} = {entry}.value",
        f"    if {entry}.copied is not None:",
        f"        {loom.result} = {entry}.copied({loom.result})",
        f"        if {loom.result} is {lost}:",
        f"            {entry} = None",
        "            continue",
        # The count is what marks the entry as used: one store for both.
        f"    {entry}.visited = {hit}()",
        "    break",
        "else:",
        *indented(_missed(step, inner, loom, key=key)),
    ]


def _missed(step: CacheStep, inner: Lines, loom: Loom, *, key: str) -> Lines:
    ticket, verdict, error = map(loom.local, ("ticket", "verdict", "error"))
    failure = loom.constant("BaseException", BaseException)
    admit = loom.method("cache_admit", step.admit)
    keep = loom.method("cache_keep", step.keep)
    fail = loom.method("cache_fail", step.fail)
    # What a rule within has answered in place of the function is for this call alone.
    within = tuple(loom.settled)  # (its own comes to them)
    kept = f"{keep}({ticket}, {loom.result})"
    if within:
        answered = " is None and ".join(within)
        pass_on = loom.method("cache_pass_on", step.pass_on)
        kept = f"{kept} if {answered} is None else {pass_on}({ticket})"
    made = f"{loom.constant('Ticket', Ticket)}({key}, {loom.now()}, {loom.call})"
    return [
        f"{ticket} = {made}",
        "try:",
        *indented(loom.settle(f"{admit}({ticket})", verdict)),
        f"    if {verdict} is None:",
        *(f"        {one} = None" for one in within),
        *indented(indented(inner)),
        f"        {verdict} = {kept}",
        f"        if {verdict} is not None:",
        f"            {loom.result} = {verdict}.value",
        # Whatever ends the call, a cancellation too: those that wait for it must go on.
        f"except {failure} as {error}:",
        f"    {verdict} = {fail}({ticket}, {error})",
        f"    if {verdict} is None:",
        "        raise",
        f"    {loom.result} = {verdict}.value",
        # One store, which nothing can interrupt: whatever else was kept from being said, this is.
        "finally:",
        f"    {ticket}.lead.left = True",
    ]
