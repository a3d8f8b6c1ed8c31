"""What happens at a call: perhaps an error, before the function is reached."""

import random
from typing import Any, ClassVar

from mlpolicy.plugin import PROCEED, Call, Refuse, Site, Step, Verdict


class InjectedFault(ConnectionError):
    """Raised in place of a call."""


class FaultsStep(Step):
    """Draws for each attempt."""

    kind: ClassVar[str] = "faults"

    def __init__(self, rule: Any, site: Site) -> None:
        super().__init__(rule, site)
        self._share = float(rule.percent)
        self._count = site.meters.counter(
            "acme_faults_total", "Calls that failed on purpose.", function=site.target
        )

    def before(self, call: Call) -> Verdict:
        """Refuse the share of the calls that is to fail."""
        if random.random() >= self._share:
            return PROCEED
        self._count.add()
        return Refuse(InjectedFault(self.rule.message))
