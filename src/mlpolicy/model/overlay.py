"""An environment laid over its file: a JSON merge patch (RFC 7396) on located nodes.

What the patch does not touch stays the very same node, so that it need not be read again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mlpolicy.core.diagnostic import Diagnostic, repair
from mlpolicy.core.span import Span
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.document.node import Entry, Mapping, is_empty, is_null
from mlpolicy.model.keys import keys_at
from mlpolicy.model.policy import is_name
from mlpolicy.model.short import spelt_out
from mlpolicy.rules import KINDS

_RULE_DEPTH = 3
"""`policies`, the name of one, a rule of it."""


@dataclass(slots=True)
class Overlay:
    """Lays one environment over a file, collecting findings."""

    environment: str
    kinds: frozenset[str]
    diagnostics: list[Diagnostic] = field(default_factory=list)
    strays: dict[str, list[Entry]] = field(default_factory=dict)
    """What is laid over policies and profiles that are not there, by section."""
    removed: dict[tuple[str, str], Span] = field(default_factory=dict)
    """Where it takes a key out of a policy, by the name of that and the key."""

    @property
    def apart(self) -> Mapping:
        """What is laid over nothing, as a file would write it."""
        span = Span("")
        sections = (
            Entry(key, span, Mapping(tuple(each), span)) for key, each in self.strays.items()
        )
        return Mapping(tuple(sections), span)

    def over(self, root: Mapping, patch: Mapping) -> Mapping:
        """Return *root* with *patch* over it."""
        return self._merged(root, patch, ())

    def _merged(self, base: Mapping, patch: Mapping, path: tuple[str, ...]) -> Mapping:
        entries = {entry.key: entry for entry in base.entries}
        for entry in sorted(patch.entries, key=lambda one: is_null(one.value)):
            self._lay(entries, entry, path)  # (what is taken out may be what is put in beside it)
        return Mapping(tuple(entries.values()), base.span)

    def _lay(self, entries: dict[str, Entry], entry: Entry, path: tuple[str, ...]) -> None:
        here = (*path, entry.key)
        below = entries.get(entry.key)
        if is_null(entry.value):
            self._remove(entries, entry, here)
            return
        if below is None:
            self._add(entries, entry, here)
            return
        old, new = below.value, entry.value
        if len(here) == 2 and is_empty(old):
            return  # it was said that it is; what stands beside it may belong under it
        if entry.key in self.kinds and here[0] != "vars":
            old, new = spelt_out(old, entry.key), spelt_out(new, entry.key)
        if isinstance(new, Mapping) and isinstance(old, Mapping):
            span = self._lacking(new, here) or below.key_span
            entries[entry.key] = Entry(entry.key, span, self._merged(old, new, here))
        elif isinstance(new, Mapping):  # over what is no block there is nothing to remove
            made = self._merged(Mapping((), new.span), new, here)
            entries[entry.key] = Entry(entry.key, entry.key_span, made)
        else:
            entries[entry.key] = entry

    def _remove(self, entries: dict[str, Entry], entry: Entry, here: tuple[str, ...]) -> None:
        below = entries.pop(entry.key, None)
        if self._is_rule(here) and (below is not None or "use" in entries):
            # Kept as a gap, which a profile must not fill; what the policy itself had, in its place.
            span = below.key_span if below else entry.key_span
            entries[entry.key] = Entry(entry.key, span, entry.value)
        elif below is not None and len(here) == _RULE_DEPTH and here[0] == "policies":
            self.removed[here[1], entry.key] = entry.key_span
        elif below is None:
            known = keys_at(here[:-1])
            if known is not None and entry.key not in known:
                entries[entry.key] = entry  # no such key: that is said where all others are
                return
            self._say(here, entry, f"removes `{'.'.join(here)}`", entries)

    def _lacking(self, patch: Mapping, here: tuple[str, ...]) -> Span | None:
        """Return where *patch* takes out of a rule what it needs: there it is missing."""
        gaps = [one for one in patch.entries if is_null(one.value)] if self._is_rule(here) else []
        fields = KINDS[here[-1]].rule_model().model_fields if gaps else {}
        needed = (one for one in gaps if one.key in fields and fields[one.key].is_required())
        return next((one.key_span for one in needed), None)

    def _is_rule(self, here: tuple[str, ...]) -> bool:
        return len(here) == _RULE_DEPTH and here[0] == "policies" and here[-1] in self.kinds

    def _add(self, entries: dict[str, Entry], entry: Entry, here: tuple[str, ...]) -> None:
        value, before = entry.value, len(self.diagnostics)
        if isinstance(value, Mapping):  # what it removes cannot be there
            value = self._merged(Mapping((), value.span), value, here)
        made = Entry(entry.key, entry.key_span, value)
        if not self._is_stray(here, entry, entries):
            entries[entry.key] = made
            return
        del self.diagnostics[before:]  # (one mistake is one finding)
        self._say(here, entry, f"changes {_WHAT[here[0]]} `{entry.key}`", entries)
        self.strays.setdefault(here[0], []).append(made)

    def _is_stray(self, here: tuple[str, ...], entry: Entry, known: dict[str, Entry]) -> bool:
        """Whether *entry* was to change what is there, and names nothing that is."""
        if len(here) != 2 or here[0] not in _WHAT:
            return False
        if here[0] == "policies":
            return not _is_whole(entry)
        return closest(entry.key, known) is not None

    def _say(self, here: tuple[str, ...], entry: Entry, what: str, known: dict[str, Entry]) -> None:
        near = closest(entry.key, known)
        if near is not None and not is_name(near) and here[0] == "profiles":
            return  # that was said, where it is defined
        if here[0] in _OF_AUTHOR and len(here) == 2 and not _is_possible(entry.key, here[0]):
            help = did_you_mean(near) or "a letter, then letters, digits, `-` and `_`"
            text = f"`{entry.key}` is no name"
            self.diagnostics.append(Diagnostic("MP010", text, entry.key_span, help=help))
            return
        self.diagnostics.append(
            Diagnostic(
                "MP407",
                f"environment `{self.environment}` {what}, which does not exist",
                entry.key_span,
                "warning",
                help=did_you_mean(near),
                suggestions=repair(entry.key_span, near),
            )
        )


_WHAT = {"policies": "policy", "profiles": "profile"}
_OF_AUTHOR = ("policies", "profiles", "resources", "vars")
"""Sections whose keys are names of the author's."""


def _is_possible(key: str, section: str) -> bool:
    return is_name(key) or (section == "policies" and ":" in key)


def _is_whole(entry: Entry) -> bool:
    """Whether a policy can stand alone: its key is a target, or it has a selector.

    What is no policy at all is said elsewhere.
    """
    if not isinstance(entry.value, Mapping):
        return True
    return ":" in entry.key or entry.value.get("match") is not None
