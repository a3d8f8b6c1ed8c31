"""Policies and a target become a plan: which rules hold, and where each value comes from.

The package is the public function too: `mlpolicy.plan("package.module:function")`.
"""

from __future__ import annotations

from mlpolicy.core.program import make_callable

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mlpolicy.plan.plan import Plan


def _function(target: str | Callable[..., Any]) -> Plan | None:
    """Return what the policy in force, and decorators, say of *target*; None where they do not.

    Args:
        target: A function, or its path, `package.module:function`.

    Raises:
        ValueError: *target* is no function path.
        LookupError: No policy is in force, and the function has no decorator.
    """
    from mlpolicy.core import program

    plan_of = program.plan_in_force or program.plan_in_code
    if plan_of is None:
        raise LookupError(program.NO_POLICY)
    plan: Plan | None = plan_of(target)
    return plan


make_callable(__name__)
