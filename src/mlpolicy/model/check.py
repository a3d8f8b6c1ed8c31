"""Settings against a pydantic model: each mistake is one finding, at its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, closest, did_you_mean, repair
from mlpolicy.core.model import OF_KEY, models_in
from mlpolicy.core.report import HIDDEN, redacted
from mlpolicy.core.span import Span
from mlpolicy.core.target import path_of
from mlpolicy.document.node import Entry, Node, Sequence, is_empty
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model.interpolate import Interpolated
from mlpolicy.model.unknown import Words, spelt

Loc = tuple[int | str, ...]
UNKNOWN, MISSING = "extra_forbidden", "missing"
_Place = TypeVar("_Place")
_Model = TypeVar("_Model", bound=BaseModel)


# --- mistakes in plain values ---------------------------------------------------------


@frozen()
class Mistake:
    """One error of pydantic."""

    type: str
    path: Loc
    """The keys and numbers that lead to it: pydantic puts names of union members between them."""
    text: str
    meant: str
    of_key: bool = False
    """Whether the last key itself is wrong."""

    @property
    def has_code(self) -> bool:
        """Whether a check of ours made it."""
        return self.type.startswith("MP")

    @classmethod
    def of(cls, data: Any, error: Any) -> Mistake:
        """Return the mistake in *data* that *error* tells of, an entry of `errors()`."""
        loc = (*error["loc"], *error.get("ctx", {}).get("at", ()))
        path, value = _reached(data, loc)
        of_key = error["type"] == UNKNOWN or loc[-1:] == (OF_KEY,)
        if error["type"] == MISSING:
            path = (*path, loc[-1])
        text, meant = _sentence(error, path[-1] if of_key and path else value)
        return cls(error["type"], path, text, meant, of_key)


def validated(
    model: type[_Model], data: Any, context: dict[str, Any] | None = None
) -> tuple[_Model | None, list[Mistake]]:
    """Return *data* as an instance of *model*; None where there are mistakes."""
    try:
        return model.model_validate(data, context=context), []
    except ValidationError as error:
        return None, [Mistake.of(data, one) for one in error.errors(include_url=False)]


def _reached(value: Any, loc: Loc) -> tuple[Loc, Any]:
    """Return the way to what is at *loc* of *value*, and that."""
    path: Loc = ()
    for part in loc:
        held: Any = value
        keys: Container[Any] = range(len(value)) if isinstance(value, list | tuple) else ()
        keys = value if isinstance(value, Mapping) else keys
        if part in keys:
            value, path = held[part], (*path, part)
    return path, value


def by_place(
    mistakes: list[Mistake], place: Callable[[Mistake], _Place | None]
) -> Iterator[tuple[_Place, Mistake, str]]:
    """Yield one mistake for each *place*, and its code: members of a union may all refuse a value."""
    groups: dict[_Place, list[Mistake]] = {}
    for one in _telling(mistakes):
        at = place(one)
        if at is not None:
            groups.setdefault(at, []).append(one)
    for at, group in groups.items():
        texts = [one.text for one in group if one.has_code] or [one.text for one in group]
        meant = next((one.meant for one in group if one.meant), "")
        found = replace(group[0], text=_joined(texts), meant=meant)
        yield at, found, found.type if found.has_code else "MP010"


def _telling(mistakes: list[Mistake]) -> Iterator[Mistake]:
    """Yield what was refused, less the forms that were not meant.

    Where another form got further into the value, or lacks only a key, that one was.
    """
    wrong = [one for one in mistakes if one.type != MISSING]
    inside = {one.path[:depth] for one in wrong for depth in range(len(one.path))}
    lacking = {one.path[:-1] for one in mistakes if one.type == MISSING} - {()}
    for one in wrong:
        is_other = one.path in inside or (one.path in lacking and one.type.endswith("_type"))
        if one.has_code or not is_other:
            yield one


def _joined(texts: list[str]) -> str:
    """Return what several forms expect of one value in one sentence."""
    parts = [text.removeprefix("expected ").rpartition(", found ") for text in texts]
    expected = list(dict.fromkeys(expected for expected, _, _ in parts))
    if len(expected) == 1 or not all(expected):
        return texts[0]
    return f"expected {' or '.join(expected)}, found {parts[0][2]}"


# --- located nodes --------------------------------------------------------------------


@frozen()
class Checked:
    """The outcome of a check."""

    value: Any
    """The instance, or None where something is wrong."""
    node: MappingNode
    """What was checked; values of variables are text in it where text is wanted."""
    diagnostics: tuple[Diagnostic, ...] = ()
    missing: tuple[Loc, ...] = ()
    """Required keys that are not there; the caller knows whether another place may give them."""
    broken: bool = False
    """Whether anything else is wrong."""


def check(node: MappingNode, model: type[BaseModel], about: Words) -> Checked:
    """Return *node* as an instance of *model*, or what is wrong with it."""
    value, mistakes = validated(model, node.plain())
    wanted = [locate(node, one.path)[0] for one in mistakes if one.type == "string_type"]
    if any(isinstance(text, Interpolated) for text in wanted):  # it looks like a number
        node = _as_text(node, wanted)
        value, mistakes = validated(model, node.plain())
    if not mistakes:
        return Checked(value, node)
    findings = list(_findings(node, mistakes))
    lacking = [one.path for one in mistakes if one.type == MISSING]
    slips = dict.fromkeys(one.path[:-1] for one in mistakes if one.type == UNKNOWN)
    for path in slips:
        findings += _unknown(node, path, model, about)
    # A key that is missing because it was misspelt is one mistake.
    missing = tuple(path for path in lacking if path[:-1] not in slips)
    return Checked(None, node, tuple(findings), missing, len(lacking) < len(mistakes))


def _as_text(node: Any, texts: list[Node]) -> Any:
    """Return *node* with those of its *texts* that are variables as they were written."""
    if isinstance(node, MappingNode):
        entries = (Entry(one.key, one.at, _as_text(one.value, texts)) for one in node.entries)
        return MappingNode(tuple(entries), node.at)
    if isinstance(node, Sequence):
        return Sequence(tuple(_as_text(item, texts) for item in node.items), node.at)
    is_wanted = isinstance(node, Interpolated) and any(node is text for text in texts)
    return replace(node, value=node.text) if is_wanted else node


def locate(root: Node, loc: Loc) -> tuple[Node, Entry | None]:
    """Return the node at *loc* and the entry that holds it; parts that are no key are skipped."""
    node, entry = root, None
    for part in loc:
        if isinstance(node, MappingNode) and str(part) in node.index:
            entry = node.index[str(part)]
            node = entry.value
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
    return node, entry


def block_name(loc: Loc, above: tuple[str, ...] = ()) -> str:
    """Return how the block at *loc* is called."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in (*above, *loc))
    return f"`{''.join(parts).removeprefix('.')}`"


