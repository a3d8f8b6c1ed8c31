"""From a plan to the steps of a driver."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import blake2b
from types import CodeType, FunctionType
from typing import Any

from mlpolicy.core.allowed import EVERYTHING, Allowed
from mlpolicy.core.argpath import ArgPath, parse
from mlpolicy.core.chance import draw
from mlpolicy.core.classes import frozen
from mlpolicy.core.metrics import METERS, Meters
from mlpolicy.core.quantity import Duration
from mlpolicy.core.report import interrupts, say_once
from mlpolicy.core.site import Notes, Site
from mlpolicy.core.step import Step
from mlpolicy.core.target import Given
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.rules import KINDS
from mlpolicy.runtime.driver import shape

Make = Callable[[str, Any, Site], Step]
"""Given a kind, its settings and a site, makes the step."""


def make_step(kind: str, settings: Any, site: Site) -> Step:
    """Return the step of *kind* with those *settings* at *site*."""
    return KINDS[kind].step_class()(settings, site)


def steps(
    plan: Plan,
    code: CodeType,
    function: FunctionType | None = None,
    *,
    meters: Meters = METERS,
    make: Make = make_step,
) -> list[Step]:
    """Return a step for each rule of *plan* that is not disabled, for a function of that code."""
    form = shape(code)
    annotations = getattr(function, "__annotations__", None) or {}
    active = list(plan.active)
    common = Site(
        target=str(plan.target),
        function=form.kind,
        parameters=tuple(
            replace(one, annotation=annotations.get(one.name)) for one in form.parameters
        ),
        returns=annotations.get("return"),
        code_hash=digest(code),
        kinds=frozenset(rule.kind for rule in active),
        modes={rule.kind: rule.mode for rule in active},
        sources={rule.kind: rule.source.place for rule in active},
        notes=Notes() if any(KINDS[rule.kind].numbers_calls for rule in active) else None,
        meters=meters,
    )
    private = (common.in_options(path) for rule in plan.rules for path in rule.private)
    common = replace(common, private=tuple(private))
    return [_step(rule, plan, common, make) for rule in active]


def _step(rule: PlannedRule, plan: Plan, common: Site, make: Make) -> Step:
    settings, source = _within(rule.rule, plan.deadline), rule.source.place
    importing = importer(rule, plan)
    site = replace(common, secrets=rule.secrets, mode=rule.mode, source=source, resolve=importing)
    step = make(rule.kind, settings, site)
    rollout = rule.rollout
    if rollout is None:
        return step
    step.share = Draw(rollout.percent)
    if rollout.by is not None:
        path = parse(rollout.by)
        if path.name in [parameter.name for parameter in site.parameters]:
            salt = f"{rule.policy}:{rule.kind}"
            step.share, step.shared_by = Share(rollout.percent, path, salt), path.name
        else:
            say_once(
                f"rollout:{site.target}:{rule.kind}",
                f"{site.source}: {site.target} has no argument `{site.hide(path.name)}`; "
                f"the rollout of `{rule.kind}` takes its calls by chance",
            )
    if rollout.otherwise == "shadow" and KINDS[rule.kind].shadowable:
        step.otherwise = make(rule.kind, settings, replace(site, mode="shadow"))
    return step


def _within(settings: Any, deadline: float | None) -> Any:
    """Return the settings of a rule with no pause and no wait longer than *deadline*."""
    if deadline is None:
        return settings
    limit, changed = Duration(deadline), {}
    for name in ("max_elapsed", "wait"):
        held = getattr(settings, name, limit)
        if held is None or held > limit:
            changed[name] = limit
    return settings.model_copy(update=changed) if changed else settings


def digest(code: CodeType) -> str:
    """Return a digest of what *code* does, nested functions included."""
    return blake2b(_content(code), digest_size=8).hexdigest()


def _content(code: CodeType) -> bytes:
    parts = [code.co_code, repr((code.co_names, code.co_varnames, code.co_freevars)).encode()]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            parts.append(_content(constant))
        else:  # (the order of a frozenset is that of this process alone)
            is_set = isinstance(constant, frozenset)
            parts.append(repr(sorted(map(repr, constant)) if is_set else constant).encode())
    return b"".join(parts)


@frozen()
class Importer:
    """Imports what `module:name` or a dotted path names; gives what a decorator was given."""

    allowed: Allowed
    coded: frozenset[str]
    """What code itself names, as a decorator does: it may be anything."""

    def __call__(self, path: str) -> object:
        """Return what *path* names, or raise `NotAllowed`."""
        if isinstance(path, Given):
            return path.held
        return (EVERYTHING if path in self.coded else self.allowed).load(path)


def importer(rule: PlannedRule, plan: Plan) -> Importer:
    """Return what imports code by name for *rule* of *plan*."""
    named = [(text, by_code) for text, _, _, by_code in rule.imported()]
    coded = frozenset(text for text, by_code in named if by_code and (text, False) not in named)
    return Importer(plan.allowed, coded)


_DEEPEST = 8
_PLAIN = (str, int, float, bool, bytes, type(None), uuid.UUID, decimal.Decimal, datetime.date)
_STEPS = float(1 << 64)


@frozen()
class Draw:
    """Takes calls by chance, each by itself."""

    percent: float

    def __call__(self) -> bool:
        """Whether the rule holds for this call."""
        return draw() < self.percent


@frozen()
class Share:
    """Takes calls by an argument: equal values are decided alike, in every process."""

    percent: float
    path: ArgPath
    salt: str
    """What tells this rollout from others, so that not the same users get all of them."""

    def __call__(self, argument: Any) -> bool:
        """Whether the rule holds for a call with that *argument*."""
        try:
            where = position(self.path.read(argument), self.salt)
        except Exception as error:  # (the path leads through the user's values)
            if interrupts(error):
                raise
            what = type(error).__name__  # (its text may hold the value)
            say_once(
                f"rollout:{self.salt}:{self.path}",
                f"a rollout by `{self.path}` leaves out calls for which it cannot be read ({what}): "
                "it takes texts, numbers, dates, and lists of them",
            )
            return False
        return where < self.percent


def position(value: Any, salt: str) -> float:
    """Return where *value* stands from 0 to 1, the same in every process and every release.

    It is the first 64 bits of BLAKE2b over the salt and the value, as a share; TypeError where the
    value has no content that is the same in every process.
    """
    state = blake2b(salt.encode(), digest_size=8)
    for part in _parts(value, 0):
        state.update(part)
    return int.from_bytes(state.digest(), "big") / _STEPS


def _parts(value: Any, depth: int) -> Iterator[bytes]:
    if depth > _DEEPEST:
        raise TypeError("nested too deep")
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, _PLAIN):
        yield f"{type(value).__name__}:{value!s};".encode()
    elif isinstance(value, list | tuple):
        yield f"{len(value)}[".encode()
        for item in value:
            yield from _parts(item, depth + 1)
    elif callable(getattr(value, "item", None)) and getattr(value, "ndim", None) == 0:
        yield from _parts(value.item(), depth + 1)  # (a number of numpy)
    else:
        raise TypeError(f"`{type(value).__name__}` is not the same in every process")
