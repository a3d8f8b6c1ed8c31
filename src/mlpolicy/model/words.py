"""What a finding says of a value that does not fit: words for people, not for pydantic."""

from __future__ import annotations

import re
from typing import Any

from mlpolicy.core.words import closest

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
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return f"expected {text}, found {found(value)}" if "Input should be" in error["msg"] else text


def meant(error: Any, value: Any) -> str:
    """Return what *value* was probably meant to be; nothing where that cannot be told."""
    context = error.get("ctx", {})
    if error["type"] == "literal_error" and isinstance(value, str):
        return closest(value, _WORD.findall(context["expected"])) or ""
    if error["type"] in ("tuple_type", "list_type") and _BARE.fullmatch(str(value)):
        return f"[{value}]"
    said = _MEANT.search(str(error["msg"])) if isinstance(value, str) else None
    return str(context.get("meant", "") or (said[1] if said else ""))


_WORD = re.compile(r"'([^']*)'")
_BARE = re.compile(r"[\w.-]+")
_MEANT = re.compile(r"did you mean `([^`]+)`\?$")
