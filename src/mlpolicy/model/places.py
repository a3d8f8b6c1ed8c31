"""Where a key belongs that is found where it is not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from pydantic import BaseModel

from mlpolicy.core.lazily import Lazily
from mlpolicy.model.check import models_in
from mlpolicy.model.grammar import (
    FileBlock,
    MatchBlock,
    PolicyBlock,
    RolloutBlock,
    RuleCommon,
    SettingsBlock,
)
from mlpolicy.rules import KINDS


def elsewhere() -> Mapping[str, str]:
    """Return where the settings of rules belong, for those found where no rule is.

    It is told once somebody asks: it takes the models of all kinds.
    """
    return Lazily(lambda: _elsewhere(tuple(KINDS)))


@cache
def _elsewhere(kinds: tuple[str, ...]) -> dict[str, str]:
    rules: dict[str, type[BaseModel]] = {name: KINDS[name].rule_model() for name in kinds}
    others: dict[str, type[BaseModel]] = {
        "rollout": RolloutBlock,
        "match": MatchBlock,
        "settings": SettingsBlock,
    }
    near = {name: ["each rule"] for name in RuleCommon.model_fields}
    deep: dict[str, list[str]] = {}
    for name, model in (rules | others).items():
        for setting, path in _settings(model, (name,)):
            found = near if len(path) == 1 and name in rules else deep
            found.setdefault(setting, []).append(f"`{'.'.join(path)}`")
    return {setting: " or ".join(paths[:3]) for setting, paths in (deep | near).items()}


def _settings(
    model: type[BaseModel], path: tuple[str, ...], above: tuple[type[BaseModel], ...] = ()
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each setting of *model* with the path of its block, those of inner blocks too."""
    for name, of in model.model_fields.items():
        yield name, path
        for inner in models_in(of.annotation):
            if inner not in above:
                yield from _settings(inner, (*path, name), (*above, inner))


def _of_policy(where: str) -> dict[str, str]:
    known = (*PolicyBlock.model_fields, *KINDS)
    return {key: where for key in known if key not in RuleCommon.model_fields}


_OF_FILE = dict.fromkeys(FileBlock.model_fields, "the file itself")
IN_RULE: Mapping[str, str] = Lazily(lambda: {**elsewhere(), **_of_policy("the policy itself")})
"""For a key in a rule."""
IN_POLICY: Mapping[str, str] = Lazily(lambda: {**IN_RULE, **_OF_FILE})
"""For a key in a policy, or in its selector."""
BESIDE_POLICY: Mapping[str, str] = Lazily(
    lambda: {**_of_policy("a policy"), **elsewhere(), **_OF_FILE}
)
"""For a key in what policies share: `profiles`, `defaults`."""
