"""The policy that is in force in this process, for those who may not import what put it there."""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from typing import Any, Protocol

    class InForce(Protocol):
        """A policy that was put in force."""

        def plan(self, target: Any) -> Any:
            """Return the plan of *target*."""
            ...


NONE = "no policy is in force: call mlpolicy.install(policy=...) first"
_present: list[InForce] = []
_beneath: list[InForce] = []
"""What knows what decorators say, once there is one."""


def enter(policy: InForce) -> None:
    """Let *policy* be the one in force."""
    _present[:] = [policy]


def leave() -> None:
    """Let none be in force."""
    _present.clear()


def lie_beneath(code: InForce) -> None:
    """Let *code*, what decorators say, be in force where no policy is."""
    _beneath[:] = [code]


def present() -> InForce:
    """Return the policy in force.

    Raises:
        LookupError: There is none.
    """
    for policy in (*_present, *_beneath):
        return policy
    raise LookupError(NONE)
