"""Which of several things that branches give a name is the one to speak of."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mlpolicy.plan.survey.answer import Dynamic
from mlpolicy.plan.survey.holding import Holding
from mlpolicy.plan.survey.module import Scope
from mlpolicy.plan.survey.things import (
    Bound,
    Class,
    Function,
    Gap,
    Generated,
    History,
    Thing,
    Value,
)


def choose(things: Sequence[Thing], held: Holding, scope: Scope) -> Thing:
    """Return the likeliest of *things*, which all bear one name in *scope*; the others with it."""
    chosen = max(reversed(things), key=lambda one: _likelihood(one, scope))
    rivals = tuple(one for one in things if one is not chosen and not _is_nothing(one))
    if not isinstance(chosen, Function | Class | Value):
        return chosen
    if chosen.scope is scope:
        return replace(
            chosen, history=History(held.wrapped_by, held.replaced, rivals, held.overload)
        )
    return with_rivals(chosen, rivals)


def with_rivals(chosen: Bound, rivals: Iterable[Thing]) -> Bound:
    """Return *chosen* with further things that may stand in its place."""
    history = replace(chosen.history, rivals=(*chosen.history.rivals, *rivals))
    return replace(chosen, history=history)


def _likelihood(thing: Thing, scope: Scope) -> int:
    """Return how much *thing* says: a function of the module itself most, a failed import least."""
    match thing:
        case Function() | Class():
            return 4 if thing.scope is scope else 3
        case Generated():
            return 3
        case Gap(answer=answer):
            return 2 if isinstance(answer, Dynamic) else 0
        case Value():
            return 0 if _is_nothing(thing) else 1
    return 2


def _is_nothing(thing: Thing) -> bool:
    """Whether it only says that something is not there, as `f = None` does."""
    return isinstance(thing, Value) and isinstance(thing.binding.what, ast.Constant)
