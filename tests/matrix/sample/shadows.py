"""A module that uses the names of builtins for things of its own."""

Exception = None  # noqa: A001
BaseException = None  # noqa: A001
isinstance = "not a function"  # noqa: A001
len = 3  # noqa: A001
time = 5
perf_counter = "noon"
twin = "sister"


def total(values):
    count = 0
    for value in values:
        count += value
    return count + len + time


def type(value):  # noqa: A001
    return f"kind of {value}"


def max(a, b):  # noqa: A001
    return a if a > b else b


def fail(message):
    raise ValueError(message)


async def read(key):
    return key, len, time


def numbers(n):
    for i in range(n):
        yield i + len
