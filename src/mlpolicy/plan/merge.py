"""Rule blocks become one rule: merged field by field, the highest rank first, built and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from mlpolicy.core import plugins
from mlpolicy.core.diagnostic import Diagnostic, Related, shared
from mlpolicy.core.frozen import frozen
from mlpolicy.core.kind import Clash, Kind, Lacking
from mlpolicy.core.quantity import Duration, Ratio, oddity, unusual
from mlpolicy.core.report import redacted
from mlpolicy.core.site import Control, Rollout
from mlpolicy.core.span import Span
from mlpolicy.model.policy import CODE, COMMON, RuleBlock, Setting, blocks, leaves
from mlpolicy.plan.plan import Plan, PlannedRule, Rank, Value
from mlpolicy.rules import KINDS

DEFAULTS = "defaults"
OVERRIDES = "--set"
MISSING = "MP011"

Path = tuple[str, ...]
Doubts = tuple[tuple[str, ...], ...]
"""(code, field, message), perhaps a remedy and a severity."""
Built = dict[tuple[str, str], tuple[Any, Doubts, dict[str, Value]]]
"""By kind and settings: the rule, what is doubtful in it, and the fields that nobody wrote."""
_WORDS = re.compile(r"\w+")


@frozen()
class Extent:
    """How much of the files could be read: checks that something is not there ask for it."""

    whole: bool = True
    """Whether nothing was left out, for an error or for want of a variable."""
    filled: bool = True
    """Whether every variable has a value."""
    named: bool = True
    """Whether all names that policies may refer to are known."""
    of_environment: bool = False
    """Whether it is the reading for one environment."""
    beside: bool = False
    """Whether the files themselves are looked at beside it: what has no effect here may have one
    there."""


ALL = Extent()


@frozen()
class Layer:
    """One block that takes part, with its rank and who wrote it: a policy, unless a constant says."""

    rank: Rank
    policy: str
    block: RuleBlock

    @property
    def is_policy(self) -> bool:
        """Whether a policy wrote it, not the defaults or the command line."""
        return self.policy not in (DEFAULTS, OVERRIDES)


@frozen()
class Completed:
    """One rule of a plan, if it could be made, and what is wrong with it."""

    rule: PlannedRule | None
    conflicts: tuple[Diagnostic, ...]
    """Fields that two layers may not both set."""
    diagnostics: tuple[Diagnostic, ...]
    """What is wrong with the rule that comes of them."""


def complete(
    kind: str,
    layers: Iterable[Layer],
    built: Built,
    *,
    context: dict[str, Any] | None = None,
    read: Extent = ALL,
) -> Completed:
    """Return the rule that *layers* make together: the highest wins each field.

    Args:
        kind: Its kind.
        layers: The blocks that take part.
        built: Rules that were made before: policies repeat themselves.
        context: That of the values: those of decorators are not text alone.
        read: How much of what was written could be read: only then is anything missing.
    """
    known, layers = KINDS[kind], sorted(layers, key=_by_rank)
    conflicting = tuple(conflicts(kind, layers)) if layers[1:] else ()
    merged = _merged(layers)
    control = _control(known, merged)
    try:
        rule, doubts, unwritten = _made(known, merged.settings(), built, context)
    except ValueError as error:
        errors: Any = getattr(error, "errors", None)  # (of pydantic, which need not be there)
        if errors is None:
            raise
        wrong = [one for one in errors(include_url=False) if one["type"] != "missing"]
        if wrong or control.mode != "disabled":  # (what is off need not be complete)
            wrong = errors(include_url=False) if read.whole else wrong
            refused = tuple(_refused(kind, merged, one) for one in wrong)
            return Completed(None, conflicting, refused)
        rule, doubts, unwritten = None, (), {}
    planned = PlannedRule(
        kind,
        control.mode,
        rule,
        {".".join(path): value for path, value in merged.values.items()} | unwritten,
        merged.source,
        merged.policies[-1] if merged.policies else "",
        {".".join(path): span for path, span in merged.keys.items()},
        control,
        {".".join(path): tuple(lost) for path, lost in merged.lost.items()},
    )
    found = [
        _doubt(known, merged, doubt)
        for doubt in doubts
        # (what could not be read may hold what a doubt misses)
        if (read.filled or not isinstance(doubt, Lacking)) and (read.whole or doubt[0] != MISSING)
    ]
    return Completed(planned, conflicting, tuple(found))


def _by_rank(layer: Layer) -> tuple[Rank, str, Span]:
    return layer.rank, layer.policy, layer.block.span


@dataclass(slots=True)
class _Merged:
    """The settings of a rule by path, and where each comes from."""

    values: dict[Path, Value] = field(default_factory=dict)
    keys: dict[Path, Span] = field(default_factory=dict)
    """Where the keys of blocks stand."""
    lost: dict[Path, list[Value]] = field(default_factory=dict)
    """The values that others have beaten, the lowest first."""
    source: Span = Span("")
    policies: list[str] = field(default_factory=list)
    """The policies that wrote any of it, the lowest first."""

    def settings(self) -> dict[str, Any]:
        """Return the settings as the model of the kind takes them."""
        made: dict[str, Any] = {}
        for path, value in self.values.items():
            if path[0] not in COMMON:
                here = made
                for part in path[:-1]:
                    here = here.setdefault(part, {})
                here[path[-1]] = value.value
        return made

    def span_of(self, path: Path) -> Span:
        """Return where the setting at *path*, or the nearest above it, was written."""
        for end in range(len(path), 0, -1):
            for known, value in self.values.items():
                if known[:end] == path[:end] and value.source is not None:
                    return value.at(".".join(path[end:])) or value.source
        return self.source


def _merged(layers: Sequence[Layer]) -> _Merged:
    """Return what *layers* write together, the lowest first; some of them begin afresh."""
    merged = _Merged()
    afresh = max((layer.rank for layer in layers if not layer.block.inherit), default=None)
    for layer in layers:
        if afresh is None or layer.policy == DEFAULTS or layer.rank >= afresh:
            _lay(merged, layer)
    return merged


def _lay(merged: _Merged, layer: Layer) -> None:
    is_first = not merged.values
    for path, setting in leaves(layer.block.settings):
        # A value beats the one that is there, a block above it, or what is below it.
        for known in [] if is_first else list(merged.values):
            short = min(len(known), len(path))
            if known[:short] == path[:short]:
                merged.lost.setdefault(path, []).append(merged.values.pop(known))
        merged.values[path] = Value(
            setting.value,
            setting.span,
            layer.policy,
            setting.key,
            setting.layer,
            setting.written,
            layer.rank,
            setting.secret,
            setting.places,
        )
    for path, block in blocks(layer.block.settings):
        merged.keys[path] = block.key
        if not block.settings and not any(one[: len(path)] == path for one in merged.values):
            empty = Value({}, layer.block.span, layer.policy, block.key, rank=layer.rank)
            merged.values[path] = empty  # written empty: `log: {}`
    if layer.is_policy:
        merged.source = layer.block.span
        merged.policies.append(layer.policy)


def _control(kind: Kind, merged: _Merged) -> Control:
    """Return whether the rule holds, as the settings say that every rule has."""

    def written(*path: str) -> Any:
        value = merged.values.get(path)
        return value.value if value else None

    expires, percent, rollout = written("expires"), written("rollout", "percent"), None
    if percent is not None:
        share, otherwise = float(Ratio.of_number(percent)), written("rollout", "otherwise")
        rollout = Rollout(share, written("rollout", "by"), otherwise or "disabled")
    return Control(
        kind.name,
        written("mode") or "enforce",
        date.fromisoformat(expires) if expires else None,
        written("on_expiry") or "disable",
        rollout,
        tuple(merged.policies),
        kind.shadowable,
    )


def _made(
    kind: Kind, settings: dict[str, Any], built: Built, context: dict[str, Any] | None
) -> tuple[Any, Doubts, dict[str, Value]]:
    """Return the rule of *settings*, what is doubtful in it, and the fields that are built in."""
    key = (kind.name, repr(settings))
    if context is None and key in built:
        return built[key]
    rule = kind.rule_model().model_validate(settings, context=context)
    try:
        own: Doubts = kind.ask("check", rule)
    except Exception as error:
        plugin = plugins.find("kinds", kind.name)
        if plugin is None:
            raise
        broken = plugin.broken(f"its check raises {type(error).__name__}: {error}")
        own = ((broken.code, "", str(broken), broken.help),)
    fields = {field for _, field, *_ in own}
    doubts = (*own, *(one for one in unusual(rule) if one[1] not in fields))
    names = [name for name in type(rule).model_fields if name not in settings]
    made = rule, doubts, {name: Value(getattr(rule, name)) for name in names}
    if context is None:
        built[key] = made
    return made


# --- what is wrong with one rule ------------------------------------------------------


def conflicts(kind: str, layers: Sequence[Layer]) -> Iterator[Diagnostic]:
    """Yield a finding for each field that two of *layers* may not both set."""
    set_by: dict[Path, list[tuple[Layer, Setting]]] = {}
    for layer in sorted(layers, key=_by_rank):
        for path, setting in leaves(layer.block.settings):
            below = set_by.setdefault(path, [])
            # (a setting that holds for all rules together is named without the rule)
            name = path[0] if path[0] in COMMON[:3] else ".".join((kind, *path))
            if below and below[-1][0].rank == layer.rank:
                other = below[-1][1]
                # (a profile that two policies use is one place)
                if other.key != setting.key and other.value != setting.value:
                    yield _conflict(name, other, setting, is_default=layer.policy == DEFAULTS)
            if layer.rank[0] == 1:
                for lower, beaten in below:
                    if lower.is_policy and lower.rank[0] < 1 and beaten.key != setting.key:
                        yield _fixed(name, beaten, setting, policy=layer.policy)
                below.clear()  # each is said once, of the lowest that is final
            below.append((layer, setting))


def _conflict(name: str, one: Setting, other: Setting, *, is_default: bool) -> Diagnostic:
    who, remedy = "policies of equal rank", "give one of them a `priority`, or a more exact `match`"
    if is_default:
        who = "`defaults`"
        remedy = "keep one of them: `defaults` hold for the policies of all files"
    text = f"two {who} set `{name}` differently"
    related = (Related(f"`{name}` is set here too", one.key),)
    return Diagnostic("MP401", text, other.key, related=related, help=remedy)


def _fixed(name: str, lower: Setting, upper: Setting, *, policy: str) -> Diagnostic:
    who, whose = f"policy `{policy}`", "the final policy"
    if policy == CODE:
        who, whose = "the decorator in the code", "the code"
    text = f"`{name}` has no effect: {who} is final"
    related = (Related(f"`{name}` is fixed here", upper.key),)
    help = f"leave it out, or ask the owner of {whose}"
    return Diagnostic("MP402", text, lower.key, related=related, help=help)


def _refused(kind: str, merged: _Merged, error: Any) -> Diagnostic:
    """Return what the model of a kind says of a setting."""
    path = tuple(str(part) for part in (*error["loc"], *error.get("ctx", {}).get("at", ())))
    if error["type"] == "missing":
        name = ".".join((kind, *path[:-1]))
        return Diagnostic(MISSING, f"`{name}` needs `{path[-1]}`", merged.source)
    code = error["type"] if error["type"].startswith("MP") else "MP010"
    return Diagnostic(code, redacted(str(error["msg"])), merged.span_of(path))


def _doubt(kind: Kind, merged: _Merged, doubt: tuple[str, ...]) -> Diagnostic:
    code, path, message, help, grave = (*doubt, "", "")[:5]
    values = {".".join(path): value for path, value in merged.values.items()}
    named = {word: values[word] for word in (path, *_WORDS.findall(message)) if word in values}
    changed = [word for word, value in named.items() if _is_changed(value)]
    if changed and path not in changed:
        path = changed[0]  # (the other one was right before)
    related = tuple(
        Related(f"`{word}`", value.source)
        for word, value in named.items()
        if word != path and value.source
    )
    span = merged.span_of(tuple(path.split(".")))
    severity: Any = grave or _severity_of(kind, code)
    return Diagnostic(code, message, span, severity, help=help, related=related)


def _is_changed(setting: Value | Setting) -> bool:
    return setting.layer.startswith("environments.")


def _severity_of(kind: Kind, code: str) -> Any:
    """Return how grave a finding with a *code* of *kind*, or of all kinds, is."""
    known = (*kind.finding_codes(), *shared())
    return next((one.severity for one in known if one.code == code), "error")


# --- what is wrong with rules beside each other, and with a deadline ------------------


def findings_of(
    plan: Plan, completed: Sequence[Completed], deadline: Setting | None
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a plan: one finding for each number.

    A number that is wrong by itself is not held against a deadline, and of one that goes beyond
    the deadline it is not said that it is unusual.
    """
    doubts = [doubt for each in completed for doubt in each.diagnostics]
    wrong = {doubt.span for doubt in doubts if doubt.severity == "error"}
    made = {rule.kind: rule.rule for rule in plan.rules if rule.rule is not None}
    clashes = [
        (rule, clash)
        for rule in plan.rules
        if rule.kind in made
        for clash in KINDS[rule.kind].ask("together", rule.rule, made, plan.deadline)
    ]
    late: list[Diagnostic] = []
    beside: list[Diagnostic] = []
    for rule, clash in clashes:
        if not clash.with_deadline:
            kind, setting = clash.other or ("", "")
            other = plan.rule(kind)
            related = (Related(f"the {setting}", other.place(setting)),) if other else ()
            beside.append(_clashing(rule, clash, rule.place(*clash.fields), *related))
        elif deadline is not None and not any(one.span == deadline.span for one in late):
            # (where the deadline is what is wrong, nothing fits in it)
            late.append(_clashing(rule, clash, *_apart(rule, deadline, clash.fields)))
    late = [one for one in late if one.span not in wrong]
    spans = {one.span for one in late}
    found = [conflict for each in completed for conflict in each.conflicts]
    return (*found, *(one for one in doubts if one.span not in spans), *late, *beside)


def _clashing(rule: PlannedRule, clash: Clash, span: Span, *related: Related) -> Diagnostic:
    severity = _severity_of(KINDS[rule.kind], clash.code)
    return Diagnostic(clash.code, clash.message, span, severity, help=clash.help, related=related)


def _apart(rule: PlannedRule, deadline: Setting, names: Iterable[str]) -> tuple[Span, Related]:
    """Return what is wrong where a rule takes longer than a deadline lets it, and the other place.

    It is what an environment changed; else what is farthest from what is usual.
    """
    from mlpolicy.model.grammar import PolicyBlock  # (it imports pydantic)

    own = [
        (_is_changed(held), oddity(type(rule.rule), name, getattr(rule.rule, name)), held.source)
        for name in names
        if (held := rule.values.get(name)) is not None and held.source is not None
    ]
    changed, odd, span = max(own or [(False, 0.0, rule.source)], key=lambda each: each[:2])
    limit = Duration.of(deadline.value)
    if (_is_changed(deadline), -oddity(PolicyBlock, "deadline", limit)) > (changed, odd):
        return deadline.span, Related(f"the rule `{rule.kind}`", span)
    return span, Related("the deadline", deadline.span)
