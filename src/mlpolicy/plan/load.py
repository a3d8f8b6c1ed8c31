"""Policy files become a rulebook, with everything that is wrong with them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlpolicy.core.diagnostic import Diagnostic, in_order
from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.document.parse import Document
from mlpolicy.lint.stages import of_policies
from mlpolicy.lint.suppress import Suppressions
from mlpolicy.lint.text import unused_variables, written_secrets
from mlpolicy.model import shipped
from mlpolicy.model.interpolate import Variables
from mlpolicy.model.policy import OnUnknown, PolicyFile, RuleBlock
from mlpolicy.model.read import Reading, Source, read_source
from mlpolicy.plan.codes import Level, codes, found_at
from mlpolicy.plan.files import policy_files
from mlpolicy.plan.gather import Gathered, Located, gather
from mlpolicy.plan.rulebook import Rulebook

if TYPE_CHECKING:
    from mlpolicy.plan.survey import Survey

__all__ = ["Loaded", "Terms", "check", "load", "load_every", "policy_files"]

OF_ABSENCE = ("MP404", "MP405", "MP408", "MP906")
"""Findings that say that something has no effect: noise where something else is wrong, and no
news where an environment takes out what made use of it."""
_OF_LACK = (
    *(*OF_ABSENCE, "MP011", "MP504", "MP505"),
    *("MP205", "MP705", "MP903"),
)
"""Findings that say that something is not there."""
_OF_ALL = (*OF_ABSENCE, "MP111")
"""Findings that are no other in an environment."""
NOWHERE = ("MP301", "MP302", "MP303", "MP320")
"""Findings about a target or a pattern that names no function."""
_ELSEWHERE = ("MP301", "MP303", "MP320")
"""Findings about a target that is probably another one."""
_OF_NUMBERS = ("MP602", "MP601", "MP803", "MP609", "MP102")
"""Findings about one number among others, those first that say most of it."""
_NOT_MEANT = ("MP307", "MP308")
"""Findings about a target that is there, and for which others are named."""
OF_THE_DAY = ("MP501", "MP502")
"""Findings that come with time alone: they never keep a service from starting."""


OF_PACKAGES = ("MP132", "MP133")
"""Findings whose cause is an installed package: they are said where it is asked for first."""


@frozen()
class Terms:
    """What a policy is read under."""

    environment: str | None = None
    environ: Mapping[str, str] | None = None
    """Variables for `${env:...}` and the kill switch; those of the process without it."""
    now: datetime | None = None
    overrides: tuple[RuleBlock, ...] = ()
    """Rules over all policies, from the command line."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Values over those of `vars`, from the command line."""
    survey: Survey | None = None
    """Tells which targets are names of one function, without which each is one."""

    @property
    def named(self) -> Mapping[str, str]:
        """The variables of the environment."""
        return os.environ if self.environ is None else self.environ


@frozen()
class Loaded:
    """A set of files: the rulebook that they make, and the findings."""

    rulebook: Rulebook
    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]
    environment: str | None = None
    environments: tuple[str, ...] = ()
    """Every environment that a file names."""
    inputs: tuple[Path, ...] = ()
    """Every file that was read, imported ones and those of shipped profiles too."""
    variables: Mapping[str, str | None] = field(default_factory=dict)
    """The variables of the process that were asked for, and what they said."""
    secrets: frozenset[str] = frozenset()
    """What no finding may show."""
    others: Mapping[str, Rulebook] = field(default_factory=dict)
    """The rulebooks of environments that were looked at beside this one."""
    unknown: Diagnostic | None = None
    """What is said of an environment that was asked for, and is none of those that files name."""

    @property
    def texts(self) -> tuple[Document, ...]:
        """Every file that says what holds: those given, imported, and of shipped profiles."""
        books = (self.rulebook, *self.others.values())
        return (*self.documents, *(one for book in books for one in book.profiles.documents))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that keep the policy from being used; suppressed ones do not."""
        kept = Suppressions.of(self.documents, self.rulebook.settings).kept(self.diagnostics)
        return tuple(one for one in kept if one.severity == "error")

    @property
    def refused(self) -> tuple[Diagnostic, ...]:
        """The errors for which a service refuses to start: all but those that a day brought."""
        return tuple(one for one in self.errors if one.code not in OF_THE_DAY)

    @property
    def misnamed(self) -> bool:
        """Whether nothing holds of what is here: another environment was probably meant."""
        return self.unknown is not None and self.unknown.severity == "error"

    def shown(self, more: Iterable[Diagnostic] = (), *, level: Level = "ast") -> Loaded:
        """Return all findings to show: *more* among them, suppressed ones left out.

        *level* says how far targets were looked for, so which suppressions can be unused.
        """
        suppressions = Suppressions.of(self.documents, self.rulebook.settings).read(codes())
        more = tuple(_hidden(more, self.secrets))
        found = self.diagnostics
        nowhere = any(one.code in NOWHERE for one in more)
        # Rules of another function, then, whose effect may be seen.
        elsewhere = {one.span for one in more if one.code in _NOT_MEANT}
        if nowhere or elsewhere:
            found = tuple(
                one
                for one in found
                if one.code != "MP906" or not (nowhere or one.span in elsewhere)
            )
        if any(one.environment for one in found) or self.environment is not None:
            found = tuple(_unmoved(found, more, whole=self.environment is not None))
        kept = suppressions.kept((*found, *more))
        # What is wrong may hide what was not to be shown.
        whole = not nowhere and not any(one.severity == "error" for one in kept)
        own = suppressions.findings(may_be_found=lambda code: whole and found_at(code, level))
        return replace(self, diagnostics=tuple(_once(in_order([*kept, *own]))))

    @property
    def files(self) -> tuple[PolicyFile, ...]:
        """The files, by name."""
        return self.rulebook.files


def _hidden(found: Iterable[Diagnostic], secrets: frozenset[str]) -> Iterable[Diagnostic]:
    """Return what was *found* with nothing in it that must not be shown."""
    return [one.less(secrets) for one in found] if secrets else found


def _once(diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield *diagnostics*, of those of packages the first alone."""
    said: set[str] = set()
    for one in diagnostics:
        if one.code not in OF_PACKAGES or one.message not in said:
            yield one
        said.add(one.message)


