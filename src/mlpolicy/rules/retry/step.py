"""What happens at a call: a `try` around it, and everything else only once it has failed."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from mlpolicy.core import chance, clock
from mlpolicy.core.classes import promises
from mlpolicy.core.site import GENERATORS, Site
from mlpolicy.core.step import Lines, Loom, Step, indented
from mlpolicy.core.target import Given
from mlpolicy.rules.retry import answers
from mlpolicy.rules.retry.arguments import Marks, Watch, put_back, spoilt
from mlpolicy.rules.retry.exceptions import Choice
from mlpolicy.rules.retry.rule import Backoff, Random, RetryRule, UnwantedResult

REASONS: Final = (
    "success", "not_retryable", "attempts_exhausted", "deadline", "retry_after_too_long"
)  # fmt: skip
ATTEMPTS: Final = ("mlpolicy_attempts_total", "Attempts that failed, or succeeded after a failure.")
RETRIES: Final = ("mlpolicy_retries_total", "Calls whose first attempt failed, by how they ended.")

Trial = tuple[int, float, float, float]
"""The attempt to come, once one has failed: its number, the seconds to sleep before it, when the
first attempt began (with `max_elapsed`) or had failed, and the seconds of all pauses with it.

A tuple, since one is made at every failure, and an object would cost four times as much.
"""


class Stop(NamedTuple):
    """Why no attempt follows."""

    reason: str
    detail: str = ""


class RetryStep(Step):
    """Calls again what failed in a way that may pass."""

    kind = "retry"

    def __init__(
        self,
        rule: RetryRule,
        site: Site,
        *,
        draw: Random = chance.draw,
        now: clock.Clock = clock.REAL,
    ) -> None:
        super().__init__(rule, site)
        self._now = now
        self._choice = Choice(rule.retry_on, rule.give_up_on)
        self._backoff = Backoff(rule, draw)
        self._draw = draw
        self._attempts = rule.max_attempts
        self._max_elapsed = None if rule.max_elapsed is None else float(rule.max_elapsed)
        self._respect = rule.retry_after.respect
        self._longest_asked = float(rule.retry_after.max)
        self._statuses = answers.Statuses(
            self._choice.retry.named_http.union(getattr(rule.on_result, "status", ())),
            self._choice.retry.http,
            self._choice.give_up.http,
        )
        self._notes = site.notes
        self._names: tuple[str, ...] = ()
        if site.shadow:
            self._would = site.would(self.kind, "retry")
            return
        meters, target = site.meters, site.target
        self._failed_attempts = meters.counter(*ATTEMPTS, function=target, outcome="error").add
        self._ends = {
            reason: meters.counter(*RETRIES, function=target, reason=reason) for reason in REASONS
        }
        # One attempt has succeeded in each call that ended so.
        recovered = self._ends["success"].value
        meters.counted(*ATTEMPTS, recovered, function=target, outcome="ok")

    def failed(  # type: ignore[override]  # (the woven lines call it with what they hold)
        self,
        error: Exception | None,
        trial: Trial | None,
        started: float | None,
        call: int,
        result: object = None,
    ) -> Trial | None:
        """Return the attempt that follows *error*, None where it is the caller's.

        None for *error* stands for a *result* that is not wanted.
        """
        follows = self._after(error, trial, started, result)
        self._failed_attempts()
        if self._notes is not None:
            self._notes.add(call, "attempts", trial[0] if trial else 1)
        if not isinstance(follows, Stop):
            return follows
        self._end(follows.reason, call)
        attempt, _, since, slept = trial or (1, 0.0, started, 0.0)
        if error is not None and (attempt > 1 or follows.detail):
            elapsed = None if since is None else max(self._now() - since, slept)
            note(error, self.site.target, attempt, elapsed=elapsed, detail=follows.detail)
        return None

    def put_back(
        self, error: Exception | None, trial: Trial, call: int, marks: Marks | None, *values: Any
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
        stops = isinstance(self._after(error, None, None, result), Stop)
        if not stops and not spoilt(zip(self._names, values, strict=True)):
            self._would.add()

    def _after(
        self, error: Exception | None, trial: Trial | None, started: float | None, result: object
    ) -> Trial | Stop:
        if error is not None and not self._choice.retries(error):
            return Stop("not_retryable")
        attempt, before, since, slept = trial or (1, 0.0, started, 0.0)
        if attempt >= self._attempts:
            return Stop("attempts_exhausted")
        asked = None
        if self._respect:
            asked = answers.asked_of(result) if error is None else answers.asked_pause(error)
        if asked is None:
            pause = self._backoff.pause(attempt, before)
        elif asked > self._longest_asked:
            longest = seconds(self._longest_asked)
            detail = f"asked to wait {seconds(asked)}, longer than {longest}"
            return Stop("retry_after_too_long", detail)
        else:
            pause = self._backoff.later(asked, attempt, before)
        slept += pause
        if since is not None and self._max_elapsed is not None:
            # Where time is virtual, sleeping moves no real clock.
            begins = max(self._now() - since + pause, slept)
            if begins > self._max_elapsed:
                longest, begin = seconds(self._max_elapsed), seconds(begins)
                detail = f"the next would begin after {begin}, max_elapsed is {longest}"
                return Stop("deadline", detail)
        return (attempt + 1, pause, self._now() if since is None else since, slept)

    def _end(self, reason: str, call: int) -> None:
        self._ends[reason].add()
        self.site.decided(call, self.kind, reason)

    # Weaving.

    def weave(self, inner: Lines, loom: Loom) -> Lines:
        """Return the loop around *inner*: a `try` and a store are all that a success costs."""
        # No other attempt follows the only one: nothing need be put back for it.
        watched = self.site.parameters if self._attempts > 1 else ()
        watch = Watch(watched, loom, self.put_back)
        self._names = watch.names
        if self.site.shadow:
            return self._shadow(inner, watch, loom)
        trial, error = loom.local("trial"), loom.local("error")
        timed = self._max_elapsed is not None
        started = loom.local("started") if timed else "None"
        began = [f"{started} = {loom.constant('now', self._now)}()"] if timed else []
        if self._notes is None:
            recovered = f"{loom.constant('count_success', self._ends['success'].add)}()"
        else:
            recovered = f"{loom.method('recovered', self.recovered)}({trial}, {loom.call})"
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
            # Outside the handler, or a later error has this one as context.
            f"    if {trial}[1]:",
            f"        {loom.pause(f'{trial}[1]')}",
            f"if {trial} is not None:",
            f"    {recovered}",
        ]

    def _after_failure(self, trial: str, error: str, started: str, loom: Loom) -> Lines:
        """Return what finds out whether another attempt follows; the usual first one in lines."""
        failed = loom.constant("failed", self.failed)
        ask = loom.guarded(f"{failed}({error}, {trial}, {started}, {loom.call})", trial)
        if self.rule.jitter != "full" or self._max_elapsed is not None or self._attempts == 1:
            return ask
        settled = loom.constant("settled", self._choice.settled)
        pause = loom.local("pause")
        drawn = f"{self._backoff.bound(1)!r} * {loom.constant('draw', self._draw)}()"
        return [
            f"if {trial} is None and {settled}({error}.__class__) == 'retry' and not {error}.__dict__:",
            f"    {loom.constant('count_failure', self._failed_attempts)}()",
            f"    {pause} = {drawn}",
            f"    {trial} = (2, {pause}, {loom.constant('now', self._now)}(), {pause})",
            "else:",
            *indented(ask),
        ]

    def _break(self, trial: str, started: str, watch: Watch, loom: Loom) -> Lines:
        """Return what ends the loop after a result, unless it is asked for again."""
        condition = self._unwanted(loom)
        if not condition:
            return ["break"]
        unwanted = loom.method("unwanted", self.failed)
        is_async = self.site.function == "coroutine"
        release = answers.let_go_async if is_async else answers.let_go
        return [
            f"if not ({condition}):",
            "    break",
            f"{trial} = {unwanted}(None, {trial}, {started}, {loom.call}, {loom.result})",
            *watch.again(trial, "None"),
            f"if {trial} is None:",
            "    break",
            loom.perform(f"{loom.method('let_go', release)}({loom.result})"),
        ]

    def _shadow(self, inner: Lines, watch: Watch, loom: Loom) -> Lines:
        error = loom.local("error")
        values = "".join(f", {loom.arguments[name]}" for name in watch.names)
        would_retry = loom.method("would_retry", self.would_retry)
        unwanted = self._unwanted(loom)
        again = [f"if {unwanted}:", f"    {would_retry}(None, {loom.result}{values})"]
        return [
            "try:",
            *indented(inner),
            f"except {loom.constant('Exception', Exception)} as {error}:",
            f"    {would_retry}({error}, None{values})",
            "    raise",
            *(again if unwanted else []),
        ]

    def _unwanted(self, loom: Loom) -> str:
        """Return the expression that finds a result unwanted; empty where nothing is looked at."""
        if self.site.function in GENERATORS:  # it has no result
            return ""
        wish: UnwantedResult | Given | None = self.rule.on_result
        result, conditions = loom.result, []
        if isinstance(wish, Given):
            conditions.append(f"{loom.method('on_result', wish.held)}({result})")
        elif wish is not None and wish.is_none:
            conditions.append(f"{result} is None")
        elif wish is not None and not wish.status:
            # Of the same class alone: comparing an array, a tensor or a frame gives no truth value.
            kind = loom.constant("kind", type(wish.equals))
            wanted = loom.constant("wanted", wish.equals)
            conditions.append(f"{result}.__class__ is {kind} and {result} == {wanted}")
        if self._statuses and not promises(self.site.returns):
            usual = f"{loom.constant('statuses', self._statuses)}.usual"
            asked = f"{loom.constant('type', type)}({result}) is not {usual}"
            wants_again = loom.method("wants_again", self._statuses.wants_again)
            conditions.append(f"{asked} and {wants_again}({result})")
        return " or ".join(conditions)


def note(
    error: BaseException, target: str, attempt: int, *, elapsed: float | None, detail: str
) -> None:
    """Add to *error*, which is given up, how often it was tried, and for how long."""
    lines = getattr(error, "__notes__", [])
    if not isinstance(lines, list):
        return  # somebody else's use of the name
    begin = f"mlpolicy: {target} gave up after "
    # Some programs raise one object again and again: its notes must not pile up.
    for line in [line for line in lines if str(line).startswith(begin)]:
        lines.remove(line)
    count = "1 attempt" if attempt == 1 else f"{attempt} attempts"
    time = "" if elapsed is None else f" and {seconds(elapsed)}"
    error.add_note(f"{begin}{count}{time}{detail and ': '}{detail}")


def seconds(number: float) -> str:
    """Return a time for people: `3 ms`, `1.25 s`."""
    return f"{number * 1000:.3g} ms" if number < 0.9995 else f"{round(number, 2):,.10g} s"
