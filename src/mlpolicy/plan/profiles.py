"""Profiles put under the policies that use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mlpolicy.core.diagnostic import Diagnostic, repair
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.model.policy import (
    SHIPPED,
    Name,
    Policy,
    PolicyFile,
    Profile,
    RuleBlock,
    is_name,
    laid_over,
)

if TYPE_CHECKING:
    from mlpolicy.document.parse import Document

DEEPEST = 32
"""How many profiles may extend one another in a chain."""


class Profiles:
    """The profiles of a set of files, each with those that it extends under it.

    Args:
        files: What a file writes beats what it imports.
        named: Whether all profiles are known; only then is one missing.
        whole: Whether all that is written could be read; only then is a rule missing.
    """

    def __init__(
        self, files: Iterable[PolicyFile], *, named: bool = True, whole: bool = True
    ) -> None:
        deepest_first = sorted(files, key=lambda file: (-file.depth, file.file))
        self.known = {one.name: one for file in deepest_first for one in file.profiles}
        self._named, self._whole = named and all(map(is_name, self.known)), whole
        self.shipped: dict[str, Profile] = {}
        """Those of mlpolicy that are used, where no file has one of that name."""
        self.used: set[str] = set()
        """The names of those that policies use, and of those that these extend."""
        self.missing: set[str] = set()
        """The names of those that policies and profiles ask for, and nobody defines."""
        self._found: dict[Diagnostic, None] = {}
        self._rules: dict[str, Mapping[str, RuleBlock]] = {}
        self._open: list[str] = []
        for profile in self.known.values():
            self._flat(profile)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is wrong with profiles and their names."""
        return tuple(self._found)

    @property
    def documents(self) -> tuple[Document, ...]:
        """The files of the profiles of mlpolicy that are used."""
        return tuple(_shipped(name)[1] for name in sorted(self.shipped))

    def under(self, policy: Policy) -> Policy:
        """Return *policy* with the rules of its profiles under its own."""
        if not policy.use:
            return policy
        for name in policy.use:
            self._use(name.text)
        below = self._joined(policy.use)
        if self._whole and all(self.named(name.text) for name in policy.use):  # (else who knows)
            for rule in policy.rules:
                if rule.only_below and rule.kind not in below:
                    removed = f"`policies.{policy.name}.{rule.kind}`"
                    text = (
                        f"environment `{rule.only_below}` removes {removed}, which does not exist"
                    )
                    self._say(Diagnostic("MP407", text, rule.span, "warning"))
        rules = _over(below, policy.rules)
        return replace(policy, rules=tuple(rules.values()))

    def named(self, name: str) -> Profile | None:
        """Return the profile *name*: that of the files, else that of mlpolicy."""
        if name not in self.known and name in SHIPPED:
            self.shipped[name] = _shipped(name)[0]
        return self.known.get(name) or self.shipped.get(name)

    def _use(self, name: str) -> None:
        profile = self.named(name)
        if profile is not None and name not in self.used:
            self.used.add(name)
            for extended in profile.extends:
                self._use(extended.text)

    def _joined(self, names: Iterable[Name]) -> Mapping[str, RuleBlock]:
        made: Mapping[str, RuleBlock] = {}
        for name in names:
            profile = self.named(name.text)
            if profile is None:
                self._unknown(name)
                continue
            rules = self._flat(profile)
            if name.text in self.shipped:
                # Found where it is used: there it can be put right, or be suppressed.
                rules = {kind: replace(rule, span=name.span) for kind, rule in rules.items()}
            made = _over(made, rules.values())
        return made

    def _flat(self, profile: Profile) -> Mapping[str, RuleBlock]:
        """Return the rules of *profile*, those of the profiles that it extends under them."""
        name = profile.name
        if name not in self._rules:
            self._open.append(name)
            below = self._joined([one for one in profile.extends if self._may_follow(one)])
            self._open.pop()
            self._rules[name] = _over(below, profile.rules)
        return self._rules[name]

    def _may_follow(self, name: Name) -> bool:
        """Whether one may go on to the profile *name*: chains are finite, and short."""
        if name.text in self._open:
            chain = " → ".join([*self._open[self._open.index(name.text) :], name.text])
            text = f"profiles extend each other in a circle: {chain}"
            self._say(Diagnostic("MP406", text, name.span))
            return False
        if len(self._open) < DEEPEST or name.text in self._rules:
            return True
        text = f"profiles extend each other more than {DEEPEST} deep"
        self._say(Diagnostic("MP406", text, name.span, help="nobody can follow that"))
        return False

    def _unknown(self, name: Name) -> None:
        if not self._named or "${" in name.text:  # (that a variable is no name, was said)
            return
        self.missing.add(name.text)
        names = dict.fromkeys((*self.known, *SHIPPED))
        near, known = closest(name.text, names), ", ".join(f"`{one}`" for one in names)
        text, help = f"there is no profile `{name.text}`", did_you_mean(near, f"there are {known}")
        edits = repair(name.span, near)
        self._say(Diagnostic("MP406", text, name.span, help=help, suggestions=edits))

    def _say(self, found: Diagnostic) -> None:
        self._found[found] = None


def _shipped(name: str) -> tuple[Profile, Document]:
    from mlpolicy.model.read import shipped  # (it reads YAML, as no start from the cache does)

    return shipped(name)


def _over(low: Mapping[str, RuleBlock], high: Iterable[RuleBlock]) -> dict[str, RuleBlock]:
    """Return the rules of *low* with those of *high* over them."""
    made = dict(low)
    for upper in high:
        lower = made.get(upper.kind)
        if upper.removed:
            made.pop(upper.kind, None)
        elif lower is None or not upper.inherit:
            made[upper.kind] = upper
        else:
            settings = laid_over(lower.settings, upper.settings)
            made[upper.kind] = replace(upper, settings=settings, final=upper.final or lower.final)
    return made
