"""Policy files become a rulebook, with everything that is wrong with them.

A check that something is not there asks how much could be read (`merge.Extent`), and is silent
where what it misses may be in the rest. No finding hides another; only a suppression takes one away,
and never an error for which a service refuses to start.
"""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, closest, did_you_mean, in_order, there_are
from mlpolicy.core.report import is_secret, passwords_in
from mlpolicy.core.span import Span
from mlpolicy.document.node import Scalar, scalars
from mlpolicy.document.parse import Document
from mlpolicy.lint.policies import asks_nodes, of_policies, unseen
from mlpolicy.model import read as reader
from mlpolicy.model.interpolate import Variables
from mlpolicy.model.policy import PolicyFile, RuleBlock
from mlpolicy.model.read import Reading, read_source
from mlpolicy.plan.codes import Level, codes
from mlpolicy.plan.gather import Gathered, gather
from mlpolicy.plan.merge import MISSING, Built, Extent
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.plan.suppress import Suppressions

if TYPE_CHECKING:
    from mlpolicy.source import SourceTree

EMPTY, STRAY, UNKNOWN = "MP408", "MP407", "MP005"  # found of parts that others may complete
OF_PACKAGES = ("MP132", "MP133")  # said where the package at fault is asked for first
EXPIRED = "MP502"  # comes with time alone: it never keeps a service from starting
LEVELS: tuple[Level, ...] = ("none", "ast", "import")


@frozen()
class Terms:
    """What a policy is read under."""

    environment: str | None = None
    environ: Mapping[str, str] | None = field(default=None, repr=False)
    """Variables for `${env:...}` and the kill switch; those of the process without it."""
    now: datetime | None = None
    overrides: tuple[RuleBlock, ...] = ()
    """Rules over all policies, from the command line."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Values over those of `vars`, from the command line."""
    tree: SourceTree | None = None
    """Tells which targets are names of one function, without which each is one."""


@frozen()
class Loaded:
    """A set of files: the rulebook that they make, and the findings."""

    rulebook: Rulebook
    """What the files make, for themselves or in the environment that was asked for."""
    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]
    environment: str | None = None
    environments: tuple[str, ...] = ()
    """Every environment that a file names."""
    inputs: tuple[Path, ...] = ()
    """Every file that was read, imported ones and those of shipped profiles too."""
    variables: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    """The variables of the process that were asked for, and what they said."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """What no finding may show."""
    found: tuple[Diagnostic, ...] = ()
    """The findings but for those that ask what the source has."""
    strays: tuple[Diagnostic, ...] = ()
    """What environments change that is not there."""
    shipped: tuple[Document, ...] = ()
    """The files of shipped profiles."""
    by_source: tuple[Diagnostic, ...] | None = None
    """What is wrong between the policies and the source in any environment, if that was asked."""
    unknown: Diagnostic | None = None
    """What is said of an environment that was asked for, and is none of those that files name."""

    @property
    def files(self) -> tuple[PolicyFile, ...]:
        """The files, by name."""
        return self.rulebook.files

    @property
    def texts(self) -> tuple[Document, ...]:
        """Every file that says what holds: those given, imported, and of shipped profiles."""
        return (*self.documents, *self.shipped)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that keep the policy from being used, whatever is suppressed."""
        return tuple(finding for finding in self.diagnostics if finding.severity == "error")

    @property
    def refused(self) -> tuple[Diagnostic, ...]:
        """The errors for which a service refuses to start: all but those that a day brought."""
        return tuple(finding for finding in self.errors if finding.code != EXPIRED)

    @property
    def misnamed(self) -> bool:
        """Whether nothing holds of what is here: another environment was probably meant."""
        return self.unknown is not None and self.unknown.severity == "error"

    def shown(
        self, more: Sequence[Diagnostic] = (), *, level: Level = "ast", strict: bool = False
    ) -> Loaded:
        """Return all findings to show: *more* among them, suppressed ones left out.

        An error of the files themselves is never suppressed, nor any where *strict* says so.
        *level* says how far targets were looked for, so which suppressions can be unused.
        """
        suppressions = Suppressions(self.documents, self.rulebook.settings)
        lasting = {(one.code, one.span) for one in (*self.errors, *(more if strict else ()))}
        kept = suppressions.kept(self._all(more), lasting=lasting)
        # What is wrong may keep what is suppressed from being found.
        wrong = any(finding.severity == "error" for finding in kept)
        whole = not self.rulebook.nowhere and not wrong
        known, looked = codes(), LEVELS[: LEVELS.index(level) + 1] if whole else ()
        own = suppressions.findings(known, {one for one in known if known[one].level in looked})
        return replace(self, diagnostics=in_order([*kept, *own]))

    def _all(self, more: Sequence[Diagnostic] = ()) -> list[Diagnostic]:
        """Return all findings, *more* among them.

        What has no effect is none where what should have one is misspelt elsewhere.
        """
        files = {span.file for span in self.rulebook.nowhere}
        strays = [stray for stray in self.strays if stray.span.file not in files]
        idle = () if files else unseen(self.rulebook)
        return [*self.found, *_without(self.secrets, [*more, *strays, *idle])]

    def settled(self) -> Loaded:
        """Return it with its findings, none of which shows a secret."""
        ordered = in_order(_without(self.secrets, self.found))
        first = {one.message: one for one in reversed(ordered) if one.code in OF_PACKAGES}
        found = tuple(one for one in ordered if first.get(one.message, one) is one)
        settled = replace(self, found=found)
        return replace(settled, diagnostics=in_order(settled._all()))


