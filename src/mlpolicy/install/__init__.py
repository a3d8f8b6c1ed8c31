"""Put drivers around the functions of a running process, and take them away again.

The package is the public function too: `mlpolicy.install(policy=...)`.
"""

from __future__ import annotations

from mlpolicy.core.program import make_callable

make_callable(__name__, "mlpolicy.install.bootstrap", "install")
