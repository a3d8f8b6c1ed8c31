"""The policy that is in force in this process, for those who may not import what put it there."""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from typing import Any, Protocol

    class InForce(Protocol):
        """A policy that was put in force."""

        def plan(self, target: str) -> Any:
            """Return the plan of *target*."""
            ...


_present: list[InForce] = []


def enter(policy: InForce) -> None:
    """Let *policy* be the one in force."""
    _present[:] = [policy]


def leave() -> None:
    """Let none be in force."""
    _present.clear()


def present() -> InForce:
    """Return the policy in force.

    Raises:
        LookupError: There is none.
    """
    if not _present:
        raise LookupError("no policy is in force: call mlpolicy.install(policy=...) first")
    return _present[0]
