"""Policy files become a rulebook, with everything that is wrong with them.

A check that something is not there asks how much could be read (`merge.Extent`), and is silent
where what it misses may be in the rest. No finding hides another; only a suppression takes one away.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlpolicy.core.diagnostic import Diagnostic, Severity, in_order
from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.document.parse import Document
from mlpolicy.lint.policies import unseen
from mlpolicy.lint.stages import of_policies
from mlpolicy.lint.suppress import Suppressions
from mlpolicy.model import read as reader
from mlpolicy.model.interpolate import Variables
from mlpolicy.model.policy import PolicyFile, RuleBlock
from mlpolicy.model.read import Reading, read_source
from mlpolicy.plan.codes import Level, codes, found_at
from mlpolicy.plan.files import policy_files
from mlpolicy.plan.gather import Gathered, Located, gather
from mlpolicy.plan.merge import MISSING, Built, Extent
from mlpolicy.plan.rulebook import Rulebook

if TYPE_CHECKING:
    from mlpolicy.source import SourceTree

__all__ = ["Loaded", "Terms", "across", "check", "load", "load_every", "policy_files"]

EMPTY, STRAY, UNKNOWN = "MP408", "MP407", "MP005"
"""What reading finds of parts that others may complete."""
OF_PACKAGES = ("MP132", "MP133")
"""Findings whose cause is an installed package: they are said where it is asked for first."""
EXPIRED = "MP502"
"""The only error that comes with time alone: it never keeps a service from starting."""


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
    tree: SourceTree | None = None
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
    found: tuple[Diagnostic, ...] = ()
    """The findings but for those that ask what the source has."""
    strays: tuple[Diagnostic, ...] = ()
    """What environments change that is not there."""
    unknown: Diagnostic | None = None
    """What is said of an environment that was asked for, and is none of those that files name."""

    @property
    def books(self) -> Mapping[str, Rulebook]:
        """The rulebooks by environment; that of the files themselves under no name."""
        return {"": self.rulebook, **self.others}

    @property
    def texts(self) -> tuple[Document, ...]:
        """Every file that says what holds: those given, imported, and of shipped profiles."""
        books = self.books.values()
        return (*self.documents, *(file for book in books for file in book.profiles.documents))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that keep the policy from being used; suppressed ones do not."""
        kept = Suppressions.of(self.documents, self.rulebook.settings).kept(self.diagnostics)
        return tuple(found for found in kept if found.severity == "error")

    @property
    def refused(self) -> tuple[Diagnostic, ...]:
        """The errors for which a service refuses to start: all but those that a day brought."""
        return tuple(found for found in self.errors if found.code != EXPIRED)

    @property
    def misnamed(self) -> bool:
        """Whether nothing holds of what is here: another environment was probably meant."""
        return self.unknown is not None and self.unknown.severity == "error"

    @property
    def files(self) -> tuple[PolicyFile, ...]:
        """The files, by name."""
        return self.rulebook.files

    def shown(self, more: Iterable[Diagnostic] = (), *, level: Level = "ast") -> Loaded:
        """Return all findings to show: *more* among them, suppressed ones left out.

        *level* says how far targets were looked for, so which suppressions can be unused.
        """
        suppressions = Suppressions.of(self.documents, self.rulebook.settings).read(codes())
        found = [*self.found, *_hidden([*more, *self.absent()], self.secrets)]
        kept = suppressions.kept(found)
        # What is wrong may keep what is suppressed from being found.
        whole = not self.nowhere and not any(one.severity == "error" for one in kept)
        own = suppressions.findings(may_be_found=lambda code: whole and found_at(code, level))
        return replace(self, diagnostics=in_order([*kept, *own]))

    @property
    def nowhere(self) -> set[Span]:
        """Where targets stand that are not there in any environment, if the source was asked."""
        return {span for book in self.books.values() for span in book.nowhere}

    def absent(self) -> list[Diagnostic]:
        """Return what has no effect, unless what should have one is misspelt elsewhere."""
        if not self.nowhere:
            return [*self.strays, *unseen(self.rulebook)]
        files = {span.file for span in self.nowhere}
        return [stray for stray in self.strays if stray.span.file not in files]


def _hidden(found: Iterable[Diagnostic], secrets: frozenset[str]) -> list[Diagnostic]:
    """Return what was *found* with nothing in it that must not be shown."""
    return [one.less(secrets) for one in found] if secrets else list(found)


def load(paths: Iterable[Path], terms: Terms | None = None) -> Loaded:
    """Read the files at *paths*, directories searched, and check them together."""
    return _loaded(gather(paths), terms or Terms(), {})


def load_every(paths: Iterable[Path], terms: Terms | None = None) -> Loaded:
    """Read the files at *paths* without an environment, and check them in every one.

    What is found only in an environment says so.
    """
    terms = terms or Terms()
    terms = replace(terms, now=terms.now or datetime.now(UTC))
    gathered, built = gather(paths), Built()
    base = _loaded(gathered, replace(terms, environment=None), built)
    others = {
        name: _loaded(gathered, replace(terms, environment=name), built, beside=True)
        for name in gathered.environments
    }
    secrets = base.secrets.union(*(one.secrets for one in others.values()))
    found = {"": base.found} | {name: one.found for name, one in others.items()}
    strays = across({name: one.strays for name, one in others.items()})
    base = replace(base, others={name: one.rulebook for name, one in others.items()})
    return _told(base, across(found), strays, secrets)


