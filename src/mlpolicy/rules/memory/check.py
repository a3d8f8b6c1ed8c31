"""What may be wrong with the meaning of a memory rule, seen from the rule alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from mlpolicy.core.quantity import oddest
from mlpolicy.rules.memory.levels import ORDER

if TYPE_CHECKING:
    from mlpolicy.rules.memory.rule import MemoryRule

_SHORTEST_INTERVAL = 1.0


def check(rule: MemoryRule) -> Iterator[tuple[str, str, str]]:
    """Yield (code, field, message) for each doubt about *rule*."""
    # Those that are not written find a place between the others, if there is one.
    written = [name for name in ORDER if name in rule.model_fields_set]
    for lower, upper in pairwise(written):
        low, high = getattr(rule, lower), getattr(rule, upper)
        if low > high:
            text = f"`{upper}` of {high} is below `{lower}`, {low}"
            yield "MP801", oddest(rule, high=[lower], low=[upper]), text
    given, on_pressure = "default" in rule.model_fields_set, rule.on_pressure
    if on_pressure == "default" and not given:
        yield "MP011", "on_pressure", "`memory` needs `default`, which refused calls are to get"
    if given and on_pressure != "default":
        text = f"a `default` is given with `on_pressure: default` alone, this is `{on_pressure}`"
        yield "MP010", "default", text
    if rule.relieve and rule.relieve_interval < _SHORTEST_INTERVAL:
        text = f"relief every {rule.relieve_interval} stops the process again and again"
        yield "MP804", "relieve_interval", f"{text}: 1s or more is expected"
