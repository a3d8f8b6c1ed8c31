"""The policies, profiles and defaults of one file, in one environment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from pydantic import BaseModel

from mlpolicy.core.diagnostic import Diagnostic, Related, repair
from mlpolicy.core.facts import Where
from mlpolicy.core.redact import HIDDEN
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob, Target, TargetError
from mlpolicy.core.words import did_you_mean
from mlpolicy.document.node import Entry, Node, Scalar, Sequence, entries_of, is_empty
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model import messages
from mlpolicy.model.check import check, locate, models_in
from mlpolicy.model.grammar import (
    META,
    FileBlock,
    MatchBlock,
    PolicyBlock,
    ProfileBlock,
    RolloutBlock,
    RuleCommon,
    SettingsBlock,
)
from mlpolicy.model.interpolate import holds_secret
from mlpolicy.model.policy import Name, Pattern, Policy, PolicyFile, Profile, Setting, is_name, one
from mlpolicy.model.rules import Layers, RuleReader, without_nulls
from mlpolicy.model.synonyms import OF_KINDS, OF_POLICY, OF_PROFILE
from mlpolicy.model.unknown import Words, is_laid, keys_beside, mended, unknown_key
from mlpolicy.rules import KINDS

_CONDITIONS = ("tag", "kind", "has_param", "decorated_by")
_CONTROLS = ("mode", "expires", "on_expiry", "deadline")
_LATER = ("timeout", "circuit_breaker", "rate_limit", "concurrency", "fallback", "retry_budget")
"""Kinds that the language has words for, and nobody provides."""


def look_for_kinds(root: MappingNode) -> None:
    """Look for the kinds of plugins that *root* may speak of: all keys that are none of ours."""
    keys = set(_keys_beside_rules(root))
    known = {*PolicyBlock.model_fields, *ProfileBlock.model_fields, *META, *KINDS}
    if keys <= known:
        return
    strangers = keys - known - _words_of_rules(tuple(KINDS))
    if strangers and any(name not in KINDS for name in KINDS.names()):
        for key in strangers:
            KINDS.look_for(key)


def _keys_beside_rules(root: MappingNode) -> Iterator[str]:
    """Yield the keys of `defaults` and of policies and profiles, those of environments too."""
    for part in (root, *(entry.value for entry in entries_of(root.get("environments")))):
        if isinstance(part, MappingNode):
            yield from _section(part, "defaults").index
            for section in ("policies", "profiles"):
                for entry in _section(part, section).entries:
                    yield from (inner.key for inner in entries_of(entry.value))


@dataclass(slots=True)
class PolicyReader:
    """Reads the parts of one file, collecting findings."""

    layers: Layers
    findings: list[Diagnostic] = field(default_factory=list)
    _rules: RuleReader = field(init=False)
    _kinds: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._rules = RuleReader(self.layers, self.findings)
        self._kinds = tuple(KINDS)

    def file(self, root: MappingNode, empty: PolicyFile) -> PolicyFile:
        """Return the file that *root* writes, less what is wrong in it."""
        return replace(
            empty,
            mode=self._mode(_section(root, "defaults")),
            defaults=self._rules.rules(_section(root, "defaults").entries),
            profiles=tuple(self._profiles(_section(root, "profiles"))),
            resources=tuple(self._resources(_section(root, "resources"))),
            policies=tuple(self._policies(_section(root, "policies"), empty.depth)),
        )

    def apart(self, root: MappingNode) -> None:
        """Check what an environment changes of policies and profiles that are not there.

        That they are not was said; what is written of them must be right all the same.
        """
        before = len(self.findings)
        policies, profiles = _section(root, "policies"), _section(root, "profiles")
        for entry in policies.entries:
            if isinstance(entry.value, MappingNode):
                self._policy(entry, entry.value, 0)
        tuple(self._profiles(profiles))
        keys = {entry.key_span for entry in (*policies.entries, *profiles.entries)}
        self.findings[before:] = [
            finding
            for finding in self.findings[before:]
            if finding.span not in keys and finding.code != "MP011"
        ]

    def _report(self, code: str, message: str, span: Span, *, help: str = "") -> None:
        self.findings.append(Diagnostic(code, message, span, help=help))

    # --- defaults, profiles, resources ------------------------------------------------

    def _mode(self, node: MappingNode) -> Setting | None:
        """Return the default mode; keys of `defaults` that are no kinds are reported."""
        about = Words("`defaults`", OF_KINDS, also=self._kinds)
        mode = None
        known = ("mode", *self._kinds)
        for entry in node.entries:
            if entry.key == "mode":
                part = MappingNode((entry,), node.at)
                checked = check(part, PolicyBlock, about)
                self.findings += checked.diagnostics
                if checked.value is not None and checked.value.mode is not None:
                    mode = one(self._rules.tree(part, PolicyBlock), "mode")
            elif entry.key not in KINDS:
                if _is_kind(entry, known, about):
                    self.findings.append(_not_installed(entry))
                else:
                    self.findings.append(
                        unknown_key(
                            entry, known, about, beside=keys_beside(node, laid=is_laid(entry, node))
                        )
                    )
        return mode

    def _profiles(self, node: MappingNode) -> Iterator[Profile]:
        known = dict.fromkeys((*ProfileBlock.model_fields, *self._kinds))
        # One that is empty is there, for those that name it.
        for entry in node.entries:
            if is_empty(entry.value):
                yield Profile(entry.key, entry.key_span)
        for entry, written in self._bodies(node, "the rules of profile", known):
            about = Words(f"profile `{entry.key}`", OF_PROFILE, also=self._kinds)
            body = mended(written, known, about, self.findings)
            others = [inner for inner in body.entries if inner.key not in KINDS]
            self._check(MappingNode(tuple(others), body.at), ProfileBlock, about)
            self._check_name(entry)
            extends, rules = names(body.get("extends")), self._rules.rules(body.entries)
            yield Profile(entry.key, entry.key_span, extends, rules)

    def _resources(self, node: MappingNode) -> Iterator[Name]:
        for entry, body in self._bodies(node, "the limits of resource", ()):
            self.findings += map(_not_installed, body.entries)
            self._check_name(entry)
            yield Name(entry.key, entry.key_span)

    def _bodies(
        self, node: MappingNode, what: str, known: Collection[str]
    ) -> Iterator[tuple[Entry, MappingNode]]:
        """Yield the parts of a section; *known* keys of a part that stand beside it are slips."""
        empty = False
        for entry in node.entries:
            value = entry.value
            selects = isinstance(value, MappingNode) and "match" in value.index
            if entry.key in known and (empty or (what == _POLICY and not selects)):
                if not empty:  # (that the part above has no value was reported)
                    text = f"`{entry.key}` is not a policy: it belongs under one"
                    help = "write it further in, under the policy that it is for"
                    self._report("MP005", text, entry.key_span, help=help)
                continue
            empty = is_empty(value)
            if isinstance(value, MappingNode):
                yield entry, value
            elif not empty:
                text = f"expected {what} `{entry.key}`, found {messages.found(value.plain())}"
                self._report("MP010", text, value.span)

    def _check_name(self, entry: Entry) -> None:
        if not is_name(entry.key):
            help = "a letter, then letters, digits, `-` and `_`"
            self._report("MP010", f"`{entry.key}` is not a name", entry.key_span, help=help)

    def _check(self, node: MappingNode, model: type[BaseModel], about: Words) -> Any:
        """Check *node*; keys that may be rules of a kind that is not here get a word of their own."""
        kept: list[Entry] = []
        for entry in node.entries:
            if _is_stranger(entry, model.model_fields, about):
                self.findings.append(_not_installed(entry))
            else:
                kept.append(entry)
        if len(kept) < len(node.entries):
            node = MappingNode(tuple(kept), node.at)
        checked = check(node, model, about)
        self.findings += checked.diagnostics
        for loc in checked.missing:
            held, inner = locate(node, loc[:-1])
            what = f"`{inner.key}`" if inner else about.section
            self._report("MP011", f"{what} needs `{loc[-1]}`", held.span)
        return checked.value

    # --- policies ---------------------------------------------------------------------

    def _policies(self, node: MappingNode, depth: int) -> Iterator[Policy]:
        known = dict.fromkeys((*PolicyBlock.model_fields, *self._kinds))
        for entry, body in self._bodies(node, _POLICY, known):
            policy = self._policy(entry, body, depth)
            if policy is not None:
                yield policy

    def _policy(self, entry: Entry, body: MappingNode, depth: int) -> Policy | None:
        about = Words(f"policy `{entry.key}`", OF_POLICY, also=self._kinds)
        before = len(self.findings)
        known = {*PolicyBlock.model_fields, *self._kinds}
        if ":" in entry.key:
            body = self._without_match(entry, body, known, about)
        body = mended(body, known, about, self.findings)
        others = tuple([inner for inner in body.entries if inner.key not in self._kinds])
        own = MappingNode(others, body.at)
        written = own.index
        rules = self._rules.rules(body.entries)
        if "use" not in written:  # there is nothing below that what was removed could uncover
            rules = tuple([rule for rule in rules if not rule.removed])
        block = self._check(own, PolicyBlock, about)
        match = self._match(entry, own)
        exclude = patterns(own.get("exclude"), self.findings)
        if len(self.findings) == before and len(others) == len(body.entries) and not own.get("use"):
            text = f"`{entry.key}` has no rules"
            self.findings.append(Diagnostic("MP408", text, entry.key_span, "warning"))
        if block is None or match is None:
            return None
        asked = conditions(own.get("match"))
        resource = written.get("resource")
        controls = [inner for inner in without_nulls(others) if inner.key in _CONTROLS]
        return Policy(
            entry.key,
            entry.key_span,
            match,
            exclude,
            Where(**{key: tuple(name.text for name in listed) for key, listed in asked.items()}),
            rules,
            use=names(own.get("use")),
            resource=Name(block.resource, resource.value.span) if resource else None,
            controls=self._rules.tree(MappingNode(tuple(controls), body.at), PolicyBlock),
            priority=block.priority,
            final=block.final,
            placement=block.placement,
            meta=_meta(written, block),
            depth=depth,
            places=_places(asked),
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
            pattern = pattern_of(entry.key, entry.key_span, self.findings)
            return (pattern,) if pattern else None
        self.findings.append(unselected(entry))
        return None


_POLICY = "the rules of"


def _places(asked: Mapping[str, Iterable[Name]]) -> dict[tuple[str, str], Span]:
    """Return where each word stands that a `match` asks for, by its key and itself."""
    return {(key, name.text): name.span for key, listed in asked.items() for name in listed}


def _meta(written: Mapping[str, Entry], block: Any) -> dict[str, Any]:
    """Return what a policy says of itself; secrets are left out."""
    meta: dict[str, Any] = {}
    for key in META:
        if key in written:
            value = getattr(block, key) or written[key].value.plain()
            if value:
                meta[key] = HIDDEN if holds_secret(written[key].value) else value
    return meta


def _section(root: MappingNode, key: str) -> MappingNode:
    """Return the mapping at *key*; one of another type was reported with the file."""
    node = root.get(key)
    return node if isinstance(node, MappingNode) else MappingNode((), root.at)


# --- selectors ----------------------------------------------------------------------


def patterns(node: Node | None, findings: list[Diagnostic]) -> tuple[Pattern, ...]:
    """Return the patterns of a list, or of a single one; what is none goes to *findings*."""
    made = [pattern_of(name.text, name.span, findings) for name in names(node)]
    return tuple([pattern for pattern in made if pattern])


def pattern_of(text: str, span: Span, findings: list[Diagnostic]) -> Pattern | None:
    """Return the pattern that *text* is; what is wrong with it goes to *findings*."""
    if "${" in text:
        return None  # said already, with all other variables
    try:
        return Pattern(Glob.parse(text), span)
    except TargetError as error:
        help, edits = did_you_mean(error.meant), repair(span, error.meant)
        findings.append(Diagnostic("MP010", error.message, span, help=help, suggestions=edits))
        return None


def conditions(match: Node | None) -> dict[str, tuple[Name, ...]]:
    """Return the words of a `match` besides its targets, by key."""
    entries = match.entries if isinstance(match, MappingNode) else ()
    return {entry.key: names(entry.value) for entry in entries if entry.key in _CONDITIONS}


def names(node: Node | None) -> tuple[Name, ...]:
    """Return the words of a list, or of a single one; of a list that lacks its brackets, too."""
    if node is None:
        return ()
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return tuple(Name(word.strip(), node.span) for word in node.value.split(","))
    items = node.items if isinstance(node, Sequence) else ()
    return tuple(
        Name(item.value, item.span)
        for item in items
        if isinstance(item, Scalar) and isinstance(item.value, str)
    )


def unselected(entry: Entry) -> Diagnostic:
    """Return the finding for a policy without a selector; a dotted name is probably its target."""
    help = "write `match:`, or use the function's path as the name: `package.module:function`"
    meant = ""
    if "." in entry.key:
        try:
            Target.parse(entry.key)
        except TargetError as error:
            meant = error.meant
    text, edits = f"policy `{entry.key}` needs `match`", repair(entry.key_span, meant)
    help = did_you_mean(meant, help)
    return Diagnostic("MP011", text, entry.key_span, help=help, suggestions=edits)


# --- kinds that are not here ----------------------------------------------------------


def _is_stranger(entry: Entry, known: Collection[str], about: Words) -> bool:
    """Whether a key is probably the name of a kind that is not installed."""
    if entry.key in KINDS.refused:
        return True
    if entry.key in known or entry.key in about.synonyms:
        return False
    if entry.key in _words_of_rules(tuple(KINDS)):
        return False
    return _is_kind(entry, (*known, *about.also), about)


def _is_kind(entry: Entry, known: Collection[str], about: Words) -> bool:
    """Whether a key that is not known is the name of a kind, not a slip."""
    if entry.key in _LATER or entry.key in KINDS.refused:
        return True
    return isinstance(entry.value, MappingNode) and about.meant(entry.key, known) is None


def _not_installed(entry: Entry) -> Diagnostic:
    """Return the finding for a kind that is not there, or cannot be used."""
    refused = KINDS.refused.get(entry.key)
    if refused is not None:
        return Diagnostic(refused.code, str(refused), entry.key_span, help=refused.help)
    help = "there are " + ", ".join(f"`{name}`" for name in KINDS)
    text = f"no kind of rule `{entry.key}` is installed"
    return Diagnostic("MP130", text, entry.key_span, help=help)


@cache
def _words_of_rules(kinds: tuple[str, ...]) -> frozenset[str]:
    """Return the settings of the file and of rules of *kinds*, those of inner blocks too."""
    models: list[Any] = [KINDS[name].rule_model() for name in kinds]
    models += (FileBlock, PolicyBlock, MatchBlock, RolloutBlock, RuleCommon, SettingsBlock)
    words: set[str] = set()
    seen: set[Any] = set()
    while models:
        model = models.pop()
        if model not in seen:
            seen.add(model)
            words.update(model.model_fields)
            for known in model.model_fields.values():
                models += models_in(known.annotation)
    return frozenset(words)