def across(findings: Mapping[str, Iterable[Diagnostic]]) -> tuple[Diagnostic, ...]:
    """Return the *findings* of environments, each once, with the environments that have it.

    What is found without one, under no name, is of all of them.
    """
    made: dict[tuple[object, ...], Diagnostic] = {}
    for environment, found in findings.items():
        for one in found:
            key = (one.code, one.span, one.message)
            known = made.setdefault(key, replace(one, environment=environment))
            names = known.environment
            if names and environment not in names.split(", "):
                names = f"{names}, {environment}"
            suggestions = known.suggestions or one.suggestions
            made[key] = replace(known, environment=names, suggestions=suggestions)
    return tuple(made.values())


def check(readings: Iterable[Reading], terms: Terms | None = None) -> Loaded:
    """Return what *readings* make together, each read already for one environment."""
    return _judged(tuple(readings), terms or Terms(), {})


def _loaded(gathered: Gathered, terms: Terms, built: Built, *, beside: bool = False) -> Loaded:
    readings: dict[Path, Reading] = {}
    named = gathered.complete and not any(file.source.partial for file in gathered.files)
    for file in gathered.inmost_first():
        readings[file.path] = _read(file, readings, terms, complete=gathered.complete)
    asked, known = terms.environment, gathered.environments
    loaded = _judged(
        tuple(readings[file.path] for file in gathered.files),
        terms if asked in known else replace(terms, environment=None),
        built,
        before=gathered.diagnostics,
        read=Extent(named=named, beside=beside),
    )
    shipped_files = [reader.profile_path(name) for name in sorted(loaded.rulebook.profiles.shipped)]
    return replace(
        loaded,
        environments=known,
        unknown=_unknown(asked or "", gathered, loaded.rulebook),
        inputs=(*(file.path for file in gathered.files), *shipped_files),
    )


def _unknown(name: str, gathered: Gathered, rulebook: Rulebook) -> Diagnostic | None:
    """Return what is said where no file names the environment *name*, and some name others.

    Where a file could not be read, nobody knows what it names.
    """
    known = gathered.environments
    roots = [file.source.root for file in gathered.files if file.source.root is not None]
    is_whole = len(roots) == len(gathered.files) and not gathered.diagnostics
    if not name or not known or name in known or not is_whole:
        return None
    keys = {entry.key: entry.key_span for root in roots for entry in reversed(root.entries)}
    help = did_you_mean(closest(name, known), f"there are {', '.join(f'`{one}`' for one in known)}")
    severity: Severity = "warning"
    if rulebook.settings.on_unknown_environment == "error":
        severity = "error"
        help += f"; where `{name}` is no slip, `environments` takes `{name}: {{}}`"
    text = f"no file names an environment `{name}`"
    return Diagnostic("MP010", text, keys["environments"], severity, help=help)


def _read(
    file: Located, readings: Mapping[Path, Reading], terms: Terms, *, complete: bool
) -> Reading:
    variables = Variables(terms.named)
    for path in file.imports:
        if path in readings:
            variables.vars |= readings[path].variables.vars
    variables.fixed = terms.variables
    variables.partial = not complete or file.source.partial
    return read_source(
        file.source, environment=terms.environment, variables=variables, depth=file.depth
    )


def _judged(
    readings: tuple[Reading, ...],
    terms: Terms,
    built: Built,
    *,
    before: Iterable[Diagnostic] = (),
    read: Extent | None = None,
) -> Loaded:
    sources = tuple(reading.source for reading in readings if reading.source)
    read = read or Extent(named=not any(source.partial for source in sources))
    found = [*before, *(one for reading in readings for one in reading.diagnostics)]
    read = replace(read, of_environment=terms.environment is not None)
    if any(reading.variables.lacking for reading in readings):
        read = replace(read, whole=False, filled=False)
        found = [one for one in found if one.code != MISSING]
    if read.beside or not read.filled:
        found = [one for one in found if one.code != EMPTY]
    if any(one.severity == "error" for one in found):
        read = replace(read, whole=False)
    rulebook = Rulebook(
        (reading.file for reading in readings),
        now=terms.now,
        environ=terms.named,
        overrides=terms.overrides,
        read=read,
        built=built,
    )
    if terms.tree is not None:
        from mlpolicy.plan.governed import know_names  # (a service looks at no source)

        know_names(rulebook, terms.tree)
    found += of_policies(rulebook, sources)
    secrets, variables = set[str](), dict[str, str | None]()
    for reading in readings:
        secrets |= reading.variables.secrets
        variables |= reading.variables.read
    documents = tuple(reading.document for reading in readings)
    loaded = Loaded(rulebook, documents, (), terms.environment, variables=variables)
    return _told(loaded, *_parted(found, rulebook), frozenset(secrets))


def _parted(
    found: Iterable[Diagnostic], rulebook: Rulebook
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Return the findings that hold whatever the source has, and those of strays.

    A stray is what an environment changes and is not there. That is not sure where a key of its
    file was not understood, or where a policy asks for the same profile.
    """
    certain = [one for one in found if one.code != STRAY]
    keys = {one.span.file for one in certain if one.code in (UNKNOWN, MISSING)}
    asked = [f"profile `{name}`" for name in rulebook.profiles.missing]
    strays = (one for one in found if one.code == STRAY and one.span.file not in keys)
    return certain, [one for one in strays if not any(name in one.message for name in asked)]


def _told(
    loaded: Loaded,
    found: Iterable[Diagnostic],
    strays: Iterable[Diagnostic],
    secrets: frozenset[str],
) -> Loaded:
    """Return *loaded* with its findings, none of which shows any of the *secrets*."""
    ordered = in_order(_hidden(found, secrets))
    first = {one.message: one for one in reversed(ordered) if one.code in OF_PACKAGES}
    kept = tuple(one for one in ordered if first.get(one.message, one) is one)
    loaded = replace(loaded, found=kept, strays=tuple(strays), secrets=secrets)
    absent = _hidden(loaded.absent(), secrets)
    return replace(loaded, diagnostics=in_order([*loaded.found, *absent]))
