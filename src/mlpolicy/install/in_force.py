"""The policy in force, for whoever looks at this process from outside."""

from __future__ import annotations

from mlpolicy.core.target import Target, TargetError
from mlpolicy.install import bootstrap
from mlpolicy.ops.state import PolicyInForce
from mlpolicy.plan.plan import Plan


def policy_in_force() -> PolicyInForce | None:
    """Return what holds in this process, and what became of it; None where no policy is in force.

    One that sleeps is awakened: whoever looks wants to see its rules.
    """
    policy, engine = bootstrap.in_force(), bootstrap.engine()
    if policy is None or engine is None:
        return None
    rulebook, placed = engine.rulebook, engine.placed

    def find(name: str) -> Plan | None:
        try:
            return rulebook.plan(Target.parse(name))
        except TargetError:
            return None

    return PolicyInForce(
        plans={name: one.holds for name, one in placed.items()},
        states={name: one.state for name, one in placed.items()},
        find=find,
        environment=policy.environment,
        files=tuple(file.file for file in rulebook.files),
        since=policy.since,
    )
