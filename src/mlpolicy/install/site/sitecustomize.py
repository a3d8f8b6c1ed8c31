"""Puts the policy of `MLPOLICY_POLICY` in force in every Python process under `mlpolicy run`.

Then it runs the next `sitecustomize` on the path, which would have been found without it.
"""

from __future__ import annotations

import os
import sys


def _chain() -> None:
    """Run the next `sitecustomize`, as if this one were not there."""
    import importlib.machinery
    import importlib.util

    here = os.path.dirname(os.path.abspath(__file__))
    path = [one for one in sys.path if os.path.abspath(one or os.getcwd()) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", path)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


def _start() -> None:
    try:
        import mlpolicy.auto  # noqa: F401 (importing it is what puts the policy in force)
    except ImportError as error:
        print(f"mlpolicy: no policy is in force here: {error}", file=sys.stderr)


_start()
_chain()
