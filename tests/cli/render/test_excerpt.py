"""Carets stand under what they are about, in the cells of a terminal."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.cli.render.text import WIDEST, excerpt, visible


@pytest.mark.parametrize(
    ("line", "marked", "lead", "long"),
    [
        ("ttl: 30", "30", 5, 2),
        ("名前: 30", "30", 6, 2),
        ("k: 名前", "名前", 3, 4),
        ("ｋ: x", "x", 4, 1),
        ("cafe\u0301: x", "x", 6, 1),
        ("🚀: x", "x", 4, 1),
        ("\tx: 1", "x", 4, 1),
        ("ab\tx: 1", "x", 4, 1),
        ("名\tx: 1", "x", 4, 1),
        ("a: \x1b[31m", "[31m", 4, 4),
    ],
)
def test_carets_stand_under_the_mark(line, marked, lead, long):
    first = line.index(marked)

    _, carets = excerpt(line, first, first + len(marked))

    assert carets == " " * lead + "^" * long


def test_a_tab_is_shown_as_wide_as_it_counts():
    assert excerpt("a\tb", 2, 3) == ("a   b", "    ^")


def test_the_mark_on_a_letter_is_pointed_at_with_the_letter():
    assert excerpt("cafe\u0301", 4, 5) == ("cafe\u0301", "   ^")


@pytest.mark.parametrize("first", [3, 4, 99])
def test_the_end_of_a_line_can_be_pointed_at(first):
    assert excerpt("ttl", first, first + 1) == ("ttl", "   ^")


@pytest.mark.parametrize("letter", ["x", "名"])
@pytest.mark.parametrize("place", [0, 5, 300, 599])
def test_a_wide_line_is_cut_around_the_mark(letter, place):
    line = letter * place + "!" + letter * (600 - place)

    shown, carets = excerpt(line, place, place + 1)

    cells = 2 if letter == "名" else 1
    before = shown[: shown.index("!")]
    assert len(carets) - 1 == sum(1 if one == "…" else cells for one in before)
    assert sum(cells if one == letter else 1 for one in shown) <= WIDEST + 2
    assert shown.startswith("…") == (place >= 300)
    assert shown.endswith("…") == (place <= 300)


def test_what_steers_a_terminal_is_shown_and_not_sent():
    shown = visible("a\x1b[2J\x07\x7f\x9b\u202eb\u2028\ud800")

    assert shown == "a␛[2J␇␡�" + "�b��"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.data())
def test_any_stretch_of_any_line_gets_carets_and_no_control_character(line, data):
    first = data.draw(st.integers(0, len(line)))
    last = data.draw(st.integers(first, len(line)))

    shown, carets = excerpt(line, first, last)

    assert carets.strip() == "^" * len(carets.strip()) != ""
    assert shown == visible(shown)


def test_a_long_line_with_thousands_of_findings_is_laid_out_once():
    """What a finding on it costs does not grow with the line."""
    line = "a: " + ", ".join(f"x{at}" for at in range(40_000))
    excerpt(line, 5, 7)
    began = time.process_time()

    for at in range(2000):
        excerpt(line, at * 3, at * 3 + 2)

    assert time.process_time() - began < 5
