"""Values: classes of named fields that nobody changes once they are made."""

from __future__ import annotations

import pytest

from mlpolicy.core.frozen import frozen


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
