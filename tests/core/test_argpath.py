"""Paths into arguments."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mlpolicy.core.argpath import ArgPathError, parse


@pytest.mark.parametrize(
    ("text", "value", "read"),
    [
        ("user", 5, 5),
        ("user.id", {"id": 7}, 7),
        ("user.id", SimpleNamespace(id=7), 7),
        ("rows[1]", "abc", "b"),
        ("rows[*].id", [{"id": 1}, {"id": 2}], [1, 2]),
        ("a.b[0].c", {"b": [{"c": 9}]}, 9),
    ],
)
def test_a_path_leads_to_a_part(text, value, read):
    """Keys, attributes, indexes and every item."""
    path = parse(text)

    assert (path.read(value), str(path)) == (read, text)


@pytest.mark.parametrize("text", ["", ".a", "a..b", "a[", "a[x]", "a b", "1a", "a[-1]"])
def test_what_is_no_path_is_refused(text):
    """Anything else is no path."""
    with pytest.raises(ArgPathError):
        parse(text)


def test_what_is_not_there_is_a_lookup_error():
    """A missing attribute is told like a missing key."""
    with pytest.raises(LookupError):
        parse("user.id").read(SimpleNamespace())
