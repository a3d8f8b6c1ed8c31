"""Arguments that an attempt uses up: put back, or no second attempt."""

from __future__ import annotations

import asyncio
import csv
import gc
import io
import itertools
import mmap
import tempfile
import unittest.mock
import weakref
from dataclasses import dataclass

import pytest

from mlpolicy.rules.retry.arguments import PLAIN
from tests.rules.retry.scripts import EXACT, retries

CONTENT = b"one two three"


def spend(part):
    """Read or draw what there is."""
    if hasattr(part, "read"):
        return part.read()
    if hasattr(part, "send") and hasattr(part, "cr_frame"):
        return run(part)
    return list(part)


def run(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value


@pytest.fixture
def send(place, world):
    """A function that uses its argument up, fails at its first call, and keeps what it got."""

    def send(body, *rest, **more):
        send.got.append([spend(one) for one in (body, *rest, *more.values())])
        if len(send.got) == 1:
            raise ConnectionError("down")
        return send.got[-1]

    send.got = []
    return place(send, world=world, retry=EXACT)


def opened(tmp_path, mode="rb", **more):
    path = tmp_path / "body"
    path.write_bytes(CONTENT)
    return path.open(mode, **more)


def mapped(tmp_path):
    with opened(tmp_path, "r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def temporary(make):
    def made(_):
        file = make()
        file.write(CONTENT)
        file.seek(0)
        return file

    return made


class Half:
    """A file of the user's own."""

    def __init__(self):
        self.file = io.BytesIO(CONTENT)

    def read(self):
        return self.file.read()

    def seek(self, at):
        self.file.seek(at)

    def tell(self):
        return self.file.tell()


@dataclass
class UploadFile:
    """As starlette's: its own methods are coroutines, the file is an attribute."""

    file: io.BytesIO

    def read(self):
        return self.file.read()

    async def seek(self, at):
        self.file.seek(at)


SEEKABLE = {
    "file": opened,
    "text": lambda folder: opened(folder, "r"),
    "unbuffered": lambda folder: opened(folder, buffering=0),
    "bytes": lambda _: io.BytesIO(CONTENT),
    "string": lambda _: io.StringIO(CONTENT.decode()),
    "mmap": mapped,
    "temporary": temporary(tempfile.TemporaryFile),
    "named": temporary(tempfile.NamedTemporaryFile),
    "spooled": temporary(tempfile.SpooledTemporaryFile),
    "own": lambda _: Half(),
    "upload": lambda _: UploadFile(io.BytesIO(CONTENT)),
}


@pytest.mark.parametrize("make", SEEKABLE.values(), ids=SEEKABLE)
@pytest.mark.parametrize("start", [0, 4])
def test_what_can_seek_stands_where_it_stood_at_each_attempt(send, tmp_path, make, start):
    """The second attempt reads what the first one read, from where the caller had left it."""
    body = make(tmp_path)
    getattr(body, "file", body).seek(start)

    got = send(body)

    assert got[0] in (CONTENT[start:], CONTENT[start:].decode())
    assert send.got[0] == send.got[1]
    getattr(body, "file", body).close()


def test_every_argument_is_put_back(send):
    """Positional, keyword and star arguments."""
    send(io.BytesIO(b"a"), io.BytesIO(b"b"), name=io.BytesIO(b"c"))

    assert send.got[0] == send.got[1] == [b"a", b"b", b"c"]


def nested(kind, body):
    return {
        "list": [1, body],
        "tuple": (1, body),
        "dict": {"file": body},
        "requests": {"file": ("name", body, "text/plain")},
        "pairs": [("file", ("name", body))],
    }[kind]


@pytest.mark.parametrize("kind", ["list", "tuple", "dict", "requests", "pairs"])
def test_files_in_containers_are_put_back(place, world, kind):
    """`files={"f": open(...)}`, in the forms that requests takes."""
    body, got = io.BytesIO(CONTENT), []

    def send(url, *, files):
        got.append(body.read())
        if len(got) == 1:
            raise ConnectionError

    place(send, world=world, retry=EXACT)("url", files=nested(kind, body))

    assert got == [CONTENT, CONTENT]


def drawn():
    yield from (1, 2)


async def answer():
    return 1


class Own:
    """An iterator of the user's own."""

    def __init__(self):
        self.left = [1, 2]

    def __iter__(self):
        return self

    def __next__(self):
        if not self.left:
            raise StopIteration
        return self.left.pop()


class Pipe(io.RawIOBase):
    """What can be read once."""

    def __init__(self):
        self.left = [b"", CONTENT]

    def readable(self):
        return True

    def readall(self):
        return self.left.pop() if self.left else b""

    read = readall


ONE_SHOT = {
    "generator": drawn,
    "list": lambda: iter([1, 2]),
    "range": lambda: iter(range(2)),
    "set": lambda: iter({1, 2}),
    "keys": lambda: iter({1: 2}),
    "reversed": lambda: reversed([1, 2]),
    "map": lambda: map(str, [1, 2]),
    "filter": lambda: filter(None, [1, 2]),
    "zip": lambda: zip([1], drawn(), strict=False),
    "enumerate": lambda: enumerate("ab"),
    "chain": lambda: itertools.chain([1], [2]),
    "islice": lambda: itertools.islice([1, 2], 2),
    "callable": lambda: iter([1, 2].pop, 1),
    "csv": lambda: csv.reader(["a,b"]),
    "own": Own,
    "coroutine": answer,
    "pipe": Pipe,
}


@pytest.mark.parametrize("make", ONE_SHOT.values(), ids=ONE_SHOT)
def test_what_cannot_be_put_back_is_not_sent_a_second_time(place, world, send, make):
    """The error is the caller's at once, and its note says which argument stands in the way."""
    body = make()

    with pytest.raises(ConnectionError, match="down") as caught:
        send(body)

    (note,) = caught.value.__notes__
    assert "gave up after 1 attempt: the argument `body` (" in note
    assert note.endswith(") is used up and cannot be put back")
    assert (len(send.got), world.slept) == (1, [])
    assert retries(place, send, "not_retryable") == 1


UNTOLD = ("pipe", "own", "csv", "chain", "islice", "callable")
"""Those that do not tell whether they have begun."""
UNTOUCHED = {name: make for name, make in ONE_SHOT.items() if name not in UNTOLD}


@pytest.mark.parametrize("make", UNTOUCHED.values(), ids=UNTOUCHED)
def test_an_iterator_that_no_attempt_has_begun_is_sent(place, world, make):
    """An attempt that failed before it drew anything is followed by another."""
    got = []

    def send(body):
        got.append(None)
        if len(got) == 1:
            raise ConnectionError
        return spend(body)

    assert place(send, world=world, retry=EXACT)(make()) == spend(make())


def test_a_file_that_was_closed_is_not_sent_again(send, place, world):
    """Who closes the file in the first attempt makes no second one."""

    def upload(body):
        with body:
            body.read()
        raise ConnectionError

    place(upload, world=world, retry=EXACT)
    with pytest.raises(ConnectionError) as caught:
        upload(io.BytesIO(CONTENT))

    assert caught.value.__notes__[0].endswith("the argument `body` (BytesIO) was closed")
    assert world.slept == []


def test_what_is_written_to_alone_does_not_stand_in_the_way(place, world, tmp_path):
    """A log or a standard stream takes what each attempt writes."""
    attempts = []

    def fetch(out):
        out.write("x")
        attempts.append(out)
        if len(attempts) == 1:
            raise ConnectionError

    with (tmp_path / "log").open("w") as out:
        place(fetch, world=world, retry=EXACT)(out)

    assert (tmp_path / "log").read_text() == "xx"


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2], "b": (None,)},
        [1] * 1000,
        print,
        dataclass,
        unittest.mock.MagicMock(),
        unittest.mock.Mock(),
        range(3),
        {1, 2},
        io.BytesIO,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_can_be_read_again_is_sent_again(place, world, value):
    """Containers, classes, functions and mocks are used up by nobody."""
    attempts = []

    def send(body):
        attempts.append(body)
        if len(attempts) == 1:
            raise ConnectionError

    place(send, world=world, retry=EXACT)(value)

    assert attempts == [value, value]


