"""A document becomes a policy file: every part read, every finding kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from mlpolicy.core.diagnostic import Diagnostic, Suggestion, in_order
from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span
from mlpolicy.document.node import (
    Entry,
    Scalar,
    Sequence,
    entries_of,
    is_empty,
    is_null,
    scalars,
)
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.document.parse import Document, parse
from mlpolicy.model import messages
from mlpolicy.model.check import check
from mlpolicy.model.grammar import FileBlock, Overlay, SettingsBlock
from mlpolicy.model.interpolate import MARKS, Variables
from mlpolicy.model.overlay import EnvironmentOverlay
from mlpolicy.model.policies import PolicyReader, look_for_kinds, names, patterns
from mlpolicy.model.policy import Name, PolicyFile, Settings, is_name
from mlpolicy.model.rules import Layers
from mlpolicy.model.synonyms import OF_FILE
from mlpolicy.model.unknown import Words, mended

VERSION = 1
MOST_ENVIRONMENTS = 200
_SECTIONS = ("settings", "defaults", "resources", "profiles", "policies", "environments")
"""What is checked part by part."""
_TRUTH = re.compile(r"[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_BASE_8 = re.compile(r"[-+]?0[0-7_]+")


@dataclass(slots=True)
class Source:
    """One document that may be read for several environments."""

    document: Document
    root: MappingNode | None
    """What it says, less its `x-` keys; None where nothing of it can be relied on."""
    diagnostics: tuple[Diagnostic, ...]
    """What is wrong with it whatever the environment."""
    layers: Layers
    environments: Mapping[str, MappingNode]
    imports: tuple[Name, ...]

    @property
    def file(self) -> str:
        """The file, as places name it."""
        return self.document.file

    @property
    def partial(self) -> bool:
        """Whether names that others refer to could not be read: its own, or of its imports."""
        if self.root is None:
            return True
        for key in ("profiles", "resources"):
            if not isinstance(self.root.get(key), MappingNode | None):
                return True
        imports = self.root.get("imports")
        items = imports.items if isinstance(imports, Sequence) else (imports,) if imports else ()
        return len(items) != len(self.imports)


@frozen()
class Reading:
    """What came of reading one file: as much of it as makes sense, and all findings."""

    file: PolicyFile
    document: Document
    diagnostics: tuple[Diagnostic, ...]
    variables: Variables = field(default_factory=lambda: Variables({}))
    source: Source | None = None


def read_text(text: str, *, file: str = "policy.yaml") -> Reading:
    """Read *text* as the policy file named *file*, for no environment."""
    return read_source(source(parse(text, file=file)))


# --- whatever the environment ---------------------------------------------------------


def source(document: Document) -> Source:
    """Return what *document* says before an environment is chosen."""
    findings: list[Diagnostic] = list(document.diagnostics)
    root = _root(document, findings)
    if root is None:
        return Source(document, None, tuple(findings), Layers(), {}, ())
    free = tuple(entry for entry in root.entries if entry.key.startswith("x-"))
    kept = tuple(entry for entry in root.entries if not entry.key.startswith("x-"))
    root = MappingNode(kept, root.at)
    look_for_kinds(root)
    root = mended(root, FileBlock.model_fields, Words("the file", OF_FILE), findings)
    layers = Layers(MappingNode((*root.entries, *free), root.at))
    findings += _version(root, Span(document.file))
    imports = root.get("imports")
    imported = names(imports) if isinstance(imports, Sequence) else ()
    environments = _environments(root, findings)
    return Source(document, root, tuple(findings), layers, environments, imported)


def _root(document: Document, findings: list[Diagnostic]) -> MappingNode | None:
    root, start = document.root, Span(document.file)
    if root is None or is_empty(root):
        if not findings:
            help = "begin with `version: 1`"
            findings.append(Diagnostic("MP003", "the file is empty", start, help=help))
        return None
    if not isinstance(root, MappingNode):
        text = f"expected a mapping with `version`, found {messages.found(root.plain())}"
        findings.append(Diagnostic("MP010", text, root.span))
        return None
    wrong = _version(root, start) if root.get("version") is not None else []
    findings += wrong
    return None if wrong else root  # another version may mean other things


def _version(root: MappingNode, start: Span) -> list[Diagnostic]:
    node = root.get("version")
    if node is None:
        help = "begin with `version: 1`"
        return [Diagnostic("MP003", "`version` is missing", start, help=help)]
    number = node.value if isinstance(node, Scalar) and node.value is not True else None
    if number == VERSION or is_empty(node):
        return []  # (MP009 has said that it is empty; to JSON, and so to editors, 1.0 is 1)
    shown = node.text if isinstance(node, Scalar) else messages.found(node.plain())
    help = "this mlpolicy reads version 1; write `version: 1`, or install a newer mlpolicy"
    return [Diagnostic("MP003", f"version `{shown}` is not supported", node.span, help=help)]


def _environments(root: MappingNode, findings: list[Diagnostic]) -> dict[str, MappingNode]:
    made: dict[str, MappingNode] = {}
    for number, entry in enumerate(entries_of(root.get("environments"))):
        value = entry.value
        if number == MOST_ENVIRONMENTS:
            text = f"more than {MOST_ENVIRONMENTS} environments: each is checked by itself"
            findings.append(Diagnostic("MP001", text, entry.key_span))
            break
        if isinstance(value, MappingNode):
            about = Words(f"environment `{entry.key}`", OF_FILE)
            findings += check(_hollow(value), Overlay, about).diagnostics
        elif not is_empty(value):
            text = f"expected a mapping, found {messages.found(value.plain())}"
            findings.append(Diagnostic("MP010", text, value.span))
        known = [inner for inner in entries_of(value) if inner.key in Overlay.model_fields]
        made[entry.key] = MappingNode(tuple(known), value.at)
    return made


def _hollow(node: MappingNode) -> MappingNode:
    """Return *node* with nothing in its sections; they are checked one by one."""
    entries = (
        Entry(entry.key, entry.at, MappingNode((), entry.value.at))
        if entry.key in _SECTIONS and isinstance(entry.value, MappingNode)
        else entry
        for entry in node.entries
    )
    return MappingNode(tuple(entries), node.at)


# --- for one environment --------------------------------------------------------------


def read_source(
    source: Source,
    *,
    environment: str | None = None,
    variables: Variables | None = None,
    depth: int = 0,
) -> Reading:
    """Return what *source* says in *environment*; *variables* hold what its imports define."""
    variables = variables or Variables(os.environ)
    document, findings = source.document, list(source.diagnostics)
    file = PolicyFile(source.file, depth=depth)
    if source.root is None:
        return Reading(file, document, in_order(findings), variables, source)
    overlay = EnvironmentOverlay(environment or "")
    root = _overlaid(source, source.root, overlay)
    findings += overlay.diagnostics
    _define(root, variables, findings)
    strays = tuple(
        Entry(key, Span(""), MappingNode(tuple(entries), Span("")))
        for key, entries in overlay.strays.items()
    )
    written, apart = root, MappingNode(strays, Span(""))
    if any(mark in document.text for mark in MARKS):
        kept = [entry for entry in root.entries if entry.key not in ("vars", "environments")]
        own = [entry for entry in root.entries if entry.key in ("vars", "environments")]
        filled = variables.filled(MappingNode(tuple(kept), root.at))
        written = MappingNode((*filled.entries, *own), root.at)
        apart = variables.filled(apart)
    checked = check(_hollow(written), FileBlock, Words("the file", OF_FILE))
    findings += checked.diagnostics
    reader = PolicyReader(source.layers, findings)
    file = replace(
        reader.file(written, file),
        name=checked.value.name if checked.value is not None else "",
        settings=_settings(written, findings),
        removed=overlay.removed,
    )
    reader.apart(apart)
    findings = [found for found in findings if found.span not in variables.refused]
    findings += variables.diagnostics
    findings += _otherwise_read(root, [finding.span for finding in findings])
    return Reading(file, document, in_order(findings), variables, source)


def _overlaid(source: Source, root: MappingNode, overlay: EnvironmentOverlay) -> MappingNode:
    patch = source.environments.get(overlay.environment)
    if patch is None:
        return root
    kept: list[Entry] = []
    for entry in patch.entries:
        below = root.get(entry.key)  # of another form it was reported
        is_section = isinstance(entry.value, MappingNode) or is_null(entry.value)
        if is_section and isinstance(below, MappingNode | None):
            kept.append(entry)
    return overlay.over(root, MappingNode(tuple(kept), patch.at))


def _define(root: MappingNode, variables: Variables, findings: list[Diagnostic]) -> None:
    """Let *variables* know the `vars` of a file."""
    for entry in entries_of(root.get("vars")):
        variables.vars[entry.key] = entry.value
        if not is_name(entry.key):
            text = f"`{entry.key}` is not a name: a letter, then letters, digits, `-` and `_`"
            findings.append(Diagnostic("MP010", text, entry.key_span))
    variables.partial |= not all(map(is_name, variables.vars))


def _settings(root: MappingNode, findings: list[Diagnostic]) -> Settings:
    node = root.get("settings")
    if not isinstance(node, MappingNode):
        return Settings()
    checked = check(node, SettingsBlock, Words("`settings`", OF_FILE, path=("settings",)))
    findings += checked.diagnostics
    block, lint = checked.value, node.get("lint")
    if block is None:
        return Settings()
    ignore = lint.get("ignore") if isinstance(lint, MappingNode) else None
    allowed = () if block.allow_call is None else (patterns(node.get("allow_call"), []),)
    return Settings(
        on_missing_target=block.on_missing_target,
        on_engine_error=block.on_engine_error,
        packages=block.packages,
        require=block.require,
        expiry_warning=float(block.expiry_warning),
        allow_call=allowed,
        ignore=tuple(
            (Name(entry.key, entry.key_span), str(entry.value.plain()))
            for entry in entries_of(ignore)
        ),
        on_unknown_environment=block.on_unknown_environment,
    )


# --- YAML 1.1 -------------------------------------------------------------------------


def _otherwise_read(root: MappingNode, wrong: Iterable[Span]) -> Iterator[Diagnostic]:
    """Yield the values that mean another thing to older tools, but for those that are *wrong*."""
    places = {(span.line, span.column) for span in wrong}
    for scalar in scalars(root):
        meaning = "" if scalar.quoted else _older_meaning(scalar.text)
        if meaning and (scalar.span.line, scalar.span.column) not in places:
            quoted = f'"{scalar.text}"' if isinstance(scalar.value, str) else str(scalar.value)
            title = f"write {quoted}"
            edit = Suggestion(title, scalar.span, quoted, safe=True)
            text = f"`{scalar.text}` is {meaning} to tools that read YAML 1.1"
            yield Diagnostic("MP105", text, scalar.span, "warning", help=title, suggestions=(edit,))


def _older_meaning(text: str) -> str:
    if text[:1] not in "+-0123456789yYnNoO":
        return ""
    if _TRUTH.fullmatch(text):
        return "a truth value"
    if _BASE_60.fullmatch(text):
        return "a number of base 60"
    return "a number of base 8" if _BASE_8.fullmatch(text) else ""
