"""Policy files become a rulebook, with everything that is wrong with them.

A check that something is not there asks how much could be read (`merge.Extent`), and is silent
where what it misses may be in the rest. No finding hides another; only a suppression takes one away,
and never an error for which a service refuses to start.
"""

from __future__ import annotations

import os
import re
from collections import ChainMap
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, closest, did_you_mean, in_order, repair, there_are
from mlpolicy.core.report import is_secret, passwords_in
from mlpolicy.core.span import Span
from mlpolicy.document.node import Scalar, scalars
from mlpolicy.document.parse import Document
from mlpolicy.lint.policies import asks_nodes, of_policies, unseen
from mlpolicy.model import read as reader
from mlpolicy.model.interpolate import Variables
from mlpolicy.model.policy import PolicyFile, RuleBlock, Settings
from mlpolicy.model.read import Reading, Source, read_source
from mlpolicy.plan.codes import Level, codes
from mlpolicy.plan.gather import Gathered, gather
from mlpolicy.plan.merge import MISSING, Built, Extent
from mlpolicy.plan.rulebook import Rulebook

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

    books: dict[str, Rulebook]
    """The rulebooks by environment; that of the files themselves, or of the environment that was
    asked for, under no name."""
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
    unknown: Diagnostic | None = None
    """What is said of an environment that was asked for, and is none of those that files name."""

    @property
    def rulebook(self) -> Rulebook:
        """The rulebook that the files make."""
        return self.books[""]

    @property
    def files(self) -> tuple[PolicyFile, ...]:
        """The files, by name."""
        return self.rulebook.files

    @property
    def texts(self) -> tuple[Document, ...]:
        """Every file that says what holds: those given, imported, and of shipped profiles."""
        shipped = (book.profiles.documents for book in self.books.values())
        return (*self.documents, *chain.from_iterable(shipped))

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
        nowhere = any(book.nowhere for book in self.books.values())
        whole = not nowhere and not any(finding.severity == "error" for finding in kept)
        known, looked = codes(), LEVELS[: LEVELS.index(level) + 1] if whole else ()
        own = suppressions.findings(known, {one for one in known if known[one].level in looked})
        return replace(self, diagnostics=in_order([*kept, *own]))

    def _all(self, more: Sequence[Diagnostic] = ()) -> list[Diagnostic]:
        """Return all findings, *more* among them.

        What has no effect is none where what should have one is misspelt elsewhere.
        """
        files = {span.file for book in self.books.values() for span in book.nowhere}
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
    terms = terms or Terms()
    terms = replace(terms, environment=None, now=terms.now or datetime.now(UTC))
    gathered, built = gather(paths), Built()
    base = _loaded(gathered, terms, built)
    each = {"": base}
    for name in gathered.environments:
        each[name] = _loaded(gathered, replace(terms, environment=name), built, base.rulebook)
    return replace(
        base,
        books={name: one.rulebook for name, one in each.items()},
        secrets=frozenset().union(*(one.secrets for one in each.values())),
        found=across({name: one.found for name, one in each.items()}),
        strays=across({name: one.strays for name, one in each.items()}),
    ).settled()


def across(findings: Mapping[str, Iterable[Diagnostic]]) -> tuple[Diagnostic, ...]:
    """Return the *findings* of environments, each once, with the environments that have it.

    What is found without one, under no name, is of all of them.
    """
    made: dict[tuple[object, ...], Diagnostic] = {}
    for environment, found in findings.items():
        for finding in found:
            key = (finding.code, finding.span, finding.message)
            known = made.setdefault(key, replace(finding, environment=environment))
            names = known.environment
            if names and environment not in names.split(", "):
                names = f"{names}, {environment}"
            suggestions = known.suggestions or finding.suggestions
            made[key] = replace(known, environment=names, suggestions=suggestions)
    return tuple(made.values())


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
        readings[file.path] = read_source(
            file.source,
            environment=terms.environment,
            variables=variables,
            depth=file.depth,
            beside=beside is not None,
        )
        _forget(gathered, file.source)
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


def _forget(gathered: Gathered, source: Source) -> None:
    """Let go of nodes that nobody asks for any more."""
    if not gathered.environments and not asks_nodes(source.document):
        source.forget()


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
        {"": rulebook},
        tuple(reading.document for reading in readings),
        (),
        terms.environment,
        variables=dict(ChainMap(*(one.read for one in variables))),
        secrets=secrets,
        found=tuple(_without(secrets, [one for one in found if one.code != STRAY])),
        strays=_strays(found, rulebook),
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


