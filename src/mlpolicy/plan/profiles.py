"""Profiles put under the policies that use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mlpolicy.core.diagnostic import Diagnostic, Suggestion, repair
from mlpolicy.core.spelling import closest, did_you_mean
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
Rules = Mapping[str, RuleBlock]


class Profiles:
    """The profiles of a set of files, each with those that it extends under it.

    A profile is missing only where all are *named*, and a rule of one where the *whole* was read.
    """

    def __init__(
        self, files: Iterable[PolicyFile], *, named: bool = True, whole: bool = True
    ) -> None:
        deepest_first = sorted(files, key=lambda file: (-file.depth, file.file))
        self.known = {profile.name: profile for file in deepest_first for profile in file.profiles}
        self._named, self._whole = named and all(map(is_name, self.known)), whole
        self.shipped: dict[str, Profile] = {}
        """Those of mlpolicy that are used, where no file has one of that name."""
        self.documents: list[Document] = []
        """The files of these."""
        self.used: set[str] = set()
        """The names of those that policies use, and of those that these extend."""
        self.missing: set[str] = set()
        """The names of those that policies and profiles ask for, and nobody defines."""
        self.diagnostics: list[Diagnostic] = []
        """What is wrong with profiles and their names."""
        self._rules: dict[str, Rules] = {}
        for profile in self.known.values():
            self._flat(profile, ())

    def under(self, policy: Policy) -> Policy:
        """Return *policy* with the rules of its profiles under its own."""
        if not policy.use:
            return policy
        below = self._joined(policy.use, ())
        self._use(policy.use)
        if self._whole and all(self.named(name.text) for name in policy.use):  # (else who knows)
            for rule in policy.rules:
                if rule.only_below and rule.kind not in below:
                    removed = f"removes `policies.{policy.name}.{rule.kind}`, which does not exist"
                    text = f"environment `{rule.only_below}` {removed}"
                    self.diagnostics.append(Diagnostic("MP407", text, rule.span, "warning"))
        return replace(policy, rules=tuple(_over(below, policy.rules).values()))

    def named(self, name: str) -> Profile | None:
        """Return the profile *name*: that of the files, else that of mlpolicy."""
        if name not in self.known and name in SHIPPED and name not in self.shipped:
            from mlpolicy.model.read import shipped  # (it reads YAML; no cached start does)

            self.shipped[name], document = shipped(name)
            self.documents.append(document)
        return self.known.get(name) or self.shipped.get(name)

    def _use(self, names: Iterable[Name]) -> None:
        for name in names:
            profile = self.named(name.text)
            if profile is not None and name.text not in self.used:
                self.used.add(name.text)
                self._use(profile.extends)

    def _joined(self, names: Iterable[Name], chain: tuple[str, ...]) -> Rules:
        """Return the rules of the profiles *names*, one over the other, at the end of a *chain*."""
        made: Rules = {}
        for name in names:
            profile = self.named(name.text)
            if profile is None:
                self._unknown(name)
            elif name.text in chain:
                circle = " → ".join([*chain[chain.index(name.text) :], name.text])
                self._refuse(name, f"profiles extend each other in a circle: {circle}")
            elif len(chain) >= DEEPEST and name.text not in self._rules:
                self._refuse(name, f"profiles extend each other more than {DEEPEST} deep")
            else:
                rules = self._flat(profile, chain)
                if name.text in self.shipped:
                    # Found where it is used: there it can be put right, or be suppressed.
                    rules = {kind: replace(rule, span=name.span) for kind, rule in rules.items()}
                made = _over(made, rules.values())
        return made

    def _flat(self, profile: Profile, chain: tuple[str, ...]) -> Rules:
        """Return the rules of *profile*, those of the profiles that it extends under them."""
        if profile.name not in self._rules:
            below = self._joined(profile.extends, (*chain, profile.name))
            self._rules[profile.name] = _over(below, profile.rules)
        return self._rules[profile.name]

    def _unknown(self, name: Name) -> None:
        if self._named and "${" not in name.text:  # (that a variable is no name, was said)
            self.missing.add(name.text)
            names = dict.fromkeys((*self.known, *SHIPPED))
            near, known = closest(name.text, names), ", ".join(f"`{one}`" for one in names)
            help, edits = did_you_mean(near, f"there are {known}"), repair(name.span, near)
            self._refuse(name, f"there is no profile `{name.text}`", help, edits)

    def _refuse(
        self, name: Name, text: str, help: str = "", edits: tuple[Suggestion, ...] = ()
    ) -> None:
        self.diagnostics.append(Diagnostic("MP406", text, name.span, help=help, suggestions=edits))


def _over(low: Rules, high: Iterable[RuleBlock]) -> dict[str, RuleBlock]:
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
