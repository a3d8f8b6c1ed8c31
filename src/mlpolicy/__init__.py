"""Reliability rules for the functions of ML services, declared in YAML.

    mlpolicy.install(policy="policies/")

puts what the files say around the functions that they name.
Nothing is imported until it is used.

PYTEST_DONT_REWRITE: under `mlpolicy run` this is imported before pytest, which would warn of it.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from typing import Any

    from mlpolicy.core.tags import tag
    from mlpolicy.errors import (
        CallRefused,
        Failure,
        MemoryPressure,
        MlpolicyError,
        PolicyError,
        ValidationFailed,
    )
    from mlpolicy.install import _function as install
    from mlpolicy.install.bootstrap import uninstall
    from mlpolicy.install.decorate import (
        cache_result,
        memory_guard,
        monitor,
        retry,
        validate_input,
    )
    from mlpolicy.plan import _function as plan

__version__ = "0.1.0"

_HOMES = {
    "CallRefused": "errors",
    "Failure": "errors",
    "MemoryPressure": "errors",
    "MlpolicyError": "errors",
    "PolicyError": "errors",
    "ValidationFailed": "errors",
    "cache_result": "install.decorate",
    "install": "",
    "memory_guard": "install.decorate",
    "monitor": "install.decorate",
    "plan": "",
    "retry": "install.decorate",
    "tag": "core.tags",
    "uninstall": "install.bootstrap",
    "validate_input": "install.decorate",
}

__all__ = [
    "CallRefused",
    "Failure",
    "MemoryPressure",
    "MlpolicyError",
    "PolicyError",
    "ValidationFailed",
    "__version__",
    "cache_result",
    "install",
    "memory_guard",
    "monitor",
    "plan",
    "retry",
    "tag",
    "uninstall",
    "validate_input",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'mlpolicy' has no attribute {name!r}")
    import sys

    path = f"mlpolicy.{home or name}"
    __import__(path)  # `importlib` would cost a millisecond
    found = sys.modules[path]
    return getattr(found, name) if home else found


def __dir__() -> list[str]:
    return __all__