# --- suppress ------------------------------------------------------------------------------

_COMMENT = re.compile(r"(?:^|\s)#\s*mlpolicy:\s*ignore\[(?P<codes>[^\]]*)\](?P<reason>.*)$")
_GUARDS = ("MP010", "MP401", "MP402")
"""Code that is not allowed, and policies that contradict each other: no matter of the code alone."""


@dataclass(slots=True)
class Suppression:
    """One code that is not to be shown: on one line, or anywhere."""

    code: str
    reason: str
    span: Span
    line: int | None = None
    """The line that it is for; None for all files."""
    used: bool = False
    vain: str = ""
    """Why an error that it names is shown all the same."""


class Suppressions:
    """All suppressions that are written in *documents* and in *settings*."""

    def __init__(self, documents: Iterable[Document], settings: Settings) -> None:
        found = [one for document in documents for one in _comments(document)]
        found += (Suppression(name.text, why, name.span) for name, why in settings.ignore)
        self._found = found
        self._at: dict[tuple[str, str, int | None], list[Suppression]] = {}
        for one in found:
            file = "" if one.line is None else one.span.file
            self._at.setdefault((one.code, file, one.line), []).append(one)

    def kept(
        self, diagnostics: Iterable[Diagnostic], *, lasting: Container[tuple[str, Span]]
    ) -> tuple[Diagnostic, ...]:
        """Return the findings to show, and remember which suppressions took one away.

        None takes away an error that is *lasting*, by its code and place, or of another file:
        whom a guardrail binds does not switch it off.
        """
        return tuple(finding for finding in diagnostics if not self._takes(finding, lasting))

    def _takes(self, finding: Diagnostic, lasting: Container[tuple[str, Span]]) -> bool:
        code, span, hides = finding.code, finding.span, False
        is_error = finding.severity == "error"
        stays = is_error and (code in _GUARDS or (code, span) in lasting)
        here = self._at.get((code, span.file, span.line), ())
        for one in (*here, *self._at.get((code, "", None), ())):
            if stays:
                one.vain = "nothing hides what keeps a service from starting"
            elif is_error and one.span.file != span.file:
                one.vain = f"an error in `{span.file}` is suppressed there alone"
            else:
                one.used = hides = True
        return hides

    def findings(self, known: Collection[str], sought: Container[str]) -> Iterator[Diagnostic]:
        """Yield what is wrong with the suppressions themselves; only a code *sought* can be unused."""
        for one in self._found:
            if one.code not in known:
                near, text = closest(one.code, known), f"there is no finding `{one.code}`"
                help, edits = did_you_mean(near), repair(one.span, near)
                yield Diagnostic("MP091", text, one.span, help=help, suggestions=edits)
                continue
            if not one.reason.strip():
                text = f"{one.code} is suppressed without a reason"
                yield Diagnostic("MP090", text, one.span, "warning", help="write why, after it")
            if one.vain:
                text = f"{one.code} is found, and shown all the same: {one.vain}"
                help = "mend what is found, or ask the owner of the rule for it; then take this out"
                yield Diagnostic("MP092", text, one.span, "warning", help=help)
            elif not one.used and one.code in sought:
                text = f"{one.code} is suppressed here and not found"
                yield Diagnostic("MP092", text, one.span, "warning", help="take it out")


def _comments(document: Document) -> Iterator[Suppression]:
    """Yield the codes in comments `# mlpolicy: ignore[...]`; none of what stands in a text."""
    if "mlpolicy:" not in document.text:
        return
    texts: dict[int, list[Span]] = {}
    for span in {scalar.span for scalar in scalars(document.root)}:
        for number in range(span.line, span.end_line + 1):
            texts.setdefault(number, []).append(span)
    for number, line in enumerate(document.lines, 1):
        match = _COMMENT.search(line) if "mlpolicy:" in line else None
        if match is None:
            continue
        at = (number, line.index("#", match.start()) + 1)
        each = texts.get(number, ())
        if any((one.line, one.column) <= at < (one.end_line, one.end_column) for one in each):
            continue
        column = match.start("codes") + 1
        for code in match["codes"].split(","):
            begin, end = column + len(code) - len(code.lstrip()), column + len(code.rstrip())
            span = Span(document.file, number, begin, number, end)
            yield Suppression(code.strip(), match["reason"], span, number)
            column += len(code) + 1
