"""Profiles put under the policies that use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
    Tree,
    is_name,
    laid_over,
)

if TYPE_CHECKING:
    from mlpolicy.document.parse import Document

DEEPEST = 32
"""How many profiles may extend one another in a chain."""


@dataclass(slots=True)
class Profiles:
    """The profiles of a set of files, each with those that it extends under it."""

    known: Mapping[str, Profile]
    """Those that the files define."""
    shipped: dict[str, Profile] = field(default_factory=dict)
    """Those of mlpolicy that are used, where no file has one of that name."""
    diagnostics: list[Diagnostic] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    _rules: dict[str, Mapping[str, RuleBlock]] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _said: set[Diagnostic] = field(default_factory=set)
    _whole: dict[int, Policy] = field(default_factory=dict)
    """Policies with their profiles, by the ids of those without."""
    _base: Profiles | None = None

    @classmethod
    def of(cls, files: Iterable[PolicyFile], *, base: Profiles | None = None) -> Profiles:
        """Return the profiles of *files*; what a file writes beats what it imports.

        Where *base* holds the same ones, what it has made of a policy is taken from there.
        """
        deepest_first = sorted(files, key=lambda one: (-one.depth, one.file))
        made = cls({one.name: one for file in deepest_first for one in file.profiles})
        if base is not None and base.known == made.known and not base.diagnostics:
            made._base = base
        for profile in made.known.values():
            made._flat(profile)
        made.used.clear()  # (a profile that only another one extends is used through that)
        return made

    @property
    def documents(self) -> tuple[Document, ...]:
        """The files of the profiles of mlpolicy that are used."""
        return tuple(_shipped(name)[1] for name in sorted(self.shipped))

    def named(self, name: str) -> Profile | None:
        """Return the profile *name*: that of the files, else that of mlpolicy."""
        if name not in self.known and name in SHIPPED:
            self.shipped[name] = _shipped(name)[0]
        return self.known.get(name) or self.shipped.get(name)

    def under(self, policy: Policy) -> Policy:
        """Return *policy* with the rules of its profiles under its own."""
        if not policy.use:
            return policy
        for name in policy.use:
            self._note(name.text)
        if self._base is not None and id(policy) in self._base._whole:
            return self._base._whole[id(policy)]
        below = self._joined(policy.use)
        for rule in policy.rules:
            if rule.only_below and rule.kind not in below:
                self._in_vain(rule, policy)
        rules = _over(below, {rule.kind: rule for rule in policy.rules})
        made = self._whole[id(policy)] = replace(policy, rules=tuple(rules.values()))
        return made

    def _in_vain(self, rule: RuleBlock, policy: Policy) -> None:
        if all(self.named(name.text) for name in policy.use):  # (else who knows)
            what = f"environment `{rule.only_below}` removes `policies.{policy.name}.{rule.kind}`"
            text = f"{what}, which does not exist"
            self._say(Diagnostic("MP407", text, rule.span, "warning"))

    def _note(self, name: str) -> None:
        profile = self.named(name)
        if profile is not None and name not in self.used:
            self.used.add(name)
            for one in profile.extends:
                self._note(one.text)

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
            made = _over(made, rules)
        return made

    def _flat(self, profile: Profile) -> Mapping[str, RuleBlock]:
        """Return the rules of *profile*, those of the profiles that it extends under them."""
        name = profile.name
        if name not in self._rules:
            self._open.append(name)
            below = self._joined([one for one in profile.extends if self._may_follow(one)])
            self._open.pop()
            self._rules[name] = _over(below, {rule.kind: rule for rule in profile.rules})
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
        names = dict.fromkeys((*self.known, *SHIPPED))
        near = closest(name.text, names)
        if near and not is_name(near):
            return  # that was said, where it is defined
        known = ", ".join(f"`{one}`" for one in names)
        found = Diagnostic(
            "MP406",
            f"there is no profile `{name.text}`",
            name.span,
            help=did_you_mean(near, f"there are {known}"),
            suggestions=repair(name.span, near),
        )
        self._say(found)

    def _say(self, found: Diagnostic) -> None:
        if found not in self._said:
            self._said.add(found)
            self.diagnostics.append(found)


def _shipped(name: str) -> tuple[Profile, Document]:
    from mlpolicy.model.shipped import shipped  # (it reads YAML, as no start from the cache does)

    return shipped(name)


def _over(low: Mapping[str, RuleBlock], high: Mapping[str, RuleBlock]) -> dict[str, RuleBlock]:
    """Return the rules of *low* with those of *high* over them."""
    made = dict(low)
    for kind, upper in high.items():
        lower = made.get(kind)
        if upper.removed:
            made.pop(kind, None)
        elif lower is None or not upper.inherit:
            made[kind] = upper
        else:
            settings: Tree = laid_over(lower.settings, upper.settings)
            made[kind] = replace(upper, settings=settings, final=upper.final or lower.final)
    return made
