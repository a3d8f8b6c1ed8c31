"""Progress, for people and on stderr alone."""

from __future__ import annotations

import io
import sys
import time

import pytest

from mlpolicy.cli.options import waiting


class Screen(io.StringIO):
    def __init__(self, *, watched: bool) -> None:
        super().__init__()
        self.watched = watched

    def isatty(self) -> bool:
        return self.watched


def seen(screen, words, within):
    end = time.monotonic() + within
    while words not in screen.getvalue() and time.monotonic() < end:
        time.sleep(0.01)
    return words in screen.getvalue()


@pytest.fixture
def screen(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")

    def made(*, watched):
        screen = Screen(watched=watched)
        monkeypatch.setattr(sys, "stderr", screen)
        return screen

    return made


def test_a_person_sees_what_takes_long(screen, capsys):
    shown = screen(watched=True)

    with waiting("reading policies", patience=0.0):
        assert seen(shown, "reading policies", within=30)

    assert capsys.readouterr().out == ""


def test_what_is_quick_says_nothing(screen):
    shown = screen(watched=True)

    with waiting("reading policies", patience=60.0):
        pass

    assert shown.getvalue() == ""


def test_a_log_has_no_progress(screen):
    shown = screen(watched=False)

    with waiting("reading policies", patience=0.0):
        assert not seen(shown, "reading", within=0.2)
