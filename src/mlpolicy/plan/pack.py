"""Policy files as plain values that `marshal` can write, and back."""

from __future__ import annotations

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

_CLASSES = {
    cls.__name__: cls
    for cls in (
        *(Span, Glob, Where, Name, Pattern, Block, Setting, RuleBlock),
        *(Profile, Policy, Settings, PolicyFile),
    )
}
_NAMES = {name: tuple(field.name for field in fields(cls)) for name, cls in _CLASSES.items()}
_MARK = "\0"


def pack(value: Any) -> Any:
    """Return *value* as lists, dicts and scalars."""
    name = type(value).__name__
    if name in _CLASSES:
        return (_MARK, name, *(pack(getattr(value, one)) for one in _NAMES[name]))
    if isinstance(value, tuple):
        return tuple(pack(one) for one in value)
    if isinstance(value, list):
        return [pack(one) for one in value]
    if isinstance(value, dict):
        return {key: pack(one) for key, one in value.items()}
    return value


def unpack(value: Any) -> Any:
    """Return what was packed as *value*."""
    if isinstance(value, tuple):
        if value[:1] == (_MARK,):
            return _CLASSES[value[1]](*(unpack(one) for one in value[2:]))
        return tuple(unpack(one) for one in value)
    if isinstance(value, list):
        return [unpack(one) for one in value]
    if isinstance(value, dict):
        return {key: unpack(one) for key, one in value.items()}
    return value
