"""What a finding says of a value that does not fit: words for people, not for pydantic."""

from __future__ import annotations

import re
from typing import Any

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
    if isinstance(value, str):
        return f"the text `{value if len(value) <= _LONG else value[:_LONG] + '…'}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


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
    subject = kind.partition("_")[0]
    if kind == "literal_error":
        return f"expected {error['ctx']['expected'].replace(chr(39), '`')}, found {found(value)}"
    if kind.endswith(("_type", "_parsing")) and subject in _EXPECTED:
        return f"expected {_EXPECTED[subject]}, found {found(value)}"
    if kind.startswith("MP"):
        return str(error["msg"])
    if kind == "string_pattern_mismatch":
        return f"expected text that matches `{error['ctx']['pattern']}`, found {found(value)}"
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    text = _BOUND.sub(lambda found: _BOUNDS[found[0]], text)
    return f"expected {text}, found {found(value)}" if "Input should be" in error["msg"] else text


def meant(error: Any, value: Any) -> str:
    """Return what *value* was probably meant to be; nothing where that cannot be told."""
    context = error.get("ctx", {})
    if error["type"] == "literal_error" and isinstance(value, str | bool):
        return _word(str(value), _WORD.findall(context["expected"]))
    if error["type"] == "string_pattern_mismatch":
        plain = re.sub(r"\W", "_", str(value))
        return plain if re.search(context["pattern"], plain) else ""
    if str(error["type"]).startswith(("int_", "float_", "bool_")) and isinstance(value, str):
        return value if _NUMBER[str(error["type"])[:3]].fullmatch(value) else ""
    if error["type"] in ("tuple_type", "list_type") and _BARE.fullmatch(str(value)):
        return f"[{value}]"
    said = _MEANT.search(str(error["msg"])) if isinstance(value, str) else None
    return str(context.get("meant", "") or (said[1] if said else ""))


def _word(value: str, expected: list[str]) -> str:
    """Return which of *expected* was meant by *value*, by its spelling or by habit."""
    habits = (word for word in expected if value.lower() in OF_VALUES.get(word, ()))
    return closest(value, expected) or next(habits, "")


_NUMBER = {
    "int": re.compile(r"[-+]?[0-9]+"),
    "flo": re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?"),
    "boo": re.compile("true|false"),
}
"""What stands in quotes that should not be there, by the type that is expected."""
_WORD = re.compile(r"'([^']*)'")
_BARE = re.compile(r"[\w-]+(?:[.:][\w-]+)*")
_MEANT = re.compile(r"did you mean `([^`]+)`\?$")
