"""Which tests `-k` means: words with `and`, `or`, `not` and parentheses, as pytest has them."""

from __future__ import annotations

import re
from collections.abc import Callable

Chooser = Callable[[str], bool]
"""Whether a test of that name is meant."""

_TOKEN = re.compile(r"\s*(\(|\)|\"[^\"]*\"|'[^']*'|[^\s()]+)")


class SelectionError(ValueError):
    """An expression cannot be read; the message is for people."""


def chooser(expression: str) -> Chooser:
    """Return what says whether a test is meant by *expression*.

    Raises:
        SelectionError: It cannot be read.
    """
    reader = _Reader(expression)
    made = reader.either()
    if reader.ahead is not None:
        raise SelectionError(f"`{reader.ahead}` in `{expression}` is one word too many")
    return made


class _Reader:
    """Reads one expression from left to right."""

    def __init__(self, expression: str) -> None:
        self._whole = expression
        self._tokens = _TOKEN.findall(expression)
        self._at = 0

    @property
    def ahead(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> str:
        token = self.ahead
        if token is None:
            raise SelectionError(f"`{self._whole}` ends too early")
        self._at += 1
        return token

    def either(self) -> Chooser:
        made = self._both()
        while self.ahead == "or":
            self._next()
            made = _either(made, self._both())
        return made

    def _both(self) -> Chooser:
        made = self._one()
        while self.ahead == "and":
            self._next()
            made = _both(made, self._one())
        return made

    def _one(self) -> Chooser:
        word = self._next()
        if word == "not":
            return _other(self._one())
        if word == "(":
            made = self.either()
            if self._next() != ")":
                raise SelectionError(f"`{self._whole}` lacks a `)`")
            return made
        if word in (")", "and", "or"):
            raise SelectionError(f"`{word}` in `{self._whole}` has nothing before it")
        return _word(word.strip("\"'").lower())


def _word(word: str) -> Chooser:
    return lambda name: word in name.lower()


def _either(one: Chooser, other: Chooser) -> Chooser:
    return lambda name: one(name) or other(name)


def _both(one: Chooser, other: Chooser) -> Chooser:
    return lambda name: one(name) and other(name)


def _other(one: Chooser) -> Chooser:
    return lambda name: not one(name)
