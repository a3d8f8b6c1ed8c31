"""A stub stands on a function until its first call, which weaves the driver.

A program that imports a thousand governed functions calls few of them: those alone cost what
a driver costs. Stubs of one signature differ in names and constants, and are compiled once.
"""

from __future__ import annotations

from functools import cache
from operator import is_
from types import CodeType, FunctionType
from typing import Any
from weakref import ref

from mlpolicy.core.live import Live
from mlpolicy.runtime.template import (
    ASYNC_GENERATOR,
    COROUTINE,
    GENERATOR,
    VARARGS,
    VARKEYWORDS,
    Shape,
    code_of,
    dressed,
    mark,
)

_TELLING = VARARGS | VARKEYWORDS | COROUTINE | GENERATOR | ASYNC_GENERATOR
"""Flags that tell how a function is called."""


class Stub(Live):
    """What the code of a stub calls: it gives the function to call instead."""

    __slots__ = ("_weaver", "elsewhere", "own", "placed", "reference")

    def __init__(
        self,
        own: CodeType,
        weaver: Any,
        *,
        placed: Any = None,
        function: ref[FunctionType] | None = None,
    ) -> None:
        self.own = own
        self.placed = placed
        """What *weaver* knows of the function."""
        self._weaver = weaver
        """Puts the driver on a function at the first call; None where no policy is in force."""
        self.reference = function
        self.elsewhere: CodeType | None = None
        """The code of a driver for other functions that carry the stub, once there was one."""

    @classmethod
    def idle(cls) -> Stub:
        """Return one that gives the original, where the policy is not in force."""
        return cls(cls.code.__code__, None)  # (it is told whose original it is to give)

    def __call__(self, own: CodeType, witness: FunctionType) -> FunctionType:
        """Return what to call for a function of the code *own*, with the globals and cells of *witness*."""
        if self._weaver is None:
            return made_from(own, witness)
        function = self.function()
        if function is None or not _alike(function, witness):
            return made_from(self._weaver.born(self), witness)
        self._weaver.weave(self, function)
        return made_from(own, witness) if self.is_in(function.__code__) else function

    def code(self) -> CodeType:
        """Return code that calls it, with the signature of the function's own, for which it stands."""
        own = self.own
        positional, keyword = own.co_argcount, own.co_kwonlyargcount
        counts = (own.co_posonlyargcount, positional, keyword, len(own.co_freevars))
        template = _template(counts, own.co_flags & _TELLING)
        names = own.co_varnames[: template.co_nlocals]
        values: dict[str, object] = {mark("stub"): self, mark("own"): own}
        for at in range(keyword):
            values[f"keyword{at}"] = names[positional + at]
        return dressed(template, own, values, co_varnames=names)

    def is_in(self, code: CodeType) -> bool:
        """Whether *code* calls it."""
        return any(constant is self for constant in code.co_consts)

    def function(self) -> FunctionType | None:
        """The function that it stands on, if it is known and alive."""
        return self.reference() if self.reference is not None else None


def made_from(code: CodeType, witness: FunctionType) -> FunctionType:
    """Return a function of that *code* with the globals and cells of *witness*."""
    return FunctionType(code, witness.__globals__, code.co_name, None, witness.__closure__)


def _alike(function: FunctionType, witness: FunctionType) -> bool:
    """Whether both have the same globals and the same cells: a copy of a function may not."""
    cells = map(is_, function.__closure__ or (), witness.__closure__ or ())
    return function.__globals__ is witness.__globals__ and all(cells)


@cache
def _template(counts: tuple[int, int, int, int], flags: int) -> CodeType:
    """Return the code of a stub with marks for its constants, and names by number."""
    only, positional, keyword, cells = counts
    names = [f"positional{at}" for at in range(positional)]
    form = Shape(
        "function",
        positional_only=tuple(names[:only]),
        positional=tuple(names[only:]),
        var_positional="others" if flags & VARARGS else None,
        keyword=tuple(f"keyword{at}" for at in range(keyword)),
        var_keyword="named" if flags & VARKEYWORDS else None,
    )
    free = tuple(f"free{at:05}" for at in range(cells))  # (the compiler sorts them)
    witness = f"lambda: ({''.join(f'{name}, ' for name in free)})"
    call = f"\x02stub\x03(\x02own\x03, {witness})({form.passed_on()})"
    word, given = ("async def", f"await {call}") if flags & COROUTINE else ("def", call)
    if flags & GENERATOR:
        given = f"(yield from {call})"
    text = f"{word} stub({form.header()}):\n    return {given}"
    return code_of(text, free=free)
