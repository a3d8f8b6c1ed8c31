"""`mlpolicy events replay`: a recorded call once more, with the input that it had."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import re
import sys
import traceback
import typing
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial, reduce
from itertools import islice
from types import MethodType
from typing import Any, NoReturn, cast

from mlpolicy.cli import exits, files
from mlpolicy.cli.options import Context
from mlpolicy.core.site import KILL_SWITCH
from mlpolicy.core.target import LOCALS, Target
from mlpolicy.install import bootstrap
from mlpolicy.rules.monitor.summary import REDACTED
from mlpolicy.source import local_roots

_NUMBER = re.compile("NaN|-?Infinity|-?0x[0-9a-f]+")
"""What an event says of numbers that JSON does not have."""
_MOST_ITEMS = 1000
_REMEDY = "the rule must say `log: {inputs: full}`, the call fail, and its values be JSON's"


class _Refused(Exception):
    """The call cannot be played again: why."""


def replay(context: Context, events: Sequence[dict[str, Any]], call_id: str, *, bare: bool) -> int:
    """Call the function of one of *events* as it was called; return the exit code."""
    switch = os.environ.get(KILL_SWITCH)
    try:
        return _replayed(context, _chosen(events, call_id), bare=bare)
    finally:
        bootstrap.uninstall()
        if switch is not None:
            os.environ[KILL_SWITCH] = switch
        else:
            os.environ.pop(KILL_SWITCH, None)


def _replayed(context: Context, event: Mapping[str, Any], *, bare: bool) -> int:
    target = Target.parse(event["function"])
    try:
        if "input" not in event:
            raise _Refused(f"its input was not recorded: {_REMEDY}")
        given = dict(event["input"])
        _import(context, bare=bare)
        function = _bound(*_found(target), given)
        arguments = _arguments(function, given)
    except _Refused as refusal:
        _stop(event, str(refusal))
    bound_to = getattr(function, "__self__", None)
    instance = None if inspect.isclass(bound_to) else bound_to
    if instance is not None:
        text = f"its instance is made without `__init__`, as a {type(instance).__qualname__}"
        context.tell(f"{text}: of its attributes, private ones are not recorded")
    try:
        result = _called(partial(function, *arguments.args, **arguments.kwargs))
    except Exception as error:  # noqa: BLE001 (that is what the user wants to see)
        if absent := _unrecorded(error, instance):
            _stop(event, f"it reads the attribute `{absent}`, which was not recorded")
        traceback.print_exc()
        context.tell(f"{target} raised {type(error).__name__}")
        return exits.FINDINGS
    context.emit(f"{result!r}\n")
    return exits.FINE


def _unrecorded(error: Exception, instance: object) -> str:
    """Return the private attribute of *instance* that *error* says is missing, if it does."""
    if instance is None or not isinstance(error, AttributeError) or error.obj is not instance:
        return ""
    name = str(error.name)
    return name if name.startswith("_") else ""


def _stop(event: Mapping[str, Any], why: str) -> NoReturn:
    text = f"the call of {event['function']} cannot be played again: {why}"
    shown = f"  what was recorded: mlpolicy events show {event['own_id']}"
    exits.stop(f"{text}\n{shown}", exits.NOTHING_TO_DO)


def _chosen(events: Sequence[dict[str, Any]], call_id: str) -> dict[str, Any]:
    """Return the event that the id is of: its own, or the outermost one whose input is whole."""
    own = [event for event in events if event["own_id"].startswith(call_id)]
    if own:
        return own[0]
    outermost = [event for event in events if "parent_id" not in event]
    return (outermost or list(events))[0]


def _vet(given: Mapping[str, Any]) -> None:
    """Refuse an input that is not whole."""
    if given.get("truncated") is True:
        raise _Refused("its input was too large, and only types of it were recorded")
    if REDACTED in json.dumps(given, ensure_ascii=False):
        raise _Refused("values of its input are redacted")
    for name, value in given.items():
        if _summarised(value):
            text = json.dumps(value, ensure_ascii=False)
            raise _Refused(f"of `{name}` only a summary was recorded, {text}: {_REMEDY}")


def _summarised(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_summarised, value))
    if not isinstance(value, dict):
        return False
    known = {"len", "dtype", "shape"}
    is_summary = isinstance(value.get("type"), str) and (known & value.keys() or len(value) == 1)
    return ("data" not in value and bool(is_summary)) or any(map(_summarised, value.values()))


# --- the function ---------------------------------------------------------------------


def _import(context: Context, *, bare: bool) -> None:
    """Import the modules, under the policy unless functions are wanted *bare*."""
    sys.path[:0] = [
        folder for folder in map(str, local_roots(context.src)) if folder not in sys.path
    ]
    if not bare and (context.policy or files.any_policy()):
        loaded = context.read(by_source=False)
        if loaded.refused:
            context.stop(loaded)
        # (what is played again is no call of the service: it is neither counted nor recorded)
        switched = filter(None, (os.environ.get(KILL_SWITCH), "monitor"))
        os.environ[KILL_SWITCH] = ",".join(switched)
        bootstrap.install(list(map(str, context.paths)), env=context.env or "")
    for name in context.modules:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 (it is the user's)
            traceback.print_exc()
            text = f"`{name}` could not be imported: {type(error).__name__}: {error}"
            exits.stop(text, exits.IMPORT_FAILED)


def _found(target: Target) -> tuple[Any, Callable[..., Any]]:
    """Return the function, and the module or class that has it."""
    holder: Any = sys.modules.get(target.module)
    if holder is None:
        raise _Refused(f"no --module imports `{target.module}`")
    *path, name = target.qualname.split(".")
    if LOCALS in path:
        raise _Refused("it is made by another function at each call")
    try:
        holder = reduce(getattr, path, holder)
        found = getattr(holder, name)
    except AttributeError:
        raise _Refused(f"`{target.module}` has no `{target.qualname}` any more") from None
    if not callable(found):
        raise _Refused("it is no function any more")
    return holder, found


def _bound(holder: Any, function: Callable[..., Any], given: dict[str, Any]) -> Callable[..., Any]:
    """Return the function, bound to what it was, which is taken out of what was *given*."""
    first = next(iter(given), "")
    own = inspect.getattr_static(holder, getattr(function, "__name__", ""), None)
    is_method = inspect.isclass(holder) and inspect.isfunction(own) and bool(first)
    if inspect.ismethod(function):
        given.pop(first, None)  # (the class)
    elif is_method and given[first] == {"type": holder.__name__} and not _has_slots(holder):
        given[first] = {}  # (it had no attributes)
    _vet(given)
    return _made(holder, first, given.pop(first), function) if is_method else function


def _has_slots(cls: type) -> bool:
    return any(vars(each).get("__slots__") for each in cls.__mro__)


def _made(cls: type, name: str, state: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method of an instance with the attributes in *state*."""
    hints = _hints(cls)
    try:
        made: Any = object.__new__(cls)
        for key, each in state.items():
            vars(made)[key] = _value(f"{name}.{key}", each, hint=hints.get(key))
    except (AttributeError, TypeError) as error:
        raise _Refused(f"`{name}` cannot be made of what was recorded: {error}") from None
    return MethodType(function, made)


