"""Outer placement: an attribute is replaced, for what has no Python code to swap."""

from __future__ import annotations

import functools
import inspect
import sys
from types import FunctionType, MethodType
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.install.bare import is_a, names
from mlpolicy.install.seek import Found
from mlpolicy.install.shown import Shown, original_of, show
from mlpolicy.runtime.template import (
    ASYNC_GENERATOR,
    COROUTINE,
    GENERATOR,
    ITERABLE_COROUTINE,
)

_FLAVOURS = (staticmethod, classmethod)
_DEPTH = 8
_KINDS = COROUTINE | GENERATOR | ASYNC_GENERATOR | ITERABLE_COROUTINE


class NotWrappable(TypeError):
    """What stands under the name cannot be replaced or called."""


def stand_in(found: Found) -> tuple[FunctionType, Any]:
    """Return a function that stands for what was found, and what it is to call.

    Raises:
        NotWrappable: It is no callable, or it is a class.
    """
    original = _bare(found.raw)
    if is_a(original, type):
        raise NotWrappable(f"`{found.attribute}` is a class; name its `__init__` or a method")
    if not callable(original):
        raise NotWrappable(f"`{found.attribute}` is a {type(original).__name__}, not a function")
    return _forwarding(original), _constant(original)


def _bare(raw: Any) -> Any:
    return raw.__func__ if is_a(raw, *_FLAVOURS) else raw


def _constant(original: Any) -> Any:
    """Return *original* as a constant of a driver: those that cannot be hashed by their call."""
    try:
        hash(original)
    except Exception:  # noqa: BLE001 (code of the user's)
        return original.__call__
    return original


def _forwarding(original: Any) -> FunctionType:
    """Return a function with the signature of *original*, whose body is yet to be swapped in."""
    header, values = _header(original)
    flags = _flags(original)
    word = "async def" if flags & (COROUTINE | ASYNC_GENERATOR) else "def"
    body = "yield" if flags & (GENERATOR | ASYNC_GENERATOR) else "pass"
    names: dict[str, Any] = {"original": original}
    exec(f"{word} forward({header}): {body}", names)  # noqa: S102 (names of parameters only)
    forward: FunctionType = names["forward"]
    if flags & ITERABLE_COROUTINE:
        code = forward.__code__
        forward.__code__ = code.replace(co_flags=code.co_flags | ITERABLE_COROUTINE)
    functools.update_wrapper(forward, original, updated=())
    forward.__defaults__ = tuple(values[0]) or None
    forward.__kwdefaults__ = values[1] or None
    return forward


def _flags(called: Any) -> int:
    """Return what tells the kind of function that *called* ends in; 0 for a plain one."""
    for _ in range(_DEPTH):
        if inspect.iscoroutinefunction(called) or _is_marked(called):
            return COROUTINE
        if type(called) is FunctionType:
            return called.__code__.co_flags & _KINDS
        called = _next(called)
    return 0


def _is_marked(called: Any) -> bool:
    """Whether `asyncio` is told that *called* gives a coroutine, as Cython and Django do."""
    coroutines = sys.modules.get("asyncio.coroutines")
    mark = getattr(coroutines, "_is_coroutine", None)
    return mark is not None and getattr(called, "_is_coroutine", None) is mark


def _next(called: Any) -> Any:
    """Return what is called when *called*, which is no Python function, is."""
    if is_a(called, functools.partial):
        return called.func
    if is_a(called, MethodType):
        return called.__func__
    return getattr(type(called), "__call__", None)  # noqa: B004 (its code is asked for)


def _in_python(original: Any) -> bool:
    """Whether Python code takes the arguments."""
    for _ in range(_DEPTH):
        if type(original) is FunctionType:
            return True
        original = _next(original)
    return False


def _header(original: Any) -> tuple[str, tuple[list[Any], dict[str, Any]]]:
    try:
        parameters = list(inspect.signature(original).parameters.values())
    except (TypeError, ValueError):
        return "*args, **kwargs", ([], {})
    in_python = _in_python(original)
    if any(not _passes(one, in_python=in_python) for one in parameters):
        return "*args, **kwargs", ([], {})
    plain = inspect.Signature([_plain(one) for one in parameters])
    text = str(plain)[1:-1].replace("=None", "")
    positional = [p.default for p in parameters if p.kind <= p.POSITIONAL_OR_KEYWORD]
    keyword = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    return text, (
        [value for value in positional if value is not inspect.Parameter.empty],
        {name: value for name, value in keyword.items() if value is not inspect.Parameter.empty},
    )


def _passes(parameter: inspect.Parameter, *, in_python: bool) -> bool:
    """Whether the parameter can be passed on by name, given or not.

    To C code a default that is passed is not always what one left out is: a ufunc refuses
    `dtype=None` beside `signature=None`.
    """
    left_out = parameter.default is inspect.Parameter.empty
    return parameter.name.isidentifier() and (left_out or in_python)


def _plain(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(annotation=inspect.Parameter.empty, default=inspect.Parameter.empty)


@frozen()
class Replaced:
    """What was found, and what we put in its place."""

    found: Found
    ours: Any

    def restore(self) -> bool:
        """Put the original back; return False where somebody put another thing there since."""
        found = self.found
        if _standing(found.holder, found.attribute) is not self.ours:
            return False
        if found.inherited:
            delattr(found.holder, found.attribute)
        else:
            setattr(found.holder, found.attribute, found.raw)
        return True


def replace(found: Found, function: FunctionType, target: str) -> Replaced:
    """Put what calls *function* where the original stands.

    Raises:
        NotWrappable: The holder does not let its attributes be set.
    """
    plain = not function.__code__.co_flags & _KINDS and _in_python(_bare(found.raw))
    shown = show(_bare(found.raw), function, found=found, target=target, may_await=plain)
    ours = type(found.raw)(shown) if is_a(found.raw, *_FLAVOURS) else shown
    try:
        setattr(found.holder, found.attribute, ours)
    except (AttributeError, TypeError) as error:
        raise NotWrappable(str(error)) from error
    return Replaced(found, ours)


def behind_ours(found: Found) -> Found:
    """Return *found* as it was before a policy replaced it, if one did."""
    shown = _bare(found.raw)
    if not is_a(shown, Shown):
        return found
    before: Found = original_of(shown, "found")
    return Found(found.holder, found.attribute, before.raw, before.functions, before.inherited)


def _standing(holder: Any, attribute: str) -> Any:
    """Return what stands under *attribute*, no descriptor run where that can be helped."""
    own = names(holder)
    return own[attribute] if attribute in own else getattr(holder, attribute, None)
