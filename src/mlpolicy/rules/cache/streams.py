"""Results that are used up by the first who uses them, or that hold what is.

Told by classes and by what instances hold: no code of the user's runs, no library is imported.
"""

from __future__ import annotations

import gc
import itertools
import types
from _io import BufferedWriter, TextIOWrapper
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple

from mlpolicy.core.classes import by_path, mro_of
from mlpolicy.rules.cache.classes import BARE, Unkept, has, instance_of, one_shot

_MOST: Final = 5000
"""Items of one result that are looked at."""
_OBJECTS: Final = 2
"""Objects within objects that are looked into; containers and records are, however deep."""
_RESPONSES: Final = {
    "starlette.responses.StreamingResponse": "",
    "starlette.responses.FileResponse": "",
    "starlette.middleware.base._StreamingResponse": "",
    "sse_starlette.sse.EventSourceResponse": "",
    "django.http.response.StreamingHttpResponse": "",
    "aiohttp.web_response.StreamResponse": "",
    "aiohttp.client_reqrep.ClientResponse": "_body",
    "httpx.Response": "_content",
    "httpx2.Response": "_content",
    "niquests.models.Response": "_content",
    "requests.models.Response": "_content",
}
"""Responses that are sent or read once, and the attribute that holds the body once it was read."""
_SOCKETS: Final = {"_socket.socket": True, "asyncio.transports.BaseTransport": True}
_HANDLES: Final = _SOCKETS | {
    "asyncio.streams.StreamWriter": True,
    "contextlib._GeneratorContextManagerBase": True,
}
"""What holds one of these as an attribute is a connection or the like: it is used, not used up."""
_RECORDS: Final = ("__dataclass_fields__", "__pydantic_fields__", "__attrs_attrs__", "_fields")
_CONTAINERS: Final = (list, tuple, dict, set, frozenset, deque)
_OPAQUE: Final = (
    *BARE, type, types.ModuleType, types.FunctionType, types.CodeType, types.FrameType,
    types.TracebackType,
)  # fmt: skip
_OWN: Final = (itertools.count, itertools.cycle, itertools.repeat, BufferedWriter)


class _Sort(NamedTuple):
    """What a class says of its instances; what they hold may be another thing each time."""

    opaque: bool
    """They are not looked into."""
    body: str | None
    """They are responses, and their body is here once it was read."""
    once: bool
    """They are used up by their first use."""
    own: bool
    """Those that an object holds are for its own use: a counter, a log file, a task."""
    gathers: bool
    """They are there for what they hold, as lists and dataclasses are."""
    handle: bool


def _sort_of(kind: type) -> _Sort:
    handle = by_path(kind, _HANDLES) is not None
    awaited_again = has(kind, "__await__") and not has(kind, "send")
    mock = any(one.__module__ == "unittest.mock" for one in mro_of(kind))
    return _Sort(
        opaque=issubclass(kind, _OPAQUE),
        body=by_path(kind, _RESPONSES),
        once=one_shot(kind) or by_path(kind, _SOCKETS) is not None,
        own=handle or awaited_again or mock or kind in _OWN,
        gathers=issubclass(kind, _CONTAINERS) or any(has(kind, name) for name in _RECORDS),
        handle=handle,
    )


_sort: Final[Callable[[type], _Sort]] = lru_cache(maxsize=1024)(_sort_of)


def is_response(kind: type) -> bool:
    """Return whether a *kind* is a response that may be good only once."""
    return _sort(kind).body is not None


def used_once(value: object) -> bool:
    """Return whether *value* itself is used up by its first use."""
    sort = _sort(type(value))
    if sort.body is None:
        return sort.once
    return type(instance_of(value, "__dict__").get(sort.body)) is not bytes


def refuse_one_shots(result: object) -> None:
    """Look into *result* for what is used up by its first use, from the outside in.

    Raises:
        Unkept: There is such a thing in it.
    """
    left, seen = _MOST, {id(result)}
    sort = _sort(type(result))
    ahead = deque([] if sort.opaque or sort.body is not None else [(result, _OBJECTS)])
    while ahead and left > 0:
        holder, depth = ahead.popleft()
        inside = _inside(holder, left)
        left -= len(inside)
        if BARE.issuperset(map(type, inside)):
            continue
        if not _sort(type(holder)).gathers:
            depth -= 1
            if any(_sort(type(one)).handle for one in inside):
                continue
        for one in inside:
            if id(one) not in seen and _is_looked_into(one, depth):
                ahead.append((one, depth))
            seen.add(id(one))


def _is_looked_into(one: object, depth: int) -> bool:
    """Return whether to look into *one*, which lies in *depth* objects less than may be.

    Raises:
        Unkept: It is used up by its first use.
    """
    kind = type(one)
    sort = _sort(kind)
    if sort.opaque or (depth < _OBJECTS and (sort.own or _is_written(one))):
        return False
    if used_once(one):
        raise Unkept(f"a {kind.__qualname__} in it can be used only once")
    return (depth > 0 or sort.gathers) and sort.body is None


def _is_written(one: object) -> bool:
    """Return whether *one* is a file of text that is written, not read."""
    mode = instance_of(one, "__dict__").get("mode") if type(one) is TextIOWrapper else None
    return type(mode) is str and "r" not in mode and "+" not in mode


def _inside(holder: Any, most: int) -> list[Any]:
    kind = type(holder)
    if kind is list or kind is tuple:
        return list(islice(holder, most))
    if kind is dict:
        return list(islice(holder.values(), most))
    inside = gc.get_referents(holder)
    # (attributes stand in a dict of their own, or not)
    return inside + [one for held in inside if type(held) is dict for one in held.values()]
