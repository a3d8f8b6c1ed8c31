"""Functions under decorators, their own and other people's."""

import contextlib
import functools

REGISTRY = {}


def register(function):
    REGISTRY[function.__name__] = function
    return function


def kept(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return ("kept", function(*args, **kwargs))

    return wrapper


def opaque(function):
    def inner(*args, **kwargs):
        return ("opaque", function(*args, **kwargs))

    return inner


def replaced(function):
    """Keeps nothing of the original but its name."""

    def inner(x):
        return x * 1000

    inner.__wrapped__ = function
    return inner


def configured(*, times):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return [function(*args, **kwargs) for _ in range(times)]

        return wrapper

    return decorate


@register
def registered(x):
    return x + 10


@kept
def wrapped(x):
    return x + 1


@kept
@kept
def wrapped_twice(x):
    return x + 2


@opaque
def hidden(x):
    return x + 3


@opaque
def other_hidden(x):
    return x + 4


@configured(times=3)
def repeated(x):
    return x + 5


@functools.lru_cache(maxsize=4)
def cached(x):
    return x * x


class Shelf:
    @functools.lru_cache  # noqa: B019
    def slot(self, x):
        return x - 1

    @staticmethod
    @functools.cache
    def weight(x):
        return x * 9

    @classmethod
    @kept
    def built(cls, x):
        return cls.__name__, x

    def stack(self, x, y):
        return x, y

    stack_five = functools.partialmethod(stack, 5)

    @functools.singledispatchmethod
    def show(self, x):
        return f"thing {x}"

    @show.register
    def show_int(self, x: int):
        return f"number {x}"


@contextlib.contextmanager
def opened(name):
    yield f"open {name}"


@contextlib.asynccontextmanager
async def aopened(name):
    yield f"open {name}"


@functools.singledispatch
def describe(x):
    return f"thing {x}"


@describe.register
def describe_int(x: int):
    return f"number {x}"


@describe.register(list)
def describe_list(x):
    return f"list of {len(x)}"
