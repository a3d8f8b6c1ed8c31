"""Which of several bindings of a name holds when the module has been imported."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from mlpolicy.core.frozen import frozen
from mlpolicy.plan.survey.bindings import Binding, Deleted
from mlpolicy.plan.survey.functions import is_accessor, is_overload
from mlpolicy.plan.survey.module import Scope


@frozen()
class Holding:
    """The bindings that may hold, and what was read about the others."""

    bindings: tuple[Binding, ...]
    """More than one where branches differ; in the order of the source."""
    wrapped_by: tuple[ast.expr, ...] = ()
    replaced: Binding | None = None
    overload: bool = False


def holding(bindings: Sequence[Binding], scope: Scope) -> Holding:
    """Return which of *bindings*, all of one name in *scope*, may hold."""
    found = [one for one in bindings if not one.idle] or list(bindings)
    found = [one for one in found if not is_accessor(one)] or found
    real = [one for one in found if not is_overload(one, scope)]
    wrapping = [one for one in (real or found)[1:] if _wraps(one)]
    kept = [one for one in real or found if one not in wrapping]
    alive = [one for at, one in enumerate(kept) if not _replaced(one, kept[at + 1 :])]
    dead = [one for one in kept if one not in alive and _is_function(one)]
    return Holding(
        tuple(alive),
        tuple(one.what for one in reversed(wrapping) if isinstance(one.what, ast.expr)),
        dead[-1] if dead and not isinstance(alive[-1].what, Deleted) else None,
        overload=not real,
    )


def _replaced(one: Binding, later: Sequence[Binding]) -> bool:
    return any(other.follows(one) for other in later)


def _wraps(binding: Binding) -> bool:
    """Whether it is an assignment like `f = cache(f)`, which keeps what there was, wrapped."""
    return isinstance(binding.what, ast.Call) and any(
        isinstance(one, ast.Name) and one.id == binding.name for one in ast.walk(binding.what)
    )


def _is_function(binding: Binding) -> bool:
    return isinstance(binding.what, ast.FunctionDef | ast.AsyncFunctionDef)
