"""The clock of a policy test ends with it, for what is imported meanwhile too."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import inspect, time
from mlpolicy.core import clock
from mlpolicy.testing.world import VirtualWorld, entered
with entered(VirtualWorld(), {}):
    from mlpolicy.core.world import World
    from mlpolicy.rules import KINDS
    steps = [KINDS[name].step_class() for name in KINDS]
clocks = [inspect.signature(step).parameters.get("now") for step in steps]
clocks = [one.default for one in clocks if one is not None]
assert clock.now is World().now is time.perf_counter
assert len(clocks) >= 2 and set(clocks) == {time.perf_counter}, clocks
"""


def test_what_is_imported_in_a_policy_test_has_the_clock_of_the_process():
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)