def load(paths: Iterable[Path], terms: Terms | None = None) -> Loaded:
    """Read the files at *paths*, directories searched, and check them together."""
    return _loaded(gather(paths), terms or Terms())


def load_every(paths: Iterable[Path], terms: Terms | None = None) -> Loaded:
    """Read the files at *paths* without an environment, and check them in every one.

    What is found only in an environment says so.
    """
    terms = terms or Terms()
    terms = replace(terms, now=terms.now or datetime.now(UTC))
    gathered = gather(paths)
    base = _loaded(gathered, replace(terms, environment=None))
    found = list(base.diagnostics)
    others: dict[str, Rulebook] = {}
    secrets = base.secrets
    for environment in gathered.environments:
        other = _loaded(gathered, replace(terms, environment=environment), base.rulebook)
        others[environment] = other.rulebook
        secrets |= other.secrets
        add_of(environment, other.diagnostics, found)
    refused = {one.span for one in found if one.code == "MP010"}
    found = [one for one in found if one.code != "MP105" or one.span not in refused]
    found = list(_hidden(found, secrets))
    return replace(base, diagnostics=in_order(found), others=others, secrets=secrets)


def add_of(environment: str, new: Iterable[Diagnostic], found: list[Diagnostic]) -> None:
    """Add to *found* what is *new* in *environment*; what others have too names all of them."""
    said = {_said(one): at for at, one in enumerate(found)}
    fresh: dict[object, Diagnostic] = {}
    for one in dict.fromkeys(new):
        at = said.get(_said(one))
        if at is None:
            fresh.setdefault(_said(one), one)
            continue
        if found[at].environment not in ("", environment):
            found[at] = replace(found[at], environment=f"{found[at].environment}, {environment}")
        if one.suggestions and not found[at].suggestions:  # (its block was read there alone)
            found[at] = replace(found[at], suggestions=one.suggestions)
    known = (one for one in found if fresh and not one.environment)
    causes = {cause for one in known for cause in _causes(one)}
    wrong = {one.span for one in found if one.code in _OF_NUMBERS and not one.environment}
    found += [
        replace(one, environment=environment)
        for one in fresh.values()
        if one.code not in _OF_ALL
        and causes.isdisjoint(_causes(one))
        and (one.code not in _OF_NUMBERS or wrong.isdisjoint(at.span for at in one.related))
    ]


