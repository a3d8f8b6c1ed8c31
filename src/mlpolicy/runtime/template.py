"""The one template: woven lines become the source, and the source the code, of a driver.

It alone knows `await`, `yield from` and how an async generator is delegated to.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Sequence
from functools import lru_cache
from types import CodeType
from typing import Any, Final

from mlpolicy.core.block import Lines, indented
from mlpolicy.core.frozen import frozen
from mlpolicy.core.inside import is_ours
from mlpolicy.core.site import GENERATORS, FunctionKind
from mlpolicy.core.step import Step, Weave
from mlpolicy.rules import INNERMOST, KINDS, STARTED, inside_out, rank
from mlpolicy.runtime.awaiting import Started, StartedAsync, items_of, start_async
from mlpolicy.runtime.loom import Weaver

VARARGS, VARKEYWORDS = 0x04, 0x08
HAS_DOCSTRING = 0x4000000
"""Set from 3.14 on; before, a function without a docstring has None as its first constant."""
MOST_TEXTS = 4096
"""Texts whose code is remembered: functions of like parameters under like rules share it."""
COROUTINE, GENERATOR, ASYNC_GENERATOR, ITERABLE_COROUTINE = 0x80, 0x20, 0x200, 0x100


@frozen()
class Shape:
    """How a code object takes its arguments, and what kind of function it makes."""

    kind: FunctionKind
    positional_only: tuple[str, ...]
    positional: tuple[str, ...]
    var_positional: str | None
    keyword: tuple[str, ...]
    var_keyword: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """All parameters, in the order of the code's locals."""
        stars = (self.var_positional, self.var_keyword)
        named = (*self.positional_only, *self.positional, *self.keyword)
        return (*named, *(star for star in stars if star))

    def header(self) -> str:
        """The parameter list, without defaults: those stay with the function."""
        parts = [*self.positional_only, "/"] if self.positional_only else []
        parts += self.positional
        if self.var_positional:
            parts.append(f"*{self.var_positional}")
        elif self.keyword:
            parts.append("*")
        parts += self.keyword
        if self.var_keyword:
            parts.append(f"**{self.var_keyword}")
        return ", ".join(parts)

    def passed_on(self) -> str:
        """The arguments of a call that passes every parameter as it was taken."""
        parts = [*self.positional_only, *self.positional]
        if self.var_positional:
            parts.append(f"*{self.var_positional}")
        parts += (f"{name}={name}" for name in self.keyword)
        if self.var_keyword:
            parts.append(f"**{self.var_keyword}")
        return ", ".join(parts)


def shape(code: CodeType) -> Shape:
    """Return how *code* is called."""
    names = iter(code.co_varnames)
    positional = tuple(itertools.islice(names, code.co_argcount))
    keyword = tuple(itertools.islice(names, code.co_kwonlyargcount))
    split = code.co_posonlyargcount
    return Shape(
        kind=kind_of(code),
        positional_only=positional[:split],
        positional=positional[split:],
        var_positional=next(names) if code.co_flags & VARARGS else None,
        keyword=keyword,
        var_keyword=next(names) if code.co_flags & VARKEYWORDS else None,
    )


def kind_of(code: CodeType) -> FunctionKind:
    """Return which of the four kinds of function *code* makes."""
    if code.co_flags & COROUTINE:
        return "coroutine"
    if code.co_flags & ASYNC_GENERATOR:
        return "async_generator"
    return "generator" if code.co_flags & GENERATOR else "function"


def body(shape: Shape, steps: Sequence[Step], loom: Weaver, *, twin: str) -> Lines:
    """Return the lines of the driver around the call of *twin*, woven from the inside out."""
    call = f"{twin}({shape.passed_on()})"
    woven = [(position, step, weave) for step in steps for position, weave in step.weaves().items()]
    woven.sort(key=lambda strand: inside_out(strand[0]))
    if shape.kind not in GENERATORS:
        lines = [f"{loom.result} = {'await ' if loom.asynchronous else ''}{call}"]
        return [*_around(lines, woven, loom), f"return {loom.result}"]
    return _generator(call, woven, loom)


