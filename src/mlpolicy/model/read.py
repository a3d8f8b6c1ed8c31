"""A document becomes a policy file: every part read, every finding kept."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import filterfalse
from pathlib import Path

from mlpolicy.core.address import Address
from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, Suggestion, closest, did_you_mean, in_order
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob
from mlpolicy.document.node import (
    Entry,
    Node,
    Scalar,
    Sequence,
    entries_of,
    is_empty,
    is_null,
    scalars,
)
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.document.parse import Document, parse
from mlpolicy.model.check import check, shown
from mlpolicy.model.grammar import OF_FILE, FileBlock, Overlay, SettingsBlock
from mlpolicy.model.interpolate import MARKS, Filled, Variables
from mlpolicy.model.overlay import EnvironmentOverlay, Layers
from mlpolicy.model.policies import Known, PolicyReader, names
from mlpolicy.model.policy import Name, Pattern, PolicyFile, Profile, Settings, is_name
from mlpolicy.model.unknown import Words, look_for_kinds, spelt

VERSION = 1
MOST_ENVIRONMENTS = 200
PROFILES = "mlpolicy/profiles"
"""What places call the folder of the profiles that come with mlpolicy, wherever the package is."""
_SECTIONS = ("settings", "defaults", "resources", "profiles", "policies", "environments")
"""What is checked part by part."""
_OLDER = (
    (re.compile(r"[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF"), "a truth value"),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"), "a number of base 60"),
    (re.compile(r"[-+]?0[0-7_]+"), "a number of base 8"),
)
"""What YAML 1.1 makes of some values."""
_PACKAGE = re.compile(r"pkg:(?P<package>[^\W\d]\w*(?:\.[^\W\d]\w*)*)/(?P<path>.+)")
_SCHEME = re.compile(r"[a-zA-Z][\w+.-]+:")


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
    known: dict[int, Known] = field(default_factory=dict)
    """The policies that were read of the file itself, if environments may share them."""
    filled: dict[int, Filled] = field(default_factory=dict)
    """Its entries with their variables, for these."""
    forgotten: bool = False

    @property
    def file(self) -> str:
        """The file, as places name it."""
        return self.document.file

    def forget(self) -> None:
        """Let go of the nodes of its policies: most of what a file takes."""
        if self.root is not None:
            kept = [
                Entry(entry.key, entry.at, MappingNode((), entry.value.at))
                if entry.key == "policies" and isinstance(entry.value, MappingNode)
                else entry
                for entry in self.root.entries
            ]
            self.root, self.layers = MappingNode(tuple(kept), self.root.at), Layers()
            self.document.forget()
            self.forgotten = True

    def recall(self) -> None:
        """Have the nodes again that were let go."""
        if self.forgotten:
            fresh = source(self.document)
            self.root, self.layers, self.forgotten = fresh.root, fresh.layers, False

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
    diagnostics: tuple[Diagnostic, ...]
    variables: Variables
    source: Source

    @property
    def document(self) -> Document:
        """The file as it was written."""
        return self.source.document


def read_text(text: str, *, file: str = "policy.yaml") -> Reading:
    """Read *text* as the policy file named *file*, for no environment."""
    return read_source(source(parse(text, file=file)))


def profile_path(name: str) -> Path:
    """Return the file of a profile that comes with mlpolicy."""
    return Path(__file__).parents[1] / "profiles" / f"{name}.yaml"


@cache
def shipped(name: str) -> tuple[Profile, Document]:
    """Return a profile that comes with mlpolicy, and the file that holds it: no import needed."""
    document = parse(profile_path(name).read_bytes(), file=f"{PROFILES}/{name}.yaml")
    [profile] = read_source(source(document)).file.profiles
    return profile, document


# --- whatever the environment ---------------------------------------------------------


def source(document: Document) -> Source:
    """Return what *document* says before an environment is chosen."""
    findings: list[Diagnostic] = list(document.diagnostics)
    start, root = Span(document.file), document.root
    if root is None or is_empty(root):
        if not findings:
            help = "begin with `version: 1`"
            findings.append(Diagnostic("MP003", "the file is empty", start, help=help))
    elif not isinstance(root, MappingNode):
        text = f"expected a mapping with `version`, found {shown(root.plain())}"
        findings.append(Diagnostic("MP010", text, root.span))
    version = root.get("version") if isinstance(root, MappingNode) else None
    wrong = [] if version is None else _version(version)
    if wrong or not isinstance(root, MappingNode):  # another version may mean other things
        return Source(document, None, tuple(wrong or findings), Layers(), {}, ())
    free, kept = filter(_is_free, root.entries), tuple(filterfalse(_is_free, root.entries))
    root = MappingNode(kept, root.at)
    look_for_kinds(root)
    root = spelt(root, FileBlock.model_fields, Words("the file", OF_FILE), findings)
    layers = Layers(MappingNode((*root.entries, *free), root.at))
    version = root.get("version")
    if version is None:
        help = "begin with `version: 1`"
        findings.append(Diagnostic("MP003", "`version` is missing", start, help=help))
    else:
        findings += _version(version)
    imports = root.get("imports")
    imported = names(imports) if isinstance(imports, Sequence) else ()
    environments = _environments(root, findings)
    return Source(document, root, tuple(findings), layers, environments, imported)


def _is_free(entry: Entry) -> bool:
    return entry.key.startswith("x-")


def _version(node: Scalar | Sequence | MappingNode) -> list[Diagnostic]:
    number = node.value if isinstance(node, Scalar) and node.value is not True else None
    if number == VERSION or is_empty(node):
        return []  # (MP009 has said that it is empty; to JSON, and so to editors, 1.0 is 1)
    written = node.text if isinstance(node, Scalar) else shown(node.plain())
    help = "this mlpolicy reads version 1; write `version: 1`, or install a newer mlpolicy"
    return [Diagnostic("MP003", f"version `{written}` is not supported", node.span, help=help)]


def _environments(root: MappingNode, findings: list[Diagnostic]) -> dict[str, MappingNode]:
    made: dict[str, MappingNode] = {}
    for entry in entries_of(root.get("environments")):
        value = entry.value
        if len(made) == MOST_ENVIRONMENTS:
            text = f"more than {MOST_ENVIRONMENTS} environments: each is checked by itself"
            findings.append(Diagnostic("MP001", text, entry.key_span))
            break
        if isinstance(value, MappingNode):
            about = Words(f"environment `{entry.key}`", OF_FILE)
            findings += check(_hollow(value), Overlay, about).diagnostics
        elif not is_empty(value):
            text = f"expected a mapping, found {shown(value.plain())}"
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
    beside: bool = False,
    keeps: bool = False,
) -> Reading:
    """Return what *source* says in *environment*; *variables* hold what its imports define.

    With *beside*, what the file itself says is read too, and what tools read otherwise is said there.
    What it *keeps* without an environment is not read again for those that leave it as it is.
    """
    variables = variables or Variables(os.environ)
    keeps = keeps and not environment
    variables.known, variables.learns = source.filled, keeps
    findings = list(source.diagnostics)
    file = PolicyFile(source.file, depth=depth)
    if source.root is None:
        return Reading(file, in_order(findings), variables, source)
    overlay = EnvironmentOverlay(environment or "")
    root = _overlaid(source, source.root, overlay)
    findings += overlay.diagnostics
    for entry in entries_of(root.get("vars")):
        variables.vars[entry.key] = entry.value
        if not is_name(entry.key):
            text = f"`{entry.key}` is not a name: a letter, then letters, digits, `-` and `_`"
            findings.append(Diagnostic("MP010", text, entry.key_span))
    variables.partial |= not all(map(is_name, variables.vars))
    has_marks = any(mark in source.document.text for mark in MARKS)
    written = _filled(root, variables) if has_marks else root
    known = [entry for entry in _hollow(written).entries if entry.key in FileBlock.model_fields]
    whole = MappingNode(tuple(known), written.at)
    checked = check(whole, FileBlock, Words("the file", OF_FILE))
    findings += checked.diagnostics
    reader = PolicyReader(source.layers, findings, overlay.strays, source.known, keeps)
    file = replace(
        reader.file(written, file),
        name=checked.value.name if checked.value is not None else "",
        settings=_settings(written, findings),
        removed=overlay.removed,
    )
    findings = [finding for finding in findings if finding.span not in variables.refused]
    findings += variables.diagnostics
    own = _otherwise(root, source.root) if beside else root
    findings += _otherwise_read(own, [finding.span for finding in findings])
    return Reading(file, in_order(findings), variables, source)


def _filled(root: MappingNode, variables: Variables) -> MappingNode:
    """Return *root* with its variables put in, but for where they are defined."""
    kept = [entry for entry in root.entries if entry.key not in ("vars", "environments")]
    own = [entry for entry in root.entries if entry.key in ("vars", "environments")]
    filled = variables.filled(MappingNode(tuple(kept), root.at))
    return MappingNode((*filled.entries, *own), root.at)


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


def _otherwise(root: MappingNode, base: MappingNode) -> MappingNode:
    """Return what of *root* an environment has put in place of what *base* has."""
    kept: list[Entry] = []
    for entry in root.entries:
        below = base.index.get(entry.key)
        inner, old = entry.value, below.value if below else None
        if entry is below or not isinstance(inner, MappingNode) or not isinstance(old, MappingNode):
            kept += [] if entry is below else [entry]
        else:
            kept += [one for one in inner.entries if old.index.get(one.key) is not one]
    return MappingNode(tuple(kept), root.at)


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
    allowed = (Pattern(Glob(name.text), name.span) for name in names(node.get("allow_call")))
    same = ("on_missing_target", "on_engine_error", "packages", "require")
    said = "on_unknown_environment" in block.model_fields_set
    return Settings(
        **{name: getattr(block, name) for name in same},
        ops=_ops(node.get("ops"), block, findings),
        on_unknown_environment=block.on_unknown_environment if said else None,
        expiry_warning=float(block.expiry_warning),
        allow_call=() if block.allow_call is None else (tuple(allowed),),
        ignore=tuple(
            (Name(entry.key, entry.key_span), str(entry.value.plain()))
            for entry in entries_of(ignore)
        ),
    )


def _ops(node: Node | None, block: SettingsBlock, findings: list[Diagnostic]) -> Address | None:
    listen = node.get("listen") if isinstance(node, MappingNode) else None
    if listen is None or block.ops.listen is None:
        return None
    address = Address.parse(block.ops.listen)
    if not address.is_loopback:
        findings.append(Diagnostic("MP908", address.exposed, listen.span, "warning"))
    return address


def _otherwise_read(root: MappingNode, wrong: Iterable[Span]) -> Iterator[Diagnostic]:
    """Yield the values that mean another thing to tools of YAML 1.1, but for those that are *wrong*."""
    places = {(span.line, span.column) for span in wrong}
    for scalar in scalars(root):
        text = scalar.text
        if scalar.quoted or text[:1] not in "+-0123456789yYnNoO":
            continue
        meaning = next((meaning for form, meaning in _OLDER if form.fullmatch(text)), "")
        if meaning and ((span := scalar.span).line, span.column) not in places:
            quoted = f'"{text}"' if isinstance(scalar.value, str) else str(scalar.value)
            title = f"write {quoted}"
            edit = Suggestion(title, span, quoted, safe=True)
            message = f"`{text}` is {meaning} to tools that read YAML 1.1"
            yield Diagnostic("MP105", message, span, "warning", help=title, suggestions=(edit,))


# --- imports --------------------------------------------------------------------------


class ImportRefused(Exception):
    """An import leads nowhere, or where it must not."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


