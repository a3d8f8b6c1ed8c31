"""What an environment changes, so that only that is judged anew."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlpolicy.core.target import Target

if TYPE_CHECKING:
    from mlpolicy.model.policy import Policy
    from mlpolicy.plan.rulebook import Rulebook


class Changes:
    """The policies of *book* that are otherwise than in *since*, of the same files, or not there."""

    def __init__(self, book: Rulebook, since: Rulebook, *, defaults: bool = False) -> None:
        own, others = ({id(one): one for one in each.policies} for each in (book, since))
        gone = [policy for key, policy in others.items() if key not in own]
        self.since = since
        """The rulebook by which all else has been judged."""
        self.policies = [policy for key, policy in own.items() if key not in others]
        patterns = [one.glob for policy in (*self.policies, *gone) for one in policy.match]
        self.texts = {glob.text for glob in patterns if glob.exact}
        """The targets that these, and those that are gone, name."""
        self.globs = [glob for glob in patterns if not glob.exact]
        """Their patterns."""
        self.defaults = defaults
        """Whether what is filled in to all policies is otherwise too."""
        self._book = book

    @cached_property
    def _own(self) -> frozenset[Target]:
        return frozenset(self._book.own(Target.parse(text)) for text in self.texts)

    def forget(self) -> None:
        """Ask anew which functions the texts name: one of them has got another name."""
        self.__dict__.pop("_own", None)

    def has(self, target: Target) -> bool:
        """Whether other policies may hold for *target* than before."""
        if self._book.own(target) in self._own:
            return True
        names = self._book.names(target) if self.globs else ()
        return any(glob.matches(name) for glob in self.globs for name in names)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets that policies name and for which others may hold."""
        return tuple(filter(self.has, self._book.exact) if self.globs else self._own)


def shared(book: Rulebook, since: Rulebook) -> Sequence[Policy]:
    """Return the policies of *book*; those that *since* has as well are the same objects."""
    written, others = (
        [policy for file in each.files for policy in file.policies] for each in (book, since)
    )
    if [one.profiles for one in book.files] != [one.profiles for one in since.files]:
        return book.policies
    known = dict(zip(map(id, others), since.policies, strict=True))
    pairs = zip(written, book.policies, strict=True)
    return tuple([known.get(id(one), policy) for one, policy in pairs])


def between(book: Rulebook, since: Rulebook) -> Changes | None:
    """Return what *book* changes of *since*; None where that is more than policies and defaults."""
    if since.lacking or _frame(book) != _frame(since):
        return None
    filled = ([(one.mode, one.defaults) for one in each.files] for each in (book, since))
    changes = Changes(book, since, defaults=next(filled) != next(filled))
    # (another name of a function is one only while a policy says it)
    aliased = not changes.texts.isdisjoint(map(str, since.aliases))
    return None if aliased else changes


def _frame(book: Rulebook) -> tuple[Any, ...]:
    """Return what the policies of *book* are judged by beside their words, defaults and the source."""
    several = {kind: count > 1 for kind, count in book.kinds.items()}
    each = [(one.profiles, one.resources) for one in book.files]
    read = book.read.whole, book.read.filled, book.read.named
    return read, several, each, book.settings, book.profiles.missing
