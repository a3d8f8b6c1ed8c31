"""Whether it is mlpolicy itself that calls a function which a policy governs.

A policy may stand on what mlpolicy is made of: `threading.Event.set`, `copy.copy`,
`logging.Logger.warning`. Where it is our own work that calls, no rule is asked: it would count
us, wait for us, or come back to where it began.
"""

from __future__ import annotations

import sys
from sys import _getframe
from types import FrameType
from typing import Final

_BELOW: Final = sys.stdlib_module_names | {
    "annotated_types",
    "click",
    "importlib_metadata",
    "jsonschema",
    "prometheus_client",
    "psutil",
    "pydantic",
    "pydantic_core",
    "referencing",
    "rich",
    "typing_extensions",
    "xxhash",
    "yaml",
}
"""The packages that mlpolicy stands on: nobody else's functions are called by it."""
_PASSES_ON: Final = ("mlpolicy.cli", "mlpolicy.testing", "mlpolicy.core.awaiting")
"""Modules of ours that call on behalf of others."""
_DEEPEST: Final = 200
_MOST_KNOWN: Final = 10_000


def is_below(module: str) -> bool:
    """Tell whether mlpolicy itself may call functions of that *module*."""
    return module.partition(".")[0] in _BELOW


def is_ours() -> bool:
    """Tell whether the caller of the driver that asks is mlpolicy.

    It is, where nothing but what mlpolicy stands on lies between: code of the user's that it
    runs is the user's.
    """
    frame: FrameType | None = _getframe(2)
    for _ in range(_DEEPEST):
        if frame is None:
            return False
        name = frame.f_globals.get("__name__")
        ours = _known[name] if name in _known else _side(name)
        if ours is not None:
            return ours
        frame = frame.f_back
    return False


_known: dict[object, bool | None] = {}


def _side(name: object) -> bool | None:
    """Return whose the module of that *name* is; None where its caller decides."""
    text = str(name)
    ours: bool | None = False
    if text.startswith(_PASSES_ON) or is_below(text):
        ours = None
    elif text.startswith("mlpolicy."):
        ours = True
    if len(_known) < _MOST_KNOWN:
        _known[text] = ours
    return ours
