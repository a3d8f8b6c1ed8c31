"""What results hold: how they can be copied, what is used up by its first use, how large they are.

Told by classes and by what instances hold: no code of the user's runs, no library is imported.
"""

from __future__ import annotations

import gc
import itertools
import sys
import types
from _io import BufferedWriter, TextIOWrapper
from collections import deque
from collections.abc import Callable
from itertools import islice
from sys import getsizeof
from typing import Any, Final, NamedTuple

from mlpolicy.core.classes import by_path, mro_of
from mlpolicy.rules.cache.classes import (
    BARE,
    ByClass,
    Unkept,
    fixed,
    frozen_record,
    has,
    instance_of,
    object_columns,
    of_library,
    one_shot,
)

MOST: Final = 1_000_000
"""Items that a result may have if it is to be copied for each caller."""
_OBJECT: Final = 10
"""Items that an object counts for which `copy.deepcopy` copies."""

SAME, PLAIN, TREE, ARRAYS, DEEP = range(5)
"""Nothing in a result can change; it is of lists, dicts, sets and scalars; of containers that we
copy; of these and of arrays; of anything else, which `copy.deepcopy` copies."""

_CHANGES, _ODD, _ARRAY, _RECORD, _FOREIGN, _SHARED = (1 << at for at in range(6))
"""Of a class: an instance can change; `marshal` does not know it; it is a numpy array; we
cannot make another with other contents; `copy.deepcopy` alone can copy it.
Of an instance: it stands in two places, and only a copy that remembers keeps it one."""


How = tuple[int, Callable[[Any], Any] | None]
"""The traits of a class, and what gives what an instance holds; None where that does not matter."""


def survey(value: Any, most: int | None = MOST) -> int:
    """Return of what sort *value* is.

    Raises:
        Unkept: It cannot be copied: it has too many items, or one that is used up by its use.
    """
    traits, count, seen = 0, 0, set[int]()
    ahead: list[Any] = [value]
    while ahead:
        one = ahead.pop()
        how, look_into = _HOWS[type(one)]
        traits |= how
        if look_into is None:
            continue
        inside = look_into(one)
        flat = is_flat(inside)
        if id(one) in seen:
            traits |= 0 if flat and not how else _SHARED
            continue
        seen.add(id(one))
        count += len(inside) + (_OBJECT if how & _FOREIGN else 1)
        if most is not None and count > most:
            raise Unkept(f"over {most:,} items to copy for each caller; `copy: none` copies none")
        if not flat:
            ahead += inside
            traits |= _FOREIGN if how & _ARRAY else 0  # a view would share what is in it
        if type(one) is dict and not is_flat(one.values()):
            ahead += one.values()
    return _sort_of_traits(traits)


def _sort_of_traits(traits: int) -> int:
    if not traits & (_CHANGES | _ARRAY | _FOREIGN):
        return SAME
    if traits & (_FOREIGN | _SHARED | _RECORD):
        return DEEP
    if traits & _ARRAY:
        return ARRAYS
    return TREE if traits & _ODD else PLAIN


def is_flat(items: Any) -> bool:
    """Return whether all *items* are scalars."""
    return BARE.issuperset(map(type, items))


def holds_objects(frame: Any) -> bool:
    """Return whether a pandas frame or series holds what can change, and what it would share."""
    columns = (tuple(one.tolist()) for one in object_columns(frame))
    return survey(tuple(one for one in columns if not is_flat(one))) != SAME


def _itself(value: Any) -> Any:
    return value


def _frame(value: Any) -> tuple[object, ...]:
    if holds_objects(value):
        raise Unkept("a frame of objects that can change is in a container")
    return ()


def _response(value: object) -> tuple[object, ...]:
    if used_once(value):
        raise Unkept(f"a {type(value).__qualname__} in it can be used only once")
    return ()  # (read by now: it knows how to copy itself)


def _how(kind: type) -> How:
    if fixed(kind):
        return _ODD, None
    if one_shot(kind) or kind is types.ModuleType:
        raise Unkept(f"a {kind.__qualname__} in it cannot be copied")
    if issubclass(kind, tuple) and has(kind, "_fields"):
        return _ODD, _itself
    if frozen_record(kind):
        return _RECORD, gc.get_referents
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.ndarray:
        return _ARRAY, lambda array: array.ravel().tolist() if array.dtype.hasobject else ()
    if of_library(kind, "pandas", "DataFrame", "Series"):
        return _FOREIGN, _frame
    return _FOREIGN, gc.get_referents if _SORTS[kind].body is None else _response


_HOWS: Final = ByClass[How](
    {
        **dict.fromkeys(BARE, (0, None)),
        **dict.fromkeys((tuple, frozenset), (0, _itself)),
        **dict.fromkeys((list, dict, set), (_CHANGES, _itself)),
        bytearray: (_CHANGES | _ODD, lambda _: ()),
        types.MappingProxyType: (_CHANGES | _ODD, gc.get_referents),
    },
    _how,
)


# --- what is used up --------------------------------------------------------------------

_MOST_INSIDE: Final = 5000
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


_SORTS: Final = ByClass({}, _sort_of)


