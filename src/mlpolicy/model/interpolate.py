"""Variables put into values: `${env:NAME}`, `${vars.name}`, `:-` for what holds otherwise.

What holds no variable stays the very same node.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from mlpolicy.core.diagnostic import Diagnostic, Related, Suggestion
from mlpolicy.core.frozen import frozen
from mlpolicy.core.redact import is_secret
from mlpolicy.core.span import Span
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.document.node import Entry, Node, Scalar, Sequence, scalars
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.document.scalars import value_of

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{")
_INNER = re.compile(
    r"(?:env:(?P<env>[A-Za-z_]\w*)|vars\.(?P<var>[A-Za-z][\w-]*))(?::-(?P<default>.*))?"
)
_BARE = re.compile(r"(?<!\$)\$\(?((?:env:[A-Za-z_]\w*|vars\.[A-Za-z][\w-]*)(?::-[^\s)]*)?)\)?")
"""A reference without its braces."""
_TEMPLATE = re.compile(r"\{\{ *((?:env[:.][A-Za-z_]|vars\.[A-Za-z])[\w-]*) *\}\}")
"""A reference as templates have it, in quotes."""
MARKS = ("$", "{{")
"""One of them is in every text with a reference, or with what was meant to be one."""
_OF_ENV = re.compile(r"\s*env\w*[.:]\s*([A-Z_]\w*)\s*(?:(?::-|[:=|-])(.*))?", re.IGNORECASE)
_OF_VARS = re.compile(r"\s*var\w*[.:]\s*([A-Z][\w-]*)\s*(?:(?::-|[:=|])(.*))?", re.IGNORECASE)
_OF_NEITHER = re.compile(r"\s*([A-Z_][\w-]*)\s*(?:(?::-|[:=|])(.*))?", re.IGNORECASE)
LITERAL = {
    "": ("name", "imports"),
    "policies": ("match", "exclude", "use", "resource"),
    "profiles": ("extends",),
}
"""Keys whose values are names and targets: no variable goes there. By the section in whose parts
they stand."""


@frozen()
class Interpolated(Scalar):
    """A value that variables were put into."""

    written: str = ""
    """The text that they were put into."""
    secret: bool = False
    """Whether it must not be shown."""
    origin: Span | None = None
    """Where its variable is written, if it is nothing but that."""


def holds_secret(node: Node | None) -> bool:
    """Whether a variable in *node* holds what must not be shown."""
    if type(node) is Scalar:  # as most are
        return False
    return any(isinstance(one, Interpolated) and one.secret for one in scalars(node))


class Unset(Exception):
    """A variable has no value; the finding was made."""


DEEPEST = 32
"""How many variables may stand in one another."""
MOST = 1000
"""How many references one value may lead to, those in the variables that it names included."""
LONGEST = 65_536
"""Characters of a value that variables stand in."""


@dataclass(slots=True)
class Variables:
    """The variables that one file sees, and what is wrong with their uses."""

    environ: Mapping[str, str]
    vars: dict[str, Node] = field(default_factory=dict)
    """The file's own, over those of its imports."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Values that beat all `vars`."""
    partial: bool = False
    """Whether an import that may define more could not be read."""
    read: dict[str, str | None] = field(default_factory=dict)
    """Environment variables that were asked for, with what they said."""
    secrets: set[str] = field(default_factory=set)
    """What was put in and must not be shown, alone and with the text around it."""
    refused: set[Span] = field(default_factory=set)
    """Where a variable stands in what may hold none: its text is no name, and not judged as one."""
    _unset: dict[str, list[Span]] = field(default_factory=dict)
    _wrong: list[Diagnostic] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _followed: int = 0
    """References that the value at hand has led to."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is wrong: one finding for each variable without a value."""
        unset = (self._missing(*one) for one in self._unset.items() if not self._is_said(one[0]))
        return (*self._wrong, *unset)

    @property
    def lacking(self) -> bool:
        """Whether a value was left out because its variable has none."""
        return bool(self._unset)

    def _is_said(self, name: str) -> bool:
        """Whether what is wrong with a variable of a file stands elsewhere."""
        _, is_own, bare = name.rpartition("vars.")
        return bool(is_own) and (self.partial or bare in self.vars)

    def _missing(self, name: str, spans: list[Span]) -> Diagnostic:
        first, *others = sorted(set(spans))
        related = tuple(Related("used here too", span) for span in others)
        if name.startswith("env:"):
            bare = name.removeprefix("env:")
            help = (
                f"set {bare}, give a default (`${{{name}:-...}}`), or say `--assume {bare}=value`"
            )
            return Diagnostic(
                "MP110",
                f"the environment variable {bare} is not set",
                first,
                help=help,
                related=related,
            )
        near = closest(name.removeprefix("vars."), self.vars)
        help = did_you_mean(near and f"${{vars.{near}}}", "define it under `vars`")
        return Diagnostic("MP110", f"`{name}` is not defined", first, help=help, related=related)

    # --- nodes ------------------------------------------------------------------------

    def filled(self, node: MappingNode) -> MappingNode:
        """Return *node* with its variables put in; what lacks a value is left out."""
        return self._mapping(node, ())

    def _node(self, node: Node, above: tuple[str, ...] = ("",)) -> Node:
        if isinstance(node, MappingNode):
            return self._mapping(node, above)
        if isinstance(node, Sequence):
            return self._sequence(node)
        return self._scalar(node) if any(one in node.text for one in MARKS) else node

    def _mapping(self, node: MappingNode, above: tuple[str, ...]) -> MappingNode:
        entries: list[Entry] = []
        changed = False
        section = "".join(above[:1]) if len(above) in (0, 2) else None
        literal = LITERAL.get(section, ()) if section is not None else ()
        for entry in node.entries:
            if "${" in entry.key:
                self._refuse(entry.key_span, "a key")
            if entry.key in literal:
                self._check_literal(entry.value)
                entries.append(entry)
                continue
            try:
                value = self._node(entry.value, (*above, entry.key))
            except Unset:
                changed = True
                continue
            changed = changed or value is not entry.value
            entries.append(
                entry if value is entry.value else Entry(entry.key, entry.key_span, value)
            )
        return MappingNode(tuple(entries), node.span) if changed else node

    def _sequence(self, node: Sequence) -> Sequence:
        items = tuple(self._node(item) for item in node.items)
        same = all(new is old for new, old in zip(items, node.items, strict=True))
        return node if same else Sequence(items, node.span)

    def _check_literal(self, node: Node) -> None:
        for scalar in scalars(node):
            if "${" in scalar.text:
                self._refuse(scalar.span, "a name or a target")

    def _refuse(self, span: Span, where: str) -> None:
        self.refused.add(span)
        help = "variables go into values only: what a policy is for must be plain to read"
        self._wrong.append(Diagnostic("MP112", f"a variable in {where}", span, help=help))

    # --- scalars ----------------------------------------------------------------------

    def _scalar(self, node: Scalar) -> Scalar:
        bare = _BARE.search(node.text)
        if bare is not None:
            self._slip(node, bare[0], bare[1])
        template = _TEMPLATE.search(node.text)
        if template is not None:
            self._slip(node, template[0], self._meant(template[1]))
        if "${" not in node.text:
            return node
        parts: list[str] = []
        secret, at, whole, length = False, 0, False, len(node.text)
        for match in _REFERENCE.finditer(node.text):
            parts.append(node.text[at : match.start()])
            at = match.end()
            if match[0] == "$${":
                parts.append("${")
                continue
            found, hidden = self._value(match, node)
            whole = match.span() == (0, len(node.text))
            secret = secret or hidden
            self.secrets.update([found] if hidden else ())
            length += len(found)
            if length > LONGEST:
                self._endless(node.span, f"is longer than {LONGEST} characters")
            parts.append(found)
        text = "".join([*parts, node.text[at:]])
        self.secrets.update([text] if secret else ())
        value, origin = (value_of(text), self._origin(node.text)) if whole else (text, None)
        return Interpolated(
            value, node.span, text, True, written=node.text, secret=secret, origin=origin
        )

    def _origin(self, reference: str) -> Span | None:
        inner = _INNER.fullmatch(reference[2:-1])
        name = inner["var"] if inner else None
        written = self.vars.get(name) if name and name not in self.fixed else None
        is_plain = isinstance(written, Scalar) and "$" not in written.text
        return written.span if written is not None and is_plain else None

    def _slip(self, node: Scalar, written: str, meant: str) -> NoReturn:
        """Say that *written* in *node* is no reference, and which one was meant."""
        help = "write `${env:NAME}` or `${vars.name}`, a default after `:-`; `$${` is a plain `${`"
        repair: tuple[Suggestion, ...] = ()
        if _INNER.fullmatch(meant) and meant.count(":-") < 2:
            right = f"${{{meant}}}"
            help = f"did you mean `{right}`?"
            text = node.text.replace(written, right, 1)
            if not set(text) & set('"\\\n'):
                repair = (Suggestion(f"write `{right}`", node.span, f'"{text}"'),)
        text = f"`{written}` names no variable"
        self._wrong.append(Diagnostic("MP110", text, node.span, help=help, suggestions=repair))
        raise Unset

    def _meant(self, inner: str) -> str:
        """Return the reference that *inner* was probably meant to be; nothing if none."""
        for form, prefix in ((_OF_ENV, "env:"), (_OF_VARS, "vars."), (_OF_NEITHER, "")):
            match = form.fullmatch(inner)
            if match is None:
                continue
            name, default = match.groups()
            bare = "vars." if name in self.vars else "env:" if name.isupper() else ""
            return (prefix or bare) + name + (f":-{default}" if default is not None else "")
        return ""

    def _value(self, match: re.Match[str], node: Scalar) -> tuple[str, bool]:
        """Return what stands for a reference, and whether it must not be shown."""
        span = node.span
        inner = _INNER.fullmatch(match[1] or "")
        if inner is None:
            open_end = match[1] is None
            rest = node.text[match.end() :] if open_end else match[1]
            self._slip(node, match[0] + rest if open_end else match[0], self._meant(rest))
        default = inner["default"]
        if inner["env"]:
            return self._of_environment(inner["env"], default, span)
        return self._of_vars(inner["var"], default, span)

    def _of_environment(self, name: str, default: str | None, span: Span) -> tuple[str, bool]:
        value = self.environ.get(name)
        self.read[name] = value
        if value is None:
            value = default
        if value is None:
            self._unset.setdefault(f"env:{name}", []).append(span)
            raise Unset
        return value, is_secret(name)

    def _of_vars(self, name: str, default: str | None, span: Span) -> tuple[str, bool]:
        if name in self.fixed:
            return self.fixed[name], is_secret(name)
        node = self.vars.get(name)
        if name in self._open:
            chain = " → ".join([*self._open[self._open.index(name) :], name])
            self._wrong.append(Diagnostic("MP110", f"`vars` refer to themselves: {chain}", span))
            raise Unset
        if not isinstance(node, Scalar):
            if default is None:
                self._unset.setdefault(f"vars.{name}", []).append(span)
                raise Unset
            return default, False
        self._followed = self._followed + 1 if self._open else 0
        if len(self._open) >= DEEPEST or self._followed > MOST:
            self._endless(span, "leads from one variable to another without an end in sight")
        self._open.append(name)
        try:
            found = self._scalar(node) if "$" in node.text else node
        finally:
            self._open.pop()
        return found.text, (isinstance(found, Interpolated) and found.secret) or is_secret(name)

    def _endless(self, span: Span, what: str) -> NoReturn:
        self._wrong.append(Diagnostic("MP110", f"what stands here {what}", span))
        raise Unset
