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


class Default:
    """Gives the default of one rule."""

    def __init__(self, default: Any, site: Site) -> None:
        self._value = default
        self._site = site
        self._copies = not isinstance(default, _IMMUTABLE)
        self._path = ""
        if isinstance(default, dict) and set(default) == {"call"}:
            self._path = str(default["call"])

    def verdict(self, given: Given | None) -> Verdict:
        """Return the verdict that gives the default; None where there is none to be had."""
        if self._site.function == "async_generator":
            self._tell("an async generator cannot be given a default")
            return None
        if not self._path:
            return self._answer()
        return self._call(*(given or ((), {})))

    def _answer(self) -> Answer | None:
        if self._site.function == "generator" and not hasattr(self._value, "__iter__"):
            self._tell(f"the default {self._value!r} has no items for a generator to give")
            return None
        # A fresh copy each time: the caller may change what it is given.
        return Answer(copy.deepcopy(self._value) if self._copies else self._value)

    def _call(self, positional: tuple[Any, ...], named: dict[str, Any]) -> Do | None:
        try:
            found = self._site.resolve(self._path) if self._site.resolve else None
        except Exception as error:  # noqa: BLE001 (an import may raise anything)
            why = f"{type(error).__name__}: {error}"
            self._tell(f"the default {self._path} cannot be imported ({why})")
            return None
        if not callable(found):
            self._tell(f"the default {self._path} is no function")
            return None
        return Do(partial(found, *positional, **named))

    def _tell(self, why: str) -> None:
        key = f"memory:default:{self._site.target}"
        say_once(key, f"{self._site.target}: {why}; calls are refused instead")

    def given(self, loom: Loom) -> str:
        """Return the expression of all arguments, `None` where no function needs them."""
        if not self._path:
            return "None"
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
