"""Functions of every kind."""

import types


def price(amount, rate=2):
    """Give the price of *amount*."""
    return amount * rate


def every_kind(a, b=2, /, c=3, *args, k, kk=5, **kw):
    return (a, b, c, args, k, kk, kw)


def positional_only(a, b=7, /):
    return a - b


def keyword_only(*, a, b=1):
    return a + b


def nothing():
    return None


def collect(item, seen=[]):  # noqa: B006
    seen.append(item)
    return list(seen)


def factorial(n):
    return 1 if n == 0 else n * factorial(n - 1)


def clash(result, call, now, twin, error, verdict, clock, next_call):
    return (result, call, now, twin, error, verdict, clock, next_call)


def größe(länge, ß=1):
    return länge * ß


def annotated(x: "int", y: "list[int] | None" = None) -> "int":
    return x + len(y or [])


double = lambda x: x * 2  # noqa: E731


def rebound(x):
    x = x + 1
    total = [x * i for i in range(3)]

    def shown():
        return x, total

    return shown()


def divide(a, b):
    quotient = a / b
    return quotient


async def fetch(key, *, prefix="v"):
    return f"{prefix}:{key}"


async def fail_later(key):
    raise LookupError(key)


def stream(n):
    """Yield numbers; what is sent multiplies, what is thrown is handed back."""
    factor = 1
    for i in range(n):
        try:
            sent = yield i * factor
        except KeyError as error:
            sent = yield f"caught {error.args[0]}"
        if sent is not None:
            factor = sent
    return f"{n} done"


def empty_stream():
    return "nothing"
    yield


def delegating(n):
    outcome = yield from stream(n)
    yield outcome


async def feed(n):
    """Yield numbers, as `stream` does."""
    factor = 1
    for i in range(n):
        try:
            sent = yield i * factor
        except KeyError as error:
            sent = yield f"caught {error.args[0]}"
        if sent is not None:
            factor = sent


async def empty_feed():
    return
    yield


closed = []


def guarded_stream():
    try:
        yield 1
        yield 2
    finally:
        closed.append("stream")


async def guarded_feed():
    try:
        yield 1
        yield 2
    finally:
        closed.append("feed")


@types.coroutine
def tick(n):
    yield from ()
    return n + 1


async def await_tick(n):
    return await tick(n)
