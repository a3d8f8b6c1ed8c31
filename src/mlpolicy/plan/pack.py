"""Policy files as bytes for the plan cache: rules lie packed until somebody asks for them.

Most policies of a process name modules that it never imports.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, overload

from mlpolicy.model.policy import Policy, PolicyFile, RuleBlock
from mlpolicy.plan.rulebook import Rulebook


class Packed(Sequence[RuleBlock]):
    """The rules of one policy, as bytes; none of them has a date."""

    __slots__ = ("_content", "_rules")
    dateless = True

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._rules: tuple[RuleBlock, ...] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Be packed as the bytes alone."""
        return Packed, (self._content,)

    def _unpacked(self) -> tuple[RuleBlock, ...]:
        rules = self._rules
        if rules is None:
            rules = self._rules = tuple(pickle.loads(self._content))  # noqa: S301 (the plan cache's, checked as a whole)
        return rules

    @overload
    def __getitem__(self, index: int) -> RuleBlock: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[RuleBlock]: ...

    def __getitem__(self, index: int | slice) -> RuleBlock | Sequence[RuleBlock]:
        return self._unpacked()[index]

    def __len__(self) -> int:
        return len(self._unpacked())

    def __iter__(self) -> Iterator[RuleBlock]:
        return iter(self._unpacked())


def pack(rulebook: Rulebook) -> bytes:
    """Return the files of *rulebook*; rules of profiles are in the policies, no profiles beside them."""
    policies: dict[str, list[Policy]] = {}
    for policy in rulebook.policies:
        policies.setdefault(policy.span.file, []).append(_packed(policy))
    return pickle.dumps(
        [
            replace(file, profiles=(), policies=tuple(policies.get(file.file, ())))
            for file in rulebook.files
        ]
    )


def _packed(policy: Policy) -> Policy:
    dated = any("expires" in rule.settings for rule in policy.rules)
    rules = policy.rules if dated else Packed(pickle.dumps(tuple(policy.rules)))
    return replace(policy, use=(), rules=rules)


def unpack(content: bytes) -> list[PolicyFile]:
    """Return the files that were packed as *content*."""
    files: list[PolicyFile] = pickle.loads(content)  # noqa: S301 (the plan cache's, checked as a whole)
    return files
