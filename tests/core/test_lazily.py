"""Mappings that are made when somebody first looks into them."""

from __future__ import annotations

from mlpolicy.core.lazily import Lazily


def test_nothing_is_made_before_somebody_looks() -> None:
    made: list[str] = []

    def make() -> dict[str, int]:
        made.append("made")
        return {"a": 1, "b": 2}

    lazily = Lazily(make)
    assert made == []
    assert lazily["a"] == 1
    assert list(lazily) == ["a", "b"]
    assert len(lazily) == 2
    assert lazily.get("c") is None
    assert made == ["made"]


def test_it_equals_and_shows_what_it_holds() -> None:
    lazily: Lazily[int] = Lazily(lambda: {"a": 1})
    assert lazily == {"a": 1}
    assert repr(lazily) == "{'a': 1}"
