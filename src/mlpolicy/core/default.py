"""What a refused call gives: a value, or what another function makes of the arguments."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from mlpolicy.core.report import interrupts, say_once
from mlpolicy.core.step import Answer, Do, Verdict
from mlpolicy.core.target import function_of

if TYPE_CHECKING:
    from mlpolicy.core.site import Site
    from mlpolicy.core.step import Loom

Given = tuple[tuple[Any, ...], dict[str, Any]]
"""The arguments of a call, by position and by name."""
_IMMUTABLE = (str, int, float, bool, bytes, type(None))


class Default:
    """Gives the default of a rule of *kind*: a value, or what the function that it names gives.

    With *of_items* a generator hands out the items of the default; else it just ends.
    """

    def __init__(self, default: Any, site: Site, *, kind: str, of_items: bool) -> None:
        self._value = default
        self._site = site
        self._kind = kind
        self._of_items = of_items and site.function == "generator"
        self._copies = not isinstance(default, _IMMUTABLE)
        self._path = function_of(default)

    def verdict(self, call: int, given: Given | None) -> Verdict:
        """Return the verdict that gives the default to that *call*; None where none can be had."""
        if self._site.function == "async_generator":
            self._tell("an async generator cannot be given a default")
            return None
        found = self._call(*(given or ((), {}))) if self._path else self._answer()
        if found is not None and self._site.notes is not None:
            self._site.notes.add(call, "outcome", "fallback")
        return found

    def _answer(self) -> Answer | None:
        if self._of_items and not hasattr(self._value, "__iter__"):
            self._tell(f"the default {self._value!r} has no items for a generator to give")
            return None
        try:
            # A fresh copy each time: the caller may change what it is given.
            return Answer(copy.deepcopy(self._value) if self._copies else self._value)
        except Exception as error:
            if interrupts(error):
                raise
            kind = type(self._value).__qualname__
            self._tell(f"the default, a {kind}, cannot be copied for each call")
            return None

    def _call(self, positional: tuple[Any, ...], named: dict[str, Any]) -> Do | None:
        try:
            found = self._site.resolve(self._path) if self._site.resolve else None
        except Exception as error:  # (an import may raise anything)
            if interrupts(error):
                raise
            why = f"{type(error).__name__}: {error}"
            self._tell(f"the default {self._path} cannot be imported ({why})")
            return None
        if not callable(found):
            self._tell(f"the default {self._path} is no function")
            return None
        return Do(partial(found, *positional, **named))

    def _tell(self, why: str) -> None:
        key = f"{self._kind}:default:{self._site.target}"
        say_once(key, f"{self._site.target}: {self._site.hide(why)}; calls are refused instead")

    def given(self, loom: Loom) -> str:
        """Return the expression of all arguments, `None` where no function needs them."""
        return given(self._site, loom) if self._path else "None"


def given(site: Site, loom: Loom) -> str:
    """Return the expression of all arguments of a call: a tuple and a dict, in a tuple."""
    positional, named = "", ""
    for one in site.parameters:
        local = loom.arguments[one.name]
        if one.kind == "keyword":
            named += f"{one.name!r}: {local}, "
        elif one.kind == "var_keyword":
            named += f"**{local}, "
        else:
            positional += f"{'*' if one.kind == 'var_positional' else ''}{local}, "
    return f"(({positional}), {{{named}}})"