def _without(secrets: frozenset[str], findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [finding.less(secrets) for finding in findings]


def _secrets(reading: Reading) -> Iterator[str]:
    """Yield what a file holds that must not be shown: from variables, and written out."""
    variables = reading.variables
    yield from variables.secrets
    for name, node in variables.vars.items():
        if isinstance(node, Scalar) and "$" not in node.text and is_secret(name):
            yield node.text
    for scalar in scalars(reading.document.root) if "://" in reading.document.text else ():
        yield from passwords_in(scalar.text)


def load(paths: Iterable[Path], terms: Terms | None = None) -> Loaded:
    """Read the files at *paths*, directories searched, and check them together."""
    return _loaded(gather(paths), terms or Terms(), {}).settled()


def load_every(paths: Iterable[Path], terms: Terms | None = None) -> Loaded:
    """Read the files at *paths* without an environment, and check them in every one.

    What is found only in an environment says so.
    """
    from mlpolicy.lint.targets import Seen, of_source  # (a service looks at no source)

    terms = terms or Terms()
    terms = replace(terms, environment=None, now=terms.now or datetime.now(UTC))
    gathered, built, tree = gather(paths), Built(), terms.tree
    seen = Seen() if gathered.environments else None

    def judged(name: str | None, beside: Rulebook | None = None) -> Loaded:
        one = _loaded(gathered, replace(terms, environment=name), built, beside)
        if tree is None:
            return one
        return replace(one, by_source=of_source(one.rulebook, tree, seen))

    base = judged(None)
    if not gathered.environments:
        return base.settled()
    known, each = _told(base), {"": _new(base, {}, base.rulebook)}
    for name in gathered.environments:
        one = judged(name, base.rulebook)
        base.rulebook.nowhere |= one.rulebook.nowhere
        one.rulebook.changes = None  # (which refer to it: a command collects no circles)
        # (one after the other: 200 rulebooks are too many to be held at once)
        each[name] = _new(one, known, base.rulebook)
    sourced = across({name: one.by_source or () for name, one in each.items()})
    return replace(
        base,
        secrets=frozenset().union(*(one.secrets for one in each.values())),
        found=across({name: one.found for name, one in each.items()}),
        strays=across({name: one.strays for name, one in each.items()}),
        shipped=tuple(chain.from_iterable(one.shipped for one in each.values())),
        by_source=sourced if tree else None,
    ).settled()


def _told(one: Loaded) -> dict[tuple[str, Span, str], Sequence[object]]:
    """Return the findings of *one*, with their repairs if any has one."""
    found = chain(one.found, one.strays, one.by_source or ())
    return {_said(it): it.suggestions for it in sorted(found, key=lambda it: len(it.suggestions))}


def _said(finding: Diagnostic) -> tuple[str, Span, str]:
    return finding.code, finding.span, finding.message


def _new(
    one: Loaded, known: Mapping[tuple[str, Span, str], Sequence[object]], book: Rulebook
) -> Loaded:
    """Return *one* without what is *known* already, nor a repair for it, and with another rulebook."""

    def kept(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        told = ((it, known.get(_said(it))) for it in findings)
        new = [it for it, had in told if had is None or (it.suggestions and not had)]
        return tuple(_without(one.secrets, new))

    new = kept(one.found), kept(one.strays), kept(one.by_source or ())
    return replace(one, rulebook=book, found=new[0], strays=new[1], by_source=new[2])


def across(findings: Mapping[str, Iterable[Diagnostic]]) -> tuple[Diagnostic, ...]:
    """Return the *findings* of environments, each once, with the environments that have it.

    What is found without one, under no name, is of all of them.
    """
    made: dict[tuple[str, Span, str], tuple[Diagnostic, dict[str, None]]] = {}
    for environment, found in findings.items():
        for finding in found:
            known, names = made.setdefault(_said(finding), (finding, {}))
            names[environment] = None
            if finding.suggestions and not known.suggestions:
                made[_said(finding)] = replace(known, suggestions=finding.suggestions), names
    return tuple(
        replace(finding, environment="" if "" in names else ", ".join(names))
        for finding, names in made.values()
    )


def check(readings: Iterable[Reading], terms: Terms | None = None) -> Loaded:
    """Return what *readings* make together, each read already for one environment."""
    readings = tuple(readings)
    named = not any(reading.source.partial for reading in readings)
    return _judged(readings, terms or Terms(), {}, Extent(named=named)).settled()


def _loaded(
    gathered: Gathered, terms: Terms, built: Built, beside: Rulebook | None = None
) -> Loaded:
    environ = os.environ if terms.environ is None else terms.environ
    readings: dict[Path, Reading] = {}
    for file in sorted(gathered.files, key=lambda file: -file.depth):  # imported ones first
        variables = Variables(environ)
        for path in file.imports:
            if path in readings:
                variables.vars |= readings[path].variables.vars
        variables.fixed = terms.variables
        variables.partial = not gathered.complete or file.source.partial
        file.source.recall()
        reading = read_source(
            file.source,
            environment=terms.environment,
            variables=variables,
            depth=file.depth,
            beside=beside is not None,
            keeps=bool(gathered.environments),
        )
        readings[file.path] = _lighter(reading, gathered)
    named = gathered.complete and not any(file.source.partial for file in gathered.files)
    known = gathered.environments
    loaded = _judged(
        tuple(readings[file.path] for file in gathered.files),
        terms if terms.environment in known else replace(terms, environment=None),
        built,
        Extent(named=named, beside=beside),
        before=gathered.diagnostics,
    )
    shipped_files = [reader.profile_path(name) for name in sorted(loaded.rulebook.profiles.shipped)]
    return replace(
        loaded,
        environments=known,
        unknown=_unknown(terms.environment or "", gathered, loaded.rulebook),
        inputs=(*(file.path for file in gathered.files), *shipped_files),
    )


def _lighter(reading: Reading, gathered: Gathered) -> Reading:
    """Return *reading* without nodes that nobody asks for any more."""
    source, is_large = reading.source, gathered.is_large
    if gathered.environments or (asks_nodes(source.document) and not is_large):
        return reading
    source.forget()
    if not is_large:
        return reading
    from mlpolicy.plan.packed import Packed

    return replace(reading, file=replace(reading.file, policies=Packed(reading.file.policies)))


def _unknown(name: str, gathered: Gathered, rulebook: Rulebook) -> Diagnostic | None:
    """Return what is said where no file names the environment *name*, and some name others."""
    known = gathered.environments
    roots = [file.source.root for file in gathered.files if file.source.root is not None]
    if not name or not known or name in known:
        return None
    if len(roots) < len(gathered.files) or gathered.diagnostics:
        return None  # nobody knows what the files name that could not be read
    keys = {entry.key: entry.key_span for root in roots for entry in reversed(root.entries)}
    help = did_you_mean(closest(name, known), there_are(known))
    text, span = f"no file names an environment `{name}`", keys["environments"]
    if rulebook.settings.on_unknown_environment != "error":
        return Diagnostic("MP010", text, span, "warning", help=help)
    help += f"; where `{name}` is no slip, `environments` takes `{name}: {{}}`"
    return Diagnostic("MP010", text, span, help=help)


def _judged(
    readings: tuple[Reading, ...],
    terms: Terms,
    built: Built,
    read: Extent,
    *,
    before: Iterable[Diagnostic] = (),
) -> Loaded:
    findings = (finding for reading in readings for finding in reading.diagnostics)
    found, read = _sure([*before, *findings], readings, read)
    read = replace(read, of_environment=terms.environment is not None)
    rulebook = Rulebook(
        (reading.file for reading in readings),
        now=terms.now,
        environ=terms.environ,
        overrides=terms.overrides,
        read=read,
        built=built,
    )
    if terms.tree is not None:
        from mlpolicy.plan.governed import know_names  # (a service looks at no source)

        know_names(rulebook, terms.tree)
    judged = of_policies(rulebook, [reading.source for reading in readings])
    rulebook.lacking = any(one.code == MISSING for one in judged)
    found += judged
    variables = [reading.variables for reading in readings]
    secrets = frozenset[str]().union(*map(_secrets, readings))
    return Loaded(
        rulebook,
        tuple(reading.document for reading in readings),
        (),
        terms.environment,
        variables=dict(ChainMap(*(one.read for one in variables))),
        secrets=secrets,
        found=tuple([one for one in found if one.code != STRAY]),
        strays=_strays(found, rulebook),
        shipped=tuple(rulebook.profiles.documents),
    )


def _sure(
    found: list[Diagnostic], readings: Iterable[Reading], read: Extent
) -> tuple[list[Diagnostic], Extent]:
    """Return what was *found* in reading files, and how much of them could be read.

    What has a variable without a value, or stands in an environment, may be what is missing.
    """
    filled = not any(reading.variables.lacking for reading in readings)
    unsure = (MISSING, EMPTY) if not filled else (EMPTY,) if read.beside else ()
    sure = [finding for finding in found if finding.code not in unsure]
    whole = filled and not any(finding.severity == "error" for finding in sure)
    return sure, replace(read, whole=whole, filled=filled)


def _strays(found: Iterable[Diagnostic], rulebook: Rulebook) -> tuple[Diagnostic, ...]:
    """Return what an environment changes and is not there.

    That is not sure where a key of its file was not understood, or where a policy asks for the
    same profile.
    """
    unsure = {finding.span.file for finding in found if finding.code in (UNKNOWN, MISSING)}
    asked = [f"profile `{name}`" for name in rulebook.profiles.missing]
    return tuple(
        stray
        for stray in found
        if stray.code == STRAY
        and stray.span.file not in unsure
        and not any(name in stray.message for name in asked)
    )
