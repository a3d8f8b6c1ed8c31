"""Values: classes of named fields that nobody changes once they are made."""

from __future__ import annotations

import copy
import pickle
from dataclasses import field, replace

import pytest

from mlpolicy.core.classes import frozen


@frozen(order=True)
class Version:
    """Two numbers."""

    major: int
    minor: int = 0


def test_equal_fields_are_equal_values_with_one_hash() -> None:
    assert Version(1) == Version(1, 0)
    assert len({Version(1), Version(1, 0), Version(2)}) == 2


def test_order_is_that_of_the_fields() -> None:
    assert sorted([Version(2), Version(1, 5), Version(1)]) == [
        Version(1),
        Version(1, 5),
        Version(2),
    ]


def test_a_field_that_the_class_does_not_name_is_refused() -> None:
    with pytest.raises(AttributeError):
        Version(1).patch = 3  # type: ignore[attr-defined]


def test_values_of_two_classes_are_never_equal() -> None:
    @frozen()
    class Other:
        major: int
        minor: int = 0

    assert Version(1) != Other(1)
    assert Version(1).__eq__(Other(1)) is NotImplemented


def test_a_field_may_stay_out_of_what_is_equal_and_of_what_is_shown() -> None:
    @frozen()
    class Held:
        name: str
        body: object = field(default=None, compare=False, repr=False)

    assert Held("a", [1]) == Held("a", [2])
    assert hash(Held("a", [1])) == hash(Held("a", [2]))
    assert repr(Held("a", [1])).endswith("Held(name='a')")


def test_a_value_without_fields_equals_each_other_one() -> None:
    @frozen()
    class Nothing:
        pass

    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1


def test_what_the_class_defines_stays() -> None:
    @frozen()
    class Named:
        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Named) and self.name.lower() == other.name.lower()

        def __hash__(self) -> int:
            return hash(self.name.lower())

        def __repr__(self) -> str:
            return self.name

    assert Named("A") == Named("a")
    assert len({Named("A"), Named("a")}) == 1
    assert repr(Named("A")) == "A"


def test_values_are_copied_and_pickled() -> None:
    version = Version(1, 2)
    assert copy.copy(version) == version
    assert pickle.loads(pickle.dumps(version)) == version
    assert replace(version, minor=3) == Version(1, 3)
