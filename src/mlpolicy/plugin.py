"""What the author of a plugin needs, and may rely on as long as `API` stays what it is.

A distribution adds a kind of rule, a sink or policy files by entry points of the groups
`mlpolicy.kinds`, `mlpolicy.sinks` and `mlpolicy.policies`.
Nothing is imported until it is used: a module that holds a `Kind` needs no pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlpolicy.core.clock import Clock
    from mlpolicy.core.diagnostic import Code
    from mlpolicy.core.kind import Kind, Synonym
    from mlpolicy.core.metrics import METERS, Meters
    from mlpolicy.core.model import Many, RuleModel, finding
    from mlpolicy.core.plugins import API
    from mlpolicy.core.quantity import ByteSize, Count, Duration, Ratio
    from mlpolicy.core.site import Site
    from mlpolicy.core.step import (
        PROCEED,
        Again,
        Answer,
        Call,
        Do,
        Lines,
        Loom,
        Refuse,
        Step,
        Verdict,
        Wait,
        Within,
    )
    from mlpolicy.errors import CallRefused
    from mlpolicy.rules.monitor.lanes import Sink

_HOMES = {
    "core.clock": "Clock",
    "core.diagnostic": "Code",
    "core.kind": "Kind Synonym",
    "core.metrics": "METERS Meters",
    "core.model": "Many RuleModel finding",
    "core.plugins": "API",
    "core.quantity": "ByteSize Count Duration Ratio",
    "core.site": "Site",
    "core.step": "PROCEED Again Answer Call Do Lines Loom Refuse Step Verdict Wait Within",
    "errors": "CallRefused",
    "rules.monitor.lanes": "Sink",
}

__all__ = [
    "API", "METERS", "PROCEED", "Again", "Answer", "ByteSize", "Call", "CallRefused", "Clock",
    "Code", "Count", "Do", "Duration", "Kind", "Lines", "Loom", "Many", "Meters", "Ratio", "Refuse",
    "RuleModel", "Sink", "Site", "Step", "Synonym", "Verdict", "Wait", "Within", "finding",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    for home, names in _HOMES.items():
        if name in names.split():
            found = getattr(import_module(f"mlpolicy.{home}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
