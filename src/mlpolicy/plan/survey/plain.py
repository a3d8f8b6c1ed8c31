"""What can be read off an expression without asking what its names stand for."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from mlpolicy.plan.survey.functions import full_name
from mlpolicy.plan.survey.module import Scope

_TAG = ("mlpolicy.tag", "mlpolicy.core.tags.tag")
_DISPLAYS = (
    ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp,
    ast.SetComp, ast.DictComp, ast.Compare,
)  # fmt: skip


def is_constant(what: object) -> bool:
    """Whether *what* is an expression whose value nobody can call; None may give way to more."""
    if isinstance(what, ast.UnaryOp):
        what = what.operand
    return isinstance(what, _DISPLAYS) and getattr(what, "value", ...) is not None


def tags_of(decorators: Sequence[ast.expr], scope: Scope) -> tuple[str, ...]:
    """Return the words that `@mlpolicy.tag("word")` among *decorators* puts on a function.

    They come in the order in which the decorators are run, the innermost first.
    """
    return tuple(
        word
        for one in reversed(decorators)
        if isinstance(one, ast.Call) and full_name(one.func, scope) in _TAG
        for word in map(text_of, one.args)
        if word is not None
    )


def text_of(node: ast.expr) -> str | None:
    """Return the text that *node* writes out; None where it is something else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def number_of(node: ast.expr | None) -> int | None:
    """Return the whole number that *node* writes out; None where it is something else."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
