"""Policies and a target become a plan: which rules hold, and where each value comes from.

The package is the public function too: `mlpolicy.plan("package.module:function")`.
"""

from __future__ import annotations

from mlpolicy.core.program import make_callable

make_callable(__name__, "mlpolicy.plan.plan", "plan")
