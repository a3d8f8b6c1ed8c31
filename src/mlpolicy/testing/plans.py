"""Settings of a plan by their dotted names: which there are, what each is, where it was set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from mlpolicy.core.classes import frozen
from mlpolicy.core.model import is_table, models_in
from mlpolicy.core.quantity import ByteSize, Count, Duration, Ratio
from mlpolicy.core.report import without
from mlpolicy.plan.plan import Plan, PlannedRule, Value
from mlpolicy.plan.show import origin, shown
from mlpolicy.rules import KINDS

ABSENT, PRESENT = "absent", "present"
WHOLE: Final = ("rules", "mode", "policies", "placement", "deadline")
"""What a test may ask of the plan as such."""
_ROLLOUT: Final = ("rollout", "rollout.percent", "rollout.by", "rollout.otherwise")
_CONTROLS: Final = ("mode", "expires", "on_expiry", *_ROLLOUT)
"""What a test may ask of a rule of any kind."""

Unknown = tuple[str, str, tuple[str, ...]]
"""A part of a name that is not there, the section it stands in, and the names beside it."""


@frozen()
class FieldDifference:
    """One field of a test in which expectation and truth differ."""

    field: str
    expected: str
    found: str
    set_at: str = ""
    """Where what was found was set: `file:line`."""
    note: str = ""
    """What else helps: the line that raised an error that nobody expected."""

    def less(self, secrets: Iterable[str]) -> FieldDifference:
        """Return the difference with none of the *secrets* in it."""
        expected, found = (without(text, secrets) for text in (self.expected, self.found))
        return replace(self, expected=expected, found=found)


def plan_differs(plan: Plan, settings: Iterable[tuple[str, Any]]) -> Iterator[FieldDifference]:
    """Yield each of *settings*, by name, that *plan* does not have as expected."""
    for name, expected in settings:
        path = name.removeprefix("from.")
        value = value_at(plan, path)
        if name != path:
            if value is None or not is_from(value, str(expected)):
                found = ABSENT if value is None else place(value)
                yield FieldDifference(name, str(expected), found)
            continue
        actual = setting(plan, path)
        if not is_as_expected(expected, actual):
            where = origin(value) if value is not None else ""
            if path in WHOLE:
                where = ", ".join(span.place for span in plan.sources)
            yield FieldDifference(path, shown(expected), shown(actual), where)


def unknown_setting(path: str) -> Unknown | None:
    """Return the part of *path* that no setting bears; after `from.` it must be of a rule."""
    name = path.removeprefix("from.")
    kind, *parts = name.split(".")
    if name in WHOLE:
        return (name, "`from`", tuple(KINDS)) if name != path else None
    if not KINDS.look_for(kind):
        return kind, "`expect` of a `resolve`", (*KINDS, *WHOLE, "from")
    if ".".join(parts) in _CONTROLS:
        return None
    model: type[BaseModel] | None = KINDS[kind].rule_model()
    section, table = f"rule `{kind}`", False
    for part in parts:
        if table:  # a name of the author's own, such as that of an argument
            table = False
        elif model is None or part not in model.model_fields:
            fields = (*model.model_fields, *_CONTROLS) if model else ()
            return part, section, fields
        else:
            annotation = model.model_fields[part].annotation
            model, table = next(iter(models_in(annotation)), None), is_table(annotation)
        section = f"`{section.removeprefix('rule ').strip('`')}.{part}`"
    return None


def setting(plan: Plan, path: str) -> Any:
    """Return what the plan has at *path*; `absent` where it has nothing."""
    kind, _, rest = path.partition(".")
    rule = plan.rule(kind)
    found: Any = None
    if path == "rules":
        found = [active.kind for active in plan.active]
    elif path == "deadline":
        found = None if plan.deadline is None else Duration(plan.deadline)
    elif path in WHOLE:
        found = getattr(plan, path)
    elif rule is not None and (rule.mode != "disabled" or rest == "mode"):
        found = _control(rule, rest) if rest in _CONTROLS else _part(rule.rule, rest)
    return ABSENT if found is None else found


def _part(value: Any, path: str) -> Any:
    """Return what the settings *value* have at *path*; that they are there, without one."""
    for part in filter(None, path.split(".")):
        is_table = isinstance(value, Mapping)
        value = value.get(part) if is_table else getattr(value, part, None)
    return value if path else PRESENT


def _control(rule: PlannedRule, name: str) -> Any:
    """Return what was written of whether a rule holds."""
    if name == "mode":
        return rule.mode
    rollout = rule.control.rollout if rule.control else None
    if name in ("rollout", "rollout.percent"):
        return Ratio(rollout.percent) if rollout else None
    written = getattr(rollout if name in _ROLLOUT else rule.control, name.rpartition(".")[2], None)
    return None if written is None else str(written)


def is_as_expected(expected: Any, found: Any) -> bool:
    """Return whether *found*, of a plan, is what a test file wrote as *expected*."""
    if expected == PRESENT:
        return bool(found != ABSENT)
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(found, Duration | Ratio | ByteSize | Count | BaseModel):
        try:
            return bool(TypeAdapter(type(found)).validate_python(expected) == found)
        except ValidationError:
            return False
    if isinstance(found, list | tuple) and isinstance(expected, list):
        pairs = zip(expected, found, strict=False)
        return len(expected) == len(found) and all(is_as_expected(*pair) for pair in pairs)
    return bool(expected == found) or shown(expected) == shown(found)


def value_at(plan: Plan, path: str) -> Value | None:
    """Return the value that holds at *path*, or that of the nearest above or below it."""
    kind, _, rest = path.partition(".")
    rule = plan.rule(kind)
    if rule is None:
        return None
    if not rest:
        return Value(None, rule.source, rule.policy, layer=f"policies.{rule.policy}")
    for known, value in rule.values.items():
        if known == rest or rest.startswith(f"{known}.") or known.startswith(f"{rest}."):
            return value
    return None


def place(value: Value) -> str:
    """Return where *value* was set, as `from` names it."""
    if value.source is None:
        return "built in"
    layer = value.layer or value.policy
    return f"{value.source.file}{f'#{layer}' if layer else ''} (line {value.source.line})"


def is_from(value: Value, expected: str) -> bool:
    """Return whether *value* was set at *expected*: the end of a file's path, and what follows `#`."""
    if value.source is None:
        return expected == "built in"
    file, _, layer = expected.removeprefix("./").partition("#")
    path = value.source.file.replace("\\", "/")
    return f"/{path}".endswith(f"/{file}") and layer in ("", value.layer or value.policy)
