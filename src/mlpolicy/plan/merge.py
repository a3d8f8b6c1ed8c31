"""Rule blocks become one rule: merged field by field, the highest rank first, built and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from mlpolicy.core import plugins
from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, Related, Severity, shared
from mlpolicy.core.kind import Kind, Lacking
from mlpolicy.core.quantity import Duration, Ratio, oddity, unusual
from mlpolicy.core.report import redacted
from mlpolicy.core.site import Control, Rollout
from mlpolicy.core.span import Span
from mlpolicy.model.policy import CODE, COMMON, RuleBlock, Setting, blocks, leaves
from mlpolicy.plan.plan import Plan, PlannedRule, Rank, Value
from mlpolicy.rules import KINDS

if TYPE_CHECKING:
    from mlpolicy.plan.rulebook import Rulebook

DEFAULTS = "defaults"
OVERRIDES = "--set"
MISSING = "MP011"

Path = tuple[str, ...]
Doubts = tuple[tuple[str, ...], ...]
"""(code, field, message), perhaps a remedy and a severity."""
Made = tuple[Any, Doubts, dict[str, Value], list[Any]]
"""A rule, what is doubtful in it, the fields that nobody wrote, and what its model refuses."""
Built = dict[tuple[str, str], Made]
"""The rules that were made, by kind and settings."""
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
    beside: Rulebook | None = None
    """The rulebook of the files themselves, where it is looked at too: what has no effect here may
    have one there, and what is the same is judged there."""

    def allows(self, doubt: tuple[str, ...]) -> bool:
        """Whether what could not be read cannot hold what *doubt* misses."""
        filled = self.filled or not isinstance(doubt, Lacking)
        return filled and (self.whole or doubt[0] != MISSING)


ALL = Extent()


@frozen()
class Layer:
    """One block that takes part, with its rank and who wrote it: a policy, unless a constant says."""

    rank: Rank
    policy: str
    block: RuleBlock
    file: str = ""
    """The file of the policy or the defaults, whoever wrote the profiles that they use."""

    @property
    def is_guard(self) -> bool:
        """Whether a policy wrote it that is final."""
        return self.rank[0] == 1 and self.policy != CODE

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

    Of equals that disagree, which is an error, one wins that neither names nor orders decide.
    Where one is final, only what its own file says decides whether the rule holds.

    Those of decorators need a *context*, since their values are not text alone. Anything is
    missing only where all was *read*.
    """
    known, layers, conflicting = KINDS[kind], list(layers), tuple[Diagnostic, ...]()
    if layers[1:]:
        layers.sort(key=_by_rank)
        conflicting = tuple(conflicts(kind, layers))
    layers = _guarded(_begun_afresh(layers))
    values: dict[Path, Value] = {}
    keys: dict[str, Span] = {}
    lost: dict[str, tuple[Value, ...]] = {}
    for layer in layers:
        _lay(layer, values, keys, lost)
    writers = [layer for layer in layers if layer.is_policy]
    source, policy = (writers[-1].block.span, writers[-1].policy) if writers else (Span(""), "")
    control = _control(known, values, tuple([layer.policy for layer in writers]))
    rule, doubts, unwritten, errors = _made(known, _settings(values), built, context)
    written = {".".join(path): value for path, value in values.items()}
    written.update(unwritten)
    made = PlannedRule(
        kind, control.mode, rule, written, source, policy, keys=keys, control=control, lost=lost
    )
    is_wrong = any(error["type"] != "missing" for error in errors)
    if is_wrong or (errors and control.mode != "disabled"):  # (what is off need not be complete)
        return Completed(None, conflicting, tuple(_refused(made, errors, read)))
    return Completed(made, conflicting, tuple(_doubtful(known, made, filter(read.allows, doubts))))


def _begun_afresh(layers: list[Layer]) -> list[Layer]:
    """Return *layers* without those below one that inherits nothing; defaults and finals stay."""
    afresh = max((layer.rank for layer in layers if not layer.block.inherit), default=None)
    if afresh is None:
        return layers
    return [one for one in layers if one.policy == DEFAULTS or one.is_guard or one.rank >= afresh]


def _guarded(layers: list[Layer]) -> list[Layer]:
    """Return *layers* without what others than the owner of a final one say of whether it holds."""
    owners = {layer.file for layer in layers if layer.is_guard}
    for at, layer in enumerate(layers if owners else ()):
        if not layer.is_guard and layer.policy != OVERRIDES and layer.file not in owners:
            written = layer.block.settings.items()
            settings = {key: held for key, held in written if key not in COMMON}
            layers[at] = replace(layer, block=replace(layer.block, settings=settings))
    return layers


def _by_rank(layer: Layer) -> tuple[Rank, str, Span]:
    said = sorted((path, repr(setting.value)) for path, setting in leaves(layer.block.settings))
    return layer.rank, str(said), layer.block.span


