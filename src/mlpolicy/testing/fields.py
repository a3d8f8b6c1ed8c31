"""Settings of a plan by their dotted names: which there are, and what a test says of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from mlpolicy.core.control import OnExpiry, Otherwise
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.model import NameOf
from mlpolicy.core.quantity import Duration, Ratio
from mlpolicy.core.site import Mode
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.model.check import is_table, models_in
from mlpolicy.model.messages import meant as corrected
from mlpolicy.model.messages import message
from mlpolicy.model.policy import Placement
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.rules import KINDS
from mlpolicy.testing.suite import Field

ABSENT, PRESENT = "absent", "present"
WHOLE: Final[dict[str, Any]] = {
    "rules": list[Annotated[str, NameOf(KINDS, "rule")]],
    "mode": Mode,
    "policies": list[str],
    "placement": Placement,
    "deadline": Duration,
}
"""What a test may ask of the plan as such."""
_COMMON: Final[dict[str, Any]] = {
    "mode": Mode,
    "expires": str,
    "on_expiry": OnExpiry,
    "rollout": Ratio,
    "rollout.percent": Ratio,
    "rollout.by": str,
    "rollout.otherwise": Otherwise,
}
"""What a test may ask of a rule of any kind."""


class UnknownField(LookupError):
    """No setting bears that name; *known* are the names beside it."""

    def __init__(self, part: str, section: str, known: tuple[str, ...]) -> None:
        super().__init__(part)
        self.part, self.section, self.known = part, section, known


def check_field(field: Field, *, place: bool = False) -> Iterator[Diagnostic]:
    """Yield what is wrong with one expectation; *place* says that it is about a place."""
    try:
        if not place:
            meant(field)
            return
        if field.path in WHOLE:
            raise UnknownField(field.path, "`from`", tuple(KINDS))
        _annotation(field.path)
        if not isinstance(field.node.plain(), str):
            text = 'expected a place such as `"serving.yaml#environments.prod"`'
            yield Diagnostic("MP010", text, field.node.span)
    except UnknownField as error:
        near = closest(error.part, error.known)
        known = ", ".join(f"`{name}`" for name in error.known)
        help = did_you_mean(near, f"known here: {known}")
        text = f"unknown key `{error.part}` in {error.section}"
        yield Diagnostic("MP005", text, field.key, help=help)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        code = first["type"] if first["type"].startswith("MP") else "MP010"
        value = field.node.plain()
        help = did_you_mean(corrected(first, value) if code == "MP010" else "")
        yield Diagnostic(code, message(first, value), field.node.span, help=help)


def meant(field: Field) -> Any:
    """Return what the test expects, as the rule holds it: `2m` is 120 seconds.

    Raises:
        UnknownField: There is no such setting.
        ValidationError: The value is none that it can have.
    """
    value = field.node.plain()
    annotation = _annotation(field.path)
    if value in (ABSENT, PRESENT) and isinstance(value, str):
        return value
    return _read(annotation, value)


def _read(annotation: Any, value: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.model_validate(value)
    return TypeAdapter(annotation, config=ConfigDict(strict=True)).validate_python(value)


def _annotation(path: str) -> Any:
    """Return the type of the setting at *path*."""
    kind, _, rest = path.partition(".")
    if path in WHOLE:
        return WHOLE[path]
    if not KINDS.look_for(kind):
        raise UnknownField(kind, "`expect` of a `resolve`", (*KINDS, *WHOLE, "from"))
    if not rest:
        return Literal["present", "absent"]
    if rest in _COMMON:
        return _COMMON[rest]
    return _of_rule(KINDS[kind].rule_model(), rest.split("."), kind)


def _of_rule(model: type[BaseModel], parts: list[str], section: str) -> Any:
    known = (*model.model_fields, *(name for name in _COMMON if "." not in name))
    info = model.model_fields.get(parts[0])
    if info is None:
        raise UnknownField(parts[0], f"rule `{section}`", known)
    rest = parts[1:]
    inner = next(iter(models_in(info.annotation)), None)
    if not rest:
        return _with_metadata(info)
    if inner is None:
        raise UnknownField(rest[0], f"`{section}.{parts[0]}`", ())
    if not is_table(info.annotation):
        return _of_rule(inner, rest, f"{section}.{parts[0]}")
    below = rest[1:]
    return _of_rule(inner, below, f"{section}.{parts[0]}.{rest[0]}") if below else inner


def _with_metadata(info: FieldInfo) -> Any:
    annotation: Any = info.annotation
    for one in info.metadata:
        annotation = Annotated[annotation, one]
    return annotation


# --- what holds -----------------------------------------------------------------------


def actual(plan: Plan, path: str) -> Any:
    """Return what the plan has at *path*; `absent` where it has nothing."""
    kind, _, rest = path.partition(".")
    if path in WHOLE:
        return _of_plan(plan, path)
    rule = plan.rule(kind)
    if rule is None or (rule.mode == "disabled" and rest != "mode"):
        return ABSENT
    if not rest:
        return PRESENT
    return _control(rule, rest) if rest in _COMMON else _setting(rule.rule, rest.split("."))


def _of_plan(plan: Plan, path: str) -> Any:
    whole = {
        "rules": [rule.kind for rule in plan.active],
        "mode": plan.mode,
        "policies": list(plan.policies),
        "placement": plan.placement,
        "deadline": ABSENT if plan.deadline is None else Duration(plan.deadline),
    }
    return whole[path]


def _control(rule: PlannedRule, name: str) -> Any:
    if name == "mode":
        return rule.mode
    control = rule.control
    if name.startswith("rollout"):
        rollout = control.rollout if control else None
        if rollout is None:
            return ABSENT
        found = Ratio(rollout.percent) if name in ("rollout", "rollout.percent") else None
        return found if found is not None else getattr(rollout, name.rpartition(".")[2]) or ABSENT
    found = getattr(control, name, None)
    return ABSENT if found is None else str(found)


def _setting(value: Any, parts: list[str]) -> Any:
    for part in parts:
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
        if value is None:
            return ABSENT
    return value