def _generator(call: str, woven: list[tuple[str, Step, Weave]], loom: Weaver) -> Lines:
    # A generator is retried until it has handed out its first item.
    woven = [one for one in woven if one[0] != INNERMOST and not asks(one[1], "keeps_results")]
    started = [strand for strand in woven if rank(strand[0]) >= rank(STARTED)]
    whole = [strand for strand in woven if rank(strand[0]) < rank(STARTED)]
    if loom.kind == "generator":
        lines = [f"{loom.result} = {loom.constant('Started', Started)}({call})"]
        lines = [*_around(lines, started, loom), f"{loom.result} = yield from {loom.result}"]
        return [*_around(lines, whole, loom), f"return {loom.result}"]
    lines = [f"{loom.result} = await {loom.constant('start', start_async)}({call})"]
    lines = [*_around(lines, started, loom), *(_given(loom) if started else []), *_deliver(loom)]
    return _around(lines, whole, loom)


def asks(step: Step, trait: str) -> bool:
    """Whether the kind of *step* has a *trait*, such as `numbers_calls`."""
    return step.kind in KINDS and bool(getattr(KINDS[step.kind], trait))


def aside(shape: Shape, loom: Weaver, *, twin: str) -> Lines:
    """Return the lines that call *twin* alone where mlpolicy itself is the caller."""
    call = f"{twin}({shape.passed_on()})"
    spelt = {"function": "{}", "coroutine": "await {}", "generator": "(yield from {})"}
    if shape.kind not in spelt:
        return []  # (of async generators mlpolicy calls none)
    ours = loom.constant("is_ours", is_ours)
    return [f"if {ours}():", f"    return {spelt[shape.kind].format(call)}"]


def _around(lines: Lines, woven: list[tuple[str, Step, Weave]], loom: Weaver) -> Lines:
    for position, step, weave in woven:
        loom.step_kind = step.kind
        lines = _shared(lines, position, step, loom) if step.share else weave(lines, loom)
    return lines


def _shared(lines: Lines, position: str, step: Step, loom: Weaver) -> Lines:
    """Return *step* around *lines* for the calls that it holds for, its stand-in for the others."""
    other = step.otherwise.weaves().get(position) if step.otherwise else None
    return [
        f"if {loom.held(step)}:",
        *indented(step.weaves()[position](lines, loom)),
        "else:",
        *indented(other(lines, loom) if other else lines),
    ]


def _given(loom: Weaver) -> Lines:
    """Lines that start what a verdict gave in place of an async generator: an iterable."""
    started, given = loom.constant("Begun", StartedAsync), loom.constant("given", items_of)
    return [
        f"if {loom.result}.__class__ is not {started}:",
        f"    {loom.result} = await {loom.constant('start', start_async)}({given}({loom.result}))",
    ]


def _deliver(loom: Weaver) -> Lines:
    """Lines that hand out what the started async generator in `loom.result` gives."""
    inner, item, sent = loom.local("inner"), loom.local("item"), loom.local("sent")
    error = loom.local("error")
    names = {
        "closed": loom.constant("GeneratorExit", GeneratorExit),
        "failed": loom.constant("BaseException", BaseException),
        "ended": loom.constant("StopAsyncIteration", StopAsyncIteration),
    }
    return [
        f"if not {loom.result}.ended:",
        f"    {inner} = {loom.result}.generator",
        f"    {item} = {loom.result}.first",
        f"    {loom.result} = None",
        "    try:",
        "        while True:",
        "            try:",
        f"                {sent} = yield {item}",
        f"            except {names['closed']}:",
        f"                await {inner}.aclose()",
        "                raise",
        f"            except {names['failed']} as {error}:",
        f"                {item} = await {inner}.athrow({error})",
        "            else:",
        f"                {item} = await {inner}.asend({sent})",
        f"    except {names['ended']}:",
        "        pass",
    ]


def source(shape: Shape, lines: Lines, loom: Weaver, *, name: str) -> str:
    """Return the text of the driver."""
    head = f"{'async def' if loom.asynchronous else 'def'} {name}({shape.header()}):"
    return "\n".join([head, *indented([*loom.opening(), *lines]), ""])


