"""What happens at a call: a `try` around it, and everything else only once it has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from mlpolicy.core import chance, clock
from mlpolicy.core.block import Lines, Loom, indented
from mlpolicy.core.classes import promises
from mlpolicy.core.given import Given
from mlpolicy.core.site import GENERATORS, Site
from mlpolicy.core.step import Step
from mlpolicy.rules.retry.answers import Statuses, headers_of, let_go, let_go_async
from mlpolicy.rules.retry.arguments import Marks, Watch, put_back, spoilt
from mlpolicy.rules.retry.backoff import Backoff, Random
from mlpolicy.rules.retry.choice import Choice
from mlpolicy.rules.retry.notes import note, seconds
from mlpolicy.rules.retry.retry_after import asked_in, asked_pause

if TYPE_CHECKING:
    from mlpolicy.core.metrics import Counter
    from mlpolicy.rules.retry.rule import RetryRule, UnwantedResult

Reason = Literal[
    "success", "not_retryable", "attempts_exhausted", "deadline", "retry_after_too_long"
]
REASONS: Final[tuple[Reason, ...]] = (
    "success", "not_retryable", "attempts_exhausted", "deadline", "retry_after_too_long"
)  # fmt: skip
ATTEMPTS_HELP = "Attempts: those that failed, and those that succeeded after a failure."
RETRIES_HELP = "Calls whose first attempt failed, by how they ended."


Trial = tuple[int, float, float, float]
"""The attempt to come, once one has failed: its number, the seconds to sleep before it, when the
first attempt began (with `max_elapsed`) or had failed, and the seconds of all pauses with it.

