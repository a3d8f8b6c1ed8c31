"""Findings that an author asked not to see."""

from __future__ import annotations

from policies import loaded


def shown(comment):
    text = f"policies:\n  shop:f:\n    retry: 20  # mlpolicy: ignore[{comment}\n"
    each = loaded(text).shown(level="none").diagnostics
    return sorted((one.code, one.span.line) for one in each)


def test_a_finding_is_not_shown_where_its_code_stands_on_its_line():
    assert shown("MP609] it is patient") == []


def test_a_reason_is_asked_for():
    assert shown("MP609]") == [("MP090", 4)]


def test_a_code_that_does_not_exist_hides_nothing():
    """However like it is to the one that is found."""
    assert shown("MP60] it is patient") == [("MP091", 4), ("MP609", 4)]


def test_a_code_that_is_not_found_is_told():
    assert shown("MP609, MP611] it is patient") == [("MP092", 4)]