@frozen()
class Birth:
    """What a driver calls where no twin lasts: a function of this code, made at the call."""

    own: CodeType


@lru_cache(maxsize=MOST_TEXTS)
def code_of(text: str, *, free: tuple[str, ...]) -> CodeType:
    """Return the code of the function that *text* defines, with marks for its constants.

    A constant stands in the text as `MARKED` writes it. It is compiled as `mark if True else
    None`: the compiler reduces that to the mark alone, without folding it or warning that a
    string is called.
    """
    marked = MARKED.sub(lambda found: f"({mark(found[1])!r} if True else None)", text)
    head, *lines = marked.splitlines()
    lines.insert(0, f"    {DOCUMENT!r}")  # functions made from the code take it over
    if free:  # they are owned by a function around it
        names = ", ".join(free)
        mention = f"    if 0: ({names},)"
        owned = f"{' = '.join(free)} = None"
        head, lines = "def owner():", indented([owned, head, *lines, mention])
    code = _only(compile("\n".join([head, *lines]), "<mlpolicy>", "exec", dont_inherit=True))
    code = _only(code) if free else code
    return code.replace(co_linetable=_first_line_alone(len(code.co_code) // 2))


def compiled(text: str, loom: Weaver, original: CodeType, birth: Birth | None = None) -> CodeType:
    """Compile *text* as code that stands in for *original*: same name, place, free variables.

    The code of *birth* takes the place of that of the function that *text* makes; the birth itself
    is the last constant, by which the code is known later.
    """
    code = code_of(text, free=original.co_freevars)
    made = dressed(code, original, {mark(name): held for name, held in loom.constants.items()})
    if birth is None:
        return made
    constants: list[object] = []
    for constant in made.co_consts:
        if isinstance(constant, CodeType) and constant.co_freevars != birth.own.co_freevars:
            raise TypeError("its free variables are not in the order of the compiler")
        constants.append(birth.own if isinstance(constant, CodeType) else constant)
    return made.replace(co_consts=(*constants, birth))


def dressed(code: CodeType, original: CodeType, values: dict[str, object], **more: Any) -> CodeType:
    """Return *code* with *values* where their marks are, and the name and place of *original*."""
    first = original.co_consts[0] if original.co_consts else None
    has_docstring = sys.version_info < (3, 14) or original.co_flags & HAS_DOCSTRING
    values[DOCUMENT] = first if has_docstring and isinstance(first, str) else None
    own_flags = original.co_flags & (ITERABLE_COROUTINE | HAS_DOCSTRING)
    return code.replace(
        **more,
        co_consts=tuple(_value(constant, values) for constant in code.co_consts),
        co_freevars=original.co_freevars,
        co_name=original.co_name,
        co_qualname=original.co_qualname,
        co_filename=original.co_filename,
        co_firstlineno=original.co_firstlineno,
        co_flags=code.co_flags & ~HAS_DOCSTRING | own_flags,
    )


def mark(name: str) -> str:
    """Return the string that stands for the constant *name* until the code is dressed.

    No text of the user's is one: a docstring may be any string, but hardly this.
    """
    return f"\0mlpolicy {name}\0"


MARKED: Final = re.compile("\x02(\\w+)\x03")
DOCUMENT: Final = mark("its docstring")


def _first_line_alone(units: int) -> bytes:
    """Return a line table that has *units* of code on the first line, and no columns.

    An entry is a byte of its kind (13, without columns) and of how many units it is for, up to
    eight, and a byte of how many lines it is further.
    """
    whole, rest = divmod(units, 8)
    return b"\xef\0" * whole + (bytes([0xE8 + rest - 1, 0]) if rest else b"")


def _only(code: CodeType) -> CodeType:
    """Return the one function that *code* makes."""
    return next(constant for constant in code.co_consts if isinstance(constant, CodeType))


def _value(constant: object, values: dict[str, object]) -> object:
    if isinstance(constant, str):
        return values.get(constant, constant)
    if isinstance(constant, tuple):
        return tuple(_value(item, values) for item in constant)
    return constant
