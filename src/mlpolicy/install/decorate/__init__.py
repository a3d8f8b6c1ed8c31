"""The rules as decorators, for people who write Python: classes, functions and numbers as they are.

Several of them on one function make one driver, in the fixed order, however they are stacked.
A policy that names the function lies over what they say, field by field.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from datetime import date
from types import FrameType
from typing import Any, Literal, Unpack, overload

from mlpolicy.core.site import Mode
from mlpolicy.core.span import Span
from mlpolicy.install.decorate import typed
from mlpolicy.install.decorate.place import check_function, place
from mlpolicy.install.decorate.typed import Decorator, F
from mlpolicy.model.decorated import Decorated
from mlpolicy.rules import kind_of_decorator


@overload
def retry(function: F, /) -> F: ...
@overload
def retry(**settings: Unpack[typed.Retry]) -> Decorator: ...
def retry(function: Any = None, /, **settings: Any) -> Any:
    """Make calls that failed again: which ones, how often, and after what pause.

    *settings* are the fields of the rule `retry`; exceptions may be the classes themselves.

    Raises:
        PolicyError: A setting is unknown or wrong, or what is decorated is not a function.
    """
    return _decorator(retry, function, settings)


@overload
def validate_input(function: F, /) -> F: ...
@overload
def validate_input(
    *,
    args: Mapping[str, object] = ...,
    returns: object = ...,
    on_fail: Literal["raise", "default", "warn"] = ...,
    default: object = ...,
    mode: Mode = ...,
    expires: str | date = ...,
    rollout: typed.Rollout | typed.Share = ...,
    inherit: bool = ...,
    final: bool = ...,
    **specs: object,
) -> Decorator: ...
def validate_input(function: Any = None, /, **settings: Any) -> Any:
    """Refuse calls whose arguments are not what they must be.

    Without *settings* the annotations of the function say what they must be. They are specs by the
    names of parameters (`user=User`, `features={"ndim": 2}`), and the fields of the rule
    `validate`: `args`, `returns`, `on_fail`, `default`.

    Raises:
        PolicyError: A setting is unknown or wrong, or what is decorated is not a function.
    """
    return _decorator(validate_input, function, settings)


@overload
def cache_result(function: F, /) -> F: ...
@overload
def cache_result(**settings: Unpack[typed.Cache]) -> Decorator: ...
def cache_result(function: Any = None, /, **settings: Any) -> Any:
    """Hand out a result again, for as long as `ttl` says.

    *settings* are the fields of the rule `cache`, `ttl` at least; `key` may be a function of the
    arguments.

    Raises:
        PolicyError: A setting is unknown or wrong, or what is decorated is not a function.
    """
    return _decorator(cache_result, function, settings)


@overload
def memory_guard(function: F, /) -> F: ...
@overload
def memory_guard(**settings: Unpack[typed.Memory]) -> Decorator: ...
def memory_guard(function: Any = None, /, **settings: Any) -> Any:
    """Begin no call while too little memory is left.

    *settings* are the fields of the rule `memory`.

    Raises:
        PolicyError: A setting is unknown or wrong, or what is decorated is not a function.
    """
    return _decorator(memory_guard, function, settings)


@overload
def monitor(function: F, /) -> F: ...
@overload
def monitor(**settings: Unpack[typed.Monitor]) -> Decorator: ...
def monitor(function: Any = None, /, **settings: Any) -> Any:
    """Count, time and log calls.

    *settings* are the fields of the rule `monitor`.

    Raises:
        PolicyError: A setting is unknown or wrong, or what is decorated is not a function.
    """
    return _decorator(monitor, function, settings)


def _decorator(decorator: Callable[..., Any], function: Any, settings: dict[str, Any]) -> Any:
    """Return what *decorator* with those *settings* makes: a decorator, or the *function* with it."""
    frame = sys._getframe(2)
    span = Span(frame.f_code.co_filename, frame.f_lineno)
    kind = kind_of_decorator(decorator.__name__)
    names = _names(frame) if kind.arguments else {}
    written = Decorated(kind, f"@{decorator.__name__}", span, names)
    if function is not None:
        check_function(function, written)
    block = None if kind.arguments else written.read(settings, None)

    def decorate(function: F) -> F:
        placed: F = place(function, written, block, settings)
        return placed

    return decorate if function is None else decorate(function)


def _names(frame: FrameType) -> dict[str, Any]:
    """Return what the names around a decorator stand for, less the globals of its module.

    Of a class's body, those of the function around it, too.
    """
    names: dict[str, Any] = {}
    here: FrameType | None = frame
    while here is not None and here.f_locals is not here.f_globals:
        names = {**here.f_locals, **names}
        here = None if here.f_code.co_flags & inspect.CO_OPTIMIZED else here.f_back
    return names
