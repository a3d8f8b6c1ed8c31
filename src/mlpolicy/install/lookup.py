"""From a target's name to the function whose code belongs to it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from types import FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

from mlpolicy.core.classes import is_a, is_module, members, module_of, mro_of, name_of, wrapped
from mlpolicy.core.frozen import frozen
from mlpolicy.core.program import names_of
from mlpolicy.core.site import Facts
from mlpolicy.core.tags import ATTRIBUTE
from mlpolicy.core.target import LOCALS, Target
from mlpolicy.install import registry
from mlpolicy.install.outer import Shown, bare, original_of
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.runtime.driver import TWIN, shape

_DEPTH = 8


class NotFound(LookupError):
    """Nothing of that name; the message says where the path ends."""


@frozen()
class Found:
    """Where a target is: who holds it, under which attribute, and what stands there."""

    holder: Any
    attribute: str
    raw: Any
    functions: tuple[FunctionType, ...]
    """The Python functions to swap; empty where there is no Python code."""
    inherited: bool = False
    """Whether the holder only inherits the attribute."""


def find(module: ModuleType, qualname: str) -> Found:
    """Return where *qualname* of *module* is, as it was before a policy replaced it, if one did.

    Raises:
        NotFound: A part of the path does not exist.
    """
    if LOCALS in qualname:
        return Found(module, qualname, None, born(module, qualname))
    holder: Any = module
    *path, attribute = qualname.split(".")
    for part in path:
        raw, _ = _attribute(holder, part)
        if raw is _ABSENT:
            raise NotFound(f"`{_name(holder)}` has no `{part}`")
        holder = original_of(raw) if is_a(raw, Shown) else raw
    raw, inherited = _attribute(holder, attribute)
    if is_a(bare(raw), Shown):
        before: Found = original_of(bare(raw), "found")
        return Found(holder, attribute, before.raw, before.functions, before.inherited)
    absent, function = raw is _ABSENT, None
    if absent:
        raw, inherited = None, False
    else:
        function = function_behind(raw, module.__name__, qualname)
    # What is no function may keep those of that name out of sight.
    unseen = () if function or callable(raw) else born(module, qualname)
    if absent and not unseen:
        raise NotFound(f"`{_name(holder)}` has no function `{attribute}`")
    return Found(holder, attribute, raw, (function,) if function else unseen, inherited)


def look_up(target: Target) -> Found | None:
    """Return where *target* is; None where it is not there, or its module is not imported."""
    module = sys.modules.get(target.module)
    try:
        return find(module, target.qualname) if is_module(module) else None
    except NotFound:
        return None


def own_name(target: Target, found: Found) -> Target:
    """Return the path under which what was *found* at *target* is defined; *target* if that is it."""
    if LOCALS in target.qualname:
        return target
    if found.functions and not found.inherited:  # as almost always
        first = found.functions[0]
        if first.__code__.co_qualname == target.qualname and is_of(first, target.module):
            return target
    for own in _names(target, found):
        if "<" not in own.qualname and (own == target or _leads_to(own, found)):
            return own  # (no lambda, and not made at run time)
    return target


def _names(target: Target, found: Found) -> Iterator[Target]:
    """Yield the paths under which what was *found* at *target* may be defined.

    A function is known by where its code was written: `__module__` may name who hands it out.
    """
    if found.inherited:
        if is_a(found.holder, type):
            yield Target(module_of(found.holder), f"{name_of(found.holder)}.{found.attribute}")
        return
    modules: list[str] = []
    for function in chain(found.functions, reach(found.raw)) if len(found.functions) < 2 else ():
        name = str(function.__globals__.get("__name__"))
        modules.append(target.module if target.module in names_of(name) else name)
        yield Target(modules[-1], function.__code__.co_qualname)
    yield from (Target(module, target.qualname) for module in modules)


def _leads_to(target: Target, found: Found) -> bool:
    """Tell whether what was *found* is under *target* too."""
    there = look_up(target)
    if there is None:
        return False
    same = there.functions == found.functions and bool(found.functions)
    held = there.holder is found.holder and there.attribute == found.attribute
    alike = same or held or (there.raw is found.raw and found.raw is not None)
    return alike and there.inherited is found.inherited


def function_behind(raw: Any, module: str, qualname: str) -> FunctionType | None:
    """Return the function that *raw* is, or decorates, with the code that belongs to the name.

    A chain of decorators is followed to the function of that very name; where none bears it
    (a lambda, a closure bound to a name), what stands there is the function.
    """
    if _is_plain(raw):
        return raw  # type: ignore[no-any-return]  # (most are)
    reached = list(reach(raw))
    for function in reversed(reached):
        if is_of(function, module) and function.__code__.co_qualname == qualname:
            return function
    first = peel(raw)
    if type(first) is FunctionType:
        named = [function for function in reached if function.__qualname__ == qualname]
        return named[-1] if named else first
    return None


def is_of(function: FunctionType, module: str) -> bool:
    """Whether the code of *function* was written in *module*; its `__module__` may say anything."""
    name = function.__globals__.get("__name__")
    return type(name) is str and name == module


def _is_plain(raw: Any) -> bool:
    """Whether *raw* is a function that leads to no other one."""
    return type(raw) is FunctionType and raw.__closure__ is None and not raw.__dict__


def aliased(name: str) -> ModuleType | None:
    """Return the module that is known as *name*: by the import system, or as an attribute.

    None where there is none, or where it still runs.
    """
    parts, at = name.split("."), name.count(".") + 1
    while at > 1 and sys.modules.get(".".join(parts[:at])) is None:
        at -= 1
    module: Any = sys.modules.get(".".join(parts[:at]))
    for part in parts[at:]:
        module = members(module).get(part) if is_module(module) else None
    return module if is_module(module) and not is_running(module) else None


def is_running(module: ModuleType) -> bool:
    """Whether *module* is being imported at this moment."""
    return members(members(module).get("__spec__")).get("_initializing") is True


def dispatchers(raw: Any) -> list[Any]:
    """Return the singledispatch functions that *raw* is made of."""
    if _is_plain(raw):
        return []
    if is_a(raw, functools.singledispatchmethod):
        return [members(raw)["dispatcher"]]
    return [
        one
        for one in reach(raw)
        if type(one.__dict__.get("registry")) is MappingProxyType
        and type(one.__dict__.get("register")) is FunctionType
    ]


def born(module: ModuleType, qualname: str) -> tuple[FunctionType, ...]:
    """Return every living function of *module* whose code has that name."""
    return tuple(
        function
        for function in registry.living(members(module))
        if function.__code__.co_qualname == qualname and TWIN not in function.__dict__
    )


_ABSENT = object()


def _attribute(holder: Any, name: str) -> tuple[Any, bool]:
    """Return what stands under *name*, no descriptor run, and whether it is inherited."""
    own = members(holder)
    if name in own:
        return own[name], False
    if is_module(holder):
        return getattr(holder, name, _ABSENT), False  # (it may make its names when asked)
    above = mro_of(holder)[1:] if is_a(holder, type) else (type(holder),)
    found = (held[name] for cls in above if name in (held := members(cls)))
    return next(found, _ABSENT), True


def _name(holder: Any) -> str:
    if is_module(holder):
        return str(members(holder).get("__name__"))
    return str(name_of(holder if is_a(holder, type) else type(holder)))


_PEELS: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
    *(
        ((kind,), vars(kind)["__func__"].__get__)
        for kind in (staticmethod, classmethod, MethodType)
    ),
    ((property,), vars(property)["fget"].__get__),
    (
        (functools.cached_property, functools.singledispatchmethod, functools.partialmethod),
        lambda raw: members(raw).get("func"),
    ),
)
"""How to read what descriptors hold, of subclasses too."""
_partial = vars(functools.partial)["func"].__get__


def peel(raw: Any) -> Any:
    """Take the descriptors off *raw* that hold a function without decorating it."""
    for _ in range(_DEPTH):
        if type(raw) is FunctionType:
            return raw  # (as most are)
        hold = next((read for kinds, read in _PEELS if is_a(raw, *kinds)), None)
        if hold is None:
            return raw
        raw = hold(raw)
    return raw


def reach(raw: Any) -> Iterator[FunctionType]:
    """Yield the functions that *raw* is made of, from the outside in."""
    seen: set[int] = set()
    waiting = [(raw, 0)]
    while waiting:
        one, depth = waiting.pop(0)
        one = peel(one)
        if id(one) in seen or depth > _DEPTH:
            continue
        seen.add(id(one))
        if type(one) is FunctionType:
            yield one
        waiting += ((inner, depth + 1) for inner in _within(one))


def _within(one: Any) -> Iterator[Any]:
    """Yield what *one* may have wrapped: `__wrapped__`, closure cells, attributes."""
    if one is None or is_a(one, type, ModuleType):
        return
    state = members(one)
    yield from filter(_holds, state.values())
    if is_a(one, functools.partial):
        yield _partial(one)
    if "__wrapped__" in state:
        yield state["__wrapped__"]
    if type(one) is not FunctionType:
        yield from filter(_holds, wrapped(one))
        return
    for cell in one.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:
            continue
        if _holds(content):
            yield content


def _holds(value: Any) -> bool:
    return callable(value) and not is_a(value, type, ModuleType)


def planned(asked: Any, rulebook: Rulebook | None) -> Plan | None:
    """Return what holds for a function, or for the one under a path; None where nothing does.

    It is what policies say, over what the decorators of the function say.
    """
    from mlpolicy.plan.decorators import of_code, with_code  # (a start without decorators need not)

    target, functions = _asked(asked)
    blocks = next((held for function in functions if (held := registry.decorated(function))), {})
    if rulebook is None:
        return of_code(target, blocks)[0] if blocks else None
    names = [Target(name, target.qualname) for name in names_of(target.module)]
    if len(names) > 1:  # (of the program itself, the one that policies speak of)
        target = next((name for name in names if rulebook.plan(name) is not None), target)
    asks = bool(functions) and rulebook.asks(target)
    facts = facts_of(target, functions[0], functions) if asks else None
    plan = rulebook.plan(target, facts)
    if not blocks:
        return plan
    return with_code(plan, blocks, rulebook, facts)[0] if plan else of_code(target, blocks)[0]


def _asked(asked: Any) -> tuple[Target, tuple[FunctionType, ...]]:
    """Return the path of what is asked for, and its functions: those with our decorators first."""
    if not isinstance(asked, str):
        functions = sorted(reach(asked), key=lambda function: not registry.decorated(function))
        if not functions:
            kind = type(asked).__qualname__
            raise ValueError(f"a `{kind}` is not a function, nor the path of one")
        return target_of(functions[0]), tuple(functions)
    target = Target.parse(asked)
    found = look_up(target)
    return target, found.functions if found else ()


def target_of(function: FunctionType) -> Target:
    """Return the path of *function*."""
    return Target(function.__module__ or "__main__", function.__qualname__)


def facts_of(target: Target, raw: Any, functions: Iterable[FunctionType]) -> Facts:
    """Return the facts of the function under *target*: *raw* is what stands there."""
    functions = tuple(functions)
    decorators = partial(_decorators, target)
    if not functions:
        return Facts(tags=_tags(raw), decorators=decorators)
    form = shape(registry.own_of(functions[0]))
    tags = (tag for value in (raw, *reach(raw), *functions) for tag in _tags(value))
    return Facts(form.kind, form.names, tuple(dict.fromkeys(tags)), decorators=decorators)


def _tags(value: Any) -> tuple[str, ...]:
    tags = members(value).get(ATTRIBUTE)
    return tags if type(tags) is tuple else ()


def _decorators(target: Target) -> tuple[str, ...]:
    """Return the dotted names of the decorators, which only the source knows."""
    from mlpolicy.source import Defined, SourceTree, roots

    looked = SourceTree(roots(())).look_up(target)
    return looked.decorators if isinstance(looked, Defined) else ()
