"""Put the policy that `MLPOLICY_POLICY` names in force when this module is imported.

For places where a line of Python is the only way in: a gunicorn configuration, a worker's
set-up hook, a notebook.
Where the variable is not set, nothing happens; where the policy is wrong, the process says
so and goes on without it.
"""

from __future__ import annotations

import os


def _start() -> None:
    if not os.environ.get("MLPOLICY_POLICY"):
        return
    from mlpolicy.install.bootstrap import install

    try:
        install()
    except Exception as error:  # noqa: BLE001 (a service outlives any file)
        from mlpolicy.core.report import say_once

        say_once("auto", f"no policy is in force: {error}")


_start()
