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
    from mlpolicy.install.bootstrap import install, uninstall
    from mlpolicy.install.decorate import (
        cache_result,
        memory_guard,
        monitor,
        retry,
        validate_input,
    )
    from mlpolicy.plan.plan import plan

__version__ = "0.1.0"

_HOMES = {
    "core.tags": "tag",
    "errors": "CallRefused Failure MemoryPressure MlpolicyError PolicyError ValidationFailed",
    "install": "install",
    "install.bootstrap": "uninstall",
    "install.decorate": "cache_result memory_guard monitor retry validate_input",
    "plan": "plan",
}
"""The modules that the names live in; two of them are called themselves."""

__all__ = [
    "CallRefused", "Failure", "MemoryPressure", "MlpolicyError", "PolicyError", "ValidationFailed",
    "__version__", "cache_result", "install", "memory_guard", "monitor", "plan", "retry", "tag",
    "uninstall", "validate_input",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    import sys

    for home, names in _HOMES.items():
        if name in names.split():
            __import__(f"mlpolicy.{home}")  # `importlib` would cost a millisecond
            found = sys.modules[f"mlpolicy.{home}"]
            return found if name == home else getattr(found, name)
    raise AttributeError(f"module 'mlpolicy' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
