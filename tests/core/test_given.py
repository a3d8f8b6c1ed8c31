"""What stands for an object: its path, and the object."""

from __future__ import annotations

import pickle

import pytest

from mlpolicy.core.target import Given, path_of


class Held:
    def __repr__(self):
        return "hunter2"

    def method(self):
        return None


@pytest.mark.parametrize(
    ("held", "path"),
    [
        (ValueError, "ValueError"),
        (Held, f"{__name__}.Held"),
        (Held.method, f"{__name__}:Held.method"),
        (Held().method, f"{__name__}:Held.method"),
        (len, "len"),
        (pickle.dumps, "_pickle:dumps"),
        (Held(), f"{__name__}.Held"),
        ((int, Held), f"int | {__name__}.Held"),
    ],
)
def test_an_object_is_shown_by_its_path(held, path):
    assert str(Given.of(held)) == f"{Given.of(held)}" == path_of(held) == path


def test_it_is_equal_to_what_stands_for_the_same_object_alone():
    """Two classes of one name are two, and a text names neither."""
    one, other = (type("Local", (), {}) for _ in range(2))

    assert Given.of(one) == Given.of(one) and hash(Given.of(one)) == hash(Given.of(one))
    assert Given.of(one) != Given.of(other)
    assert Given.of(one) != str(Given.of(one)) and str(Given.of(int)) not in (Given.of(int),)


def test_it_travels_with_the_object():
    found = pickle.loads(pickle.dumps(Given.of(Held)))

    assert (found, found.held) == (Given.of(Held), Held)
