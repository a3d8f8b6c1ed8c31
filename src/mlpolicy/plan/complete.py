"""A merged rule becomes a complete one: its model built, its meaning checked."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from mlpolicy.core import plugins
from mlpolicy.core.codes import shared
from mlpolicy.core.control import Control, Rollout
from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.core.frozen import frozen
from mlpolicy.core.kind import Kind
from mlpolicy.core.lazily import Lazily
from mlpolicy.core.quantity import Ratio
from mlpolicy.core.redact import redacted
from mlpolicy.core.span import Span
from mlpolicy.core.usual import unusual
from mlpolicy.plan.merge import Layer, Merged, in_order, merge
from mlpolicy.plan.plan import PlannedRule, Value
from mlpolicy.rules import KINDS


@frozen()
class Completed:
    """One rule of a plan, if it could be made, and what is wrong with it."""

    rule: PlannedRule | None
    diagnostics: tuple[Diagnostic, ...]


_PERCENT = ("rollout", "percent")
_CONTROLS = frozenset({("mode",), ("expires",), ("on_expiry",), _PERCENT})
Meant = tuple[tuple[str, ...], ...]
"""What a kind says of a rule: (code, field, message), perhaps a remedy, perhaps how grave it is."""
Built = dict[tuple[str, Any], tuple[Any, Meant, Mapping[str, Value]]]
"""Rules that were made before, with what their kinds say of them, and the fields that are built
in, by kind and settings."""


def complete(
    kind: str,
    layers: Sequence[Layer],
    built: Built | None = None,
    *,
    context: dict[str, Any] | None = None,
) -> Completed:
    """Return the rule that *layers* make together, as it was written.

    What was made for the same settings before is taken from *built*: policies repeat themselves.
    The *context* is that of the values: those of decorators are not text alone.
    """
    built = {} if built is None else built
    ordered = in_order(layers)
    merged = merge(kind, ordered)
    known = KINDS[kind]
    control = _control(merged)
    rule, meant, fields, wrong = _build(merged, known, built, context=context)
    if rule is None and (control.mode != "disabled" or any(one.code != "MP011" for one in wrong)):
        return Completed(None, (*merged.diagnostics, *wrong))
    found = [*merged.diagnostics, *(_meant(known, merged, one) for one in meant)]
    planned = PlannedRule(
        kind,
        control.mode,
        rule,
        _values(fields, merged),
        merged.source,
        merged.policy,
        _keys(merged),
        control,
        _lost(merged),
    )
    return Completed(planned, tuple(found))


def _keys(merged: Merged) -> dict[str, Span]:
    return {".".join(path): span for path, span in merged.keys.items()}


def _lost(merged: Merged) -> dict[str, tuple[Value, ...]]:
    return {".".join(path): tuple(lost) for path, lost in merged.lost.items()}


def _meant(kind: Kind, merged: Merged, one: tuple[str, ...]) -> Diagnostic:
    """Return a finding of the kind's own check: (code, field, message), perhaps a remedy."""
    code, path, message, *rest = one
    help, grave = (*rest, "", "")[:2]
    values = {".".join(path): one for path, one in merged.values.items()}
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


def _control(merged: Merged) -> Control:
    if _CONTROLS.isdisjoint(merged.values):
        return Control(merged.kind, policies=tuple(merged.policies))
    expires = merged.common("expires")
    percent = merged.common(*_PERCENT)
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


def _build(
    merged: Merged, kind: Kind, built: Built, *, context: dict[str, Any] | None
) -> tuple[Any, Meant, Mapping[str, Value], list[Diagnostic]]:
    """Return the rule, what its kind says of it, its fields, and what is wrong if it is none."""
    settings = merged.plain()
    key = (kind.name, "" if context else repr(settings))
    known = None if context else built.get(key)
    if known is not None:
        return (*known, [])
    try:
        rule = kind.rule_model().model_validate(settings, context=context)
    except ValueError as error:
        errors: Any = getattr(error, "errors", None)  # (of pydantic, which a start need not import)
        if errors is None:
            raise
        found = [_finding(merged, one) for one in errors(include_url=False)]
        return None, (), {}, found
    built[key] = _made(kind, rule, settings)
    return (*built[key], [])


def _made(kind: Kind, rule: Any, said: Collection[str]) -> tuple[Any, Meant, Mapping[str, Value]]:
    """Return *rule*, what its kind says of it, and the fields that are not among those *said*."""
    return rule, _doubts(kind, rule), Lazily(lambda: _built_in(rule, said))


def _built_in(rule: Any, said: Collection[str]) -> dict[str, Value]:
    rest = (name for name in type(rule).model_fields if name not in said)
    return {name: Value(getattr(rule, name)) for name in rest}


def _doubts(kind: Kind, rule: Any) -> Meant:
    """Return what the kind says of *rule*, and which of the other quantities are odd."""
    said = _checked(kind, rule)
    fields = {one[1] for one in said}
    return (*said, *(one for one in unusual(rule) if one[1] not in fields))


def _checked(kind: Kind, rule: Any) -> Meant:
    """Return what the kind's own check says; that a plugin's is broken, where it raises."""
    try:
        return kind.findings(rule)
    except Exception as error:
        plugin = plugins.find("kinds", kind.name)
        if plugin is None:
            raise
        broken = plugin.broken(f"its check raises {type(error).__name__}: {error}")
        return ((broken.code, "", str(broken), broken.help),)


def _finding(merged: Merged, error: Any) -> Diagnostic:
    path = tuple(str(part) for part in (*error["loc"], *error.get("ctx", {}).get("at", ())))
    if error["type"] == "missing":
        name = ".".join((merged.kind, *path[:-1]))
        return Diagnostic("MP011", f"`{name}` needs `{path[-1]}`", merged.source)
    code = error["type"] if error["type"].startswith("MP") else "MP010"
    return Diagnostic(code, redacted(str(error["msg"])), merged.span_of(path))


def severity_of(kind: Kind, code: str) -> Any:
    """Return how grave a finding with a *code* of *kind*, or of all kinds, is."""
    known = (*kind.finding_codes(), *shared())
    return next((one.severity for one in known if one.code == code), "error")


def _values(fields: Mapping[str, Value], merged: Merged) -> Mapping[str, Value]:
    """Return every setting by its path: those written, and the built-in ones beside them."""
    return {".".join(path): value for path, value in merged.values.items()} | dict(fields)
