"""A driver: the code that runs the steps around one function."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, Final

from mlpolicy.core.awaiting import Started, StartedAsync, items_of, start_async
from mlpolicy.core.frozen import frozen
from mlpolicy.core.site import GENERATORS, FunctionKind, Parameter, ParameterKind
from mlpolicy.core.step import Lines, Loom, Step, Weave, indented
from mlpolicy.core.target import LOCALS
from mlpolicy.core.world import REAL, World, is_below, is_ours
from mlpolicy.rules import INNERMOST, KINDS, STARTED, inside_out, rank

TWIN = "__mlpolicy_twin__"
"""The attribute by which a twin is told from functions of the user's."""
_MADE = itertools.count()


@frozen()
class Driver:
    """Generated code for one function, with the text it was compiled from."""

    target: str
    code: CodeType
    source: str
    steps: tuple[Step, ...]
    constants: dict[str, object]

    def close(self) -> None:
        """Let the steps go."""
        close(self.steps)


def close(steps: Iterable[Step]) -> None:
    """Let *steps* go, and what stands in for them."""
    for step in steps:
        for one in step.each():
            one.close()


def twin_of(function: FunctionType, code: CodeType | None = None) -> FunctionType:
    """Return a private function that runs the original code with the same globals and cells."""
    own, name = code or function.__code__, function.__name__
    twin = FunctionType(own, function.__globals__, name, None, function.__closure__)
    twin.__qualname__ = function.__qualname__
    twin.__module__ = function.__module__
    twin.__dict__[TWIN] = True
    return twin


def behind(function: FunctionType, code: CodeType) -> FunctionType | Birth:
    """Return what a driver on *function* calls to run *code*: a twin, or one born at each call.

    A twin has the cells and the globals of the function. The garbage collector does not look
    into code: where these lead back to a function that was made at run time, it would be kept.
    """
    # (by its globals: a function may say that it is of another module, as numpy's do)
    module = sys.modules.get(function.__globals__.get("__name__", ""))
    lasts = getattr(module, "__dict__", None) is function.__globals__
    if lasts and (function.__closure__ is None or LOCALS not in code.co_qualname):
        return twin_of(function, code)
    return Birth(code)


def from_code(
    code: CodeType,
    steps: Sequence[Step],
    *,
    target: str,
    twin: Any = None,
    world: World = REAL,
    closed: bool = False,
) -> Driver:
    """Return the driver for *code*.

    Without a *twin*, or with a `Birth` of one, it makes one at every call of it from its own globals
    and cells: such a driver can stand in a module's code before any function of it exists.
    *closed* lets a bug in a step fail the call, where it would stand aside.
    """
    form, free = shape(code), code.co_freevars
    loom = Loom(
        target,
        form.kind,
        parameters=form.names,
        reserved=free,
        world=world,
        numbered=any(asks(step, "numbers_calls") for step in steps),
    )
    loom.closed = closed
    if twin is not None and LOCALS in code.co_qualname:
        loom.home = f"{target} {next(_MADE)}"  # others bear its name, with state of their own
    birth = Birth(code) if twin is None else twin if isinstance(twin, Birth) else None
    if birth:  # the expression of a function with these cells, whose code takes its place
        name = f"(lambda: ({''.join(f'{cell}, ' for cell in birth.own.co_freevars)}))"
    else:
        name = loom.constant("twin", twin)
    if set(free) - {"__class__"}:
        loom.closure = f"{name}.__closure__"
    lines = body(form, steps, loom, twin=name)
    # mlpolicy itself may call the function, by this name or by its own.
    own = twin.__globals__.get("__name__") if isinstance(twin, FunctionType) else None
    if is_below(target.partition(":")[0]) or is_below(str(own)):
        loom.head[:0] = aside(form, loom, twin=name)
    named = code.co_name if code.co_name.isidentifier() else "driver"
    text = source(form, lines, loom, name=named)
    made = compiled(text, loom, code, birth)
    return Driver(target, made, MARKED.sub(r"\1", text), tuple(steps), loom.constants)


VARARGS, VARKEYWORDS = 0x04, 0x08
HAS_DOCSTRING = 0x4000000
"""Set from 3.14 on; before, a function without a docstring has None as its first constant."""
MOST_TEXTS = 4096
"""Texts whose code is remembered: functions of like parameters under like rules share it."""
COROUTINE, GENERATOR, ASYNC_GENERATOR, ITERABLE_COROUTINE = 0x80, 0x20, 0x200, 0x100


