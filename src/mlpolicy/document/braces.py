"""Words between braces that were meant otherwise: a key with its value, a list, a variable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import dropwhile, islice, takewhile

from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.span import Span
from mlpolicy.document.node import At, Entry, Mapping, Scalar, is_bare, is_empty
from mlpolicy.document.scalars import value_of

_UNSPACED = re.compile(r"(?!(?:http|grpc):)(\w+)(?:[:=]| *= *| +)(\S+)")
"""A key and its value; an item such as `http:503` is none."""


def is_variable(entries: dict[str, Entry]) -> bool:
    """Whether a mapping is a variable without its `$`: `{vars.name}`."""
    alone = next(iter(entries.values())) if len(entries) == 1 else None
    return alone is not None and alone.key.startswith(("vars.", "env:")) and is_empty(alone.value)


def divided(entries: dict[str, Entry], said: list[Diagnostic]) -> list[Diagnostic]:
    """Return *said* with one finding for each slip; keys that have their values within are mended.

    Args:
        entries: What stands between the braces; words without a value are among it.
        said: What was found there so far: of each of these words, that it has no value.
    """
    found = _separated(entries, said)
    lists = list(_lists(entries))
    places = {one.key_span for _, words in lists for one in words}
    kept = [one for one in found if one.code != "MP009" or one.span not in places]
    return [*kept, *(_without_value(first, words) for first, words in lists)]


def unbracketed(entry: Entry, beside: Iterable[Entry]) -> Diagnostic | None:
    """Return the finding for words that are the list which *entry* takes, with its repair.

    They follow its value, as in `{key: user, items}`, or are all that stands in it, in braces.
    *beside* are the entries that it stands among.
    """
    value = entry.value
    if isinstance(value, Mapping):
        words = value.entries if all(map(_is_word, value.entries)) else ()
        first = words[0].at if words else None
    else:
        after = islice(dropwhile(lambda one: one is not entry, beside), 1, None)
        words, first = tuple(takewhile(_is_word, after)), value.at
    if not words or not first:
        return None
    found, place, last = _without_value(first, words), value.span, words[-1].key_span
    if not isinstance(value, Mapping):
        place = replace(place, end_line=last.end_line, end_column=last.end_column)
    text = f"[{_written(first, words[-1])}]"
    return replace(found, suggestions=(Suggestion(f"write `{text}`", place, text),))


def _lists(entries: dict[str, Entry]) -> Iterator[tuple[At | None, list[Entry]]]:
    """Yield words without values that follow each other, and where their list begins, if known."""
    first: At | None = None
    words: list[Entry] = []
    for number, entry in enumerate(entries.values()):
        if _is_word(entry):
            first = first if words or number else entry.at
            words.append(entry)
            continue
        if words:
            yield first, words
        first, words = entry.value.at if isinstance(entry.value, Scalar) else None, []
    if words:
        yield first, words


def _is_word(entry: Entry) -> bool:
    return is_bare(entry) and is_empty(entry.value)


def _without_value(first: At | None, words: Sequence[Entry]) -> Diagnostic:
    word = words[0]
    listed = _written(first, words[-1]) if first else f"..., {word.key}"
    help = f"write `{word.key}: ...`, or brackets around a list: `[{listed}]`"
    return Diagnostic("MP009", f"`{word.key}` has no value", word.key_span, help=help)


def _written(first: At, last: Entry) -> str:
    """Return what is written from *first* to the word *last*, in one line."""
    if isinstance(first, Span) or isinstance(last.at, Span):
        return f"..., {last.key}"
    origin, start, _ = first
    return " ".join(origin.text[start.index : last.at[2].index].split())


def _separated(entries: dict[str, Entry], said: list[Diagnostic]) -> list[Diagnostic]:
    """Divide what is a key to YAML and has its value within: `{ttl:3s}`, `{ttl = 3s}`."""
    for key in [key for key, one in entries.items() if is_empty(one.value)]:
        match, span = _UNSPACED.fullmatch(key), entries[key].key_span
        if match is None or span.end_column - span.column > len(key):  # (it is quoted)
            continue
        del entries[key]
        meant, text = match.groups()
        value = Scalar(value_of(text), span, text)
        entries.setdefault(meant, Entry(meant, span, value))
        help = f"write `{meant}: {text}`"
        lacks = "a colon needs a space after it" if ":" in key else f"`{meant}` lacks its colon"
        text = f"`{key}` is a key without a value: {lacks}"
        said = [one for one in said if one.span != span]
        said.append(Diagnostic("MP002", text, span, help=help))
    return said
