"""What can be told of a validate rule once its models may be imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mlpolicy.core.words import closest
from mlpolicy.rules.validate.checks.models import why_none

if TYPE_CHECKING:
    from mlpolicy.rules.validate.rule import Spec, ValidateRule


def prove(
    rule: ValidateRule, resolve: Callable[[str], object]
) -> Iterator[tuple[str, str, str, str]]:
    """Yield (code, field, message, remedy) for every `model` that can take no values."""
    specs = {f"args.{name}": spec for name, spec in rule.args.items()}
    if rule.returns is not None:
        specs["returns"] = rule.returns
    for field, path in _named(specs):
        reason = why_none(path, resolve)
        if reason:
            yield "MP208", field, f"the model `{path}` {reason}", _meant(path)


def _meant(path: str) -> str:
    """Return which model of the same module is probably meant."""
    home, _, name = path.replace(":", ".").rpartition(".")
    there = vars(sys.modules[home]) if home in sys.modules else {}
    near = closest(name, [one for one, held in there.items() if hasattr(held, "model_validate")])
    return f"did you mean `{home}.{near}`?" if near and near != name else ""


def _named(specs: dict[str, Spec]) -> Iterator[tuple[str, str]]:
    for field, spec in specs.items():
        if spec.model is not None:
            yield f"{field}.model", spec.model
        inner = {f"{field}.fields.{name}": one for name, one in spec.fields.items()}
        if spec.items is not None:
            inner[f"{field}.items"] = spec.items
        yield from _named(inner)
