"""What can be told of a validate rule once its classes and models may be imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mlpolicy.core.given import Given
from mlpolicy.core.imported import lacking, near
from mlpolicy.rules.validate.checks.models import why_none

if TYPE_CHECKING:
    from mlpolicy.rules.validate.rule import Spec, ValidateRule


def prove(
    rule: ValidateRule, resolve: Callable[[str], object]
) -> Iterator[tuple[str, str, str, str]]:
    """Yield (code, field, message, remedy) for every `model` that can take no values.

    And for every class under `type` that its module does not have.
    """
    specs = {f"args.{name}": spec for name, spec in rule.args.items()}
    if rule.returns is not None:
        specs["returns"] = rule.returns
    for field, spec in _each(specs):
        reason = why_none(spec.model, resolve) if spec.model is not None else ""
        if spec.model is not None and reason:
            message = f"the model `{spec.model}` {reason}"
            yield "MP208", f"{field}.model", message, near(spec.model, _is_model)
        for name in types(spec):
            absent = None if isinstance(name, Given) else lacking(name)
            if absent:
                message = "`{}` has no class `{}`".format(*absent)
                yield "MP208", f"{field}.type", message, near(name, _is_class)


def types(spec: Spec) -> tuple[str, ...]:
    """Return the types of which a value must be one; none where any will do."""
    named = spec.type
    return (named,) if isinstance(named, str) else named or ()


def _is_model(held: object) -> bool:
    return _is_class(held) and hasattr(held, "model_validate")


def _is_class(held: object) -> bool:
    return issubclass(type(held), type)


def _each(specs: dict[str, Spec]) -> Iterator[tuple[str, Spec]]:
    for field, spec in specs.items():
        yield field, spec
        inner = {f"{field}.fields.{name}": one for name, one in spec.fields.items()}
        if spec.items is not None:
            inner[f"{field}.items"] = spec.items
        yield from _each(inner)