A tuple, since one is made at every failure, and an object would cost four times as much.
"""


class Stop(NamedTuple):
    """Why no attempt follows."""

    reason: Reason
    detail: str = ""


_TABLED: Final = 100

FIRST: Final = (1, 0.0, 0.0, 0.0)
"""What stands for the trial at the first failure."""

EXHAUSTED: Final = Stop("attempts_exhausted")


def _unsettled(_: type) -> None:
    """Nothing is settled by the class alone where time matters."""


def _statuses_of(wish: UnwantedResult | Given | None) -> tuple[str, ...]:
    return () if wish is None or isinstance(wish, Given) else wish.status


class RetryStep(Step):
    """Calls again what failed in a way that may pass."""

    kind = "retry"

    def __init__(
        self,
        rule: RetryRule,
        site: Site,
        *,
        draw: Random = chance.draw,
        now: clock.Clock = clock.now,
    ) -> None:
        super().__init__(rule, site)
        self._now = now
        self._choice = Choice(rule.retry_on, rule.give_up_on)
        self._backoff = Backoff(
            rule.backoff,
            rule.jitter,
            initial=float(rule.initial_delay),
            multiplier=rule.multiplier,
            longest=float(rule.max_delay),
            draw=draw,
        )
        self._attempts = rule.max_attempts
        # The default jitter, without the call: a share of a bound that is known beforehand.
        self._spread = draw if rule.jitter == "full" and rule.max_attempts <= _TABLED else None
        self._bounds = [
            self._backoff.bound(at) for at in range(min(rule.max_attempts, _TABLED) + 1)
        ]
        self._max_elapsed = None if rule.max_elapsed is None else float(rule.max_elapsed)
        self._longest_asked = float(rule.retry_after.max) if rule.retry_after.respect else None
        self._on_result: UnwantedResult | Given | None = rule.on_result
        self._statuses = Statuses(
            self._choice.retry.named_http.union(_statuses_of(rule.on_result)),
            self._choice.retry.http,
            self._choice.give_up.http,
        )
        # An error of a settled class with nothing hung on it is decided by its class alone.
        self._settled = self._choice.settled if self._max_elapsed is None else _unsettled
        self._notes = site.notes
        self._names: tuple[str, ...] = ()
        self._register()

    def _register(self) -> None:
        counter, target = self.site.meters.counter, self.site.target
        self._would: Counter | None = None
        if self.site.shadow:
            self._would = self.site.would(self.kind, "retry")
            return
        name = "mlpolicy_attempts_total"
        failures = counter(name, ATTEMPTS_HELP, function=target, outcome="error")
        self._failed_attempts = failures.add
        name = "mlpolicy_retries_total"
        self._ends = {
            reason: counter(name, RETRIES_HELP, function=target, reason=reason)
            for reason in REASONS
        }
        # One attempt has succeeded in each call that ended so.
        name, ok = "mlpolicy_attempts_total", self._ends["success"].value
        self.site.meters.counted(name, ATTEMPTS_HELP, ok, function=target, outcome="ok")

    def failed(  # type: ignore[override]  # (the woven lines call it with what they hold)
        self, error: Exception, trial: Trial | None, started: float | None, call: int
    ) -> Trial | None:
        """Return the attempt that follows *error*, None where it is the caller's."""
        if self._settled(error.__class__) == "retry" and not error.__dict__:
            attempt, before, since, slept = trial or FIRST
            if attempt < self._attempts:
                self._failed_attempts()
                if self._notes is not None:
                    self._notes.add(call, "attempts", attempt)
                if self._spread is None:
                    pause = self._backoff.pause(attempt, before)
                else:
                    pause = self._bounds[attempt] * self._spread()
                return (attempt + 1, pause, since or self._now(), slept + pause)
        return self.otherwise_failed(error, trial, started, call)

    def otherwise_failed(
        self,
        error: Exception | None,
        trial: Trial | None,
        started: float | None,
        call: int,
        result: object = None,
    ) -> Trial | None:
        """Do the same where more is to be looked at: the error, the time, the end.

        None for *error* stands for a *result* that is not wanted.
        """
        follows = self._after(error, trial, started, result)
        self._failed_attempts()
        if self._notes is not None:
            self._notes.add(call, "attempts", trial[0] if trial else 1)
        if not isinstance(follows, Stop):
            return follows
        self._end(follows.reason, call)
        if error is not None:
            self._note(error, trial, started, follows.detail)
        return None

    def put_back(
        self,
        error: Exception | None,
        trial: Trial,
        call: int,
        marks: Marks | None,
        *values: object,
    ) -> Trial | None:
        """Return *trial* where all arguments are as they were before the first attempt."""
        why = put_back(zip(self._names, values, strict=True), marks or {})
        if not why:
            return trial
        self._end("not_retryable", call)
        if error is not None:
            attempt, pause, since, slept = trial
            elapsed = max(self._now() - since, slept - pause) if attempt > 2 else None
            note(error, self.site.target, attempt - 1, elapsed=elapsed, detail=why)
        return None

    def recovered(self, trial: Trial, call: int) -> None:
        """Count that an attempt succeeded after others had failed."""
        if self._notes is not None:
            self._notes.add(call, "attempts", trial[0])
        self._end("success", call)

    def would_retry(self, error: Exception | None, result: object, *values: object) -> None:
        """Count that another attempt would follow *error*, or a *result* that was not wanted."""
        follows = self._after(error, None, None, result)
        if self._would is None or isinstance(follows, Stop):
            return
        if not spoilt(zip(self._names, values, strict=True)):
            self._would.add()

    def _after(
        self,
        error: Exception | None,
        trial: Trial | None,
        started: float | None,
        result: object,
    ) -> Trial | Stop:
        if error is not None and not self._choice.retries(error):
            return Stop("not_retryable")
        attempt, before, since, slept = trial or (1, 0.0, started, 0.0)
        if attempt >= self._attempts:
            return EXHAUSTED
        longest = self._longest_asked
        asked = None
        if longest is not None:
            asked = asked_in(headers_of(result)) if error is None else asked_pause(error)
        if asked is None or longest is None:
            pause = self._backoff.pause(attempt, before)
        elif asked > longest:
            told = f"asked to wait {seconds(asked)}, longer than {seconds(longest)}"
            return Stop("retry_after_too_long", told)
        else:
            pause = self._backoff.later(asked, attempt, before)
        if since is None:
            return (attempt + 1, pause, self._now(), slept + pause)
        return self._within((attempt + 1, pause, since, slept + pause))

    def _within(self, trial: Trial) -> Trial | Stop:
        """Return *trial* if it begins before `max_elapsed` is over."""
        _, pause, since, slept = trial
        if self._max_elapsed is not None:
            # Where time is virtual, sleeping moves no real clock.
            begins = max(self._now() - since + pause, slept)
            if begins > self._max_elapsed:
                told = f"the next would begin after {seconds(begins)}"
                return Stop("deadline", f"{told}, max_elapsed is {seconds(self._max_elapsed)}")
        return trial

    def _note(
        self, error: Exception, trial: Trial | None, started: float | None, detail: str
    ) -> None:
        attempt, elapsed = 1, None
        if trial is not None:
            attempt, _, since, slept = trial
            elapsed = max(self._now() - since, slept)
        elif started is not None:
            elapsed = self._now() - started
        if attempt > 1 or detail:
            note(error, self.site.target, attempt, elapsed=elapsed, detail=detail)

    def _end(self, reason: Reason, call: int) -> None:
        self._ends[reason].add()
        self.site.decided(call, self.kind, reason)

    # Weaving.

    def weave(self, inner: Lines, loom: Loom) -> Lines:
        """Return the loop around *inner*: a `try` and a store are all that a success costs."""
        return self._shadow(inner, loom) if self.site.shadow else self._loop(inner, loom)

    def _loop(self, inner: Lines, loom: Loom) -> Lines:
        trial, error = loom.local("trial"), loom.local("error")
        began, started = self._start(loom)
        watch = self._watch(loom)
        return [
            f"{trial} = None",
            *watch.before(),
            *began,
            "while True:",
            "    try:",
            *indented(indented(inner)),
            f"    except {loom.constant('Exception', Exception)} as {error}:",
            *indented(indented(self._after_failure(trial, error, started, loom))),
            *indented(indented(watch.again(trial, error))),
            f"        if {trial} is None:",
            "            raise",
            "    else:",
            *indented(indented(self._break(trial, started, watch, loom))),
            *indented(self._pause(trial, loom)),
            f"if {trial} is not None:",
            f"    {self._recovered(trial, loom)}",
        ]

    def _after_failure(self, trial: str, error: str, started: str, loom: Loom) -> Lines:
        """Return what finds out whether another attempt follows; the usual first one in lines."""
        failed = loom.constant("failed", self.failed)
        ask = loom.guarded(f"{failed}({error}, {trial}, {started}, {loom.call})", trial)
        if self._spread is None or self._max_elapsed is not None or self._attempts == 1:
            return ask
        settled = loom.constant("settled", self._choice.settled)
        pause, bound = loom.local("pause"), self._bounds[1]
        drawn = f"{bound!r} * {loom.constant('draw', self._spread)}()"
        return [
            f"if {trial} is None and {settled}({error}.__class__) == 'retry' and not {error}.__dict__:",
            f"    {loom.constant('count_failure', self._failed_attempts)}()",
            f"    {pause} = {drawn}",
            f"    {trial} = (2, {pause}, {loom.constant('now', self._now)}(), {pause})",
            "else:",
            *indented(ask),
        ]

    def _pause(self, trial: str, loom: Loom) -> Lines:
        """Return the pause; outside the handler, or a later error has this one as context."""
        return [f"if {trial}[1]:", f"    {loom.pause(f'{trial}[1]')}"]

    def _recovered(self, trial: str, loom: Loom) -> str:
        if self._notes is None:
            return f"{loom.constant('count_success', self._ends['success'].add)}()"
        return f"{loom.method('recovered', self.recovered)}({trial}, {loom.call})"

    def _start(self, loom: Loom) -> tuple[Lines, str]:
        """Return the lines that note the time, where a limit needs it, and what holds it."""
        if self._max_elapsed is None:
            return [], "None"
        started = loom.local("started")
        return [f"{started} = {loom.constant('now', self._now)}()"], started

    def _break(self, trial: str, started: str, watch: Watch, loom: Loom) -> Lines:
        unwanted = self._unwanted(loom)
        if not unwanted:
            return ["break"]
        unwanted_ = loom.method("unwanted", self.otherwise_failed)
        release = let_go_async if self.site.function == "coroutine" else let_go
        return [
            f"if not ({unwanted}):",
            "    break",
            f"{trial} = {unwanted_}(None, {trial}, {started}, {loom.call}, {loom.result})",
            *watch.again(trial, "None"),
            f"if {trial} is None:",
            "    break",
            loom.perform(f"{loom.method('let_go', release)}({loom.result})"),
        ]

    def _shadow(self, inner: Lines, loom: Loom) -> Lines:
        error = loom.local("error")
        watch = self._watch(loom)
        values = "".join(f", {loom.arguments[name]}" for name in watch.names)
        would_retry = loom.method("would_retry", self.would_retry)
        lines = [
            "try:",
            *indented(inner),
            f"except {loom.constant('Exception', Exception)} as {error}:",
            f"    {would_retry}({error}, None{values})",
            "    raise",
        ]
        unwanted = self._unwanted(loom)
        if not unwanted:
            return lines
        return [
            *lines,
            f"if {unwanted}:",
            f"    {would_retry}(None, {loom.result}{values})",
        ]

    def _watch(self, loom: Loom) -> Watch:
        """Return what looks after arguments, where another attempt can follow."""
        watched = self.site.parameters if self._attempts > 1 else ()
        watch = Watch(watched, loom, self.put_back)
        self._names = watch.names
        return watch

    def _unwanted(self, loom: Loom) -> str:
        """Return the expression that finds a result unwanted.

        It is empty where nothing is to be looked at; a generator has no result.
        """
        if self.site.function in GENERATORS:
            return ""
        named = self._named_result(loom)
        if not self._statuses or promises(self.site.returns):
            return named
        usual = f"{loom.constant('statuses', self._statuses)}.usual"
        asked = f"{loom.constant('type', type)}({loom.result}) is not {usual}"
        again = (
            f"{asked} and {loom.method('wants_again', self._statuses.wants_again)}({loom.result})"
        )
        return f"{named} or {again}" if named else again

    def _named_result(self, loom: Loom) -> str:
        """Return the expression that finds a result to be one that `on_result` names."""
        if self._on_result is None or _statuses_of(self._on_result):
            return ""
        if isinstance(self._on_result, Given):
            return f"{loom.method('on_result', self._on_result.held)}({loom.result})"
        if self._on_result.is_none:
            return f"{loom.result} is None"
        # Of the same class alone: comparing an array, a tensor or a frame gives no truth value.
        value = self._on_result.equals
        kind, wanted = (
            loom.constant("kind", type(value)),
            loom.constant("wanted", value),
        )
        return f"{loom.result}.__class__ is {kind} and {loom.result} == {wanted}"
