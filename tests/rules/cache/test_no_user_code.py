"""Keys, sizes and copies look into classes that they know; no code of the user's runs for it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import attrs
import numpy as np
import pydantic
import pytest

from mlpolicy.rules.cache.canonical import encode
from mlpolicy.rules.cache.classes import Unkeyable, one_shot
from mlpolicy.rules.cache.contents import SAME, size_of, survey


class Ran(Exception):
    """Code of the user's ran."""


def ran(*_, **__):
    raise Ran


class Watchful(type):
    """A class that minds being asked."""

    def __getattr__(cls, name):
        raise Ran(name)


class Lazy(metaclass=Watchful):
    """Computes whatever it is asked for."""

    __getattr__ = __getattribute__ = ran
    __len__ = __iter__ = __bool__ = __eq__ = __repr__ = __str__ = __sizeof__ = __format__ = ran
    __class__ = property(ran)
    dtype = shape = nbytes = memory_usage = iloc = key = zone = property(ran)
    __hash__ = object.__hash__


class Items(list):
    """A list that computes its items."""

    __getattribute__ = ran
    __len__ = __iter__ = __getitem__ = __sizeof__ = ran


class Mapping(dict):
    """A dict that computes its items."""

    __getattribute__ = ran
    __len__ = __iter__ = __getitem__ = items = keys = values = __sizeof__ = ran


class Array(np.ndarray):
    """An array that computes."""

    def __array_finalize__(self, other):
        pass

    shape = property(ran)


@dataclasses.dataclass
class Record:
    text: str

    def __getattr__(self, name):
        raise Ran(name)

    def __getattribute__(self, name):
        raise Ran(name)


@dataclasses.dataclass
class Computed:
    text: str = "a"


Computed.text = property(ran, lambda self, value: None)


@attrs.define
class Attrs:
    text: str

    def __getattribute__(self, name):
        raise Ran(name)


@dataclasses.dataclass(slots=True)
class Slots:
    text: str

    def __getattribute__(self, name):
        raise Ran(name)


class Model(pydantic.BaseModel):
    text: str

    def __getattribute__(self, name):
        if name == "text":
            raise Ran
        return super().__getattribute__(name)


ODD: dict[str, Callable[[], Any]] = {
    "lazy": Lazy,
    "list": lambda: Items([1]),
    "dict": lambda: Mapping(a=1),
    "array": lambda: np.zeros(2).view(Array),
    "computed": Computed,
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
@pytest.mark.parametrize("inside", [lambda v: v, lambda v: [v], lambda v: {"a": v, "b": (v, 1)}])
def test_what_is_not_known_is_not_looked_into(make, inside):
    """It has no key; its size and its sort are told by its class."""
    value = make()

    with pytest.raises(Unkeyable):
        encode(inside(value))
    assert size_of(inside(value)) > 0
    assert survey(inside(value)) != SAME
    assert not one_shot(type(value))


@pytest.mark.parametrize("kind", [Record, Attrs, Slots])
def test_fields_are_read_past_what_a_class_does_with_them(kind):
    """Neither properties nor `__getattr__` run."""
    assert encode(kind("a")) == encode(kind("a"))
    assert encode(kind("a")) != encode(kind("b"))


def test_fields_of_a_model_are_read_past_what_it_does_with_them():
    """As pydantic keeps them."""
    assert encode(Model(text="a")) == encode(Model(text="a"))
    assert encode(Model(text="a")) != encode(Model(text="b"))


def test_a_mock_as_an_argument_grows_no_attributes(place):
    """The call goes through."""
    load = place(lambda user: 1, cache={"ttl": "1m", "max_bytes": "1MiB"})
    mock = MagicMock()

    assert load(mock) == 1

    assert mock.mock_calls == []
    assert not [name for name in mock._mock_children if not name.startswith("__")]


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("private")

    __repr__ = __format__ = __str__


class Broken:
    @property
    def id(self):
        raise Unprintable("private")


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
def test_an_error_that_cannot_be_printed_fails_no_call(place, mode, caplog):
    """An operator asked for `user.id`; its failure is told by its class."""
    load = place(lambda user: 1, cache={"ttl": "1m", "key": ["user.id"], "mode": mode})

    with caplog.at_level(logging.WARNING, "mlpolicy"):
        assert load(Broken()) == load(Broken()) == 1

    assert "Unprintable" in caplog.text
    assert "private" not in caplog.text
    assert len(caplog.records) == 1


def test_a_large_nest_is_sized_in_a_moment():
    """An estimate looks at some thousand items, whatever there is."""
    row = [["a" * 100] * 20 for _ in range(200)]
    nest = [[row] * 100 for _ in range(100)]

    looked: list[int] = []
    for value in (nest, [nest] * 100):
        looked.append(size_of(value))

    assert 0.5 < looked[1] / (looked[0] * 100) < 2
    true = 100 * 100 * (200 * (20 * 8 + 20 * 149 + 56))
    assert 0.3 < looked[0] / true < 3
