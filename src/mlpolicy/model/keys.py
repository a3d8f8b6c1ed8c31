"""The keys that the language has in a block, by the path to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydantic import BaseModel

from mlpolicy.model.check import is_table, models_in
from mlpolicy.model.grammar import PolicyBlock, ProfileBlock, RuleCommon, SettingsBlock
from mlpolicy.rules import KINDS

_BODIES: dict[str, type[BaseModel]] = {"policies": PolicyBlock, "profiles": ProfileBlock}


def keys_at(path: Sequence[str]) -> Collection[str] | None:
    """Return the keys of the block at *path* of a file; None where they are the author's own."""
    section, *rest = path or ("",)
    if section == "settings":
        return _keys_in(SettingsBlock, rest)
    if section == "defaults":
        return _in_rules(("mode", *KINDS), rest)
    if section in _BODIES and rest:
        return _in_rules((*_BODIES[section].model_fields, *KINDS), rest[1:], _BODIES[section])
    return () if section == "resources" and rest else None


def _in_rules(
    known: Collection[str], rest: Sequence[str], block: type[BaseModel] | None = None
) -> Collection[str] | None:
    """Return the keys at *rest* of a block that has *known* ones: those of a rule, or of another."""
    if not rest:
        return known
    kind, *inner = rest
    if kind not in KINDS:
        return _keys_in(block, rest) if block else None
    own = KINDS[kind].rule_model()
    if not inner:
        return (*own.model_fields, *RuleCommon.model_fields)
    return _keys_in(own if inner[0] in own.model_fields else RuleCommon, inner)


def _keys_in(model: type[BaseModel], rest: Sequence[str]) -> Collection[str] | None:
    """Return the keys of the block at *rest* of *model*."""
    rest = list(rest)
    while rest:
        field = model.model_fields.get(rest.pop(0))
        inner = next(iter(models_in(field.annotation)), None) if field else None
        if field is None or inner is None:
            return None
        model = inner
        if is_table(field.annotation):
            if not rest:
                return None
            rest.pop(0)
    return tuple(model.model_fields)
