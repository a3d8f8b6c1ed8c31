"""What is wrong with the settings of a retry rule, what they cost at worst, and what is risky in new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlpolicy.core.kind import Clash, Worst
from mlpolicy.core.quantity import Duration, oddest
from mlpolicy.core.target import Given
from mlpolicy.rules.retry.exceptions import PROGRAMMING, Builtin, Name, Status, parse
from mlpolicy.rules.retry.libraries import Group
from mlpolicy.rules.retry.rule import Backoff, RetryRule

Finding = tuple[str, str, str]

_MANY_ATTEMPTS = 10
_LONG_SECONDS = 60.0
_MISTAKES = (*PROGRAMMING, LookupError)
_NO_ANSWER = (ConnectionError, TimeoutError)
_OF_PAUSES = ("max_attempts", "initial_delay", "max_delay", "multiplier", "max_elapsed")
"""The settings that make the pauses of one call long."""


def check(rule: RetryRule) -> Iterator[Finding]:
    """Yield (code, field, message) for what is wrong."""
    if rule.max_attempts == 1:
        yield "MP611", "max_attempts", "one attempt is a call without retries"
        return
    if not rule.retry_on and rule.on_result is None:
        yield "MP611", "retry_on", "nothing is retried: `retry_on` names no error"
        return
    yield from _pauses(rule)
    for number, text in enumerate(rule.retry_on):
        name = parse(text)
        if isinstance(name, Builtin) and name.cls is Exception:
            why = "retries what fails the same way each time: name what may pass"
        elif isinstance(name, Builtin) and issubclass(name.cls, _MISTAKES):
            why = "is most often a mistake in the program, which no retry mends"
        else:
            continue
        yield "MP605", f"retry_on.{number}", f"`{text}` {why}"
    if rule.jitter == "none" and rule.max_attempts > 2 and rule.initial_delay > 0:
        why = "without jitter, callers that failed together return together: `full` spreads them"
        yield "MP608", "jitter", why
    yield from _load(rule)
    yield from _contradictions(rule)


def _pauses(rule: RetryRule) -> Iterator[Finding]:
    first, longest, elapsed = rule.initial_delay, rule.max_delay, rule.max_elapsed
    if first > longest:
        text = f"initial_delay, the first pause of {first}, is longer than max_delay, {longest}"
        yield "MP602", oddest(rule, high=["initial_delay"], low=["max_delay"]), text
    elif elapsed is not None and elapsed < first:
        text = f"max_elapsed, {elapsed}, is over before initial_delay, {first}, is"
        yield "MP602", oddest(rule, high=["initial_delay"], low=["max_elapsed"]), text
    if rule.multiplier < 1:
        text = f"pauses shrink by a multiplier of {rule.multiplier:g}: 1 or more is expected"
        yield "MP602", "multiplier", text


def _load(rule: RetryRule) -> Iterator[Finding]:
    attempts, worst = rule.max_attempts, worst_pause(rule)
    if attempts > _MANY_ATTEMPTS:
        text = f"{attempts} attempts multiply the load: {_MANY_ATTEMPTS} or fewer are expected"
        yield "MP609", "max_attempts", text
    elif worst > _LONG_SECONDS:
        text = f"{attempts} attempts may pause for {_time(worst)} together: bound them by `max_elapsed`"
        yield "MP609", oddest(rule, high=_OF_PAUSES), text


def _contradictions(rule: RetryRule) -> Iterator[Finding]:
    left = list(rule.retry_on)
    for number, broader in enumerate(rule.give_up_on):
        covered = [text for text in left if _covers(parse(broader), parse(text))]
        left = [text for text in left if text not in covered]
        if covered:
            names = " and ".join(f"`{text}`" for text in covered)
            text = f"{names} will never be retried: give_up_on holds `{broader}`"
            yield "MP610", f"give_up_on.{number}", text


def _covers(broader: Name, name: Name) -> bool:
    """Return whether every error of *name* is one of *broader*, as far as names tell."""
    match broader, name:
        case Builtin(cls=cls), _:
            return issubclass(name.cls if isinstance(name, Builtin) else Exception, cls)
        case Group(), Builtin(cls=cls):
            return broader.holds(cls)
        case Group(), Group():
            return name.statuses <= broader.statuses and name.classes <= broader.classes
        case Group(), Status(text=text):
            return text in broader.statuses
        case Status(), Status(text=text):
            return broader.text in (text, f"{text[0]}xx")
        case _:
            return broader == name


# --- the worst case -------------------------------------------------------------------


def worst_pause(rule: RetryRule, asked: float = 0.0) -> float:
    """Return the longest that all pauses of a call can be, of which *asked* may be asked for each."""
    worst = Backoff(rule).worst(rule.max_attempts, asked=asked)
    return worst if rule.max_elapsed is None else min(worst, float(rule.max_elapsed))


def worst_asked(rule: RetryRule) -> float | None:
    """Return the same where the other side asks for each pause; None where it cannot, or in vain."""
    # A function on results may be asked about answers, too.
    wish = rule.on_result
    asks = wish is not None and (isinstance(wish, Given) or bool(wish.status))
    for name in map(parse, rule.retry_on):
        # An error carries an answer, unless it says why there is none.
        no_answer = isinstance(name, Builtin) and issubclass(name.cls, _NO_ANSWER)
        asks = asks or not no_answer
    asked = worst_pause(rule, float(rule.retry_after.max))
    return asked if rule.retry_after.respect and asks else None


def worst(rule: RetryRule, calls: int) -> Worst:
    """Return the attempts of a call and the pauses between them."""
    pauses, asked = worst_pause(rule), worst_asked(rule)
    longest = float("inf") if rule.max_elapsed is None else float(rule.max_elapsed)
    bound = " (max_elapsed bounds them)"
    lines = [f"pauses {_time(pauses)}{bound if pauses >= longest else ''}"]
    if asked is not None and asked > pauses:
        each = f"{rule.max_attempts - 1} x {rule.retry_after.max} (retry_after.max)"
        text = f"pauses asked for by Retry-After: up to {_time(asked)}, {each}"
        lines.append(f"{text}{bound if asked >= longest else ''}")
    return Worst(rule.max_attempts, pauses * calls, (asked or 0.0) * calls, tuple(lines))


def _time(seconds: float) -> str:
    return str(Duration.worked_out(seconds))


# --- beside other rules, and in place of an older one ---------------------------------


def clashes(rule: RetryRule, beside: Mapping[str, Any], deadline: float | None) -> Iterator[Clash]:
    """Yield pauses beyond the deadline, and a retry of refusals that adds to the pressure."""
    if deadline is not None and (pauses := worst_pause(rule)) > deadline:
        yield Clash(
            "MP601",
            f"{rule.max_attempts} attempts may pause for {_time(pauses)} together, "
            f"the deadline is {Duration(deadline)}",
            _OF_PAUSES,
            "fewer attempts, shorter delays, or `max_elapsed` below the deadline",
            with_deadline=True,
        )
    refusal = any(text.rpartition(".")[2] == "MemoryPressure" for text in rule.retry_on)
    if refusal and "memory" in beside and not rule.retry_after.respect:
        yield Clash(
            "MP806",
            "calls that were refused for memory are made again, and their pause is not respected",
            ("retry_on",),
            "write `retry_after: {respect: true}`, or leave MemoryPressure out",
        )


def risks(old: RetryRule, new: RetryRule) -> Iterator[str]:
    """Yield what to look at twice: more calls, longer pauses, more errors that are retried."""
    before, after = worst_pause(old), worst_pause(new)
    if new.max_attempts > old.max_attempts or after > before:
        attempts = f"max_attempts {old.max_attempts} → {new.max_attempts}"
        raised = f"the worst case {_time(before)} → {_time(after)}"
        changed = f"{attempts} " if new.max_attempts != old.max_attempts else "a longer pause "
        yield f"{changed}raises {raised}" if after > before else f"{attempts}: more calls for each"
    more = [name for name in new.retry_on if name not in old.retry_on]
    if more:
        yield f"retries more: {', '.join(more)}"