def _one_a_number(found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield *found* with one finding for a number that is too high or too low for several others."""
    found = tuple(found)
    first: dict[Span, int] = {}
    for one in found:
        if one.code in _OF_NUMBERS:
            at = _OF_NUMBERS.index(one.code)
            first[one.span] = min(at, first.get(one.span, at))
    for one in found:
        if one.code not in _OF_NUMBERS or _OF_NUMBERS.index(one.code) == first[one.span]:
            yield one


def _unmoved(
    found: Iterable[Diagnostic], more: Iterable[Diagnostic], *, whole: bool
) -> Iterator[Diagnostic]:
    """Yield *found* less what follows from a slip in a target: its environment changes another.

    *whole* says that all was found in one environment.
    """
    slips = {one.span.file for one in more if one.code in _ELSEWHERE and one.severity == "error"}
    for one in found:
        changed = (whole or one.environment) and one.span.file in slips
        if not (changed and one.code in (*_OF_LACK, "MP407")):
            yield one


def _causes(one: Diagnostic) -> Iterator[tuple[str, object, str]]:
    """Yield what tells that two findings have one cause.

    It is their place and the message but for its numbers, or one of the places and the message.
    """
    yield one.code, one.span, _NUMBER.sub("", one.message)
    for place in (one.span, *(other.span for other in one.related)):
        yield one.code, place, one.message


_NUMBER = re.compile(r"\b\d[\w.]*%?")


def _said(one: Diagnostic) -> tuple[str, object, str]:
    """Return what makes two findings one."""
    return one.code, one.span, one.message


def check(readings: Iterable[Reading], terms: Terms | None = None) -> Loaded:
    """Return what *readings* make together, each read already for one environment."""
    readings = tuple(readings)
    sources = tuple(one.source for one in readings if one.source)
    return _judged(readings, sources, [], terms or Terms())


def _loaded(gathered: Gathered, terms: Terms, base: Rulebook | None = None) -> Loaded:
    readings: dict[Path, Reading] = {}
    found = list(gathered.diagnostics)
    partial = any(one.code == "MP120" for one in found)
    for one in gathered.inmost_first():
        readings[one.path] = _read(one, readings, terms, partial=partial or one.source.partial)
    asked = terms.environment
    if asked is not None and asked not in gathered.environments:
        terms = replace(terms, environment=None)
    sources = tuple(one.source for one in gathered.files)
    ordered = [readings[one.path] for one in gathered.files]
    loaded = _judged(ordered, sources, found, terms, base)
    return replace(
        loaded,
        environments=gathered.environments,
        unknown=_unknown(asked or "", gathered, loaded.rulebook.settings.on_unknown_environment),
        inputs=(
            *(one.path for one in gathered.files),
            *(shipped.path(name) for name in sorted(loaded.rulebook.profiles.shipped)),
        ),
    )


def _unknown(name: str, gathered: Gathered, on_unknown: OnUnknown) -> Diagnostic | None:
    """Return what is said where no file names the environment *name*, and some name others.

    Where a file could not be read, nobody knows what it names.
    """
    known = gathered.environments
    roots = [one.source.root for one in gathered.files]
    if not (name and known) or name in known or None in roots or gathered.diagnostics:
        return None
    entries = (entry for root in roots if root is not None for entry in root.entries)
    span = next(one.key_span for one in entries if one.key == "environments")
    there = ", ".join(f"`{one}`" for one in known)
    help = did_you_mean(closest(name, known), f"there are {there}")
    if on_unknown == "error":
        help += f"; where `{name}` is no slip, `environments` takes `{name}: {{}}`"
    text = f"no file names an environment `{name}`"
    return Diagnostic(
        "MP010", text, span, "error" if on_unknown == "error" else "warning", help=help
    )


def _read(
    one: Located, readings: Mapping[Path, Reading], terms: Terms, *, partial: bool
) -> Reading:
    variables = Variables(terms.named)
    for path in one.imports:
        if path in readings:
            variables.vars |= readings[path].variables.vars
    variables.fixed = terms.variables
    variables.partial = partial
    return read_source(
        one.source, environment=terms.environment, variables=variables, depth=one.depth
    )


def _judged(
    readings: Iterable[Reading],
    sources: tuple[Source, ...],
    before: list[Diagnostic],
    terms: Terms,
    base: Rulebook | None = None,
) -> Loaded:
    readings = tuple(readings)
    rulebook = Rulebook(
        (reading.file for reading in readings),
        now=terms.now,
        environ=terms.named,
        overrides=terms.overrides,
        base=base,
    )
    if terms.survey is not None:
        from mlpolicy.plan.governed import know_names  # (a service looks at no source)

        know_names(rulebook, terms.survey)
    found = [*before, *(one for reading in readings for one in reading.diagnostics)]
    broken = any(one.severity == "error" for one in found)
    lacking = any(one.variables.lacking for one in readings)
    if lacking:  # A value without its variable was left out: that is no mistake of its own.
        found = [one for one in found if one.code not in _OF_LACK]
    strange = {one.span.file for one in found if one.code in ("MP005", "MP011")}
    if not broken:
        found += unused_variables(sources)
    found += written_secrets(sources)
    more = of_policies(rulebook)
    # A rule that could not be read is missing here: what its absence would make others say is noise.
    noise = _OF_LACK if lacking else (*OF_ABSENCE, "MP011") if broken else OF_ABSENCE
    if broken and terms.environment is not None:
        noise = (*noise, "MP505")  # said of what the environment changes, under another name
    if broken or any(one.code == "MP406" for one in more):
        more = tuple(one for one in more if one.code not in noise)
    if any(one.code == "MP120" for one in found) or any(one.partial for one in sources):
        more = tuple(one for one in more if one.code != "MP406")
    found += more
    meant = {
        (one.span.file, repair.text)
        for one in found
        if one.code == "MP406"
        for repair in one.suggestions
    }
    found = [
        one
        for one in found
        if one.code != "MP407"
        or not (
            one.span.file in strange
            or meant.intersection((one.span.file, repair.text) for repair in one.suggestions)
        )
    ]
    literal = {one.span for one in found if one.code == "MP112"}  # its text is none to judge
    found = [one for one in found if one.code == "MP112" or one.span not in literal]
    found = list(_one_a_number(found))
    secrets = frozenset(text for one in readings for text in one.variables.secrets)
    return Loaded(
        rulebook,
        tuple(one.document for one in readings),
        in_order(list(_hidden(found, secrets))),
        terms.environment,
        secrets=secrets,
        variables={k: v for one in readings for k, v in one.variables.read.items()},
    )