def used_once(value: object) -> bool:
    """Return whether *value* itself is used up by its first use."""
    sort = _SORTS[type(value)]
    if sort.body is None:
        return sort.once
    return type(instance_of(value, "__dict__").get(sort.body)) is not bytes


def refuse_one_shots(result: object) -> None:
    """Look into *result* for what is used up by its first use, from the outside in.

    Raises:
        Unkept: There is such a thing in it.
    """
    left, seen = _MOST_INSIDE, {id(result)}
    sort = _SORTS[type(result)]
    ahead = deque([] if sort.opaque or sort.body is not None else [(result, _OBJECTS)])
    while ahead and left > 0:
        holder, depth = ahead.popleft()
        inside = _referents(holder, left)
        left -= len(inside)
        if is_flat(inside):
            continue
        if not _SORTS[type(holder)].gathers:
            depth -= 1
            if any(_SORTS[type(one)].handle for one in inside):
                continue
        for one in inside:
            if id(one) not in seen and _is_looked_into(one, depth):
                ahead.append((one, depth))
            seen.add(id(one))


def _is_looked_into(one: Any, depth: int) -> bool:
    """Return whether to look into *one*, which lies in *depth* objects less than may be.

    Raises:
        Unkept: It is used up by its first use.
    """
    kind = type(one)
    sort = _SORTS[kind]
    if sort.opaque or (depth < _OBJECTS and sort.own):
        return False
    if depth < _OBJECTS and kind is TextIOWrapper:  # a log: a file that is written, not read
        mode = instance_of(one, "__dict__").get("mode")
        if type(mode) is str and "r" not in mode and "+" not in mode:
            return False
    if used_once(one):
        raise Unkept(f"a {kind.__qualname__} in it can be used only once")
    return (depth > 0 or sort.gathers) and sort.body is None


def _referents(holder: Any, most: int) -> list[Any]:
    kind = type(holder)
    if kind is list or kind is tuple:
        return list(islice(holder, most))
    if kind is dict:
        return list(islice(holder.values(), most))
    inside = gc.get_referents(holder)
    # (attributes stand in a dict of their own, or not)
    return inside + [one for held in inside if type(held) is dict for one in held.values()]


# --- about how many bytes ---------------------------------------------------------------

_LOOKED_AT: Final = (256, 32, 8, 4, 2, 1)
"""Items of one container that are looked at, by how deep it lies; the others are taken to be
like them."""
_HEADER: Final = 112
"""Bytes of the header of a numpy array."""
_OF_ARROW: Final = ("Table", "RecordBatch", "Array", "ChunkedArray")
_UNCOUNTED: Final = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)


def size_of(value: Any, depth: int = 0) -> int:
    """Return an estimate of what *value* takes, with all that it holds."""
    kind = type(value)
    if kind in BARE:
        return getsizeof(value)
    if issubclass(kind, _UNCOUNTED):
        return 0
    block = _block(value, kind)
    if block is not None:
        return block
    # The first class that is not of the user's is asked for its size.
    own = next(one for one in mro_of(kind) if one.__module__ in ("builtins", "collections"))
    size: int = own.__sizeof__(value)
    if depth >= len(_LOOKED_AT):
        return size
    most = _LOOKED_AT[depth]
    items: Any
    if issubclass(kind, dict):
        count = dict.__len__(value) * 2
        items = [one for pair in islice(dict.items(value), most) for one in pair]
    elif issubclass(kind, list | tuple):
        sequence: Any = list if issubclass(kind, list) else tuple
        count = sequence.__len__(value)
        # From end to end: what grows, or was sorted, is not like its first items.
        items = sequence.__getitem__(value, slice(None, None, max(count // most, 1)))
    else:
        held = gc.get_referents(value)
        count, items = len(held), held[:most]
    return size + _of_each(items, count, depth)


def _of_each(items: Any, count: int, depth: int) -> int:
    total = sum([size_of(item, depth + 1) for item in items])
    return total * count // max(len(items), 1)


def _block(value: Any, kind: type) -> int | None:
    """Return the size of an array, a frame or a tensor, which know it themselves."""
    if of_library(kind, "numpy", "ndarray"):
        # Asked of numpy's class, not of one that derives from it.
        own, inside = sys.modules["numpy"].ndarray, 0
        if own.dtype.__get__(value).hasobject:
            sample = own.ravel(value)[: _LOOKED_AT[0]].tolist()
            inside = _of_each(sample, own.size.__get__(value), 1)
        return int(own.nbytes.__get__(value)) + _HEADER + inside
    if of_library(kind, "pandas", "DataFrame", "Series", "Index"):
        usage = value.memory_usage(deep=False)
        total = int(usage if isinstance(usage, int) else usage.sum()) + getsizeof(type)
        for column in object_columns(value):
            total += _of_each(column[: _LOOKED_AT[0]].tolist(), len(column), 1)
        return total
    if of_library(kind, "torch", "Tensor") or of_library(kind, "pyarrow", *_OF_ARROW):
        return int(value.nbytes) + _HEADER
    if of_library(kind, "polars", "DataFrame", "Series"):
        return int(value.estimated_size())
    return None
