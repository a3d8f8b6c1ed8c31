"""What a finding says of a value that does not fit: words for people, not for pydantic."""

from __future__ import annotations

import re
from typing import Any

from mlpolicy.core.given import path_of
from mlpolicy.core.words import closest
from mlpolicy.model.habits import OF_VALUES

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


def found(value: Any) -> str:
    """Return *value* as a message names it, cut short."""
    kinds = {dict: "a mapping", list: "a list", tuple: "a list", type(None): "nothing"}
    if type(value) in kinds:
        return kinds[type(value)]
    if value == "":
        return "an empty text"
    if isinstance(value, str):
        return f"the text `{value if len(value) <= _LONG else value[:_LONG] + '…'}`"
    if isinstance(value, int | float):
        return f"`{str(value).lower() if isinstance(value, bool) else value}`"
    return f"`{path_of(value)}`" if callable(value) else f"an object of `{path_of(type(value))}`"


_LONG = 40
_BOUNDS = {
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "more than",
}
_BOUND = re.compile("^(?:" + "|".join(_BOUNDS) + ")")


def message(error: Any, value: Any) -> str:
    """Return one sentence for *error*, an entry of `ValidationError.errors()`."""
    kind = str(error["type"])
    if kind.startswith("MP"):
        return str(error.get("ctx", {}).get("text", error["msg"]))
    expected = _expected(kind, error.get("ctx", {}))
    if expected:
        return f"expected {expected}, found {found(value)}"
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    text = _BOUND.sub(lambda found: _BOUNDS[found[0]], text)
    return f"expected {text}, found {found(value)}" if "Input should be" in error["msg"] else text


def _expected(kind: str, context: Any) -> str:
    """Return what is expected, for the errors whose own words are not for people."""
    subject = kind.partition("_")[0]
    if kind.endswith(("_type", "_parsing")) and subject in _EXPECTED:
        return _EXPECTED[subject]
    if kind == "literal_error":
        return str(context["expected"]).replace("'", "`")
    if kind == "string_pattern_mismatch":
        return f"text that matches `{context['pattern']}`"
    return "at least one item" if kind == "too_short" else ""


def meant(error: Any, value: Any) -> str:
    """Return what *value* was probably meant to be; nothing where that cannot be told."""
    context, kind = error.get("ctx", {}), str(error["type"])
    if kind == "literal_error" and isinstance(value, str | bool):
        return _word(str(value), _WORD.findall(context["expected"]))
    if kind == "string_pattern_mismatch":
        plain = re.sub(r"\W", "_", str(value))
        return plain if re.search(context["pattern"], plain) else ""
    if kind.startswith("MP"):
        said = _MEANT.search(str(error["msg"])) if isinstance(value, str) else None
        return str(context.get("meant") or (said[1] if said else ""))
    return _of_type(kind.partition("_")[0], value)


def _of_type(wanted: str, value: Any) -> str:
    """Return *value* as the type *wanted* writes it, where it can be written so."""
    if wanted == "bool" and isinstance(value, str | int):
        word = str(value).lower()
        return _SWITCH.get(word) or closest(word, ("true", "false")) or ""
    if wanted == "int" and isinstance(value, float) and value.is_integer():
        return str(int(value))
    form = _FORMS.get(wanted)
    if form is None or not isinstance(value, str):
        return ""
    if wanted in ("int", "float"):
        return value if form.fullmatch(value) else ""
    value = value[1:-1] if value[:1] + value[-1:] == "()" else value.removeprefix("-").strip()
    return f"[{value}]" if form.fullmatch(value) else ""


def _word(value: str, expected: list[str]) -> str:
    """Return which of *expected* was meant by *value*, by its spelling or by habit."""
    habits = (word for word in expected if value.lower() in OF_VALUES.get(word, ()))
    return next(habits, "") or closest(value, expected) or ""


_WORD = re.compile(r"'([^']*)'")
_SWITCH = {
    **dict.fromkeys(("yes", "on", "1"), "true"),
    **dict.fromkeys(("no", "off", "0"), "false"),
}
_ITEM = r"(?:[\w./][^\s,\[\]{}\"'#]*|\"[^\s\"\\]+\")"
_LIST = re.compile(rf"{_ITEM}(?:, *{_ITEM})*")
_FORMS = {
    "int": re.compile(r"[-+]?[0-9]+"),
    "float": re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?"),
    "tuple": _LIST,
    "list": _LIST,
}
"""Text that says what a type takes: what stands in quotes that should not be there, a list
without its brackets."""
_MEANT = re.compile(r"did you mean `([^`]+)`\?$")
