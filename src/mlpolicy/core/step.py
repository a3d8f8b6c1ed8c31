"""The contract of a rule at a call: a step looks, and says what it thinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from mlpolicy.core.block import Lines, Loom
from mlpolicy.core.live import Live
from mlpolicy.core.site import Site
from mlpolicy.core.verdict import PROCEED, Verdict

Weave = Callable[[Lines, Loom], Lines]
"""Given the inner block, return the block around it."""


@dataclass(slots=True)
class Call:
    """One logical call, as a step with plain methods sees it."""

    arguments: Mapping[str, Any]
    attempt: int = 1
    within: float | None = None
    """Seconds that an attempt may take; None where no step has said `Within`."""


class Step(Live):
    """What one rule does at a call.

    A kind that needs no speed of its own writes `before`, `failed` and `after`; the general
    weave turns them into calls.
    A kind on the hot path overrides `weave` with a few lines for the common case, and keeps
    everything rare in methods.
    """

    kind: ClassVar[str] = ""
    bounds: ClassVar[bool] = False
    """Whether `before` may say `Within`: lines for it are written for these steps alone."""
    share: Callable[..., bool] | None = None
    """Says of a call whether the rule holds for it; None where it holds for all."""
    shared_by: str | None = None
    """The argument that `share` is asked about."""
    otherwise: Step | None = None
    """What stands in for the step in all other calls."""

    def __init__(self, rule: Any, site: Site) -> None:
        self.rule = rule
        self.site = site

    def before(self, call: Call) -> Verdict:
        """Say whether the call goes on."""
        return PROCEED

    def failed(self, call: Call, error: Exception) -> Verdict:
        """Say what becomes of *error*; PROCEED lets it pass as it is."""
        return PROCEED

    def after(self, call: Call, result: Any) -> Verdict:
        """Say what becomes of *result*; PROCEED hands it on."""
        return PROCEED

    def weaves(self) -> Mapping[str, Weave]:
        """Return a weave for each position in the order where this step stands."""
        return {self.kind: self.weave}

    def each(self) -> tuple[Step, ...]:
        """Return the step, and what stands in for it in calls that it does not hold for."""
        return (self, self.otherwise) if self.otherwise is not None else (self,)

    def weave(self, inner: Lines, loom: Loom) -> Lines:
        """Return the block around *inner*."""
        from mlpolicy.core.general import weave

        return weave(self, inner, loom)

    def close(self) -> None:
        """Let go of whatever the step holds; the policy no longer uses it."""

    def inherit(self, earlier: Step) -> None:
        """Take over the state of the step that stood here before a reload."""
