"""What happens at a call: what is awaited ends in time, or is ended."""

from typing import Any, ClassVar

from mlpolicy.plugin import PROCEED, Call, Refuse, Site, Step, Verdict, Within


class AttemptTimeout(TimeoutError):
    """Raised where an attempt took longer than `timeout.attempt` allows."""


class TimeoutStep(Step):
    """Bounds each attempt; a plain function cannot be ended, and runs as long as it takes."""

    kind: ClassVar[str] = "timeout"
    bounds: ClassVar[bool] = True

    def __init__(self, rule: Any, site: Site) -> None:
        super().__init__(rule, site)
        self._within = Within(float(rule.attempt))
        self._error = f"{site.target} took longer than {rule.attempt}"
        self._ended = site.meters.counter(
            "acme_timeouts_total", "Attempts that took too long.", function=site.target
        )

    def before(self, call: Call) -> Verdict:
        """Let the attempt take so long, and no longer."""
        return self._within

    def failed(self, call: Call, error: Exception) -> Verdict:
        """Say whose time-out it was; one of the function's own passes."""
        if type(error) is not TimeoutError or error.args:
            return PROCEED
        self._ended.add()
        return Refuse(AttemptTimeout(self._error))