def _lay(
    layer: Layer,
    values: dict[Path, Value],
    keys: dict[str, Span],
    lost: dict[str, tuple[Value, ...]],
) -> None:
    """Lay the settings of *layer* over those of lower ones; what they beat is *lost*."""
    is_first = not values
    for path, setting in leaves(layer.block.settings):
        # A value beats the one that is there, a block above it, or what is below it.
        for known in [] if is_first else list(values):
            short = min(len(known), len(path))
            if known[:short] == path[:short]:
                name = ".".join(path)
                lost[name] = (*lost.get(name, ()), values.pop(known))
        values[path] = Value(
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
        keys[".".join(path)] = block.key
        if not block.settings and not any(known[: len(path)] == path for known in values):
            empty = Value({}, layer.block.span, layer.policy, block.key, rank=layer.rank)
            values[path] = empty  # written empty: `log: {}`


def _settings(values: Mapping[Path, Value]) -> dict[str, Any]:
    """Return the settings as the model of the kind takes them."""
    made: dict[str, Any] = {}
    for path, value in values.items():
        if path[0] not in COMMON:
            here = made
            for part in path[:-1]:
                here = here.setdefault(part, {})
            here[path[-1]] = value.value
    return made


def _control(kind: Kind, values: Mapping[Path, Value], policies: tuple[str, ...]) -> Control:
    """Return whether the rule holds, as the settings say that every rule has."""

    def written(*path: str) -> Any:
        value = values.get(path)
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
        policies,
        kind.shadowable,
    )


def _made(
    kind: Kind, settings: dict[str, Any], built: Built, context: dict[str, Any] | None
) -> Made:
    """Return what comes of *settings*."""
    key = (kind.name, repr(settings))
    if context is None and (known := built.get(key)) is not None:
        return known
    try:
        rule = kind.rule_model().model_validate(settings, context=context)
    except ValueError as error:
        errors: Any = getattr(error, "errors", None)  # (of pydantic, which need not be there)
        if errors is None:
            raise
        return None, (), {}, errors(include_url=False)
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
    names = type(rule).model_fields
    unwritten = {name: Value(getattr(rule, name)) for name in names if name not in settings}
    made: Made = rule, doubts, unwritten, []
    if context is None:
        built[key] = made
    return made


# --- what is wrong with one rule ------------------------------------------------------


def conflicts(kind: str, layers: Sequence[Layer]) -> Iterator[Diagnostic]:
    """Yield a finding for each field that two of *layers* may not both set."""
    set_by: dict[Path, list[tuple[Layer, Setting]]] = {}
    each = [(layer, *leaf) for layer in layers for leaf in leaves(layer.block.settings)]
    for layer, path, setting in sorted(each, key=lambda each: (each[0].rank, each[2].key)):
        below = set_by.setdefault(path, [])
        # (a setting that holds for all rules together is named without the rule)
        name = path[0] if path[0] in COMMON[:3] else ".".join((kind, *path))
        equals = [entry for entry in below if entry[0].rank == layer.rank]
        if equals and not any(_agree(other, setting) for _, other in equals):
            yield _conflict(name, equals[-1][1], setting, is_default=layer.policy == DEFAULTS)
        if layer.rank[0] == 1:
            yield from _beaten(name, below, layer, setting)
            # (each is said once, of the lowest that is final)
            below[:] = filter(lambda entry: entry[0].rank[0] == 1, below)
        below.append((layer, setting))
        if path[0] in COMMON:
            yield from _switched(name, path, layer, setting, layers)


def _beaten(
    name: str, below: Iterable[tuple[Layer, Setting]], layer: Layer, setting: Setting
) -> Iterator[Diagnostic]:
    """Yield what a final *layer* leaves without effect, and what it sets that others have fixed."""
    for lower, beaten in below:
        rivals = lower.is_guard and layer.is_guard and lower.file != layer.file
        if lower.is_policy and lower.rank[0] < 1 and beaten.key != setting.key:
            yield _fixed(name, beaten.key, layer.policy, setting.key)
        elif rivals and lower.rank != layer.rank and not _agree(beaten, setting):
            yield _fixed(name, setting.key, lower.policy, beaten.key, too=True)


def _switched(
    name: str, path: Path, layer: Layer, setting: Setting, layers: Iterable[Layer]
) -> Iterator[Diagnostic]:
    """Yield that *layer* says whether a rule holds that a final policy of another file fixes."""
    others = sorted((o for o in layers if o.is_guard and o.file != layer.file), key=_by_rank)
    if not others or layer.policy == OVERRIDES or setting.value == "enforce":
        return
    if any(path in dict(leaves(other.block.settings)) for other in others):
        return  # (where both write it, that is said of the field)
    found = _fixed(name, setting.key, others[0].policy, others[0].block.span, too=layer.is_guard)
    # (defaults hold for all else)
    yield found if layer.is_policy else replace(found, severity="info")


