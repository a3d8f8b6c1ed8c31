"""What a refused call gives: a value, or what another function makes of the arguments."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from mlpolicy.core.report import say_once
from mlpolicy.core.verdict import Answer, Do, Verdict

if TYPE_CHECKING:
    from mlpolicy.core.block import Loom
    from mlpolicy.core.site import Site

Given = tuple[tuple[Any, ...], dict[str, Any]]
"""The arguments of a call, by position and by name."""
_IMMUTABLE = (str, int, float, bool, bytes, type(None))


def function_of(default: Any) -> str:
    """Return the function that a default in a policy file names, or nothing if it is a value."""
    if isinstance(default, dict) and len(default) == 1 and isinstance(default.get("call"), str):
        return str(default["call"])
    return ""


class Default:
    """Gives the default of one rule."""

    def __init__(self, default: Any, site: Site) -> None:
        self._value = default
        self._site = site
        self._copies = not isinstance(default, _IMMUTABLE)
        self._path = function_of(default)

    @property
    def calls(self) -> bool:
        """Whether a function makes the default."""
        return bool(self._path)

    def verdict(self, call: int, given: Given | None) -> Verdict:
        """Return the verdict that gives the default; None where its function is not there."""
        if self._site.function == "async_generator":
            text = f"{self._site.target}: an async generator cannot be given a default"
            say_once(f"validate:default:{self._site.target}", f"{text}; calls are refused instead")
            return None
        found = self._find() if self._path else None
        if self._path and found is None:
            return None
        if self._site.notes is not None:
            self._site.notes.add(call, "outcome", "fallback")
        if found is None:
            # A fresh copy each time: the caller may change what it is given.
            return Answer(copy.deepcopy(self._value) if self._copies else self._value)
        positional, named = given or ((), {})
        return Do(partial(found, *positional, **named))

    def _find(self) -> Any:
        try:
            found = self._site.resolve(self._path) if self._site.resolve else None
        except Exception as error:  # noqa: BLE001 (an import may raise anything)
            why = f"{type(error).__name__}: {error}"
            text = f"{self._site.target}: the default {self._path} cannot be imported ({why})"
            say_once(f"validate:default:{self._site.target}:{self._path}", text)
            return None
        return found if callable(found) else None

    def given(self, loom: Loom) -> str:
        """Return the expression of all arguments: a tuple, and a dict of those passed by name."""
        positional, named = "", ""
        for one in self._site.parameters:
            local = loom.arguments[one.name]
            match one.kind:
                case "var_positional":
                    positional += f"*{local}, "
                case "var_keyword":
                    named += f"**{local}, "
                case "keyword":
                    named += f"{one.name!r}: {local}, "
                case _:
                    positional += f"{local}, "
        return f"(({positional}), {{{named}}})"
