"""Whether the settings of a retry rule make sense together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlpolicy.core.given import Given
from mlpolicy.core.quantity import Duration
from mlpolicy.core.usual import oddest
from mlpolicy.rules.retry.backoff import Backoff
from mlpolicy.rules.retry.choice import PROGRAMMING
from mlpolicy.rules.retry.exceptions import Builtin, HttpStatus, Name, parse
from mlpolicy.rules.retry.groups import Group

if TYPE_CHECKING:
    from mlpolicy.rules.retry.rule import RetryRule

Finding = tuple[str, str, str]

MANY_ATTEMPTS = 10
LONG_SECONDS = 60.0
_MISTAKES = (*PROGRAMMING, LookupError)


def check(rule: RetryRule) -> Iterator[Finding]:
    """Yield (code, field, message) for what is wrong."""
    if rule.max_attempts == 1:
        yield "MP611", "max_attempts", "one attempt is a call without retries"
        return
    if not rule.retry_on and rule.on_result is None:
        yield "MP611", "retry_on", "nothing is retried: `retry_on` names no error"
        return
    yield from _delays(rule)
    yield from _broad(rule)
    yield from _herd(rule)
    yield from _endless(rule)
    yield from _contradictions(rule)


def _delays(rule: RetryRule) -> Iterator[Finding]:
    first = rule.initial_delay
    if first > rule.max_delay:
        yield (
            "MP602",
            oddest(rule, high=["initial_delay"], low=["max_delay"]),
            f"initial_delay, the first pause of {first}, is longer than max_delay, {rule.max_delay}",
        )
    elif rule.max_elapsed is not None and rule.max_elapsed < first:
        yield (
            "MP602",
            oddest(rule, high=["initial_delay"], low=["max_elapsed"]),
            f"max_elapsed, {rule.max_elapsed}, is over before initial_delay, {first}, is",
        )
    if rule.multiplier < 1:
        yield (
            "MP602",
            "multiplier",
            f"pauses shrink by a multiplier of {rule.multiplier:g}: 1 or more is expected",
        )


def _broad(rule: RetryRule) -> Iterator[Finding]:
    for number, text in enumerate(rule.retry_on):
        name = parse(text)
        if not isinstance(name, Builtin):
            continue
        if name.cls is Exception:
            yield (
                "MP605",
                f"retry_on.{number}",
                f"`{text}` retries what fails the same way each time: name what may pass",
            )
        elif issubclass(name.cls, _MISTAKES):
            yield (
                "MP605",
                f"retry_on.{number}",
                f"`{text}` is most often a mistake in the program, which no retry mends",
            )


def _herd(rule: RetryRule) -> Iterator[Finding]:
    if rule.jitter == "none" and rule.max_attempts > 2 and rule.initial_delay > 0:
        yield (
            "MP608",
            "jitter",
            "without jitter, callers that failed together return together: `full` spreads them",
        )


def _endless(rule: RetryRule) -> Iterator[Finding]:
    attempts, worst = rule.max_attempts, worst_pause(rule)
    if attempts > MANY_ATTEMPTS:
        found = f"{attempts} attempts multiply the load on what already fails"
        yield "MP609", "max_attempts", f"{found}: {MANY_ATTEMPTS} or fewer are expected"
    elif worst > LONG_SECONDS:
        found = f"{attempts} attempts may pause for {_shown(worst)} together"
        expected = f"{_shown(LONG_SECONDS)} or less are expected, `max_elapsed` bounds them"
        yield "MP609", oddest(rule, high=OF_PAUSES), f"{found}: {expected}"


OF_PAUSES = ("max_attempts", "initial_delay", "max_delay", "multiplier", "max_elapsed")
"""The settings that make the pauses of one call long."""


def worst_pause(rule: RetryRule) -> float:
    """Return the longest that all pauses of one call can be together, in seconds.

    A pause that the other side asks for is not among them.
    """
    return _worst(rule, 0.0)


def worst_asked(rule: RetryRule) -> float | None:
    """Return the same where the other side asks for each pause; None where it cannot, or in vain."""
    # A function on results may be asked about answers, too.
    wish = rule.on_result
    asks = wish is not None and (isinstance(wish, Given) or bool(wish.status))
    if not rule.retry_after.respect or not (asks or any(map(_may_ask, rule.retry_on))):
        return None
    return _worst(rule, float(rule.retry_after.max))


def _may_ask(text: str) -> bool:
    """Return whether an error of that name can carry an answer: one that says why there is none cannot."""
    name, no_answer = parse(text), (ConnectionError, TimeoutError)
    return not isinstance(name, Builtin) or not issubclass(name.cls, no_answer)


def _worst(rule: RetryRule, asked: float) -> float:
    backoff = Backoff(
        rule.backoff,
        rule.jitter,
        initial=float(rule.initial_delay),
        multiplier=rule.multiplier,
        longest=float(rule.max_delay),
    )
    worst = backoff.worst(rule.max_attempts, asked=asked)
    return worst if rule.max_elapsed is None else min(worst, float(rule.max_elapsed))


def _shown(seconds: float) -> str:
    return str(Duration.worked_out(seconds))


def _contradictions(rule: RetryRule) -> Iterator[Finding]:
    left = [(text, parse(text)) for text in rule.retry_on]
    for number, broader in enumerate(rule.give_up_on):
        covered = [text for text, name in left if _covers(parse(broader), name)]
        left = [one for one in left if one[0] not in covered]
        if covered:
            named = " and ".join(f"`{text}`" for text in covered)
            are = "are" if covered[1:] else "is"
            same = "itself" if covered == [broader] else f"as `{broader}`"
            held = "them" if covered[1:] else "it"
            text = f"{named} {are} never retried: give_up_on holds {held} {same}"
            yield "MP610", f"give_up_on.{number}", text


def _covers(broader: Name, name: Name) -> bool:
    """Return whether every error of *name* is one of *broader*, as far as names tell."""
    match broader, name:
        case Builtin(cls=cls), Builtin(cls=other):
            return issubclass(other, cls)
        case Builtin(cls=cls), _:
            return issubclass(Exception, cls)
        case Group(), _:
            return _group_covers(broader, name)
        case HttpStatus(text=text), HttpStatus(text=other_text):
            return text in (other_text, f"{other_text[0]}xx")
        case _:
            return broader == name


def _group_covers(group: Group, name: Name) -> bool:
    match name:
        case Group():
            return (
                all(names <= group.classes.get(key, set()) for key, names in name.classes.items())
                and name.grpc <= group.grpc
                and name.http <= group.http
                and name.aws <= group.aws
            )
        case Builtin(cls=cls):
            return group.holds(cls)
        case _:
            return getattr(name, "text", None) in (group.grpc | group.http)