def test_an_object_that_lies_about_its_class_is_not_asked(place, world):
    """A proxy that is bound to nothing raises where it is asked; nobody asks it."""

    class Proxy:
        @property
        def __class__(self):
            raise RuntimeError("not bound")

        def __getattr__(self, name):
            raise RuntimeError("not bound")

    attempts = []

    def send(body):
        attempts.append(1)
        if len(attempts) == 1:
            raise ConnectionError
        return "sent"

    assert place(send, world=world, retry=EXACT)(Proxy()) == "sent"


def test_a_class_without_a_hash_is_taken(place, world):
    """A metaclass may compare its classes as it likes."""

    class Odd(type):
        def __eq__(cls, other):
            raise RuntimeError

    class Made(metaclass=Odd):
        pass

    attempts = []

    def send(body):
        attempts.append(1)
        if len(attempts) == 1:
            raise ConnectionError
        return "sent"

    assert place(send, world=world, retry=EXACT)(Made()) == "sent"


def test_self_needs_no_look(place, world):
    """A method of an iterator is called again."""

    class Source(Own):
        tries = 0

        def fetch(self):
            self.tries += 1
            if self.tries == 1:
                raise ConnectionError
            return next(self)

    place(Source.fetch, world=world, retry=EXACT)

    assert Source().fetch() == 2


@pytest.mark.parametrize("annotation", ["int", "str | None", "list[float]", int, list[str]])
def test_an_annotation_is_believed_before_the_call_and_not_after(place, world, annotation):
    """What is annotated as plain costs nothing at a call; a file is still not sent half."""

    def send(body):
        body.read()
        raise ConnectionError

    send.__annotations__["body"] = annotation
    place(send, world=world, retry=EXACT)

    assert "look" not in place.source(send)
    with pytest.raises(ConnectionError) as caught:
        send(io.BytesIO(CONTENT))
    assert "used up" in caught.value.__notes__[0]


