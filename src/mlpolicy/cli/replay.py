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
from contextlib import suppress
from functools import partial, reduce
from itertools import islice
from typing import Any, cast

from mlpolicy.cli import exits, files
from mlpolicy.cli.options import Context
from mlpolicy.core.site import KILL_SWITCH
from mlpolicy.core.target import Target
from mlpolicy.install import bootstrap
from mlpolicy.rules.monitor.summary import REDACTED
from mlpolicy.source import local_roots

_NUMBER = re.compile("NaN|-?Infinity|-?0x[0-9a-f]+")
"""What an event says of numbers that JSON does not have."""
_MOST_ITEMS = 1000


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
        given = _given(event)
        function = _function(context, target, bare=bare)
        arguments = _arguments(function, given)
    except _Refused as refusal:
        exits.stop(f"the call of {target} cannot be played again: {refusal}", exits.NOTHING_TO_DO)
    try:
        result = _called(partial(function, *arguments.args, **arguments.kwargs))
    except Exception as error:  # noqa: BLE001 (that is what the user wants to see)
        traceback.print_exc()
        context.tell(f"{target} raised {type(error).__name__}")
        return exits.FINDINGS
    context.emit(f"{result!r}\n")
    return exits.FINE


def _chosen(events: Sequence[dict[str, Any]], call_id: str) -> dict[str, Any]:
    """Return the event that the id is of: its own, or the outermost one whose input is whole."""
    own = [event for event in events if event["own_id"].startswith(call_id)]
    if own:
        return own[0]
    outermost = [event for event in events if "parent_id" not in event]
    return (outermost or list(events))[0]


def _given(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recorded input, if it is whole."""
    given = event.get("input")
    remedy = "the rule must say `log: {inputs: full}`, and the call fail"
    if given is None:
        raise _Refused(f"its input was not recorded: {remedy}")
    if given.get("truncated") is True:
        raise _Refused("its input was too large, and only types of it were recorded")
    if REDACTED in json.dumps(given, ensure_ascii=False):
        raise _Refused("values of its input are redacted")
    for name, value in given.items():
        if _summarised(value):
            raise _Refused(f"of `{name}` only a summary was recorded: {remedy}")
    return dict(given)


def _summarised(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_summarised, value))
    if not isinstance(value, dict):
        return False
    known = {"len", "dtype", "shape"}
    is_summary = isinstance(value.get("type"), str) and (known & value.keys() or len(value) == 1)
    return ("data" not in value and bool(is_summary)) or any(map(_summarised, value.values()))


# --- the function ---------------------------------------------------------------------


def _function(context: Context, target: Target, *, bare: bool) -> Callable[..., Any]:
    """Return the function, imported under the policy unless it is wanted *bare*."""
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
    holder = sys.modules.get(target.module)
    if holder is None:
        raise _Refused(f"no --module imports `{target.module}`")
    try:
        found: Any = reduce(getattr, target.qualname.split("."), holder)
    except AttributeError:
        raise _Refused(f"`{target.module}` has no `{target.qualname}` any more") from None
    if not callable(found):
        raise _Refused("it is no function any more")
    made: Callable[..., Any] = found
    return made


def _called(call: Callable[[], Any]) -> Any:
    """Return what *call* gives, awaited and read to its end."""
    result = call()
    if inspect.isawaitable(result):

        async def awaited() -> Any:
            return await result

        return asyncio.run(awaited())
    if inspect.isasyncgen(result):

        async def listed() -> list[Any]:
            return [item async for item in result]

        return asyncio.run(listed())
    return list(islice(result, _MOST_ITEMS)) if inspect.isgenerator(result) else result


# --- its arguments --------------------------------------------------------------------


def _arguments(function: Callable[..., Any], given: dict[str, Any]) -> inspect.BoundArguments:
    """Return the arguments as the function takes them: JSON has neither tuples nor dates."""
    signature = inspect.signature(function)
    if inspect.ismethod(function):
        given.pop(next(iter(given), ""), None)  # (the class)
    if set(given) != set(signature.parameters):
        has, had = ", ".join(signature.parameters) or "none", ", ".join(given) or "none"
        raise _Refused(f"its arguments were {had}, and are {has}")
    if "self" in given:
        raise _Refused("it is a method: what it is bound to was not recorded")
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # noqa: BLE001 (annotations are the user's)
        hints = {}
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
