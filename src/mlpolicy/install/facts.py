"""What selectors ask of a function that stands in a module."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import FunctionType
from typing import Any

from mlpolicy.core.classes import members
from mlpolicy.core.facts import Facts
from mlpolicy.core.tags import ATTRIBUTE
from mlpolicy.core.target import Target
from mlpolicy.install import registry
from mlpolicy.install.lookup import reach
from mlpolicy.runtime.template import shape


def facts_of(target: Target, raw: Any, functions: Iterable[FunctionType]) -> Facts:
    """Return the facts of the function under *target*: *raw* is what stands there."""
    functions = tuple(functions)
    if not functions:
        return Facts(tags=_tags(raw), decorators=partial(_decorators, target))
    form = shape(registry.own_of(functions[0]))
    tags = (tag for one in (raw, *reach(raw), *functions) for tag in _tags(one))
    return Facts(
        form.kind, form.names, tuple(dict.fromkeys(tags)), decorators=partial(_decorators, target)
    )


def _tags(one: Any) -> tuple[str, ...]:
    tags = members(one).get(ATTRIBUTE)
    return tags if type(tags) is tuple else ()


def _decorators(target: Target) -> tuple[str, ...]:
    """Return the dotted names of the decorators, which only the source knows."""
    from mlpolicy.plan.survey import Defined, Survey, roots

    looked = Survey(roots(())).look_up(target)
    return looked.decorators if isinstance(looked, Defined) else ()
