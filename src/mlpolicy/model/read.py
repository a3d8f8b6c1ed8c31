"""A document becomes a policy file: every part read, every finding kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlpolicy.core.diagnostic import Diagnostic, in_order
from mlpolicy.core.frozen import frozen
from mlpolicy.core.lazily import Lazily
from mlpolicy.core.span import Span
from mlpolicy.document.node import Entry, Node, Scalar, Sequence, entries_of, is_empty, is_null
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.document.parse import Document, parse
from mlpolicy.model import selectors, words
from mlpolicy.model.check import check
from mlpolicy.model.grammar import META, FileBlock, Overlay
from mlpolicy.model.habits import OF_FILE
from mlpolicy.model.interpolate import MARKS, Variables
from mlpolicy.model.layers import Layers
from mlpolicy.model.older import older_readings
from mlpolicy.model.overlay import Overlay as Overlaying
from mlpolicy.model.places import elsewhere
from mlpolicy.model.policies import PolicyReader
from mlpolicy.model.policy import Name, Pattern, PolicyFile, Settings, is_name
from mlpolicy.model.selectors import patterns
from mlpolicy.model.strangers import look_for_kinds
from mlpolicy.model.unknown import Words, mended
from mlpolicy.rules import KINDS

VERSION = 1
MOST_ENVIRONMENTS = 200
SECTIONS = ("defaults", "resources", "profiles", "policies", "environments")


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
    reader: PolicyReader
    """Keeps the policies that it has read: most are the same in every environment."""

    @property
    def file(self) -> str:
        """The file, as places name it."""
        return self.document.file

    @property
    def partial(self) -> bool:
        """Whether names that others refer to could not be read: its own, or of its imports."""
        if self.root is None:
            return True
        sections = (self.root.get(key) for key in ("profiles", "resources"))
        wrong = any(one is not None and not isinstance(one, MappingNode) for one in sections)
        imports = self.root.get("imports")
        items = imports.items if isinstance(imports, Sequence) else (imports,) if imports else ()
        return wrong or len(items) != len(self.imports)


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
    found: list[Diagnostic] = list(document.diagnostics)
    root = _root(document, found)
    free: tuple[Entry, ...] = ()
    if root is not None:
        free = tuple(one for one in root.entries if one.key.startswith("x-"))
        kept = tuple(one for one in root.entries if not one.key.startswith("x-"))
        look_for_kinds(root)
        about = Words("the file", OF_FILE, _places())
        root = mended(MappingNode(kept, root.span), FileBlock.model_fields, about, found)
        found += _version(root, Span(document.file))
    layers = Layers(MappingNode((*root.entries, *free), root.span) if root else None)
    environments = _environments(root, found) if root is not None else {}
    reader = PolicyReader(layers)
    imports = root.get("imports") if root is not None else None
    named = selectors.names(imports) if isinstance(imports, Sequence) else ()
    return Source(document, root, tuple(found), layers, environments, named, reader)


def _root(document: Document, found: list[Diagnostic]) -> MappingNode | None:
    root, start = document.root, Span(document.file)
    if root is None or is_empty(root):
        if not found:
            help = "begin with `version: 1`"
            found.append(Diagnostic("MP003", "the file is empty", start, help=help))
        return None
    if not isinstance(root, MappingNode):
        text = f"expected a mapping with `version`, found {words.found(root.plain())}"
        found.append(Diagnostic("MP010", text, root.span))
        return None
    if root.get("version") is not None and _version(root, start):
        found += _version(root, start)  # another version may mean other things
        return None
    return root


def _version(root: MappingNode, start: Span) -> list[Diagnostic]:
    node = root.get("version")
    if node is None:
        help = "begin with `version: 1`"
        return [Diagnostic("MP003", "`version` is missing", start, help=help)]
    is_true = isinstance(node, Scalar) and node.value is True
    if (isinstance(node, Scalar) and node.value == VERSION and not is_true) or is_empty(node):
        return []  # (MP009 has said that it is empty; to JSON, and so to editors, 1.0 is 1)
    shown = node.text if isinstance(node, Scalar) else words.found(node.plain())
    help = "this mlpolicy reads version 1; write `version: 1`, or install a newer mlpolicy"
    return [Diagnostic("MP003", f"version `{shown}` is not supported", node.span, help=help)]


def _environments(root: MappingNode, found: list[Diagnostic]) -> dict[str, MappingNode]:
    node = root.get("environments")
    made: dict[str, MappingNode] = {}
    entries = entries_of(node)
    for entry in entries[MOST_ENVIRONMENTS : MOST_ENVIRONMENTS + 1]:
        text = f"more than {MOST_ENVIRONMENTS} environments: each is checked by itself"
        found.append(Diagnostic("MP001", text, entry.key_span))
    for entry in entries[:MOST_ENVIRONMENTS]:
        if not isinstance(entry.value, MappingNode):
            if not is_empty(entry.value):
                text = f"expected a mapping, found {words.found(entry.value.plain())}"
                found.append(Diagnostic("MP010", text, entry.value.span))
            made[entry.key] = MappingNode((), entry.value.span)  # (its name is known)
            continue
        about = Words(f"environment `{entry.key}`", OF_FILE, Lazily(_places_of_environment))
        wrong = check(_less(entry.value), Overlay, about).diagnostics
        found += wrong
        known = tuple(one for one in entry.value.entries if one.key in Overlay.model_fields)
        made[entry.key] = MappingNode(known, entry.value.span)
    return made


def _less(node: MappingNode) -> MappingNode:
    """Return *node* with nothing in its sections; they are checked one by one."""
    return MappingNode(tuple(_hollow(one) for one in node.entries), node.span)


def _hollow(entry: Entry) -> Entry:
    if entry.key in SECTIONS and isinstance(entry.value, MappingNode):
        return Entry(entry.key, entry.key_span, MappingNode((), entry.value.span))
    return entry


def _places() -> Mapping[str, str]:
    policy = dict.fromkeys([*KINDS, "match", "exclude", "use", *META], "a policy")
    settings = dict.fromkeys(("require", "packages", "on_missing_target"), "`settings`")
    return Lazily(lambda: {**elsewhere(), **policy, **settings})


def _places_of_environment() -> Mapping[str, str]:
    return {**_places(), **dict.fromkeys(("version", "name", "imports"), "the file itself")}


# --- for one environment --------------------------------------------------------------


def read_source(
    one: Source,
    *,
    environment: str | None = None,
    variables: Variables | None = None,
    depth: int = 0,
) -> Reading:
    """Return what *one* says in *environment*; *variables* hold what its imports define."""
    seen = variables or Variables(os.environ)
    empty = PolicyFile(one.file, depth=depth)
    if one.root is None:
        return Reading(empty, one.document, in_order(list(one.diagnostics)), seen, one)
    found = list(one.diagnostics)
    overlaying = Overlaying(environment or "", frozenset(KINDS))
    root = _overlaid(one, one.root, overlaying)
    found += overlaying.diagnostics
    seen.vars |= _defined(root, found)
    seen.partial |= not all(map(is_name, seen.vars))
    filled = _without(root, ("vars", "environments"))
    apart = overlaying.apart
    if any(mark in one.document.text for mark in MARKS):
        filled, apart = seen.filled(filled), seen.filled(apart)
    about = Words("the file", OF_FILE, _places())
    checked = check(_less(_with(filled, root, ("vars", "environments"))), FileBlock, about)
    found += checked.diagnostics
    file = one.reader.file(filled, empty)
    if checked.value is not None:
        file = replace(file, name=checked.value.name)
    file = replace(file, settings=_settings(filled), removed=overlaying.removed)
    one.reader.apart(apart)
    found += one.reader.diagnostics()
    found = [each for each in found if each.span not in seen.refused]
    found += seen.diagnostics
    found += older_readings(root, one.document.plain, [each.span for each in found])
    mended = {each.span for each in found if each.code == "MP009" and each.suggestions}
    if mended:  # what the reader of the text said of them knew of no list
        found = [one for one in found if one.suggestions or one.span not in mended]
    return Reading(file, one.document, in_order(found), seen, one)


def _overlaid(one: Source, root: MappingNode, overlaying: Overlaying) -> MappingNode:
    patch = one.environments.get(overlaying.environment)
    if patch is None:
        return root
    wrong = {one.key for one in root.entries if not isinstance(one.value, MappingNode)}
    kept = tuple(
        one
        for one in patch.entries
        if one.key not in wrong and (isinstance(one.value, MappingNode) or is_null(one.value))
    )
    return overlaying.over(root, MappingNode(kept, patch.span))


def _defined(root: MappingNode, found: list[Diagnostic]) -> dict[str, Node]:
    node = root.get("vars")
    made: dict[str, Node] = {}
    for entry in entries_of(node):
        if not is_name(entry.key):
            text = f"`{entry.key}` is no name: a letter, then letters, digits, `-` and `_`"
            found.append(Diagnostic("MP010", text, entry.key_span))
        made[entry.key] = entry.value
    return made


def _without(root: MappingNode, keys: tuple[str, ...]) -> MappingNode:
    return MappingNode(tuple(one for one in root.entries if one.key not in keys), root.span)


def _with(filled: MappingNode, root: MappingNode, keys: tuple[str, ...]) -> MappingNode:
    added = tuple(one for one in root.entries if one.key in keys)
    return MappingNode((*filled.entries, *added), root.span)


def _settings(root: MappingNode) -> Settings:
    kept = tuple(one for one in root.entries if one.key in ("version", "settings"))
    checked = check(MappingNode(kept, root.span), FileBlock, Words("", {}, {}))
    if checked.value is None:
        return Settings()
    block = checked.value.settings
    return Settings(
        on_missing_target=block.on_missing_target,
        on_engine_error=block.on_engine_error,
        packages=block.packages,
        require=block.require,
        expiry_warning=float(block.expiry_warning),
        allow_call=() if block.allow_call is None else (_allowed(root),),
        ignore=_ignored(root),
        on_unknown_environment=block.on_unknown_environment,
    )


def _allowed(root: MappingNode) -> tuple[Pattern, ...]:
    return patterns(_below(root, "settings", "allow_call"), [])


def _below(root: MappingNode, *keys: str) -> Node | None:
    node: Node | None = root
    for key in keys:
        node = node.get(key) if isinstance(node, MappingNode) else None
    return node


def _ignored(root: MappingNode) -> tuple[tuple[Name, str], ...]:
    node = _below(root, "settings", "lint", "ignore")
    entries = node.entries if isinstance(node, MappingNode) else ()
    return tuple((Name(one.key, one.key_span), str(one.value.plain())) for one in entries)
