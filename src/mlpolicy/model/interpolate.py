"""Variables put into values: `${env:NAME}`, `${vars.name}`, `:-` for what holds otherwise.

What holds no variable stays the very same node.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, Related, closest, did_you_mean
from mlpolicy.core.report import PIECE, is_secret, passwords_in
from mlpolicy.core.span import Span
from mlpolicy.document.node import (
    BEYOND,
    TOO_LARGE,
    Entry,
    Node,
    Plain,
    Scalar,
    Sequence,
    scalars,
    value_of,
)
from mlpolicy.document.node import Mapping as MappingNode

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{")
_INNER = re.compile(
    r"(?:env:(?P<env>[A-Za-z_]\w*)|vars\.(?P<var>[A-Za-z][\w-]*))(?::-(?P<default>.*))?"
)
_SLIP = re.compile(
    r"(?<!\$)\$\(?(?P<bare>(?:env:[A-Za-z_]\w*|vars\.[A-Za-z][\w-]*)(?::-[^\s)]*)?)\)?"
    r"|\{\{ *(?P<template>(?:env[:.][A-Za-z_]|vars\.[A-Za-z])[\w-]*) *\}\}"
)
"""A reference without its braces, or as templates have it."""
MARKS = ("$", "{{")
"""One of them is in every text with a reference, or with what was meant to be one."""
LITERAL = {
    "": ("name", "imports"),
    "policies": ("match", "exclude", "use", "resource"),
    "profiles": ("extends",),
}
"""Keys whose values are names and targets: no variable goes there. By the section in whose parts
they stand."""
_IN_A_LIST = ("", "", "")
"""Where a part of a list stands, which is no section."""
_REFERENCES = "write `${env:NAME}` or `${vars.name}`, a default after `:-`; `$${` is a plain `${`"
DEEPEST = 32
"""How many variables may stand in one another."""
MOST = 1000
"""How many references one value may lead to, those in the variables that it names included."""
LONGEST = 65_536
"""Characters of a value that variables stand in."""


@frozen()
class Interpolated(Scalar):
    """A value that variables were put into."""

    written: str = ""
    """The text that they were put into."""
    secret: bool = False
    """Whether it must not be shown."""
    origin: Span | None = None
    """Where its variable is written, if it is nothing but that."""


@frozen()
class Filled:
    """An entry of a section, and what it is with its variables: environments share it."""

    written: Entry
    entry: Entry
    """The same one, if no variable stands in it."""
    asked: Mapping[str, Node | None]
    """The variables of the file that it asks for, and what they said."""
    read: Mapping[str, str | None] = field(repr=False)
    secrets: frozenset[str] = field(repr=False)


def holds_secret(node: Node | None) -> bool:
    """Whether a variable in *node* holds what must not be shown."""
    if type(node) is Scalar:  # as most are
        return False
    return any(isinstance(scalar, Interpolated) and scalar.secret for scalar in scalars(node))


class Unset(Exception):
    """A variable has no value; the finding was made."""


@dataclass(slots=True)
class Variables:
    """The variables that one file sees, and what is wrong with their uses."""

    environ: Mapping[str, str] = field(repr=False)
    vars: dict[str, Node] = field(default_factory=dict, repr=False)
    """The file's own, over those of its imports."""
    fixed: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Values that beat all `vars`."""
    partial: bool = False
    """Whether an import that may define more could not be read."""
    read: dict[str, str | None] = field(default_factory=dict, repr=False)
    """Environment variables that were asked for, with what they said."""
    secrets: set[str] = field(default_factory=set, repr=False)
    """What was put in and must not be shown; what is short, with the text around it as well."""
    refused: set[Span] = field(default_factory=set)
    """Where a variable stands in what may hold none: its text is no name, and not judged as one."""
    known: dict[int, Filled] = field(default_factory=dict)
    """Entries of sections that were filled before, by identity."""
    learns: bool = False
    """Whether more of these are to be known."""
    _unset: dict[str, list[Span]] = field(default_factory=dict)
    _wrong: list[Diagnostic] = field(default_factory=list)
    _asked: dict[str, Node | None] = field(default_factory=dict)
    _failed: bool = False
    """Whether something is wrong with the entry at hand."""
    _open: list[str] = field(default_factory=list)
    _references: int = 0
    """References that the value at hand has led to."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is wrong: one finding for each variable without a value."""
        findings = list(self._wrong)
        for name, spans in self._unset.items():
            first, *others = sorted(set(spans))
            bare = name.removeprefix("env:").removeprefix("vars.")
            if name.startswith("env:"):
                text = f"the environment variable {bare} is not set"
                help = f"set {bare}, give a default (`${{{name}:-...}}`), or say `--assume {bare}=value`"
            elif self.partial or bare in self.vars:
                continue  # what is wrong with it stands elsewhere
            else:
                near = closest(bare, self.vars)
                text = f"`{name}` is not defined"
                help = did_you_mean(near and f"${{vars.{near}}}", "define it under `vars`")
            related = tuple(Related("used here too", span) for span in others)
            findings.append(Diagnostic("MP110", text, first, help=help, related=related))
        return tuple(findings)

    @property
    def lacking(self) -> bool:
        """Whether a value was left out because its variable has none."""
        return bool(self._unset)

    # --- nodes ------------------------------------------------------------------------

    def _node(self, node: Node, above: tuple[str, ...] = _IN_A_LIST) -> Node:
        if isinstance(node, MappingNode):
            return self.filled(node, above)
        if isinstance(node, Sequence):
            items = tuple(self._node(item) for item in node.items)
            same = all(new is old for new, old in zip(items, node.items, strict=True))
            return node if same else Sequence(items, node.at)
        return self._scalar(node) if any(mark in node.text for mark in MARKS) else node

    def filled(self, node: MappingNode, above: tuple[str, ...] = ()) -> MappingNode:
        """Return *node*, which stands at *above*, with its variables; what lacks a value is left out."""
        entries: list[Entry] = []
        changed = False
        literal = LITERAL.get("".join(above[:1]), ()) if len(above) in (0, 2) else ()
        for entry in node.entries:
            if len(above) == 1:
                filled = self._once(entry, above)
            else:
                filled = self._entry(entry, above, is_literal=entry.key in literal)
            changed |= filled is not entry
            entries += [filled] if filled is not None else []
        return MappingNode(tuple(entries), node.at) if changed else node

    def _entry(self, entry: Entry, above: tuple[str, ...], *, is_literal: bool) -> Entry | None:
        if "${" in entry.key:
            self._refuse(entry.key_span, "a key")
        if is_literal:
            for scalar in scalars(entry.value):
                if "${" in scalar.text:
                    self._refuse(scalar.span, "a name or a target")
            return entry
        try:
            value = self._node(entry.value, (*above, entry.key))
        except Unset:
            return None
        return entry if value is entry.value else Entry(entry.key, entry.at, value)

    def _once(self, entry: Entry, above: tuple[str, ...]) -> Entry | None:
        """Return *entry* filled; as it was, if it was before and all that it asks for says the same."""
        known = self.known.get(id(entry))
        if known is not None and all(self.vars.get(name) is it for name, it in known.asked.items()):
            self.read |= known.read
            self.secrets |= known.secrets
            return known.entry
        if not self.learns:
            return self._entry(entry, above, is_literal=False)
        read, secrets = self.read, self.secrets
        self.read, self.secrets, self._asked, self._failed = {}, set(), {}, False
        made = self._entry(entry, above, is_literal=False)
        if made is not None and not self._failed:
            self.known[id(entry)] = Filled(
                entry, made, self._asked, self.read, frozenset(self.secrets)
            )
        read |= self.read
        secrets |= self.secrets
        self.read, self.secrets = read, secrets
        return made

    def _refuse(self, span: Span, where: str) -> None:
        self.refused.add(span)
        self._failed = True
        help = "variables go into values only: what a policy is for must be plain to read"
        self._wrong.append(Diagnostic("MP112", f"a variable in {where}", span, help=help))

    # --- scalars ----------------------------------------------------------------------

    def _scalar(self, node: Scalar) -> Scalar:
        slip = _SLIP.search(node.text)
        if slip is not None:
            meant = slip["bare"] or slip["template"].replace("env.", "env:")
            help = f"did you mean `${{{meant}}}`?"
            self._fail(f"`{slip[0]}` names no variable", node.span, help)
        if "${" not in node.text:
            return node
        parts: list[str] = []
        secret, short, at, length = False, False, 0, len(node.text)
        whole: re.Match[str] | None = None
        for reference in _REFERENCE.finditer(node.text):
            parts.append(node.text[at : reference.start()])
            at = reference.end()
            if reference[0] == "$${":
                parts.append("${")
                continue
            inner = _INNER.fullmatch(reference[1] or "")
            if inner is None:
                self._fail(f"`{reference[0]}` names no variable", node.span, _REFERENCES)
            value, hidden = self._value(inner, node.span)
            whole = inner if reference.span() == (0, len(node.text)) else None
            secret |= hidden
            self.secrets.update([value] if hidden else ())
            short |= hidden & (len(value) < PIECE)
            length += len(value)
            if length > LONGEST:
                text = f"what stands here is longer than {LONGEST} characters"
                self._fail(text, node.span)
            parts.append(value)
        text = "".join([*parts, node.text[at:]])
        self.secrets.update([text] if short else ())
        self.secrets.update(passwords_in(text))
        value_read = text if whole is None else self._read(text, node.span)
        return Interpolated(value_read, node.at, text, True, node.text, secret, self._origin(whole))

    def _read(self, text: str, span: Span) -> Plain:
        value = value_of(text)
        if value is TOO_LARGE:
            self._fail(BEYOND, span)
        return value

    def _origin(self, reference: re.Match[str] | None) -> Span | None:
        """Return where the value of a variable is written, if that is not a variable again."""
        name = reference["var"] if reference else None
        written = self.vars.get(name) if name and name not in self.fixed else None
        is_plain = isinstance(written, Scalar) and "$" not in written.text
        return written.span if written is not None and is_plain else None

    def _value(self, inner: re.Match[str], span: Span) -> tuple[str, bool]:
        """Return what stands for a reference, and whether it must not be shown."""
        env, name = inner["env"], inner["var"]
        node = self.vars.get(name) if name else None
        if name:
            self._asked[name] = node
        if env:
            value = self.read[env] = self.environ.get(env)
        elif name in self.fixed:
            value = self.fixed[name]
        elif name in self._open:
            chain = " → ".join([*self._open[self._open.index(name) :], name])
            self._fail(f"`vars` refer to themselves: {chain}", span)
        elif isinstance(node, Scalar):
            return self._followed(name, node, span)
        else:
            value = None
        if value is not None:
            return value, is_secret(env or name)
        if inner["default"] is None:
            self._unset.setdefault(f"env:{env}" if env else f"vars.{name}", []).append(span)
            self._failed = True
            raise Unset
        return inner["default"], bool(env) and is_secret(env)

    def _followed(self, name: str, node: Scalar, span: Span) -> tuple[str, bool]:
        """Return what the variable *name* says, which may name others."""
        self._references = self._references + 1 if self._open else 0
        if len(self._open) >= DEEPEST or self._references > MOST:
            text = "what stands here leads from one variable to another without an end in sight"
            self._fail(text, span)
        self._open.append(name)
        try:
            value = self._scalar(node) if "$" in node.text else node
        finally:
            self._open.pop()
        return value.text, (isinstance(value, Interpolated) and value.secret) or is_secret(name)

    def _fail(self, message: str, span: Span, help: str = "") -> NoReturn:
        self._failed = True
        self._wrong.append(Diagnostic("MP110", message, span, help=help))
        raise Unset
