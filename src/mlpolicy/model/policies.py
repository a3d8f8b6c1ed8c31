"""The rules, policies, profiles and defaults of one file, in one environment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from pydantic import BaseModel

from mlpolicy.core.diagnostic import Diagnostic, Related, did_you_mean, repair
from mlpolicy.core.model import is_table, models_in
from mlpolicy.core.report import HIDDEN
from mlpolicy.core.site import Where
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob, Target, TargetError
from mlpolicy.document.node import Entry, Node, Scalar, Sequence, entries_of, is_empty, is_null
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model.check import Checked, block_name, check, locate, shown
from mlpolicy.model.grammar import (
    META,
    OF_KINDS,
    OF_POLICY,
    OF_PROFILE,
    OF_RULES,
    PolicyBlock,
    ProfileBlock,
    RuleCommon,
)
from mlpolicy.model.interpolate import Interpolated, holds_secret
from mlpolicy.model.overlay import Layers, parts_of, places_in, spelt_out, with_percent
from mlpolicy.model.policy import (
    Block,
    Name,
    Pattern,
    Policy,
    PolicyFile,
    Profile,
    RuleBlock,
    Setting,
    Tree,
    is_name,
    one,
)
from mlpolicy.model.unknown import (
    Words,
    is_laid,
    keys_beside,
    may_be_kind,
    not_installed,
    section_of,
    spelt,
    unknown_key,
)
from mlpolicy.rules import KINDS

_OF_EACH = tuple(RuleCommon.model_fields)
_COMMON = frozenset(_OF_EACH)
_SWITCHES = ("inherit", "final")
_CONDITIONS = ("tag", "kind", "has_param", "decorated_by")
_BODIES = {
    "profiles": "the rules of profile",
    "resources": "the limits of resource",
    "policies": "the rules of",
}
_CONTROLS = ("mode", "expires", "on_expiry", "deadline")
Known = tuple[Entry, Policy | None, tuple[Diagnostic, ...]]
"""An entry, the policy that was read of it, and what is wrong in it."""


@dataclass(slots=True)
class RuleReader:
    """Reads rules, each by the model of its kind, collecting findings."""

    layers: Layers = field(default_factory=Layers)
    findings: list[Diagnostic] = field(default_factory=list)
    _by_kind: dict[str, Words] = field(default_factory=dict, init=False)

    def _report(self, code: str, message: str, span: Span, *, help: str = "") -> None:
        self.findings.append(Diagnostic(code, message, span, help=help))

    def rules(self, entries: Iterable[Entry]) -> tuple[RuleBlock, ...]:
        """Return the rules among *entries*, less those that could not be read."""
        rules = [self.rule(entry) for entry in entries if entry.key in KINDS]
        return tuple([rule for rule in rules if rule is not None])

    def rule(self, entry: Entry) -> RuleBlock | None:
        """Return the rule that *entry* writes."""
        kind = KINDS[entry.key]
        body = spelt_out(entry.value, kind.name)
        if not isinstance(body, MappingNode):
            return self._not_a_block(entry, body)
        own = tuple([inner for inner in body.entries if inner.key not in _COMMON])
        common = tuple([with_percent(inner) for inner in body.entries if inner.key in _COMMON])
        model = kind.rule_model()
        if kind.name not in self._by_kind:
            synonyms, name = {**OF_RULES, **kind.synonyms}, f"rule `{kind.name}`"
            self._by_kind[kind.name] = Words(name, synonyms, also=_OF_EACH, path=(kind.name,))
        about = self._by_kind[kind.name]
        # What is required may stand in another policy.
        checked = self._checked(MappingNode(own, body.at), model, about)
        settings: dict[str, Setting | Block] = {}
        switches: dict[str, Any] = {}
        if common:
            shared = self._checked(MappingNode(common, body.at), RuleCommon, about)
            if shared.value is None:
                return None
            settings = dict(self.tree(parts_of(shared.node, _COMMON), RuleCommon))
            there = [key for key in _SWITCHES if settings.pop(key, None) is not None]
            switches = {key: getattr(shared.value, key) for key in there}
        if checked.broken:
            return None
        return RuleBlock(
            kind.name, entry.key_span, {**settings, **self.tree(checked.node, model)}, **switches
        )

    def _checked(self, node: MappingNode, model: type[BaseModel], about: Words) -> Checked:
        """Check *node*; only keys within an inner block are required here."""
        checked = check(node, model, about)
        self.findings += checked.diagnostics
        for loc in checked.missing:
            if len(loc) > 1:
                block = block_name(loc[:-1], about.path)
                place = locate(node, loc[:-1])[0].span
                self._report("MP011", f"{block} needs `{loc[-1]}`", place)
        return checked

    def _not_a_block(self, entry: Entry, node: Node) -> RuleBlock | None:
        """Return the gap that an environment leaves with `null`; all else is a mistake."""
        name = entry.key
        if is_null(node) and self.layers.of(node.span).startswith("environments."):
            _, _, environment = self.layers.of(entry.key_span).partition("environments.")
            return RuleBlock(name, entry.key_span, removed=True, only_below=environment)
        if is_empty(node):
            return None  # the reader reported that
        if isinstance(node, Scalar) and node.value is None:
            help = f"write `{name}: false` to switch it off"
            self._report("MP009", f"`{name}` has no value", node.span, help=help)
        else:
            written = f"`{node.text}`" if isinstance(node, Scalar) else "a list"
            text = f"expected a mapping of settings for `{name}`, found {written}"
            self._report("MP010", text, node.span)
        return None

    def tree(self, node: MappingNode, model: type[BaseModel] | None) -> Tree:
        """Return the settings of *node*: a tree where *model* has a block of its own, else values."""
        return {entry.key: self._branch(entry, model) for entry in node.entries}

    def _branch(self, entry: Entry, model: type[BaseModel] | None) -> Setting | Block:
        value = entry.value
        inner, is_author = _block_of(model, entry.key) if model else (None, False)
        if inner is not None and isinstance(value, MappingNode):
            if not is_author:
                return Block(self.tree(value, inner), entry.key_span)
            named = {
                part.key: Block(self.tree(part.value, inner), part.key_span)
                if isinstance(part.value, MappingNode)
                else self._branch(part, None)
                for part in value.entries
            }
            return Block(named, entry.key_span)
        layer = self.layers.of(value.span)
        if type(value) is Scalar:
            return Setting(value.value, value.span, entry.key_span, layer)
        written = value.written if isinstance(value, Interpolated) else ""
        places = dict(places_in(value))
        secret = holds_secret(value)
        return Setting(value.plain(), value.span, entry.key_span, layer, written, secret, places)


@cache
def _block_of(model: type[BaseModel], key: str) -> tuple[type[BaseModel] | None, bool]:
    """Return the model of the block at *key*, and whether its keys are the author's own."""
    known = model.model_fields.get(key)
    inner = next(iter(models_in(known.annotation)), None) if known else None
    return inner, known is not None and is_table(known.annotation)


