"""The plan of a function of this process, and what policies ask of functions beside their path."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from types import FunctionType
from typing import Any

from mlpolicy.core.classes import is_module, members
from mlpolicy.core.facts import Facts
from mlpolicy.core.program import names_of
from mlpolicy.core.tags import ATTRIBUTE
from mlpolicy.core.target import Target
from mlpolicy.install import registry
from mlpolicy.install.lookup import NotFound, find, reach
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.runtime.template import shape


def planned(asked: Any, rulebook: Rulebook | None) -> Plan | None:
    """Return what holds for a function, or for the one under a path; None where nothing does.

    It is what policies say, over what the decorators of the function say.
    """
    from mlpolicy.plan.decorators import of_code, with_code  # (a start without decorators need not)

    target, functions = _asked(asked)
    blocks = next((held for function in functions if (held := registry.decorated(function))), {})
    if rulebook is None:
        return of_code(target, blocks)[0] if blocks else None
    names = [Target(name, target.qualname) for name in names_of(target.module)]
    if len(names) > 1:  # (of the program itself, the one that policies speak of)
        target = next((name for name in names if rulebook.plan(name) is not None), target)
    asks = bool(functions) and rulebook.asks(target)
    facts = facts_of(target, functions[0], functions) if asks else None
    plan = rulebook.plan(target, facts)
    if not blocks:
        return plan
    return with_code(plan, blocks, rulebook, facts)[0] if plan else of_code(target, blocks)[0]


def _asked(asked: Any) -> tuple[Target, tuple[FunctionType, ...]]:
    """Return the path of what is asked for, and its functions: those with our decorators first."""
    if not isinstance(asked, str):
        functions = sorted(reach(asked), key=lambda function: not registry.decorated(function))
        if not functions:
            kind = type(asked).__qualname__
            raise ValueError(f"a `{kind}` is not a function, nor the path of one")
        return target_of(functions[0]), tuple(functions)
    target = Target.parse(asked)
    module = sys.modules.get(target.module)
    with suppress(NotFound):
        return target, find(module, target.qualname).functions if is_module(module) else ()
    return target, ()


def target_of(function: FunctionType) -> Target:
    """Return the path of *function*."""
    return Target(function.__module__ or "__main__", function.__qualname__)


def facts_of(target: Target, raw: Any, functions: Iterable[FunctionType]) -> Facts:
    """Return the facts of the function under *target*: *raw* is what stands there."""
    functions = tuple(functions)
    decorators = partial(_decorators, target)
    if not functions:
        return Facts(tags=_tags(raw), decorators=decorators)
    form = shape(registry.own_of(functions[0]))
    tags = (tag for value in (raw, *reach(raw), *functions) for tag in _tags(value))
    return Facts(form.kind, form.names, tuple(dict.fromkeys(tags)), decorators=decorators)


def _tags(value: Any) -> tuple[str, ...]:
    tags = members(value).get(ATTRIBUTE)
    return tags if type(tags) is tuple else ()


def _decorators(target: Target) -> tuple[str, ...]:
    """Return the dotted names of the decorators, which only the source knows."""
    from mlpolicy.source import Defined, SourceTree, roots

    looked = SourceTree(roots(())).look_up(target)
    return looked.decorators if isinstance(looked, Defined) else ()
