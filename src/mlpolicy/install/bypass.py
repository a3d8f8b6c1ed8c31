"""Who calls the original of what was replaced by attribute, past its policy."""

from __future__ import annotations

import ast
import gc
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from mlpolicy.core.classes import is_module, members


def holders(original: Any, *, home: str) -> Iterator[str]:
    """Yield the names under which modules hold *original* because they took it from *home*.

    A name that a module has for it from elsewhere, the library that it comes from say, is
    none that the policy speaks of.
    """
    for referrer in gc.get_referrers(original):
        known = referrer.get("__name__") if type(referrer) is dict else None
        module = sys.modules.get(known) if type(known) is str else None
        if known == home or not is_module(module):
            continue
        taken = [name for name, value in list(members(module).items()) if value is original]
        yield from (f"{known}.{one}" for one in taken if _takes(module, one, home))


def _takes(module: ModuleType, name: str, home: str) -> bool:
    """Whether the source of *module* imports *home*, and *name* from nowhere else."""
    try:
        tree = ast.parse(inspect.getsource(module))
    except Exception:  # noqa: BLE001 (a module may say anything of where its source is)
        return False
    takes = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            takes |= any(one.name == home for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = _source(module, node)
            brings = any((one.asname or one.name) == name for one in node.names)
            if brings and source != home:
                return False
            takes |= source == home or any(f"{source}.{one.name}" == home for one in node.names)
    return takes


def _source(module: ModuleType, node: ast.ImportFrom) -> str:
    try:
        return importlib.util.resolve_name(
            "." * node.level + (node.module or ""), module.__package__
        )
    except ImportError:
        return node.module or ""
