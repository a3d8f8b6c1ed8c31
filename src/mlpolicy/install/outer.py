"""Outer placement: an attribute is replaced, for what has no Python code to swap."""

from __future__ import annotations

import functools
import gc
import inspect
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.install.seek import Found

_FLAVOURS = (staticmethod, classmethod)


class NotWrappable(TypeError):
    """What stands under the name cannot be replaced or called."""


def stand_in(found: Found) -> tuple[FunctionType, Any]:
    """Return a function that stands for what was found, and what it is to call.

    Raises:
        NotWrappable: It is no callable, or it is a class.
    """
    original = found.raw.__func__ if isinstance(found.raw, _FLAVOURS) else found.raw
    if isinstance(original, type):
        raise NotWrappable(f"`{found.attribute}` is a class; name its `__init__` or a method")
    if not callable(original):
        raise NotWrappable(f"`{found.attribute}` is a {type(original).__name__}, not a function")
    return _forwarding(original), _constant(original)


def _constant(original: Any) -> Any:
    """Return *original* as a constant of a driver: those that cannot be hashed by their call."""
    try:
        hash(original)
    except TypeError:
        return original.__call__
    return original


def _forwarding(original: Any) -> FunctionType:
    """Return a function with the signature of *original*, whose body is yet to be swapped in."""
    header, values = _header(original)
    word = "async def" if inspect.iscoroutinefunction(original) else "def"
    names: dict[str, Any] = {"original": original}
    exec(f"{word} forward({header}): pass", names)  # noqa: S102 (names of parameters only)
    forward: FunctionType = names["forward"]
    functools.update_wrapper(forward, original, updated=())
    forward.__defaults__ = tuple(values[0]) or None
    forward.__kwdefaults__ = values[1] or None
    return forward


def _header(original: Any) -> tuple[str, tuple[list[Any], dict[str, Any]]]:
    try:
        parameters = list(inspect.signature(original).parameters.values())
    except (TypeError, ValueError):
        return "*args, **kwargs", ([], {})
    in_python = isinstance(getattr(type(original), "__call__", None), FunctionType)  # noqa: B004 (its code is asked for)
    if any(not _passes(one, in_python=in_python) for one in parameters):
        return "*args, **kwargs", ([], {})
    bare = inspect.Signature([_bare(one) for one in parameters])
    text = str(bare)[1:-1].replace("=None", "")
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


def _bare(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(annotation=inspect.Parameter.empty, default=inspect.Parameter.empty)


class Shown:
    """Stands in for a callable instance: its call is governed, all else is the instance's."""

    def __init__(self, original: Any, call: FunctionType) -> None:
        self.__dict__["__wrapped__"] = original
        self.__dict__["_call"] = call

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the instance under its policy."""
        return self._call(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__wrapped__, name, value)

    # isinstance() sees the class of the original
    __class__ = property(lambda self: type(self.__wrapped__))  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]  # (as said)


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


def replace(found: Found, function: FunctionType) -> Replaced:
    """Put *function* where the original stands.

    Raises:
        NotWrappable: The holder does not let its attributes be set.
    """
    ours = _dressed(found.raw, function)
    try:
        setattr(found.holder, found.attribute, ours)
    except (AttributeError, TypeError) as error:
        raise NotWrappable(str(error)) from error
    return Replaced(found, ours)


def _standing(holder: Any, attribute: str) -> Any:
    """Return what stands under *attribute*, no descriptor run where that can be helped."""
    own = getattr(holder, "__dict__", {})
    return own[attribute] if attribute in own else getattr(holder, attribute, None)


def _dressed(raw: Any, function: FunctionType) -> Any:
    if isinstance(raw, _FLAVOURS):
        return type(raw)(function)
    is_plain = inspect.isroutine(raw) or isinstance(raw, FunctionType)
    return function if is_plain or type(raw).__call__ is None else Shown(raw, function)


def holders(original: Any, *, but: Any) -> Iterator[str]:
    """Yield the names of modules whose own reference to *original* bypasses the policy.

    The package that it comes from is none of them.
    """
    own = vars(but) if hasattr(but, "__dict__") else None
    home = str(getattr(original, "__module__", None) or "builtins").partition(".")[0]
    for referrer in gc.get_referrers(original):
        if isinstance(referrer, dict) and referrer is not own:
            module = referrer.get("__name__")
            names = [k for k, v in referrer.items() if v is original]
            at_home = str(module).partition(".")[0] == home
            if not at_home and names and isinstance(_module(str(module)), ModuleType):
                yield f"{module}.{names[0]}"


def _module(name: str) -> Any:
    import sys

    return sys.modules.get(name)