def _findings(root: MappingNode, mistakes: list[Mistake]) -> Iterator[Diagnostic]:
    def place(mistake: Mistake) -> Span | None:
        node, entry = locate(root, mistake.path)
        if mistake.type == UNKNOWN or _is_empty(node):
            return None  # (that was said)
        if mistake.of_key and entry is not None:
            return entry.key_span
        return (node.origin if isinstance(node, Interpolated) else None) or node.span

    for span, mistake, code in by_place(mistakes, place):
        node, _ = locate(root, mistake.path)
        text, meant = redacted(mistake.text), mistake.meant
        if isinstance(node, Interpolated):
            meant = meant if node.origin is not None and not node.secret else ""
            text = text.replace(node.text, HIDDEN) if node.secret else text
        # A missing unit is safe to write; another value in place of this one is not.
        is_unit = code == "MP101" and meant.startswith(getattr(node, "text", "?"))
        edits = repair(span, meant, safe=is_unit)
        yield Diagnostic(code, text, span, help=did_you_mean(meant), suggestions=edits)


def _unknown(root: Node, path: Loc, model: type[BaseModel], about: Words) -> Iterable[Diagnostic]:
    """Return the findings for the unknown keys of the block at *path*."""
    model, name = block_at(model, path)
    also = () if path else about.also
    block, _ = locate(root, path)
    if path:
        about = replace(about, section=block_name(path, about.path))
    findings: list[Diagnostic] = []
    assert isinstance(block, MappingNode)
    spelt(block, (*model.model_fields, *also), about, findings, block=name)
    return findings


def block_at(model: type[BaseModel], path: Loc) -> tuple[type[BaseModel], str]:
    """Return the model of the block at *path* of *model*, and the field that holds it."""
    name = ""
    for part in path:
        known = model.model_fields.get(str(part))
        inner = next(iter(models_in(known.annotation)), None) if known else None
        if inner is not None:
            model, name = inner, str(part)
    return model, name


def _is_empty(node: Node) -> bool:
    """Whether a value is empty, which the reader has said already (MP009)."""
    if isinstance(node, MappingNode) and node.entries:
        return all(is_empty(entry.value) for entry in node.entries)
    return is_empty(node)


# --- messages -------------------------------------------------------------------------

_LONGEST = 40
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
_NAMED = {dict: "a mapping", list: "a list", tuple: "a list", type(None): "nothing"}
_ASKED = re.compile(r"[:;] did you mean `([^`]+)`\?\Z")


def shown(value: Any) -> str:
    """Return *value* as a message names it, cut short."""
    if type(value) in _NAMED:
        return _NAMED[type(value)]
    if isinstance(value, str):
        short = value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
        return f"the text `{short}`" if value else "an empty text"
    if isinstance(value, int | float):
        return f"`{str(value).lower() if isinstance(value, bool) else value}`"
    return f"`{path_of(value)}`" if callable(value) else f"an object of `{path_of(type(value))}`"


def _sentence(error: Any, value: Any) -> tuple[str, str]:
    """Return one sentence for *error*, and what was meant where that can be told."""
    kind, context, text, meant = str(error["type"]), error.get("ctx", {}), str(error["msg"]), ""
    subject = kind.partition("_")[0]
    if kind.endswith(("_type", "_parsing")) and subject in _EXPECTED:
        expected = _EXPECTED[subject]
    elif kind == "literal_error":
        expected = str(context["expected"]).replace("'", "`")
        words = re.findall(r"`([^`]*)`", expected)
        meant = closest(value, words) or "" if isinstance(value, str) else ""
    elif kind == "string_pattern_mismatch":
        expected = f"text that matches `{context['pattern']}`"
    elif kind == "too_short":
        expected = "at least one item"
    elif text.startswith("Input should be "):
        expected = text.removeprefix("Input should be ")
    else:
        asked = _ASKED.search(text)
        return _ASKED.sub("", text.removeprefix("Value error, ")), asked[1] if asked else ""
    return f"expected {expected}, found {shown(value)}", meant
