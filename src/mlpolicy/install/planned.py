"""The plan of a function of this process: what policies say, over what its decorators say."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Any

from mlpolicy.core.classes import is_module
from mlpolicy.core.program import names_of
from mlpolicy.core.target import Target
from mlpolicy.install import registry
from mlpolicy.install.facts import facts_of
from mlpolicy.install.lookup import NotFound, find, reach
from mlpolicy.plan.coded import of_code, with_code
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook


def planned(asked: Any, rulebook: Rulebook | None) -> Plan | None:
    """Return what holds for a function, or for the one under a path; None where nothing does."""
    if isinstance(asked, str):
        target = Target.parse(asked)
        functions = _found(target)
    else:
        functions = _made_of(asked)
        target = target_of(functions[0])
    if rulebook is not None:
        target = _as_named(target, rulebook)
    blocks = next((held for one in functions if (held := registry.decorated(one))), {})
    facts = None
    if rulebook is not None and functions and rulebook.asks(target):
        facts = facts_of(target, functions[0], functions)
    plan = rulebook.plan(target, facts) if rulebook is not None else None
    if not blocks:
        return plan
    if plan is None or rulebook is None:
        return of_code(target, blocks)[0]
    return with_code(plan, blocks, rulebook, facts)[0]


def decorated_functions() -> list[tuple[Target, FunctionType]]:
    """Return every living function with decorators of ours, with its path."""
    return [(target_of(one), one) for one in registry.functions() if registry.decorated(one)]


def target_of(function: FunctionType) -> Target:
    """Return the path of *function*."""
    return Target(function.__module__ or "__main__", function.__qualname__)


def _as_named(target: Target, rulebook: Rulebook) -> Target:
    """Return *target*, of the program itself by the name under which policies speak of it."""
    named = [Target(name, target.qualname) for name in names_of(target.module)]
    planned = (one for one in named if rulebook.plan(one) is not None)
    return target if len(named) == 1 else next(planned, target)


def _found(target: Target) -> tuple[FunctionType, ...]:
    """Return the functions under *target* where its module is imported."""
    module = sys.modules.get(target.module)
    try:
        return find(module, target.qualname).functions if is_module(module) else ()
    except NotFound:
        return ()


def _made_of(held: Any) -> tuple[FunctionType, ...]:
    """Return the functions that *held* is made of, the one with decorators of ours first."""
    functions = tuple(reach(held))
    if not functions:
        raise ValueError(f"a `{type(held).__qualname__}` is no function path, and no function")
    return tuple(sorted(functions, key=lambda one: not registry.decorated(one)))
