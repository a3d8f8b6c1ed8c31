"""What a finding says of a value that does not fit: pydantic's errors in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mlpolicy.core.given import path_of
from mlpolicy.core.words import closest

_LONG = 40
_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "string": "text",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "dict": "a mapping",
    "model": "a mapping",
    "none": "nothing",
}
_KINDS = {dict: "a mapping", list: "a list", tuple: "a list", type(None): "nothing"}
_ASKED = re.compile(r"did you mean `([^`]+)`\?$")
_BOUNDS = (
    ("greater than or equal to", "at least"),
    ("less than or equal to", "at most"),
    ("greater than", "more than"),
)


def found(value: Any) -> str:
    """Return *value* as a message names it, cut short."""
    if type(value) in _KINDS:
        return _KINDS[type(value)]
    if isinstance(value, str):
        short = value if len(value) <= _LONG else value[:_LONG] + "…"
        return f"the text `{short}`" if value else "an empty text"
    if isinstance(value, int | float):
        return f"`{str(value).lower() if isinstance(value, bool) else value}`"
    return f"`{path_of(value)}`" if callable(value) else f"an object of `{path_of(type(value))}`"


def message(error: Any, value: Any) -> str:
    """Return one sentence for *error*, an entry of `ValidationError.errors()`."""
    kind, context, text = str(error["type"]), error.get("ctx", {}), str(error["msg"])
    if kind.startswith("MP"):
        return str(context.get("text", text))
    subject = kind.partition("_")[0]
    if kind.endswith(("_type", "_parsing")) and subject in _EXPECTED:
        expected = _EXPECTED[subject]
    elif kind == "literal_error":
        expected = str(context["expected"]).replace("'", "`")
    elif kind == "string_pattern_mismatch":
        expected = f"text that matches `{context['pattern']}`"
    elif kind == "too_short":
        expected = "at least one item"
    elif text.startswith("Input should be "):
        expected = text.removeprefix("Input should be ")
        for written, plain in _BOUNDS:
            expected = re.sub(f"^{written}", plain, expected)
    else:
        return text.removeprefix("Value error, ")
    return f"expected {expected}, found {found(value)}"


def meant(error: Any, value: Any) -> str:
    """Return what was meant where that can be told: the closest word, or what the check says."""
    context = error.get("ctx", {})
    if error["type"] == "literal_error" and isinstance(value, str):
        return closest(value, re.findall(r"'([^']*)'", context["expected"])) or ""
    asked = _ASKED.search(str(error["msg"])) if isinstance(value, str) else None
    return str(context.get("meant") or (asked[1] if asked else ""))


def joined(errors: Iterable[tuple[str, str]]) -> str:
    """Return one sentence for members of a union that all refused the same value.

    Args:
        errors: The type of each error, and its message.
    """
    coded = [text for type, text in errors if type.startswith("MP")]
    texts = list(dict.fromkeys(coded or [text for _, text in errors]))
    parts = [text.removeprefix("expected ").rpartition(", found ") for text in texts]
    if len(texts) == 1 or not all(expected for expected, _, _ in parts):
        return texts[0]
    expected = dict.fromkeys(expected for expected, _, _ in parts)
    return f"expected {' or '.join(expected)}, found {parts[0][2]}"