def located(reference: str, *, importer: Path, root: Path) -> tuple[Path, Path]:
    """Return the file that an import names, and the root that it may not leave.

    Raises:
        ImportRefused: There is no such file, or it lies outside.
    """
    package = _PACKAGE.fullmatch(reference)
    if package is not None:
        root = folder_of(package["package"])
        path = root / package["path"]
    elif _SCHEME.match(reference):
        help = (
            "write a relative path (`./common.yaml`) or `pkg:package/file.yaml`; nothing is fetched"
        )
        raise ImportRefused(f"`{reference}` is no import", help)
    elif Path(reference).is_absolute():
        raise ImportRefused(f"`{reference}` is an absolute path", "write it relative to this file")
    else:
        path = importer.parent / reference
    try:
        real = path.resolve()
        if not real.is_relative_to(root.resolve()):  # (and nothing more is told of it)
            help = "keep what is imported below the policy's own folder, or ship it in a package (`pkg:`)"
            raise ImportRefused(f"`{reference}` lies outside of `{root}`", help)
        is_directory, is_file = real.is_dir(), real.is_file()
    except (OSError, RuntimeError, ValueError) as error:  # no permission, links in a circle, a null
        reason = getattr(error, "strerror", None) or "it is no path"
        raise ImportRefused(f"`{reference}` cannot be read: {reason}") from None
    if is_directory:
        raise ImportRefused(f"`{reference}` is a directory", "name a file in it")
    if not is_file:
        help = f"there is no folder `{real.parent.name}`"
        if real.parent.is_dir():
            own = importer.resolve()
            files = [file.name for file in real.parent.iterdir() if file.is_file() and file != own]
            help = did_you_mean(closest(real.name, files))
        raise ImportRefused(f"`{reference}` does not exist", help)
    return path, root


def folder_of(package: str) -> Path:
    """Return the folder of a package; none of its code is run.

    Raises:
        ImportRefused: There is no such package.
    """
    top, *below = package.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    for place in (spec.submodule_search_locations if spec else None) or ():
        folder = Path(place, *below)
        if folder.is_dir():
            return folder
    raise ImportRefused(f"there is no package `{package}`", "install it, or correct the name")
