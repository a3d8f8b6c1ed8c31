"""The texts under the fields of a class, which Python itself does not keep."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise


@cache
def docstrings(cls: type) -> dict[str, str]:
    """Return the text that stands under each field of *cls*, its bases' fields among them.

    Reading source takes milliseconds a class, so whoever only checks values must not ask.
    A class without source, as of an interactive session, has none of its own.
    """
    found: dict[str, str] = {}
    for base in reversed(cls.__bases__):
        found |= docstrings(base)
    return found | _own(cls)


def _own(cls: type) -> dict[str, str]:
    try:
        source = inspect.getsource(cls)
    except (OSError, TypeError):
        return {}
    (defined,) = ast.parse(inspect.cleandoc(f"\n{source}")).body
    assert isinstance(defined, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(defined.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
