"""What modules hold once they are imported: for paths that no source can tell of."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress

from mlpolicy.core.words import closest, did_you_mean


def lacking(path: str) -> tuple[str, str] | None:
    """Return (module, name) where the module of *path* is imported and has no such name."""
    module, name = _parted(path)
    held = sys.modules.get(module)
    if held is None:
        return None
    try:
        getattr(held, name)  # (of a module that makes its names when they are asked for, too)
    except AttributeError:
        return module, name
    except Exception:  # noqa: BLE001 (code of the user's)
        return None
    return None


def near(path: str, is_meant: Callable[[object], bool]) -> str:
    """Return the remedy that names what the module of *path* holds and is most like it, if any."""
    module, name = _parted(path)
    there: list[str] = []
    with suppress(Exception):  # (a stand-in for a module may answer anything)
        for one, held in list(vars(sys.modules[module]).items()):
            with suppress(Exception):  # (and so may what it holds)
                if type(one) is str and is_meant(held):
                    there.append(one)
    found = closest(name, there)
    colon = ":" if ":" in path else "."
    return did_you_mean(f"{module}{colon}{found}" if found and found != name else None)


def _parted(path: str) -> tuple[str, str]:
    module, _, name = path.replace(":", ".").rpartition(".")
    return module, name