def _agree(one: Setting, other: Setting) -> bool:
    # (a profile that two policies use is one place)
    return one.key == other.key or one.value == other.value


def _conflict(name: str, one: Setting, other: Setting, *, is_default: bool) -> Diagnostic:
    who, remedy = "policies of equal rank", "give one of them a `priority`, or a more exact `match`"
    if is_default:
        who = "`defaults`"
        remedy = "keep one of them: `defaults` hold for the policies of all files"
    text = f"two {who} set `{name}` differently"
    related = (Related(f"`{name}` is set here too", one.key),)
    return Diagnostic("MP401", text, other.key, related=related, help=remedy)


def _fixed(name: str, key: Span, policy: str, fixed_at: Span, *, too: bool = False) -> Diagnostic:
    who, whose = f"policy `{policy}`", "the final policy"
    if policy == CODE:
        who, whose = "the decorator in the code", "the code"
    text = f"`{name}` has no effect: {who} is final"
    if too:
        text = f"`{name}` is not for this policy to set: {who} of another file is final too"
    asked = name in ("expires", "on_expiry") and not too  # (`settings.require` may ask for it)
    severity: Severity = "warning" if asked else "error"
    related = (Related(f"`{name}` is fixed here", fixed_at),)
    help = f"leave it out, or ask the owner of {whose}"
    return Diagnostic("MP402", text, key, severity, related=related, help=help)


def _refused(rule: PlannedRule, errors: Iterable[Any], read: Extent) -> Iterator[Diagnostic]:
    """Yield what the model of a kind says of settings; what it lacks, only where all was read."""
    for error in errors:
        path = [str(part) for part in (*error["loc"], *error.get("ctx", {}).get("at", ()))]
        if error["type"] != "missing":
            code = error["type"] if error["type"].startswith("MP") else "MP010"
            yield Diagnostic(code, redacted(str(error["msg"])), _nearest(rule, path))
        elif read.whole:
            name = ".".join((rule.kind, *path[:-1]))
            yield Diagnostic(MISSING, f"`{name}` needs `{path[-1]}`", rule.source)


def _nearest(rule: PlannedRule, path: Sequence[str]) -> Span:
    """Return where the setting at *path*, or the nearest above it, was written."""
    for end in range(len(path), 0, -1):
        above = ".".join(path[:end])
        for known, value in rule.values.items():
            if value.source is not None and f"{known}.".startswith(f"{above}."):
                return value.at(".".join(path[end:])) or value.source
    return rule.source


def _doubtful(
    kind: Kind, rule: PlannedRule, doubts: Iterable[tuple[str, ...]]
) -> Iterator[Diagnostic]:
    """Yield the *doubts*, each at the setting that an environment changed, if one of its did."""
    for doubt in doubts:
        code, path, message, help, grave = (*doubt, "", "")[:5]
        words = dict.fromkeys((path, *_WORDS.findall(message)))
        sources = {word: rule.values[word].source for word in words if word in rule.values}
        named = {word: source for word, source in sources.items() if source is not None}
        changed = [word for word in named if _is_changed(rule.values[word])]
        if changed and path not in changed:
            path = changed[0]  # (the other one was right before)
        related = tuple(Related(f"`{word}`", at) for word, at in named.items() if word != path)
        severity: Any = grave or _severity_of(kind, code)
        span = _nearest(rule, path.split("."))
        yield Diagnostic(code, message, span, severity, help=help, related=related)


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
    found = [conflict for each in completed for conflict in each.conflicts]
    doubts = [doubt for each in completed for doubt in each.diagnostics]
    wrong = {doubt.span for doubt in doubts if doubt.severity == "error"}
    late, beside = _clashes(plan, deadline)
    late = [finding for finding in late if finding.span not in wrong]
    spans = {finding.span for finding in late}
    return (*found, *(one for one in doubts if one.span not in spans), *late, *beside)


def _clashes(plan: Plan, deadline: Setting | None) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Return which rules of a plan do not go with its deadline, and which not with each other."""
    late, beside = list[Diagnostic](), list[Diagnostic]()
    made = {rule.kind: rule.rule for rule in plan.rules if rule.rule is not None}
    for rule in (rule for rule in plan.rules if rule.kind in made):
        own = KINDS[rule.kind]
        for clash in own.ask("together", rule.rule, made, plan.deadline):
            grave, place = _severity_of(own, clash.code), rule.place(*clash.fields)
            finding = Diagnostic(clash.code, clash.message, place, grave, help=clash.help)
            if not clash.with_deadline:
                kind, setting = clash.other or ("", "")
                other = plan.rule(kind)
                related = (Related(f"the {setting}", other.place(setting)),) if other else ()
                beside.append(replace(finding, related=related))
            # (where the deadline is what is wrong, nothing fits in it)
            elif deadline is not None and all(one.span != deadline.span for one in late):
                place, there = _apart(rule, deadline, clash.fields)
                late.append(replace(finding, span=place, related=(there,)))
    return late, beside


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
