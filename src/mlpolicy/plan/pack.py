"""Policy files as plain values that `marshal` can write, and back."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import fields, replace
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
from mlpolicy.plan.rulebook import Rulebook

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
_RULES = _NAMES["Policy"].index("rules")
_MARK = "\0"
_LAZY = "policy"
_SCALARS = frozenset({str, int, float, bool, bytes, type(None)})


def pack_all(rulebook: Rulebook) -> tuple[Any, ...]:
    """Return the files of *rulebook*, packed.

    The rules of profiles are in the policies, and no profiles beside them.
    """
    policies: dict[str, list[Policy]] = {}
    for one in rulebook.policies:
        policies.setdefault(one.span.file, []).append(replace(one, use=()) if one.use else one)
    return tuple(
        pack(replace(file, profiles=(), policies=tuple(policies.get(file.file, ()))))
        for file in rulebook.files
    )


def pack(value: Any, known: dict[Any, Any] | None = None) -> Any:
    """Return *value* as lists, dicts, bytes and scalars.

    What is equal to something in *known*, or before it, is the same object: it is written once.
    """
    known = {} if known is None else known
    name = type(value).__name__
    if name in _CLASSES:
        made = _packed(name, value, known)
        try:
            return known.setdefault(made, made)
        except TypeError:  # (a dict or a list is in it)
            return made
    if isinstance(value, tuple | list):
        return type(value)(pack(one, known) for one in value)
    if isinstance(value, Mapping):
        return {key: pack(one, known) for key, one in value.items()}
    return value


def _packed(name: str, value: Any, known: dict[Any, Any]) -> Any:
    if name == "Policy" and not any("expires" in rule.settings for rule in value.rules):
        parts = [pack(getattr(value, one), known) for one in _NAMES[name] if one != "rules"]
        parts.insert(_RULES, marshal.dumps(tuple(pack(one) for one in value.rules)))
        return (_MARK, _LAZY, *parts)
    return (_MARK, name, *(pack(getattr(value, one), known) for one in _NAMES[name]))


def unpack(value: Any, made: dict[int, Any] | None = None) -> Any:
    """Return what was packed as *value*; the rules of policies when they are first asked for.

    What is the same object is made once.
    """
    kind = type(value)
    if kind in _SCALARS:
        return value
    made = {} if made is None else made
    if kind is tuple:
        if value[:1] != (_MARK,):
            return tuple([unpack(one, made) for one in value])
        known = made.get(id(value))
        if known is None:
            known = made[id(value)] = _made(value, made)
        return known
    if kind is list:
        return [unpack(one, made) for one in value]
    return {key: unpack(one, made) for key, one in value.items()}


def _made(value: tuple[Any, ...], made: dict[int, Any]) -> Any:
    parts = [one if type(one) in _SCALARS or not one else unpack(one, made) for one in value[2:]]
    if value[1] == _LAZY:
        parts[_RULES] = Packed(parts[_RULES], unpack)
        return Policy(*parts)
    return _CLASSES[value[1]](*parts)
