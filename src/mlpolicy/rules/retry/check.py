"""Whether the settings of a retry rule make sense together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlpolicy.core.quantity import Duration, oddest
from mlpolicy.core.target import Given
from mlpolicy.rules.retry.backoff import Backoff
from mlpolicy.rules.retry.exceptions import (
    PROGRAMMING,
    Builtin,
    GrpcStatus,
    HttpStatus,
    Name,
    parse,
)
from mlpolicy.rules.retry.groups import Group

if TYPE_CHECKING:
    from mlpolicy.rules.retry.rule import RetryRule

Finding = tuple[str, str, str]

_MANY_ATTEMPTS = 10
_LONG_SECONDS = 60.0
_MISTAKES = (*PROGRAMMING, LookupError)
OF_PAUSES = ("max_attempts", "initial_delay", "max_delay", "multiplier", "max_elapsed")
"""The settings that make the pauses of one call long."""


def check(rule: RetryRule) -> Iterator[Finding]:
    """Yield (code, field, message) for what is wrong."""
    if rule.max_attempts == 1:
        yield "MP611", "max_attempts", "one attempt is a call without retries"
        return
    if not rule.retry_on and rule.on_result is None:
        yield "MP611", "retry_on", "nothing is retried: `retry_on` names no error"
        return
    yield from _delays(rule)
    for number, text in enumerate(rule.retry_on):
        name, at = parse(text), f"retry_on.{number}"
        if isinstance(name, Builtin) and name.cls is Exception:
            why = "retries what fails the same way each time: name what may pass"
            yield "MP605", at, f"`{text}` {why}"
        elif isinstance(name, Builtin) and issubclass(name.cls, _MISTAKES):
            why = "is most often a mistake in the program, which no retry mends"
            yield "MP605", at, f"`{text}` {why}"
    if rule.jitter == "none" and rule.max_attempts > 2 and rule.initial_delay > 0:
        why = "without jitter, callers that failed together return together: `full` spreads them"
        yield "MP608", "jitter", why
    yield from _load(rule)
    yield from _contradictions(rule)


def _delays(rule: RetryRule) -> Iterator[Finding]:
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
        text = f"{attempts} attempts multiply the load on what already fails"
        yield "MP609", "max_attempts", f"{text}: {_MANY_ATTEMPTS} or fewer are expected"
    elif worst > _LONG_SECONDS:
        pauses, limit = Duration.worked_out(worst), Duration.worked_out(_LONG_SECONDS)
        text = f"{attempts} attempts may pause for {pauses} together"
        expected = f"{limit} or less are expected, `max_elapsed` bounds them"
        yield "MP609", oddest(rule, high=OF_PAUSES), f"{text}: {expected}"


def worst_pause(rule: RetryRule, asked: float = 0.0) -> float:
    """Return the longest that all pauses of one call can be together, in seconds.

    Args:
        rule: The rule.
        asked: The longest pause that the other side may ask for each time.
    """
    worst = Backoff(rule).worst(rule.max_attempts, asked=asked)
    return worst if rule.max_elapsed is None else min(worst, float(rule.max_elapsed))


def worst_asked(rule: RetryRule) -> float | None:
    """Return the same where the other side asks for each pause; None where it cannot, or in vain."""
    # A function on results may be asked about answers, too.
    wish = rule.on_result
    asks = wish is not None and (isinstance(wish, Given) or bool(wish.status))
    if not rule.retry_after.respect or not (asks or any(map(_may_ask, rule.retry_on))):
        return None
    return worst_pause(rule, float(rule.retry_after.max))


def _may_ask(text: str) -> bool:
    """Return whether an error of that name can carry an answer: one that says why there is none cannot."""
    name, no_answer = parse(text), (ConnectionError, TimeoutError)
    return not isinstance(name, Builtin) or not issubclass(name.cls, no_answer)


def _contradictions(rule: RetryRule) -> Iterator[Finding]:
    left = list(rule.retry_on)
    for number, broader in enumerate(rule.give_up_on):
        covered = [text for text in left if _covers(parse(broader), parse(text))]
        left = [text for text in left if text not in covered]
        if covered:
            names = " and ".join(f"`{text}`" for text in covered)
            are, them = ("are", "them") if len(covered) > 1 else ("is", "it")
            how = "itself" if covered == [broader] else f"as `{broader}`"
            text = f"{names} {are} never retried: give_up_on holds {them} {how}"
            yield "MP610", f"give_up_on.{number}", text


def _covers(broader: Name, name: Name) -> bool:
    """Return whether every error of *name* is one of *broader*, as far as names tell."""
    match broader, name:
        case Builtin(cls=cls), _:
            return issubclass(name.cls if isinstance(name, Builtin) else Exception, cls)
        case Group(), Builtin(cls=cls):
            return broader.holds(cls)
        case Group(), Group(classes=classes):
            wider = {package: broader.classes.get(package, frozenset()) for package in classes}
            statuses = name.grpc <= broader.grpc and name.http <= broader.http
            same = all(classes[package] <= wider[package] for package in classes)
            return same and statuses and name.aws <= broader.aws
        case Group(), HttpStatus(text=text) | GrpcStatus(text=text):
            return text in broader.grpc | broader.http
        case _:
            hundred = f"{name.text[0]}xx" if isinstance(name, HttpStatus) else ""
            return broader in (name, HttpStatus(hundred))
