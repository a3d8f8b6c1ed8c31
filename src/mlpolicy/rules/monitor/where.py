"""What `--where` says of events: `input.user.country = "DE" and duration_s > 0.5`.

It is compiled to SQL in which all that was written is a bound parameter.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

COLUMNS: Final = (
    *("id", "time", "function", "outcome", "severity", "call_id", "own_id"),
    *("error_type", "duration_s", "pid", "sample_rate"),
)
_MOST: Final = 100
"""Comparisons in one condition."""
_MOST_DIGITS: Final = 18
"""Of an integer that SQLite holds as one."""
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)
    |(?P<word>[A-Za-z_][\w-]*)|(?P<sign>!=|<=|>=|[=<>~().\[\]])|(?P<wrong>\S)|$)""",
    re.X,
)
_SIGNS: Final = ("=", "!=", "<=", ">=", "<", ">", "~")
_CONSTANTS: Final = {"true": True, "false": False}
SQL = tuple[str, tuple[Any, ...]]
"""A condition, and its parameters."""


class WhereError(ValueError):
    """The condition does not parse: what is wrong, at which column, and what to do."""

    def __init__(self, text: str, at: int, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n  {text}\n  {' ' * at}^\n  = {remedy}")


def compiled(text: str) -> SQL:
    """Return the condition that *text* says."""
    if "\n" in text or not text.isprintable():
        raise WhereError(ascii(text), 0, "a condition is one line", "leave out what is not shown")
    return _Reader(text).condition()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._next, self._left = text, 0, _MOST
        self._step()

    def _step(self) -> str:
        """Go on to the next token; return the one before it."""
        found = getattr(self, "_value", "")
        match = _TOKEN.match(self._text, self._next)
        assert match is not None  # (it matches anything)
        self._kind, self._value = match.lastgroup or "", match[match.lastgroup or 0].strip()
        self._at = match.end() - len(self._value)
        self._next = match.end()
        return found

    def _wrong(self, problem: str, remedy: str) -> WhereError:
        found = f", found `{self._value}`" if self._value else ", found the end"
        return WhereError(self._text, self._at, problem + found, remedy)

    def _is(self, *words: str) -> bool:
        return self._kind in ("word", "sign") and self._value.lower() in words

    def condition(self) -> SQL:
        made = self._joined("or")
        if self._kind:
            raise self._wrong("expected `and`, `or` or the end", "join comparisons by `and`, `or`")
        return made

    def _joined(self, word: str) -> SQL:
        parts = [self._part(word)]
        while self._is(word):
            self._step()
            parts.append(self._part(word))
        return f"({f' {word} '.join(sql for sql, _ in parts)})", sum(
            (each for _, each in parts), ()
        )

    def _part(self, word: str) -> SQL:
        if word == "or":
            return self._joined("and")
        self._left -= 1
        if self._left < 0:
            raise self._wrong(f"expected at most {_MOST} comparisons", "ask in several commands")
        if not self._is("("):
            return self._comparison()
        self._step()
        made = self._joined("or")
        if not self._is(")"):
            raise self._wrong("expected `)`", "close what was opened")
        self._step()
        return made

    def _comparison(self) -> SQL:
        value, known = self._path()
        if self._is("is"):
            self._step()
            negated = self._is("not") and bool(self._step())
            if not self._is("null"):
                raise self._wrong("expected `null`", "write `is null` or `is not null`")
            self._step()
            return f"{value} IS {'NOT ' if negated else ''}NULL", known
        if not self._is(*_SIGNS):
            signs = " ".join(_SIGNS)
            raise self._wrong("expected a comparison", f"write one of {signs}, `is null`")
        return self._compared(value, known, self._step())

    def _compared(self, value: str, known: tuple[Any, ...], sign: str) -> SQL:
        literal = self._literal()
        if isinstance(literal, bool):
            if sign not in ("=", "!="):
                raise self._wrong("`true` and `false` have no order", "write = or !=")
            of_type = value.replace("json_extract", "json_type")
            return f"{of_type} {sign} ?", (*known, str(literal).lower())
        if sign == "~":
            return f"instr({value}, ?) > 0", (*known, str(literal))
        # (SQLite has numbers stand before texts: neither is what the other is compared with)
        is_text = isinstance(literal, str)
        if sign[0] == ("<" if is_text else ">"):
            sql = f"{value} BETWEEN '' AND ?" if is_text else f"{value} BETWEEN ? AND 9e999"
            if sign in _SIGNS[-3:]:
                return f"({sql} AND {value} != ?)", (*known, literal, *known, literal)
            return sql, (*known, literal)
        sql, values = f"{value} {sign} ?", (*known, literal)
        if sign == "=" and known and isinstance(literal, str):
            # Most events are told by their text, which is looked through ten times as fast.
            return f"(instr(event, ?) > 0 AND {sql})", (json.dumps(literal), *values)
        return sql, values

    def _path(self) -> SQL:
        """Return what is compared: a column, or a place in the JSON of the event."""
        steps = [self._key()]
        while self._is(".", "["):
            if self._step() == ".":
                steps.append(self._key())
                continue
            if self._kind != "number" or not self._value.isdigit():
                raise self._wrong("expected an index", "count the items of a list from 0: rows[0]")
            steps.append(f"[{self._step()}]")
            if not self._is("]"):
                raise self._wrong("expected `]`", "close the index: rows[0]")
            self._step()
        column = steps[0].strip('."')
        if len(steps) == 1 and column in COLUMNS:
            return column, ()
        return "json_extract(event, ?)", ("$" + "".join(steps),)

    def _key(self) -> str:
        if self._kind not in ("word", "text"):
            remedy = 'write the path of a field first: input.user.country = "DE"'
            raise self._wrong("expected a field", remedy)
        key = self._literal_text() if self._kind == "text" else self._value
        if '"' in key or "\\" in key:
            raise self._wrong("a key has no quote or backslash here", "compare the rest, and look")
        self._step()
        return f'."{key}"'

    def _literal_text(self) -> str:
        return re.sub(r"\\(.)", r"\1", self._value[1:-1])

    def _literal(self) -> str | float | bool:
        """Return the value at hand, and go on."""
        if self._kind == "text":
            made: str | float | bool = self._literal_text()
        elif self._kind == "number":
            is_real = re.search("[.eE]", self._value) or len(self._value) > _MOST_DIGITS
            made = float(self._value) if is_real else int(self._value)
        elif self._is(*_CONSTANTS):
            made = _CONSTANTS[self._value.lower()]
        elif self._is("null"):
            raise self._wrong("expected a value", "write `is null` or `is not null`")
        else:
            raise self._wrong("expected a value", 'a text stands in quotes: "DE"')
        self._step()
        return made
