"""Values in a log: what they are, and, where asked for, what is in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlpolicy.core.argpath import ArgPath, parse

REDACTED = "[redacted]"
LARGEST = 16 * 1024
"""Characters of all arguments of a call together."""

_SECRET = re.compile(r"pass(word|wd|phrase)?$|token|secret|api_?key|authorization|credential", re.I)
_IN_TEXT = re.compile(
    r"(?i)\b((?:password|passwd|token|secret|api_?key|authorization)\s*[=:]\s*)(?:bearer\s+)?\S+"
)
_DEEPEST = 6
_MOST_ITEMS = 1000


def summary(value: Any) -> dict[str, Any]:
    """Return what *value* is, and nothing of what is in it."""
    found: dict[str, Any] = {"type": type(value).__name__}
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    if dtype is not None and not callable(dtype):
        found["dtype"] = str(dtype)
    if isinstance(shape, tuple):
        found["shape"] = [int(one) for one in shape]
    elif isinstance(value, str | bytes | Mapping | Sequence | set | frozenset):
        found["len"] = len(value)
    return found


def summaries(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each argument is."""
    return {name: summary(value) for name, value in arguments.items()}


def content(arguments: Mapping[str, Any], redact: Iterable[str]) -> dict[str, Any]:
    """Return what is in each argument, less what must not be written; cut where it is too large."""
    paths = [parse(path) for path in redact]
    found = {
        name: _plain(value, (name,), paths) if not _is_secret(name) else REDACTED
        for name, value in arguments.items()
    }
    if len(json.dumps(found, default=str)) <= LARGEST:
        return found
    return {"truncated": True, **summaries(arguments)}


def _plain(value: Any, at: tuple[str | int, ...], paths: list[ArgPath]) -> Any:
    if any(_covers(path, at) for path in paths):
        return REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return safe_text(value, LARGEST)
    if len(at) > _DEEPEST:
        return summary(value)
    return _container(value, at, paths)


def _container(value: Any, at: tuple[str | int, ...], paths: list[ArgPath]) -> Any:
    if isinstance(value, Mapping):
        return {
            str(key): REDACTED if _is_secret(str(key)) else _plain(one, (*at, str(key)), paths)
            for key, one in list(value.items())[:_MOST_ITEMS]
        }
    if isinstance(value, list | tuple):
        return [_plain(one, (*at, index), paths) for index, one in enumerate(value[:_MOST_ITEMS])]
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return _array(value)
    state = getattr(value, "__dict__", None)
    if isinstance(state, dict) and state:
        return _container({k: v for k, v in state.items() if not k.startswith("_")}, at, paths)
    return summary(value)


def _array(value: Any) -> dict[str, Any]:
    size = int(getattr(value, "size", _MOST_ITEMS + 1))
    return summary(value) | ({"data": value.tolist()} if size <= _MOST_ITEMS else {})


def _covers(path: ArgPath, at: tuple[str | int, ...]) -> bool:
    steps = (path.name, *path.steps)
    return len(steps) == len(at) and all(
        one == other or (one == "*" and isinstance(other, int))
        for one, other in zip(steps, at, strict=True)
    )


def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def safe_text(text: str, longest: int) -> str:
    """Return *text* cut, and without what looks like a secret."""
    text = _IN_TEXT.sub(rf"\1{REDACTED}", text)
    return text if len(text) <= longest else text[:longest] + "…"
