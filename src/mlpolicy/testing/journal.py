"""What the rules report of a call, in order: the same counters and notes that a service has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mlpolicy.core.metrics import Counter, Meters
from mlpolicy.core.site import Notes

EVENTS: Final = {
    "retry": "an attempt failed, and another followed",
    "retry.not_retryable": "an attempt failed in a way that is not retried",
    "retry.attempts_exhausted": "the last attempt failed",
    "retry.deadline": "another attempt would have begun too late",
    "retry.retry_after_too_long": "the other side asked to wait too long",
    "retry.would_retry": "in shadow: another attempt would have followed",
    "validate.reject": "an argument or a result was refused",
    "validate.warn": "an argument or a result failed a check, and the call went on",
    "validate.would_reject": "in shadow: it would have been refused",
    "cache.hit": "the answer was kept from an earlier call",
    "cache.miss": "no answer was kept",
    "cache.stale": "an old answer stood in for a function that failed",
    "cache.bypass": "the arguments make no key",
    "cache.error": "the answer could not be kept",
    "cache.would_hit": "in shadow: an answer was kept",
    "cache.would_stale_mismatch": "in shadow: the kept answer was another one",
    "memory.wait": "the call waited for memory",
    "memory.reject": "the call was refused for want of memory",
    "memory.proceed": "the call waited for memory in vain, and went on",
    "memory.would_reject": "in shadow: the call would have been refused",
    "ok": "at the end: the caller got the answer of the function, or one that was kept",
    "default": "at the end: the caller got the default of a rule",
    "refused": "at the end: the caller got the refusal of a rule",
    "error": "at the end: the caller got the error of the function",
}
"""What `events` may name, and what it says."""
ENDS: Final = ("ok", "default", "refused", "error")
_CALLED = "called"
_REFUSAL = "validate.reject"


class Journal(Notes):
    """Takes down what the rules of one function report of the call under way."""

    def __init__(self) -> None:
        super().__init__()
        self.begin()

    def begin(self) -> None:
        """Forget the last call."""
        self._told: list[str] = []
        self.fallback = False

    # --- what is told -----------------------------------------------------------------

    def called(self) -> None:
        """Note that the function is called."""
        self._told.append(_CALLED)

    def tell(self, event: str) -> None:
        """Note an event."""
        self._told.append(event)

    def add(self, call: int, fact: str, value: object) -> None:
        """Note one fact of a call, for the monitor too."""
        super().add(call, fact, value)
        if fact == "outcome" and value == "fallback":
            self.fallback = True

    def append(self, call: int, fact: str, value: Any) -> None:
        """Note a decision of a rule, for the monitor too."""
        super().append(call, fact, value)
        if fact == "rules":
            self._decide(value["kind"], value["decision"])

    def _decide(self, kind: str, decision: str) -> None:
        if kind == "retry":
            if decision == "success":
                return
            if self._told[-1:] == ["retry"]:
                self._told.pop()  # the failure that this decision is about
        if decision == "default":
            # What is served instead is told at the end; a result that was refused was told before.
            decision = "reject"
            if kind == "validate" and _REFUSAL in self._told:
                return
        self._told.append(f"{kind}.{decision}")

    # --- what is read -----------------------------------------------------------------

    @property
    def attempts(self) -> int:
        """How often the function was called."""
        return self._told.count(_CALLED)

    def events(self) -> list[str]:
        """Return the events in the order in which a reader expects them.

        A miss is counted when the answer is there; it is told before what the miss led to.
        """
        told = list(self._told)
        late = next((one for one in told if one in _LATE), None)
        if late is not None:
            told.remove(late)
            within = (at for at, one in enumerate(told) if _is_within(one))
            told.insert(next(within, len(told)), late)
        return [one for one in told if one != _CALLED]


_LATE = ("cache.miss", "cache.bypass", "cache.error")


def _is_within(event: str) -> bool:
    """Whether *event* comes from within the cache."""
    return event == _CALLED or event.partition(".")[0] in ("retry", "memory")


# --- counters -------------------------------------------------------------------------


class _Told(Counter):
    """A counter that tells when it is advanced."""

    __slots__ = ()

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__()
        count: Callable[[], int] = self.add

        def add() -> int:
            tell()
            return count()

        self.add = add


class TellingMeters(Meters):
    """Meters whose counters tell a journal what happened."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def counter(self, name: str, help: str, **labels: str) -> Counter:
        """Return the counter of that name and those labels."""
        event = _event(name, labels)
        if event is None:
            return super().counter(name, help, **labels)
        return self._series(
            (name, help, "counter"), labels, lambda: _Told(lambda: self._journal.tell(event))
        )


def _event(name: str, labels: dict[str, str]) -> str | None:
    """Return the event that a counter tells of."""
    match name:
        case "mlpolicy_attempts_total":
            return "retry" if labels.get("outcome") == "error" else None
        case "mlpolicy_cache_requests_total":
            return f"cache.{labels['result']}"
        case "mlpolicy_shadow_total":
            return f"{labels['kind']}.would_{labels['would']}"
    return None
