"""A file as an editor reads it: by the core schema of YAML 1.2, with no code of ours."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml


class _Core(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # (of two, the quick one)
    """Reads plain scalars as YAML 1.2 does, and keys as the text that they are."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML reads it from the class)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Return a mapping by the texts of its keys: an editor knows no others."""
        return {key.value: self.construct_object(value, deep) for key, value in node.value}


def _constructed(tag: str, pattern: str, first: str, made: Any) -> None:
    _Core.add_implicit_resolver(tag, re.compile(f"^(?:{pattern})$"), list(first))
    _Core.add_constructor(tag, lambda loader, node: made(loader.construct_scalar(node)))


def _fraction(text: str) -> float:
    special = {"inf": math.inf, "nan": math.nan}.get(text.lstrip("+-.").lower())
    return float(text) if special is None else -special if text[0] == "-" else special


_constructed("!null", "null|Null|NULL|~|", "~nN", lambda text: None)
_Core.add_implicit_resolver("!null", re.compile("^$"), [""])
_constructed("!bool", "true|True|TRUE|false|False|FALSE", "tTfF", lambda text: text[0] in "tT")
_constructed("!int", "[-+]?[0-9]+", "-+0123456789", int)
_constructed("!octal", "0o[0-7]+", "0", lambda text: int(text[2:], 8))
_constructed("!hex", "0x[0-9a-fA-F]+", "0", lambda text: int(text, 16))
_constructed(
    "!float",
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    "-+.0123456789",
    _fraction,
)


def read(text: str) -> Any:
    """Return what *text* says."""
    return yaml.load(text, _Core)  # noqa: S506  (a loader of plain values)