def _called(call: Callable[[], Any]) -> Any:
    """Return what *call* gives, awaited; the first items of a generator."""
    result = call()
    if inspect.isawaitable(result):

        async def awaited() -> Any:
            return await result

        return asyncio.run(awaited())
    if inspect.isasyncgen(result):

        async def listed() -> list[Any]:
            items: list[Any] = []
            async with aclosing(result):
                async for item in result:
                    items.append(item)
                    if len(items) == _MOST_ITEMS:
                        break
            return items

        return asyncio.run(listed())
    return list(islice(result, _MOST_ITEMS)) if inspect.isgenerator(result) else result


# --- its arguments --------------------------------------------------------------------


def _arguments(function: Callable[..., Any], given: dict[str, Any]) -> inspect.BoundArguments:
    """Return the arguments as the function takes them: JSON has neither tuples nor dates."""
    signature = inspect.signature(function)
    if set(given) != set(signature.parameters):
        has, had = ", ".join(signature.parameters) or "none", ", ".join(given) or "none"
        raise _Refused(f"its arguments were {had}, and are {has}")
    hints = _hints(function)
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        value = partial(_value, name, hint=hints.get(name))
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional += map(value, given[name])
        elif parameter.kind is parameter.VAR_KEYWORD:
            named |= {key: value(each) for key, each in given[name].items()}
        elif parameter.kind is parameter.KEYWORD_ONLY:
            named[name] = value(given[name])
        else:
            positional.append(value(given[name]))
    return signature.bind(*positional, **named)


def _hints(of: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(of)
    except Exception:  # noqa: BLE001 (annotations are the user's)
        return {}


def _value(name: str, written: Any, *, hint: Any) -> Any:
    """Return the value that was *written*, as its annotation says; as it is where there is none."""
    if isinstance(written, dict) and written.keys() == {"type", "dtype", "shape", "data"}:
        return _array(name, written)
    numbers = _with_numbers(written)
    for each in [written, numbers] if hint is not None else []:
        with suppress(Exception):  # (it may have been of another type when it was called, too)
            from pydantic import TypeAdapter

            return TypeAdapter(cast("Any", hint)).validate_json(json.dumps(each), strict=True)
    if numbers != written:
        text = f"`{name}` has `NaN` or the like as text, and its annotation does not say float"
        raise _Refused(text)
    return written


def _with_numbers(value: Any) -> Any:
    """Return *value* with numbers for the texts that stand for them."""
    if isinstance(value, dict):
        return {key: _with_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return list(map(_with_numbers, value))
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return value
    return int(value, 16) if "x" in value else float(value)


def _array(name: str, written: Mapping[str, Any]) -> Any:
    """Return an array of numpy with its elements."""
    try:
        numpy: Any = importlib.import_module("numpy")
        return numpy.array(_with_numbers(written["data"]), written["dtype"]).reshape(
            written["shape"]
        )
    except (ImportError, TypeError, ValueError) as error:
        raise _Refused(f"the array `{name}` cannot be made: {error}") from None
