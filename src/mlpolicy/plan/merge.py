"""Rule blocks become one rule: merged field by field, the highest rank first, built and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from mlpolicy.core import plugins
from mlpolicy.core.codes import shared
from mlpolicy.core.control import Control, Rollout
from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.core.frozen import frozen
from mlpolicy.core.kind import Kind, Lacking
from mlpolicy.core.quantity import Ratio, unusual
from mlpolicy.core.redact import redacted
from mlpolicy.core.span import Span
from mlpolicy.model.policy import CODE, COMMON, Policy, RuleBlock, Setting, blocks, leaves
from mlpolicy.plan.plan import PlannedRule, Rank, Value
from mlpolicy.rules import KINDS

DEFAULTS = "defaults"
OVERRIDES = "--set"
MISSING = "MP011"
TOP: Rank = (2, 0, 0, True, 0, 0, 0)
"""Above every policy: what the command line sets."""

Path = tuple[str, ...]
Doubts = tuple[tuple[str, ...], ...]
Built = dict[tuple[str, str], tuple[Any, Doubts, dict[str, Value]]]
"""Rules that were made before, what their kinds say of them, and the fields that nobody wrote, by
kind and settings."""


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
    """One block that takes part, with its rank and the policy that wrote it."""

    rank: Rank
    policy: str
    block: RuleBlock

    @property
    def is_policy(self) -> bool:
        """Whether a policy wrote it, not the defaults or the command line."""
        return self.policy not in (DEFAULTS, OVERRIDES)


def default_layer(depth: int, block: RuleBlock) -> Layer:
    """Return what the defaults of a file write: below every policy, imported ones lowest."""
    return Layer((-1, -depth, 0, False, 0, 0, 0), DEFAULTS, block)


def policy_layer(ranked: Rank, policy: Policy, block: RuleBlock) -> Layer:
    """Return what *policy* writes of one rule, at its rank: `final` may be of this rule alone."""
    return Layer((1, *ranked[1:]) if block.final else ranked, policy.name, block)


def code_layer(block: RuleBlock) -> Layer:
    """Return what a decorator writes: below everything else, or, where it is final, above policies."""
    rank: Rank = (1, 1, 0, True, 0, 0, 0) if block.final else (-2, 0, 0, False, 0, 0, 0)
    return Layer(rank, CODE, block)


@dataclass(slots=True)
class Merged:
    """One rule, merged: its settings by path, and where each comes from."""

    kind: str
    values: dict[Path, Value] = field(default_factory=dict)
    keys: dict[Path, Span] = field(default_factory=dict)
    """Where the keys of blocks stand."""
    lost: dict[Path, list[Value]] = field(default_factory=dict)
    """The values that others have beaten, the lowest first."""
    source: Span = Span("")
    policy: str = ""
    policies: list[str] = field(default_factory=list)
    """The policies that wrote any of it, the lowest first."""
    diagnostics: list[Diagnostic] = field(default_factory=list)

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

    def common(self, *path: str) -> Any:
        """Return what was written of a setting that every rule has, None where nothing was."""
        value = self.values.get(path)
        return value.value if value else None

    def span_of(self, path: Path) -> Span:
        """Return where the setting at *path*, or the nearest above it, was written."""
        for end in range(len(path), 0, -1):
            for known, value in self.values.items():
                if known[:end] == path[:end] and value.source is not None:
                    return value.at(".".join(path[end:])) or value.source
        return self.source


def merge(kind: str, layers: Iterable[Layer]) -> Merged:
    """Return the rule that *layers* write together: the highest wins each field."""
    ordered = sorted(layers, key=lambda one: (one.rank, one.policy, one.block.span))
    merged = Merged(kind, diagnostics=list(_conflicts(kind, ordered)) if ordered[1:] else [])
    afresh = max((layer.rank for layer in ordered if not layer.block.inherit), default=None)
    for layer in ordered:
        if afresh is None or layer.policy == DEFAULTS or layer.rank >= afresh:
            _lay(merged, layer)
    return merged


def _lay(merged: Merged, layer: Layer) -> None:
    is_first = not merged.values
    for path, setting in leaves(layer.block.settings):
        if not is_first:
            _make_room(merged, path)
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
        merged.source, merged.policy = layer.block.span, layer.policy
        merged.policies.append(layer.policy)


def _make_room(merged: Merged, path: Path) -> None:
    """Set aside what a value at *path* beats: the one there, a block above it, or one below."""
    for known in list(merged.values):
        short = min(len(known), len(path))
        if known[:short] == path[:short]:
            merged.lost.setdefault(path, []).append(merged.values.pop(known))


# --- what contradicts -----------------------------------------------------------------


def _conflicts(kind: str, ordered: Sequence[Layer]) -> Iterator[Diagnostic]:
    """Yield a finding for each field that two layers may not both set."""
    set_by: dict[Path, list[tuple[Layer, Setting]]] = {}
    for layer in ordered:
        for path, setting in leaves(layer.block.settings):
            below = set_by.setdefault(path, [])
            # (a setting that holds for all rules together is named without the rule)
            name = path[0] if path[0] in COMMON[:3] else ".".join((kind, *path))
            if below and below[-1][0].rank == layer.rank:
                other = below[-1][1]
                # (a profile that two policies use is one place)
                if other.key != setting.key and other.value != setting.value:
                    yield _conflict(name, other, setting, policy=layer.policy)
            if layer.rank[0] == 1:
                yield from _fixed(name, below, setting, policy=layer.policy)
                below.clear()  # each is said once, of the lowest that is final
            below.append((layer, setting))


def _conflict(name: str, one: Setting, other: Setting, *, policy: str) -> Diagnostic:
    who, remedy = "policies of equal rank", "give one of them a `priority`, or a more exact `match`"
    if policy == DEFAULTS:
        who = "`defaults`"
        remedy = "keep one of them: `defaults` hold for the policies of all files"
    text = f"two {who} set `{name}` differently"
    related = (Related(f"`{name}` is set here too", one.key),)
    return Diagnostic("MP401", text, other.key, related=related, help=remedy)


def _fixed(
    name: str, below: Iterable[tuple[Layer, Setting]], upper: Setting, *, policy: str
) -> Iterator[Diagnostic]:
    who, whose = f"policy `{policy}`", "the final policy"
    if policy == CODE:
        who, whose = "the decorator in the code", "the code"
    for layer, lower in below:
        if layer.is_policy and layer.rank[0] < 1 and lower.key != upper.key:
            yield Diagnostic(
                "MP402",
                f"`{name}` has no effect: {who} is final",
                lower.key,
                related=(Related(f"`{name}` is fixed here", upper.key),),
                help=f"leave it out, or ask the owner of {whose}",
            )


# --- what comes of it -----------------------------------------------------------------


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
    """Return the rule that *layers* make together.

    Args:
        kind: Its kind.
        layers: The blocks that take part.
        built: Rules that were made before: policies repeat themselves.
        context: That of the values: those of decorators are not text alone.
        read: How much of what was written could be read: only then is anything missing.
    """
    merged, known = merge(kind, layers), KINDS[kind]
    conflicts, control = tuple(merged.diagnostics), _control(merged)
    try:
        rule, doubts, unwritten = _made(known, merged.settings(), built, context)
    except ValueError as error:
        errors: Any = getattr(error, "errors", None)  # (of pydantic, which need not be there)
        if errors is None:
            raise
        wrong = [one for one in errors(include_url=False) if one["type"] != "missing"]
        if wrong or control.mode != "disabled":  # (what is off need not be complete)
            wrong = errors(include_url=False) if read.whole else wrong
            return Completed(None, conflicts, tuple(_refused(merged, one) for one in wrong))
        rule, doubts, unwritten = None, (), {}
    planned = PlannedRule(
        kind,
        control.mode,
        rule,
        {".".join(path): value for path, value in merged.values.items()} | unwritten,
        merged.source,
        merged.policy,
        {".".join(path): span for path, span in merged.keys.items()},
        control,
        {".".join(path): tuple(lost) for path, lost in merged.lost.items()},
    )
    sure = [_doubt(known, merged, one) for one in doubts if _is_sure(one, read)]
    return Completed(planned, conflicts, tuple(sure))


def _is_sure(doubt: tuple[str, ...], read: Extent) -> bool:
    """Whether what *doubt* misses cannot be in what could not be read."""
    if isinstance(doubt, Lacking) and not read.filled:
        return False
    return read.whole or doubt[0] != MISSING


def _made(
    kind: Kind, settings: dict[str, Any], built: Built, context: dict[str, Any] | None
) -> tuple[Any, Doubts, dict[str, Value]]:
    """Return the rule of *settings*, what its kind says of it, and the fields that are built in."""
    key = (kind.name, repr(settings))
    if context is None and key in built:
        return built[key]
    rule = kind.rule_model().model_validate(settings, context=context)
    fields = {name: Value(getattr(rule, name)) for name in type(rule).model_fields}
    unwritten = {name: value for name, value in fields.items() if name not in settings}
    made = rule, _doubts(kind, rule), unwritten
    if context is None:
        built[key] = made
    return made


def _control(merged: Merged) -> Control:
    expires, percent = merged.common("expires"), merged.common("rollout", "percent")
    rollout = None
    if percent is not None:
        rollout = Rollout(
            float(Ratio.of_number(percent)),
            merged.common("rollout", "by"),
            merged.common("rollout", "otherwise") or "disabled",
        )
    return Control(
        merged.kind,
        merged.common("mode") or "enforce",
        date.fromisoformat(expires) if expires else None,
        merged.common("on_expiry") or "disable",
        rollout,
        tuple(merged.policies),
    )


def _refused(merged: Merged, error: Any) -> Diagnostic:
    path = tuple(str(part) for part in (*error["loc"], *error.get("ctx", {}).get("at", ())))
    if error["type"] == "missing":
        name = ".".join((merged.kind, *path[:-1]))
        return Diagnostic(MISSING, f"`{name}` needs `{path[-1]}`", merged.source)
    code = error["type"] if error["type"].startswith("MP") else "MP010"
    return Diagnostic(code, redacted(str(error["msg"])), merged.span_of(path))


def _doubts(kind: Kind, rule: Any) -> Doubts:
    """Return (code, field, message), perhaps a remedy and how grave it is, for each doubt.

    They are those of the kind, and quantities that are unusual for their fields. A plugin's check
    may be broken.
    """
    try:
        own: Doubts = kind.findings(rule)
    except Exception as error:
        plugin = plugins.find("kinds", kind.name)
        if plugin is None:
            raise
        broken = plugin.broken(f"its check raises {type(error).__name__}: {error}")
        own = ((broken.code, "", str(broken), broken.help),)
    fields = {field for _, field, *_ in own}
    return (*own, *(one for one in unusual(rule) if one[1] not in fields))


def _doubt(kind: Kind, merged: Merged, doubt: tuple[str, ...]) -> Diagnostic:
    code, path, message, help, grave = (*doubt, "", "")[:5]
    values = {".".join(path): value for path, value in merged.values.items()}
    named = {word: values[word] for word in (path, *_WORDS.findall(message)) if word in values}
    changed = [word for word, one in named.items() if one.layer.startswith("environments.")]
    if changed and path not in changed:
        path = changed[0]  # (the other one was right before)
    related = tuple(
        Related(f"`{word}`", one.source)
        for word, one in named.items()
        if word != path and one.source
    )
    span = merged.span_of(tuple(path.split(".")))
    severity: Any = grave or severity_of(kind, code)
    return Diagnostic(code, message, span, severity, help=help, related=related)


_WORDS = re.compile(r"\w+")


def severity_of(kind: Kind, code: str) -> Any:
    """Return how grave a finding with a *code* of *kind*, or of all kinds, is."""
    known = (*kind.finding_codes(), *shared())
    return next((one.severity for one in known if one.code == code), "error")