def _conditions(match: Node | None) -> dict[str, tuple[Name, ...]]:
    """Return the words that a selector asks for beside its patterns."""
    return {
        entry.key: names(entry.value) for entry in entries_of(match) if entry.key in _CONDITIONS
    }


def _meta(node: MappingNode, block: PolicyBlock) -> dict[str, Any]:
    """Return what a policy says of itself, less what must not be shown."""
    made: dict[str, Any] = {}
    for key in META:
        written = node.get(key)
        value = written and (getattr(block, key) or written.plain())
        if value and str(value).strip():
            made[key] = HIDDEN if holds_secret(written) else value
    return made


# --- sections -------------------------------------------------------------------------


@dataclass(slots=True)
class PolicyReader(RuleReader):
    """Reads the parts of one file, collecting findings."""

    strays: Collection[Span] = ()
    """Where an environment names policies and profiles to change that are not there."""
    known: dict[int, Known] = field(default_factory=dict)
    """What was read of the policies of the file itself, by the identity of their entries."""
    keeps: bool = False
    """Whether these are read here, to be known to environments that leave them as they are."""

    def file(self, root: MappingNode, empty: PolicyFile) -> PolicyFile:
        """Return the file that *root* writes, less what is wrong in it."""
        defaults = section_of(root, "defaults")
        mode, rules = self._mode(defaults), self.rules(defaults.entries)
        profiles, resources = tuple(self._profiles(root)), list[Name]()
        for entry, body in self._bodies(root, "resources", ()):
            self.findings += map(not_installed, body.entries)
            self._check_name(entry)
            resources.append(Name(entry.key, entry.key_span))
        policies = [
            self._known(entry, body, empty.depth)
            for entry, body in self._bodies(root, "policies", (*PolicyBlock.model_fields, *KINDS))
        ]
        return replace(
            empty,
            mode=mode,
            defaults=rules,
            profiles=profiles,
            resources=tuple(resources),
            policies=tuple([policy for policy in policies if policy is not None]),
        )

    def _is_stray(self, entry: Entry, before: int) -> bool:
        """Whether an environment changes with *entry* what is not there, which was said.

        What is written of it must be right all the same, but need not be complete.
        """
        if entry.key_span not in self.strays:
            return False
        self.findings[before:] = [
            finding
            for finding in self.findings[before:]
            if finding.span != entry.key_span and finding.code != "MP011"
        ]
        return True

    def _mode(self, node: MappingNode) -> Setting | None:
        """Return the default mode; keys of `defaults` that are no kinds are reported."""
        about = Words("`defaults`", OF_KINDS, also=tuple(KINDS))
        mode, known = None, ("mode", *KINDS)
        for entry in node.entries:
            if entry.key == "mode":
                part = MappingNode((entry,), node.at)
                block = self._checked(part, PolicyBlock, about).value
                if block is not None and block.mode is not None:
                    mode = one(self.tree(part, PolicyBlock), "mode")
            elif entry.key in KINDS:
                continue
            elif may_be_kind(entry, about.meant(entry.key, known)):
                self.findings.append(not_installed(entry))
            else:
                beside = keys_beside(node, laid=is_laid(entry, node))
                self.findings.append(unknown_key(entry, known, about, beside=beside))
        return mode

    def _profiles(self, root: MappingNode) -> Iterator[Profile]:
        known = dict.fromkeys((*ProfileBlock.model_fields, *KINDS))
        # One that is empty is there, for those that name it.
        for entry in section_of(root, "profiles").entries:
            if is_empty(entry.value):
                yield Profile(entry.key, entry.key_span)
        for entry, written in self._bodies(root, "profiles", known):
            before = len(self.findings)
            about = Words(f"profile `{entry.key}`", OF_PROFILE, also=tuple(KINDS))
            body = spelt(written, known, about, self.findings, of_policy=True)
            others = [inner for inner in body.entries if inner.key not in KINDS]
            self._checked(MappingNode(tuple(others), body.at), ProfileBlock, about)
            self._check_name(entry)
            extends, rules = names(body.get("extends")), self.rules(body.entries)
            if not self._is_stray(entry, before):
                yield Profile(entry.key, entry.key_span, extends, rules)

    def _bodies(
        self, root: MappingNode, section: str, known: Collection[str]
    ) -> Iterator[tuple[Entry, MappingNode]]:
        """Yield the parts of a section; *known* keys of a part that stand beside it are slips."""
        empty = False
        for entry in section_of(root, section).entries:
            value = entry.value
            selects = isinstance(value, MappingNode) and "match" in value.index
            is_slip = entry.key in known and entry.key_span not in self.strays
            if is_slip and (empty or (section == "policies" and not selects)):
                if not empty:  # (that the part above has no value was reported)
                    text = f"`{entry.key}` is not a policy: it belongs under one"
                    help = "write it further in, under the policy that it is for"
                    self._report("MP005", text, entry.key_span, help=help)
                continue
            empty = is_empty(value)
            if isinstance(value, MappingNode):
                yield entry, value
            elif not empty:
                text = f"expected {_BODIES[section]} `{entry.key}`, found {shown(value.plain())}"
                self._report("MP010", text, value.span)

    def _check_name(self, entry: Entry) -> None:
        if not is_name(entry.key):
            help = "a letter, then letters, digits, `-` and `_`"
            self._report("MP010", f"`{entry.key}` is not a name", entry.key_span, help=help)

    def _known(self, entry: Entry, body: MappingNode, depth: int) -> Policy | None:
        """Return the policy that *entry* writes, read once for all environments that share it."""
        known = self.known.get(id(entry))
        if known is not None:
            self.findings += known[2]
            return known[1]
        before = len(self.findings)
        policy = self._policy(entry, body, depth)
        if self.keeps:
            self.known[id(entry)] = entry, policy, tuple(self.findings[before:])
        return policy

    def _policy(self, entry: Entry, body: MappingNode, depth: int) -> Policy | None:
        about = Words(f"policy `{entry.key}`", OF_POLICY, also=tuple(KINDS))
        before = len(self.findings)
        known = dict.fromkeys((*PolicyBlock.model_fields, *KINDS))
        if ":" in entry.key:
            body = self._without_match(entry, body, known, about)
        others = [inner for inner in body.entries if inner.key not in known]
        unknown = {inner.key_span for inner in others if not about.meant(inner.key, known)}
        body = spelt(body, known, about, self.findings, of_policy=True)
        others = [inner for inner in body.entries if inner.key not in KINDS]
        own = MappingNode(tuple(others), body.at)
        rules = self.rules(body.entries)
        if "use" not in own.index:  # there is nothing below that what was removed could uncover
            rules = tuple([rule for rule in rules if not rule.removed])
        block = self._checked(own, PolicyBlock, about).value
        match = self._match(entry, own)
        exclude = patterns(own.get("exclude"), self.findings)
        is_empty_policy = len(others) == len(body.entries) and not own.get("use")
        if len(self.findings) == before and is_empty_policy:
            text = f"`{entry.key}` has no rules"
            self.findings.append(Diagnostic("MP408", text, entry.key_span, "warning"))
        if any(one.code == "MP005" and one.span in unknown for one in self.findings[before:]):
            match = None  # what it was to say is not known
        if self._is_stray(entry, before) or block is None or match is None:
            return None
        words = _conditions(own.get("match"))
        resource = own.get("resource")
        return Policy(
            entry.key,
            entry.key_span,
            match,
            exclude,
            Where(**{key: tuple([name.text for name in it]) for key, it in words.items()}),
            rules,
            use=names(own.get("use")),
            resource=Name(block.resource, resource.span) if resource else None,
            controls=self.tree(parts_of(own, _CONTROLS), PolicyBlock),
            priority=block.priority,
            final=block.final,
            placement=block.placement,
            meta=_meta(own, block),
            depth=depth,
            places={(key, name.text): name.span for key, it in words.items() for name in it},
        )

    def _without_match(
        self, entry: Entry, body: MappingNode, known: Collection[str], about: Words
    ) -> MappingNode:
        """Return *body* less a `match`, however it is spelt: the key of the policy is its target."""
        kept: list[Entry] = []
        for inner in body.entries:
            synonym = None if inner.key in known else about.meant(inner.key, known)
            if inner.key != "match" and (synonym is None or synonym.field != "match"):
                kept.append(inner)
                continue
            text = f"policy `{entry.key}` names its target twice: by its key, and by `{inner.key}`"
            help = f"leave `{inner.key}` out, or give the policy a name of its own"
            related = (Related("the key is a target", entry.key_span),)
            self.findings.append(
                Diagnostic("MP010", text, inner.key_span, help=help, related=related)
            )
        return MappingNode(tuple(kept), body.at) if len(kept) < len(body.entries) else body

    def _match(self, entry: Entry, body: MappingNode) -> tuple[Pattern, ...] | None:
        """Return the patterns of `match`, or the key itself where it is a target."""
        match = body.get("match")
        if match is not None:
            self._check_name(entry)
            target = match.get("target") if isinstance(match, MappingNode) else match
            return patterns(target, self.findings)
        if ":" in entry.key:
            return _parsed((Name(entry.key, entry.key_span),), self.findings) or None
        meant = ""
        try:
            Target.parse(entry.key)
        except TargetError as error:  # a dotted name is probably the target
            meant = error.meant if "." in entry.key else ""
        help = "write `match:`, or use the function's path as the name: `package.module:function`"
        help, edits = did_you_mean(meant, help), repair(entry.key_span, meant)
        text = f"policy `{entry.key}` needs `match`"
        self.findings.append(
            Diagnostic("MP011", text, entry.key_span, help=help, suggestions=edits)
        )
        return None


def patterns(node: Node | None, findings: list[Diagnostic]) -> tuple[Pattern, ...]:
    """Return the patterns of a list, or of a single one; what is none goes to *findings*."""
    return _parsed(names(node), findings)


def _parsed(texts: Iterable[Name], findings: list[Diagnostic]) -> tuple[Pattern, ...]:
    made: list[Pattern] = []
    for name in texts:
        if "${" in name.text:
            continue  # said already, with all other variables
        try:
            made.append(Pattern(Glob.parse(name.text), name.span))
        except TargetError as error:
            help, edits = did_you_mean(error.meant), repair(name.span, error.meant)
            findings.append(
                Diagnostic("MP010", error.message, name.span, help=help, suggestions=edits)
            )
    return tuple(made)


def names(node: Node | None) -> tuple[Name, ...]:
    """Return the words of a list, or of a single one; of a list that lacks its brackets, too."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return tuple(Name(word.strip(), node.span) for word in node.value.split(","))
    items = node.items if isinstance(node, Sequence) else ()
    return tuple(
        Name(item.value, item.span)
        for item in items
        if isinstance(item, Scalar) and isinstance(item.value, str)
    )
