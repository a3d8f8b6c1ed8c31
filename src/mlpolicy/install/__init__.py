"""Put drivers around the functions of a running process, and take them away again.

The package is the public function too: `mlpolicy.install(policy=...)`.
"""

from __future__ import annotations

from mlpolicy.core.program import make_callable

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    Paths = str | PathLike[str] | Iterable[str | PathLike[str]]


def _function(policy: Paths | None = None, *, env: str | None = None) -> None:
    """Put a policy in force in this process, in place of any before it.

    Functions that are imported already obey it from now on, others when they are imported.

    Args:
        policy: A policy file or a directory of them, or several; without it, what the
            environment variable `MLPOLICY_POLICY` names.
        env: The environment whose part of the policy holds (`environments.prod`); without it,
            what `MLPOLICY_ENV` names.

    Raises:
        PolicyError: The files are wrong; nothing was changed.
    """
    from mlpolicy.install.bootstrap import install

    install(policy, env=env)


make_callable(__name__)
