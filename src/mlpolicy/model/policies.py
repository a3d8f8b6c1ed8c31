"""The policies, profiles and defaults of one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.core.facts import Where
from mlpolicy.core.redact import HIDDEN
from mlpolicy.core.span import Span
from mlpolicy.document.node import Entry, Node, Scalar, is_empty
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model import words
from mlpolicy.model.check import Checked, check, fields_of, locate
from mlpolicy.model.grammar import META, PolicyBlock, ProfileBlock
from mlpolicy.model.habits import OF_KINDS, OF_POLICY, OF_PROFILE
from mlpolicy.model.interpolate import holds_secret
from mlpolicy.model.layers import Layers
from mlpolicy.model.places import BESIDE_POLICY, IN_POLICY
from mlpolicy.model.policy import (
    Name,
    Pattern,
    Policy,
    PolicyFile,
    Profile,
    Setting,
    Tree,
    is_name,
    one,
)
from mlpolicy.model.rules import RuleReader, without_nulls
from mlpolicy.model.selectors import (
    asked,
    is_match,
    names,
    pattern_of,
    patterns,
    selects,
    unselected,
)
from mlpolicy.model.strangers import is_stranger, not_installed, stranger
from mlpolicy.model.unknown import Words, is_laid, mended
from mlpolicy.rules import KINDS

_POLICY = "the rules of"
_ANYWHERE = Where()
_CONTROLS = ("mode", "expires", "on_expiry", "deadline")


@dataclass(slots=True)
class _Held:
    """What was read of one policy, and the node that it was read from, kept alive for its id."""

    node: Node
    policy: Policy | None
    diagnostics: tuple[Diagnostic, ...]


@dataclass(slots=True)
class PolicyReader:
    """Reads the parts of one file, for one environment after the other."""

    layers: Layers
    _held: dict[tuple[str, int], _Held] = field(default_factory=dict)
    _found: list[Diagnostic] = field(default_factory=list)
    _rules: RuleReader = field(init=False)
    _kinds: tuple[str, ...] = field(init=False)
    _known: Mapping[str, None] = field(init=False)
    """The keys of a policy."""

    def __post_init__(self) -> None:
        self._rules = RuleReader(self.layers, self._found)
        self._kinds = tuple(KINDS)
        self._known = dict.fromkeys((*PolicyBlock.model_fields, *KINDS))

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return what the last reading found."""
        return tuple(dict.fromkeys(self._found))

    def file(self, root: MappingNode, empty: PolicyFile) -> PolicyFile:
        """Return the file that *root* writes, less what is wrong in it."""
        self._found.clear()
        mode, defaults = self._defaults(_mapping(root, "defaults"))
        return replace(
            empty,
            mode=mode,
            defaults=defaults,
            profiles=tuple(self._profiles(_mapping(root, "profiles"))),
            resources=tuple(self._resources(_mapping(root, "resources"))),
            policies=tuple(self._policies(_mapping(root, "policies"), empty.depth)),
        )

    def apart(self, root: MappingNode) -> None:
        """Check what an environment changes of policies and profiles that are not there.

        That they are not was said; what is written of them must be right all the same.
        """
        before = len(self._found)
        policies, profiles = _mapping(root, "policies"), _mapping(root, "profiles")
        for entry in policies.entries:
            if isinstance(entry.value, MappingNode):
                self._read(entry, entry.value)
        tuple(self._profiles(profiles))
        keys = {one.key_span for one in (*policies.entries, *profiles.entries)}
        self._found[before:] = [
            one for one in self._found[before:] if one.span not in keys and one.code != "MP011"
        ]

    def _say(self, code: str, message: str, span: Span, *, help: str = "") -> None:
        self._found.append(Diagnostic(code, message, span, help=help))

    # --- defaults, profiles, resources ------------------------------------------------

    def _defaults(self, node: MappingNode) -> tuple[Setting | None, tuple[Any, ...]]:
        about = Words("`defaults`", OF_KINDS, BESIDE_POLICY, also=self._kinds)
        mode, laid = None, {one.key: is_laid(one, node) for one in node.entries}
        for entry in node.entries:
            if entry.key == "mode":
                checked = check(MappingNode((entry,), node.span), PolicyBlock, about)
                self._found += checked.diagnostics
                if checked.value is not None and checked.value.mode is not None:
                    tree = self._rules.tree(MappingNode((entry,), node.span), PolicyBlock)
                    mode = one(tree, "mode")
            elif entry.key not in KINDS:
                beside = [key for key, one in laid.items() if one == laid[entry.key]]
                self._found.append(stranger(entry, ("mode", *KINDS), about, beside=beside))
        return mode, self._rules.rules(node.entries)

    def _profiles(self, node: MappingNode) -> Iterator[Profile]:
        # One that is empty is there, for those that name it.
        yield from (Profile(one.key, one.key_span) for one in node.entries if is_empty(one.value))
        for entry, written in self._bodies(node, "the rules of profile"):
            about = Words(f"profile `{entry.key}`", OF_PROFILE, BESIDE_POLICY, also=self._kinds)
            known = dict.fromkeys((*ProfileBlock.model_fields, *KINDS))
            body = mended(written, known, about, self._found)
            rest = MappingNode(
                tuple(one for one in body.entries if one.key not in KINDS), body.span
            )
            self._check(rest, ProfileBlock, about)
            self._named(entry)
            yield Profile(
                entry.key,
                entry.key_span,
                names(body.get("extends")),
                self._rules.rules(body.entries),
            )

    def _resources(self, node: MappingNode) -> Iterator[Name]:
        for entry, body in self._bodies(node, "the limits of resource"):
            for inner in body.entries:
                self._found.append(not_installed(inner))
            self._named(entry)
            yield Name(entry.key, entry.key_span)

    def _bodies(self, node: MappingNode, what: str) -> Iterator[tuple[Entry, MappingNode]]:
        for entry in self._no_rules(node.entries, what):
            if isinstance(entry.value, MappingNode):
                yield entry, entry.value
            elif not is_empty(entry.value):
                found = words.found(entry.value.plain())
                self._say(
                    "MP010", f"expected {what} `{entry.key}`, found {found}", entry.value.span
                )

    def _no_rules(self, entries: Iterable[Entry], what: str) -> Iterator[Entry]:
        """Yield the *entries* that are policies; what belongs under the one before is a slip.

        Of profiles only what stands below an empty one is told from another one.
        """
        empty = False
        for entry in entries:
            if entry.key in self._known and (
                not selects(entry.value) if what == _POLICY else empty
            ):
                if not empty:
                    text = f"`{entry.key}` is no policy: it belongs under one"
                    help = "write it further in, under the policy that it is for"
                    self._say("MP005", text, entry.key_span, help=help)
                continue
            yield entry
            empty = isinstance(entry.value, Scalar) and not entry.value.text

    def _named(self, entry: Entry) -> None:
        if not is_name(entry.key):
            help = "a letter, then letters, digits, `-` and `_`"
            self._say("MP010", f"`{entry.key}` is no name", entry.key_span, help=help)

    def _check(self, node: MappingNode, model: Any, about: Words) -> Checked:
        """Check *node*; keys that may be rules of a kind that is not here get a word of their own."""
        known = fields_of(model)
        kept = node
        strange = [one for one in node.entries if one.key not in known]
        strangers = {one.key: one for one in strange if is_stranger(one, known, about)}
        if strangers:
            rest = tuple(one for one in node.entries if one.key not in strangers)
            kept = MappingNode(rest, node.span)
        checked = check(kept, model, about)
        self._found += (*checked.diagnostics, *map(not_installed, strangers.values()))
        for loc in checked.missing:
            held, entry = locate(kept, loc[:-1])
            what = f"`{entry.key}`" if entry else about.section
            self._say("MP011", f"{what} needs `{loc[-1]}`", held.span)
        return checked

    # --- policies ---------------------------------------------------------------------

    def _policies(self, node: MappingNode, depth: int) -> Iterable[Policy]:
        for entry, body in self._bodies(node, _POLICY):
            held = self._held.get((entry.key, id(body)))
            if held is None:
                held = self._held[entry.key, id(body)] = self._read(entry, body)
            else:
                self._found += held.diagnostics
            if held.policy is not None:
                if held.policy.depth != depth:
                    held.policy = replace(held.policy, depth=depth)
                yield held.policy

    def _read(self, entry: Entry, body: MappingNode) -> _Held:
        before = len(self._found)
        policy = self._policy(entry, body)
        return _Held(body, policy, tuple(self._found[before:]))

    def _policy(self, entry: Entry, body: MappingNode) -> Policy | None:
        about = Words(f"policy `{entry.key}`", OF_POLICY, IN_POLICY, also=self._kinds)
        before = len(self._found)
        if [one for one in body.entries if one.key not in self._known or one.key == "match"]:
            body = self._once(entry, body, about) if ":" in entry.key else body
            body = mended(body, self._known, about, self._found)
        kinds = self._kinds
        written = [one for one in body.entries if one.key in kinds]
        rules = self._rules.rules(written)
        others = [one for one in body.entries if one.key not in kinds] if written else body.entries
        whole = MappingNode(tuple(others), body.span)
        said = {one.key: one.value for one in others}
        alone = "use" not in said
        if alone:  # there is nothing below that what was removed could uncover
            rules = tuple([rule for rule in rules if not rule.removed])
        checked = _PLAIN if _is_plain(said) else self._check(whole, PolicyBlock, about)
        selected = self._match(entry, whole)
        exclude = patterns(said.get("exclude"), self._found)
        clean = len(self._found) == before
        if clean and not written and alone:
            text = f"`{entry.key}` has no rules"
            self._found.append(Diagnostic("MP408", text, entry.key_span, "warning"))
        if checked.value is None or selected is None:
            return None
        match, where = selected
        return self._made(
            entry,
            said,
            checked.value,
            controls=self._controls(whole),
            match=match,
            where=where,
            exclude=exclude,
            rules=rules,
        )

    def _made(
        self, entry: Entry, said: Mapping[str, Node], block: PolicyBlock, **parts: Any
    ) -> Policy:
        resource = said.get("resource")
        return Policy(
            entry.key,
            entry.key_span,
            use=names(said.get("use")),
            resource=Name(block.resource, resource.span) if resource else None,
            priority=block.priority,
            final=block.final,
            placement=block.placement,
            meta={
                key: HIDDEN if holds_secret(said[key]) else value
                for key in META
                if key in said and (value := getattr(block, key) or said[key].plain())
            },
            places={
                (key, one.text): one.span
                for key, each in asked(said.get("match")).items()
                for one in each
            },
            **parts,
        )

    def _controls(self, node: MappingNode) -> Tree:
        written = [one for one in node.entries if one.key in _CONTROLS]
        if not written:
            return {}
        kept = tuple(without_nulls(written))
        return self._rules.tree(MappingNode(kept, node.span), PolicyBlock)

    # --- selectors --------------------------------------------------------------------

    def _match(self, entry: Entry, body: MappingNode) -> tuple[tuple[Pattern, ...], Where] | None:
        """Return the selector: `match`, or the key itself where it is a target."""
        for written in body.entries:
            if written.key == "match":
                return self._written(entry, written)
        if ":" not in entry.key:
            self._found.append(unselected(entry))
            return None
        pattern = pattern_of(entry.key, entry.key_span, self._found)
        return ((pattern,), _ANYWHERE) if pattern else None

    def _once(self, entry: Entry, body: MappingNode, about: Words) -> MappingNode:
        """Return *body* less a `match`, however it is spelt: the key of the policy is its target."""
        kept: list[Entry] = []
        for inner in body.entries:
            if not is_match(inner.key, self._known, about):
                kept.append(inner)
            else:
                text = (
                    f"policy `{entry.key}` names its target twice: by its key, and by `{inner.key}`"
                )
                help = f"leave `{inner.key}` out, or give the policy a name of its own"
                related = (Related("the key is a target", entry.key_span),)
                self._found.append(
                    Diagnostic("MP010", text, inner.key_span, help=help, related=related)
                )
        return MappingNode(tuple(kept), body.span) if len(kept) < len(body.entries) else body

    def _written(self, entry: Entry, match: Entry) -> tuple[tuple[Pattern, ...], Where]:
        self._named(entry)
        if not isinstance(match.value, MappingNode):
            return patterns(match.value, self._found), Where()
        said = asked(match.value)
        where = Where(**{key: tuple(one.text for one in each) for key, each in said.items()})
        return patterns(match.value.get("target"), self._found), where


_PLAIN = Checked(PolicyBlock(), ())
"""What comes of a policy that says nothing of itself but who and why."""
_WORDS = frozenset({"owner", "reason", "ticket", "runbook"})


def _is_plain(said: Mapping[str, Node]) -> bool:
    """Whether a policy says, of itself, no more than texts: as most do."""
    for key, node in said.items():
        if key not in _WORDS or type(node) is not Scalar or type(node.value) is not str:
            return False
    return True


def _mapping(root: MappingNode, key: str) -> MappingNode:
    """Return the mapping at *key*; one of another type was reported with the file."""
    node = root.get(key)
    return node if isinstance(node, MappingNode) else MappingNode((), root.span)
