"""Policy files as plain values that `marshal` can write, and back."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mlpolicy.core.facts import Where
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob
from mlpolicy.model.policy import (
    Block,
    Name,
    Pattern,
    Policy,
    PolicyFile,
    Profile,
    RuleBlock,
    Setting,
    Settings,
)
from mlpolicy.plan.packed import Packed

_CLASSES = {
    cls.__name__: cls
    for cls in (
        *(Span, Glob, Where, Name, Pattern, Block, Setting, RuleBlock),
        *(Profile, Policy, Settings, PolicyFile),
    )
}
_NAMES = {
    name: tuple(field.name for field in fields(cls) if field.name != "places")
    for name, cls in _CLASSES.items()
}
"""The fields of each, less what only a finding asks for."""
_OTHERS = tuple(name for name in _NAMES["Policy"] if name != "rules")
_MARK = "\0"
_LAZY = "policy"
_SCALARS = frozenset({str, int, float, bool, bytes, type(None)})


def pack(value: Any) -> Any:
    """Return *value* as lists, dicts, bytes and scalars."""
    name = type(value).__name__
    if name in _CLASSES:
        return _packed(name, value)
    if isinstance(value, tuple | list):
        return type(value)(pack(one) for one in value)
    if isinstance(value, Mapping):
        return {key: pack(one) for key, one in value.items()}
    return value


def _packed(name: str, value: Any) -> Any:
    if name == "Policy" and not any("expires" in rule.settings for rule in value.rules):
        rules = marshal.dumps(tuple(pack(one) for one in value.rules))
        return (_MARK, _LAZY, rules, *(pack(getattr(value, one)) for one in _OTHERS))
    return (_MARK, name, *(pack(getattr(value, one)) for one in _NAMES[name]))


def unpack(value: Any) -> Any:
    """Return what was packed as *value*; the rules of policies when they are first asked for."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is tuple:
        if value[:1] == (_MARK,):
            return _made(value)
        return tuple([unpack(one) for one in value])
    if kind is list:
        return [unpack(one) for one in value]
    return {key: unpack(one) for key, one in value.items()}


def _made(value: tuple[Any, ...]) -> Any:
    parts = [one if type(one) in _SCALARS else unpack(one) for one in value[2:]]
    if value[1] == _LAZY:
        rules = Packed(parts[0], unpack)
        return Policy(**dict(zip(_OTHERS, parts[1:], strict=True)), rules=rules)
    return _CLASSES[value[1]](*parts)