@pytest.mark.parametrize("start", [0, 4])
def test_coroutines_put_arguments_back(place, world, start):
    """As functions do."""
    got = []

    async def send(body):
        await asyncio.sleep(0)
        got.append(body.read())
        if len(got) == 1:
            raise ConnectionError

    body = io.BytesIO(CONTENT)
    body.seek(start)
    asyncio.run(place(send, world=world, retry=EXACT)(body))

    assert got == [CONTENT[start:]] * 2


async def items():
    yield 1


@pytest.mark.parametrize("begin", [True, False])
def test_an_async_generator_is_sent_unless_it_has_begun(place, world, begin):
    """What hands out its items once is not asked for them twice."""
    calls = []

    async def send(body):
        calls.append(1)
        if begin or len(calls) == 2:
            assert [one async for one in body] == [1]
        if len(calls) == 1:
            raise ConnectionError

    place(send, world=world, retry=EXACT)
    if begin:
        with pytest.raises(ConnectionError) as caught:
            asyncio.run(send(items()))
        assert "(async_generator) is used up" in caught.value.__notes__[0]
    else:
        asyncio.run(send(items()))
    assert len(calls) == (1 if begin else 2)


def test_generators_put_arguments_back(place, world):
    """A generator that fails before its first item reads its file anew."""
    got = []

    def lines(body):
        got.append(body.read())
        if len(got) == 1:
            raise ConnectionError
        yield got[-1]

    assert list(place(lines, world=world, retry=EXACT)(io.BytesIO(CONTENT))) == [CONTENT]


def test_a_generator_function_does_not_draw_twice(place, world):
    """Nor is it called again with an iterator that it has begun."""

    def doubled(rows):
        next(rows)
        raise ConnectionError
        yield

    place(doubled, world=world, retry=EXACT)
    with pytest.raises(ConnectionError) as caught:
        list(doubled(drawn()))
    assert "`rows` (generator)" in caught.value.__notes__[0]


def test_an_unwanted_result_is_handed_on_where_the_argument_is_used_up(place, world):
    """No second attempt is made to get another result."""
    calls = []

    def send(body):
        calls.append(list(body))

    place(send, world=world, retry={**EXACT, "on_result": {"is_none": True}})

    assert send(drawn()) is None
    assert calls == [[1, 2]]
    assert retries(place, send, "not_retryable") == 1


def test_later_attempts_put_back_too(place, world):
    """The third attempt reads what the first one read."""
    got = []

    def send(body):
        got.append(body.read())
        raise ConnectionError

    with pytest.raises(ConnectionError):
        place(send, world=world, retry=EXACT)(io.BytesIO(CONTENT))

    assert got == [CONTENT] * 3


@pytest.mark.parametrize(("make", "would"), [(drawn, 0), (lambda: io.BytesIO(CONTENT), 1)])
def test_shadow_counts_what_could_be_sent_again(place, world, make, would):
    """Where no second attempt could be made, none is counted; nothing is moved."""

    def send(body):
        spend(body)
        raise ConnectionError

    place(send, world=world, retry={**EXACT, "mode": "shadow"})
    with pytest.raises(ConnectionError):
        send(make())

    labels = {"function": f"{send.__module__}:{send.__qualname__}", "kind": "retry"}
    assert place.meters.value("mlpolicy_shadow_total", **labels, would="retry") == would


def test_the_note_shows_no_value(place, world):
    """It names the parameter and the class, not the key of a dict nor what is in it."""

    def send(**files):
        files["secret-key"].read()
        raise ConnectionError

    place(send, world=world, retry=EXACT)
    with pytest.raises(ConnectionError) as caught:
        send(**{"secret-key": Pipe()})

    assert "secret" not in caught.value.__notes__[0]
    assert "`files` (Pipe)" in caught.value.__notes__[0]


def test_classes_that_are_made_at_run_time_are_free_to_go(place, world):
    """What is remembered of classes is remembered of those that stand in their module."""

    def send(body):
        return type(body)

    place(send, world=world, retry=EXACT)
    gone = weakref.ref(send(type("Made", (), {})()))
    send(unittest.mock.MagicMock())
    gc.collect()

    assert gone() is None
    assert not any(issubclass(one, unittest.mock.MagicMock) for one in PLAIN)


def test_a_failed_call_keeps_no_argument(place, world):
    """Where a file stood is forgotten with the call."""

    def send(body):
        body.read()
        raise ConnectionError

    class Own(io.BytesIO):
        pass

    place(send, world=world, retry=EXACT)
    body = Own(CONTENT)
    gone = weakref.ref(body)
    with pytest.raises(ConnectionError):
        send(body)
    del body
    gc.collect()

    assert gone() is None
