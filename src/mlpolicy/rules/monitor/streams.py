"""Streams that a function returns: its call lasts until they end.

A generator is handed out by another that delegates to it; of a response the body alone is
replaced. No library is imported for it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from sys import getrefcount
from types import AsyncGeneratorType, GeneratorType
from typing import Any, Final, NamedTuple
from weakref import WeakSet

from mlpolicy.core.classes import SCALARS, Plain, by_path

PLAIN: Final = Plain((*SCALARS, list, tuple, dict, set, frozenset))
"""Classes of results that are no streams; what else turns out to be none joins them."""
_OTHERS: Final[WeakSet[type]] = WeakSet()
"""Those that cannot join them for good, too."""
_BODIES: Final = {
    "starlette.responses.StreamingResponse": "body_iterator",
    "starlette.middleware.base._StreamingResponse": "body_iterator",
    "sse_starlette.sse.EventSourceResponse": "body_iterator",
    "django.http.response.StreamingHttpResponse": "_iterator",
    "werkzeug.wrappers.response.Response": "response",
}
"""Responses, and the attribute that holds what gives their body part by part."""
UNKNOWN: Final = (0.0, "error")
"""The record of a call whose end was itself cut short."""

Record = float | tuple[Any, ...]
"""What is recorded of a call: the seconds, and with them how it ended unless well."""

_AWAITED: Final = 0x100
"""The flag of the code of generators that may be awaited: no other stands in for one of them."""


def _alone() -> int:
    result = object()
    return getrefcount(result)


ALONE: Final = _alone()
"""What `getrefcount` says of a local that nobody else holds."""


class Ending:
    """The end of a call that has returned a stream: recorded once, however the stream ends."""

    __slots__ = ("_end", "_record", "armed", "ids")

    def __init__(
        self,
        end: Callable[[BaseException | None], Record],
        record: Callable[[Record], None],
        ids: Mapping[str, str],
    ) -> None:
        self._end = end
        self._record = record
        self.ids = ids
        """Those of the call, by which the calls that give its items join."""
        self.armed = False
        """Whether the stream was handed out, and has not ended; else the call has its record."""

    def __enter__(self) -> None:
        """Begin to hand the stream out."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self.armed:
            self.armed = False
            record: Record = UNKNOWN
            try:
                record = self._end(error)
            finally:
                self._record(record)

    def __del__(self) -> None:
        # It was never read: what began to be handed out has ended before.
        if self.armed:
            self.__exit__(None, GeneratorExit(), None)


class Opened(NamedTuple):
    """What the caller gets in place of a stream, and the end that is waited for."""

    given: object
    ending: Ending


def stream_of(result: Any, holders: int) -> tuple[str, Any] | None:
    """Return the stream whose end can be waited for, and the attribute of *result* that holds it.

    A generator is one itself; if somebody else holds it, it must outlive one that delegates to it.
    *holders* is its `getrefcount`.
    """
    kind = type(result)
    if kind in _OTHERS:
        return None
    if kind is AsyncGeneratorType or kind is GeneratorType:
        awaited = kind is GeneratorType and result.gi_code.co_flags & _AWAITED
        return None if holders > ALONE or awaited else ("", result)
    attribute = by_path(kind, _BODIES)
    if attribute is None:
        PLAIN.learn(kind)
        _OTHERS.add(kind)
        return None
    body = object.__getattribute__(result, "__dict__").get(attribute)
    is_one = type(body) is GeneratorType or (body is not None and attribute != "response")
    return (attribute, body) if is_one else None


def opened(result: Any, found: tuple[str, Any], ending: Ending) -> Opened:
    """Return what the caller gets in place of *result*, whose stream tells its end to *ending*."""
    attribute, stream = found
    give: Any = _awaiting if hasattr(type(stream), "__aiter__") else _giving
    made = give(stream, ending)
    if attribute:
        object.__getattribute__(result, "__dict__")[attribute] = made
        return Opened(result, ending)
    made.__name__, made.__qualname__ = result.__name__, result.__qualname__
    return Opened(made, ending)


def _giving(stream: Any, ending: Ending) -> Generator[Any, Any, Any]:
    with ending:
        return (yield from stream)


async def _awaiting(stream: Any, ending: Ending) -> AsyncGenerator[Any, Any]:
    with ending:
        if type(stream) is not AsyncGeneratorType:
            async for item in stream:
                yield item
            return
        try:
            item = await anext(stream)
            while True:
                try:
                    sent = yield item
                except GeneratorExit:
                    await stream.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 (it is thrown on)
                    item = await stream.athrow(error)
                else:
                    item = await stream.asend(sent)
        except StopAsyncIteration:
            return


HANDING_OUT: Final = frozenset(id(one.__code__) for one in (_giving, _awaiting))
"""The code that reads a stream for the caller, by `id`; its local `ending` is that of the call."""
