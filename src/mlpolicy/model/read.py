"""A document becomes a policy file: every part read, every finding kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlpolicy.core.diagnostic import Diagnostic, in_order
from mlpolicy.core.site import Mode
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob, TargetError
from mlpolicy.document.node import Entry, Scalar, Sequence
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.document.parse import Document, parse, read
from mlpolicy.model import words
from mlpolicy.model.check import Words, check, unknown_key
from mlpolicy.model.grammar import META, FileBlock, PolicyBlock
from mlpolicy.model.policy import Pattern, Policy, PolicyFile, RuleBlock, Settings
from mlpolicy.model.rules import elsewhere, read_rule
from mlpolicy.rules import KINDS

VERSION = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading one file: as much of it as makes sense, and all findings."""

    file: PolicyFile
    document: Document
    diagnostics: tuple[Diagnostic, ...]


def read_file(path: Path) -> Reading:
    """Read one policy file."""
    return _reading(read(path))


def read_text(text: str, *, file: str = "policy.yaml") -> Reading:
    """Read *text* as the policy file named *file*."""
    return _reading(parse(text, file=file))


def _reading(document: Document) -> Reading:
    reader = _Reader(document)
    file = reader.file()
    return Reading(file, document, in_order(reader.diagnostics))


class _Reader:
    """Reads one document, collecting findings."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.diagnostics = list(document.diagnostics)

    def file(self) -> PolicyFile:
        """Return the file, less what is wrong in it."""
        root = self._document.root
        empty = PolicyFile(self._document.file)
        if root is None:
            if not self.diagnostics:
                self._say(
                    "MP003", "the file is empty", self._start(), help="begin with `version: 1`"
                )
            return empty
        if not isinstance(root, MappingNode):
            self._say(
                "MP010",
                f"expected a mapping with `version`, found {words.found(root.plain())}",
                root.span,
            )
            return empty
        if not self._version_is_known(root):
            return empty
        return self._read(root)

    def _say(self, code: str, message: str, span: Span, *, help: str = "") -> None:
        self.diagnostics.append(Diagnostic(code, message, span, help=help))

    def _start(self) -> Span:
        return Span(self._document.file)

    def _version_is_known(self, root: MappingNode) -> bool:
        node = root.get("version")
        if node is None:
            self._say(
                "MP003", "`version` is missing", self._start(), help="begin with `version: 1`"
            )
            return True
        if isinstance(node, Scalar) and node.value == VERSION and type(node.value) is int:
            return True
        found = node.text if isinstance(node, Scalar) else words.found(node.plain())
        help = "this mlpolicy reads version 1; write `version: 1`, or install a newer mlpolicy"
        self._say("MP003", f"version `{found}` is not supported", node.span, help=help)
        return False

    def _read(self, root: MappingNode) -> PolicyFile:
        kept = [one for one in root.entries if not one.key.startswith("x-")]
        about = Words("the file", {}, self._places())
        node = MappingNode(tuple(kept), root.span)
        self.diagnostics += check(node, FileBlock, about).diagnostics
        name, defaults = root.get("name"), self._mapping(root, "defaults")
        rules, mode = self._defaults(defaults)
        return PolicyFile(
            self._document.file,
            name=str(name.value) if isinstance(name, Scalar) and name.value is not None else "",
            settings=self._settings(root),
            mode=mode,
            defaults=rules,
            policies=tuple(self._policies(self._mapping(root, "policies"))),
        )

    def _places(self) -> dict[str, str]:
        policy = dict.fromkeys([*KINDS, "match", "exclude", *META], "a policy")
        return elsewhere() | policy

    def _mapping(self, root: MappingNode, key: str) -> MappingNode:
        """Return the mapping at *key*; one of another type was reported with the file."""
        node = root.get(key)
        return node if isinstance(node, MappingNode) else MappingNode((), root.span)

    def _settings(self, root: MappingNode) -> Settings:
        node = MappingNode(
            tuple(one for one in root.entries if one.key in ("version", "settings")), root.span
        )
        checked = check(node, FileBlock, Words("", {}, {}))
        return Settings(**checked.value.settings.model_dump()) if checked.value else Settings()

    # --- defaults and policies --------------------------------------------------------

    def _defaults(self, node: MappingNode) -> tuple[tuple[RuleBlock, ...], Mode | None]:
        rules, rest = self._split(node)
        about = Words("`defaults`", {}, elsewhere())
        mode: Mode | None = None
        for entry in rest:
            if entry.key == "mode":
                block = MappingNode((entry,), node.span)
                checked = check(block, PolicyBlock, about)
                self.diagnostics += checked.diagnostics
                mode = checked.value.mode if checked.value else None
            else:
                self.diagnostics.append(unknown_key(entry, ("mode", *KINDS), about))
        return rules, mode

    def _split(self, node: MappingNode) -> tuple[tuple[RuleBlock, ...], tuple[Entry, ...]]:
        """Return the rules of a policy or of the defaults, and the entries that are none."""
        rules = [read_rule(one, self.diagnostics) for one in node.entries if one.key in KINDS]
        rest = tuple(one for one in node.entries if one.key not in KINDS)
        return tuple(rule for rule in rules if rule is not None), rest

    def _policies(self, node: MappingNode) -> Iterable[Policy]:
        for entry in node.entries:
            if not isinstance(entry.value, MappingNode):
                if not (isinstance(entry.value, Scalar) and not entry.value.text):
                    found = words.found(entry.value.plain())
                    self._say(
                        "MP010",
                        f"expected the rules of `{entry.key}`, found {found}",
                        entry.value.span,
                    )
                continue
            policy = self._policy(entry, entry.value)
            if policy is not None:
                yield policy

    def _policy(self, entry: Entry, body: MappingNode) -> Policy | None:
        rules, rest = self._split(body)
        node = MappingNode(rest, body.span)
        about = Words(f"policy `{entry.key}`", {}, elsewhere(), also=tuple(KINDS))
        checked = check(node, PolicyBlock, about)
        self.diagnostics += checked.diagnostics
        match = self._match(entry, body)
        exclude = self._patterns(body, "exclude")
        if not checked.diagnostics and not any(one.key in KINDS for one in body.entries):
            self.diagnostics.append(
                Diagnostic("MP408", f"`{entry.key}` has no rules", entry.key_span, "warning")
            )
        if checked.value is None or match is None:
            return None
        block = checked.value
        meta = {key: getattr(block, key) for key in META if getattr(block, key)}
        return Policy(
            entry.key,
            entry.key_span,
            match,
            exclude=exclude,
            rules=rules,
            mode=block.mode,
            priority=block.priority,
            final=block.final,
            placement=block.placement,
            meta=meta,
        )

    def _match(self, entry: Entry, body: MappingNode) -> tuple[Pattern, ...] | None:
        """Return the selector: `match`, or the key itself where it is a target."""
        written = body.get("match")
        if written is not None:
            return self._patterns(body, "match")
        if ":" not in entry.key:
            help = (
                "write `match:`, or use the function's path as the name: `package.module:function`"
            )
            self._say("MP011", f"policy `{entry.key}` needs `match`", entry.key_span, help=help)
            return None
        pattern = self._pattern(entry.key, entry.key_span)
        return (pattern,) if pattern else None

    def _patterns(self, body: MappingNode, key: str) -> tuple[Pattern, ...]:
        node = body.get(key)
        items = node.items if isinstance(node, Sequence) else (node,)
        found = (
            self._pattern(item.value, item.span)
            for item in items
            if isinstance(item, Scalar) and isinstance(item.value, str)
        )
        return tuple(pattern for pattern in found if pattern)

    def _pattern(self, text: str, span: Span) -> Pattern | None:
        try:
            return Pattern(Glob.parse(text), span)
        except TargetError as error:
            self._say("MP010", str(error), span)
            return None
