"""What the ops port shows of the policy in force, and when it is opened."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Any

from mlpolicy.core.address import Address
from mlpolicy.core.report import guarded, say_once
from mlpolicy.core.target import Target, TargetError
from mlpolicy.install.engine import Engine
from mlpolicy.install.placing import STATES
from mlpolicy.ops.server import Sources
from mlpolicy.ops.state import PolicyInForce, show_policy
from mlpolicy.ops.workers import OFF, PORT, VARIABLE
from mlpolicy.plan import show
from mlpolicy.plan.plan import Plan

SCHEMA = "mlpolicy.in-force/1"
MOST_PENDING = 1000


def look(engine: Engine, environment: str) -> None:
    """Open the port that is asked for, or close it; what goes wrong is said and stops nothing."""
    guarded(partial(_look, engine, environment), _failed)


def _look(engine: Engine, environment: str) -> None:
    written = os.environ.get(VARIABLE, "")
    address = engine.rulebook.settings.ops
    if written:
        address = None if written == OFF else Address.parse(written)
    if address is None:
        PORT.close()
        return
    show_policy(partial(_policy, engine, environment, time.time()))
    policy = partial(in_force, engine, environment)
    shown = Sources(policy=policy, health=partial(health, engine), has_begun=engine.has_met)
    PORT.open(address, shown)


def _failed(error: Exception) -> None:
    say_once("ops", f"no port is opened: {error}")


def _policy(engine: Engine, environment: str, since: float) -> PolicyInForce:
    def find(name: str) -> Plan | None:
        try:
            return engine.rulebook.plan(Target.parse(name))
        except TargetError:  # (the name was made up, as those of targets that share one are)
            return None

    few = len(engine.rulebook.exact) <= MOST_PENDING
    known = engine.placed if few else engine.met
    return PolicyInForce(
        plans={name: one.holds for name, one in known.items()},
        states={name: one.state for name, one in known.items()},
        find=find,
        environment=environment,
        files=tuple(file.file for file in engine.rulebook.files),
        since=since,
    )


def health(engine: Engine) -> dict[str, Any]:
    """Return how many targets are in each state."""
    return {"targets": {state: engine.count(state) for state in STATES}}


def in_force(engine: Engine, environment: str) -> dict[str, Any]:
    """Return what holds for each function that this process has met, as plain values.

    The hash is that of their plans, as `mlpolicy compile` has it.
    """
    met = engine.met
    targets = [
        {
            "target": name,
            "state": placed.state,
            "detail": placed.detail,
            "mode": placed.holds.mode,
            "placement": placed.placement,
            "policies": list(placed.holds.policies),
            "rules": [show.content(rule) for rule in placed.holds.rules],
        }
        for name, placed in sorted(met.items())
    ]
    plans = [placed.holds for placed in met.values()]
    pending = [str(target) for target in engine.rulebook.exact if str(target) not in met]
    return {
        "schema": SCHEMA,
        "pid": os.getpid(),
        "environment": environment or None,
        "hash": show.compiled(plans)["hash"],
        "targets": targets,
        "pending": pending[:MOST_PENDING],
    }