@frozen()
class Shape:
    """What kind of function a code object makes, and how it takes its arguments."""

    kind: FunctionKind
    parameters: tuple[Parameter, ...]
    """In the order of the signature."""

    @property
    def names(self) -> tuple[str, ...]:
        """All parameters, in the order of the code's locals: those with stars are last."""
        plain = [one.name for one in self.parameters if one.kind not in STARS]
        return (*plain, *(one.name for one in self.parameters if one.kind in STARS))

    def header(self) -> str:
        """The parameter list, without defaults: those stay with the function."""
        parts, before = list[str](), ""
        for one in self.parameters:
            if before == "positional_only" != one.kind:
                parts.append("/")
            if one.kind == "keyword" and before not in ("keyword", "var_positional"):
                parts.append("*")
            parts.append(STARS.get(one.kind, "") + one.name)
            before = one.kind
        return ", ".join([*parts, "/"] if before == "positional_only" else parts)

    def passed_on(self) -> str:
        """The arguments of a call that passes every parameter as it was taken."""
        spelt = {"keyword": "{0}={0}", "var_positional": "*{0}", "var_keyword": "**{0}"}
        return ", ".join(spelt.get(one.kind, "{0}").format(one.name) for one in self.parameters)


STARS: Final = {"var_positional": "*", "var_keyword": "**"}


def shape(code: CodeType) -> Shape:
    """Return how *code* is called."""
    counts = (code.co_posonlyargcount, code.co_argcount, code.co_kwonlyargcount)
    return formed(kind_of(code), code.co_varnames, counts, code.co_flags)


def formed(
    kind: FunctionKind, names: Iterable[str], counts: tuple[int, int, int], flags: int
) -> Shape:
    """Return the shape of code with such *names* of locals: *counts* are those of a code object."""
    only, positional, keyword = counts
    taken: list[tuple[ParameterKind, int]] = [
        ("positional_only", only),
        ("positional", positional - only),
        ("keyword", keyword),
        ("var_positional", flags & VARARGS and 1),
        ("var_keyword", flags & VARKEYWORDS and 1),
    ]
    kinds: Iterator[ParameterKind] = (of for of, count in taken for _ in range(count))
    made = [Parameter(name, of) for name, of in zip(names, kinds, strict=False)]
    return Shape(kind, tuple(sorted(made, key=lambda one: _IN_ORDER.index(one.kind))))


_IN_ORDER: Final = ("positional_only", "positional", "var_positional", "keyword", "var_keyword")


def kind_of(code: CodeType) -> FunctionKind:
    """Return which of the four kinds of function *code* makes."""
    if code.co_flags & COROUTINE:
        return "coroutine"
    if code.co_flags & ASYNC_GENERATOR:
        return "async_generator"
    return "generator" if code.co_flags & GENERATOR else "function"


def body(shape: Shape, steps: Sequence[Step], loom: Loom, *, twin: str) -> Lines:
    """Return the lines of the driver around the call of *twin*, woven from the inside out."""
    call = f"{twin}({shape.passed_on()})"
    woven = [(position, step, weave) for step in steps for position, weave in step.weaves().items()]
    woven.sort(key=lambda strand: inside_out(strand[0]))
    if shape.kind not in GENERATORS:
        lines = [f"{loom.result} = {'await ' if loom.asynchronous else ''}{call}"]
        return [*_around(lines, woven, loom), f"return {loom.result}"]
    return _generator(call, woven, loom)


def _generator(call: str, woven: list[tuple[str, Step, Weave]], loom: Loom) -> Lines:
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


def aside(shape: Shape, loom: Loom, *, twin: str) -> Lines:
    """Return the lines that call *twin* alone where mlpolicy itself is the caller."""
    call = f"{twin}({shape.passed_on()})"
    spelt = {"function": "{}", "coroutine": "await {}", "generator": "(yield from {})"}
    if shape.kind not in spelt:
        return []  # (of async generators mlpolicy calls none)
    ours = loom.constant("is_ours", is_ours)
    return [f"if {ours}():", f"    return {spelt[shape.kind].format(call)}"]


def _around(lines: Lines, woven: list[tuple[str, Step, Weave]], loom: Loom) -> Lines:
    for position, step, weave in woven:
        loom.step_kind = step.kind
        lines = _shared(lines, position, step, loom) if step.share else weave(lines, loom)
    return lines


def _shared(lines: Lines, position: str, step: Step, loom: Loom) -> Lines:
    """Return *step* around *lines* for the calls that it holds for, its stand-in for the others."""
    other = step.otherwise.weaves().get(position) if step.otherwise else None
    return [
        f"if {loom.held(step)}:",
        *indented(step.weaves()[position](lines, loom)),
        "else:",
        *indented(other(lines, loom) if other else lines),
    ]


def _given(loom: Loom) -> Lines:
    """Lines that start what a verdict gave in place of an async generator: an iterable."""
    started, given = loom.constant("Begun", StartedAsync), loom.constant("given", items_of)
    return [
        f"if {loom.result}.__class__ is not {started}:",
        f"    {loom.result} = await {loom.constant('start', start_async)}({given}({loom.result}))",
    ]


def _deliver(loom: Loom) -> Lines:
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


def source(shape: Shape, lines: Lines, loom: Loom, *, name: str) -> str:
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


def compiled(text: str, loom: Loom, original: CodeType, birth: Birth | None = None) -> CodeType:
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
