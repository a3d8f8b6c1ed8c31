"""Rules that lie packed until somebody asks for them: most policies name modules of others."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, overload

from mlpolicy.core.control import end_of
from mlpolicy.model.policy import Policy, RuleBlock, one


class Packed(Sequence[RuleBlock]):
    """The rules of one policy, as bytes that `marshal` wrote; none of them has a date."""

    __slots__ = ("_content", "_rules", "_unpack")

    def __init__(self, content: bytes, unpack: Callable[[Any], Any]) -> None:
        self._content = content
        self._unpack = unpack
        self._rules: tuple[RuleBlock, ...] | None = None

    def _held(self) -> tuple[RuleBlock, ...]:
        held = self._rules
        if held is None:
            held = self._rules = tuple(self._unpack(marshal.loads(self._content)))  # noqa: S302 (the plan cache's, checked as a whole)
        return held

    @overload
    def __getitem__(self, index: int) -> RuleBlock: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[RuleBlock]: ...

    def __getitem__(self, index: int | slice) -> RuleBlock | Sequence[RuleBlock]:
        return self._held()[index]

    def __len__(self) -> int:
        return len(self._held())

    def __iter__(self) -> Iterator[RuleBlock]:
        return iter(self._held())


def next_end(policies: Iterable[Policy], now: datetime) -> datetime | None:
    """Return the next moment at which a rule of *policies* expires and no longer holds as it does."""
    trees = [
        tree
        for policy in policies
        for tree in (policy.controls, *(rule.settings for rule in _dated(policy.rules)))
    ]
    written = (found for tree in trees if (found := one(tree, "expires")) is not None)
    ends = (end_of(date.fromisoformat(each.value)) for each in written)
    return min((end for end in ends if end > now), default=None)


def _dated(rules: Sequence[RuleBlock]) -> Sequence[RuleBlock]:
    """Return *rules*, or none where they are packed: what is packed has no date."""
    return () if isinstance(rules, Packed) else rules
