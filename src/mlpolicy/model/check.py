"""A located node against a pydantic model: each mistake is one finding, at its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ValidationError

from mlpolicy.core.diagnostic import Diagnostic, repair
from mlpolicy.core.frozen import frozen
from mlpolicy.core.model import OF_KEY, models_in
from mlpolicy.core.report import HIDDEN, redacted
from mlpolicy.core.span import Span
from mlpolicy.core.spelling import closest, did_you_mean
from mlpolicy.core.target import path_of
from mlpolicy.document.node import Entry, Node, Scalar, Sequence, is_empty
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model.interpolate import Interpolated
from mlpolicy.model.unknown import Words, spelt, within

Loc = tuple[int | str, ...]


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
    value, errors = _validated(node, model)
    texts: set[int] = set()
    for error in errors:
        wanted, _ = locate(node, error["loc"])
        if error["type"] == "string_type" and isinstance(wanted, Interpolated):
            texts.add(id(wanted))
    if texts:  # what a variable says looks like a number
        node = _as_text(node, texts)
        value, errors = _validated(node, model)
    return Checked(value, node) if not errors else _refused(node, model, about, errors)


def _refused(node: MappingNode, model: type[BaseModel], about: Words, errors: list[Any]) -> Checked:
    lacking = [error["loc"] for error in errors if error["type"] == "missing"]
    # A key that is missing because it was misspelt is one mistake.
    slips = {error["loc"][:-1] for error in errors if error["type"] == "extra_forbidden"}
    # Of several forms, the one that lacks only a key was meant.
    meant = {locate(node, loc[:-1])[0].span for loc in lacking} - {node.span}
    wrong = [_Wrong.of(node, error) for error in errors if error["type"] != "missing"]
    wrong = [one for one in wrong if not (one.type.endswith("_type") and one.span in meant)]
    findings = tuple(_findings(wrong, node, model, about))
    missing = tuple(loc for loc in lacking if loc[:-1] not in slips)
    return Checked(None, node, findings, missing, bool(wrong))


def _validated(node: MappingNode, model: type[BaseModel]) -> tuple[Any, list[Any]]:
    try:
        return model.model_validate(node.plain()), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _as_text(node: Any, texts: set[int]) -> Any:
    """Return *node* with the values that bear the ids *texts* as they were written."""
    if isinstance(node, MappingNode):
        entries = (Entry(one.key, one.at, _as_text(one.value, texts)) for one in node.entries)
        return MappingNode(tuple(entries), node.at)
    if isinstance(node, Sequence):
        return Sequence(tuple(_as_text(item, texts) for item in node.items), node.at)
    return replace(node, value=node.text) if id(node) in texts else node


def locate(root: Node, loc: Loc) -> tuple[Node, Entry | None]:
    """Return the node at *loc* and the entry that holds it; parts that are no key are skipped.

    pydantic puts the names of union members and wrappers into its locations.
    """
    node, entry = root, None
    for part in loc:
        if isinstance(node, MappingNode):
            held = node.index.get(str(part))
            if held is not None:
                node, entry = held.value, held
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
    return node, entry


def block_name(root: Node, loc: Loc, above: tuple[str, ...] = ()) -> str:
    """Return how the block at *loc* is called: by its keys, less what pydantic puts between."""
    text, node = ".".join(above), root
    for part in loc:
        inner, entry = locate(node, (part,))
        if inner is not node or entry is not None:
            text = f"{text}[{part}]" if isinstance(part, int) else f"{text}.{part}"
        node = inner
    return f"`{text.removeprefix('.')}`"


# --- errors ---------------------------------------------------------------------------


@frozen()
class _Wrong:
    """One error of pydantic, with the node that it is about."""

    type: str
    loc: Loc
    node: Node
    entry: Entry | None
    span: Span
    """Where to point at: for a value that is only a variable, where that is defined."""
    text: str
    meant: str

    @classmethod
    def of(cls, root: Node, error: Any) -> _Wrong:
        loc = (*error["loc"], *error.get("ctx", {}).get("at", ()))
        node, entry = locate(root, loc)
        if entry is not None and (error["type"] == "extra_forbidden" or loc[-1:] == (OF_KEY,)):
            node = Scalar(entry.key, entry.key_span, entry.key)
        span, text = node.span, redacted(message(error, node.plain()))
        meant = meant_by(error, node.plain())
        if isinstance(node, Interpolated):
            span = node.origin or span
            meant = meant if node.origin is not None else ""
            text = text.replace(node.text, HIDDEN) if node.secret else text
        return cls(error["type"], error["loc"], node, entry, span, text, meant)


def _findings(
    wrong: list[_Wrong], root: MappingNode, model: type[BaseModel], about: Words
) -> Iterator[Diagnostic]:
    """Yield one finding for each place: members of a union may all refuse one value."""
    outer = _outer({one.node.span for one in wrong})
    places: dict[Span, list[_Wrong]] = {}
    blocks: dict[Span, Loc] = {}
    for one in wrong:
        # Where another member of a union got further into a value, that one was meant.
        is_certain = one.type.startswith("MP") or one.node.span not in outer
        if one.type == "extra_forbidden":
            blocks.setdefault(locate(root, one.loc[:-1])[0].span, one.loc[:-1])
        elif is_certain and not _is_empty(one.node):
            places.setdefault(one.span, []).append(one)
    for loc in blocks.values():
        yield from _unknown(root, loc, model, about)
    for span, group in places.items():
        first = group[0]
        code, text, meant = summary([(one.type, one.text, one.meant) for one in group])
        help = did_you_mean(meant) if code in ("MP005", "MP010") else ""
        text = text.removesuffix(f": {help}") if help else text
        # A missing unit is safe to write; another value in place of this one is not.
        is_unit = code == "MP101" and meant.startswith(getattr(first.node, "text", "?"))
        edits = repair(span, meant, safe=is_unit)
        yield Diagnostic(code, text, span, help=help, suggestions=edits)


def _unknown(root: Node, loc: Loc, model: type[BaseModel], about: Words) -> list[Diagnostic]:
    """Return the findings for the unknown keys of the block at *loc*."""
    also, name = () if loc else about.also, ""
    for part in loc:
        field = model.model_fields.get(str(part))
        inner = field and next(iter(models_in(field.annotation)), None)
        if inner is not None:
            model, name = inner, str(part)
    block, _ = locate(root, loc)
    if loc:
        about = replace(about, section=block_name(root, loc, about.path))
    findings: list[Diagnostic] = []
    if isinstance(block, MappingNode):
        spelt(block, (*model.model_fields, *also), about, findings, block=name)
    return findings


def _outer(spans: Iterable[Span]) -> frozenset[Span]:
    """Return those of *spans* that others lie in; they are nested or apart, as nodes are."""
    ordered = sorted(
        spans, key=lambda span: (span.line, span.column, -span.end_line, -span.end_column)
    )
    return frozenset(span for span, following in pairwise(ordered) if within(following, span))


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
_KINDS = {dict: "a mapping", list: "a list", tuple: "a list", type(None): "nothing"}
_ASKED = re.compile(r"did you mean `([^`]+)`\?$")
_BOUNDS = (
    ("greater than or equal to", "at least"),
    ("less than or equal to", "at most"),
    ("greater than", "more than"),
)


def shown(value: Any) -> str:
    """Return *value* as a message names it, cut short."""
    if type(value) in _KINDS:
        return _KINDS[type(value)]
    if isinstance(value, str):
        short = value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
        return f"the text `{short}`" if value else "an empty text"
    if isinstance(value, int | float):
        return f"`{str(value).lower() if isinstance(value, bool) else value}`"
    return f"`{path_of(value)}`" if callable(value) else f"an object of `{path_of(type(value))}`"


def message(error: Any, value: Any) -> str:
    """Return one sentence for *error*, an entry of `ValidationError.errors()`."""
    kind, context, text = str(error["type"]), error.get("ctx", {}), str(error["msg"])
    subject = kind.partition("_")[0]
    if kind.startswith("MP"):
        return str(context.get("text", text))
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
    return f"expected {expected}, found {shown(value)}"


def meant_by(error: Any, value: Any) -> str:
    """Return what was meant where that can be told: the closest word, or what the check says."""
    context = error.get("ctx", {})
    if error["type"] == "literal_error" and isinstance(value, str):
        return closest(value, re.findall(r"'([^']*)'", context["expected"])) or ""
    asked = _ASKED.search(str(error["msg"])) if isinstance(value, str) else None
    return str(context.get("meant") or (asked[1] if asked else ""))


def summary(errors: list[tuple[str, str, str]]) -> tuple[str, str, str]:
    """Return the code, the sentence and what was meant where several forms refuse one value.

    Args:
        errors: The type of each error, its message, and what was meant.
    """
    code = errors[0][0] if errors[0][0].startswith("MP") else "MP010"
    meant = next((meant for _, _, meant in errors if meant), "")
    coded = [text for type, text, _ in errors if type.startswith("MP")]
    texts = list(dict.fromkeys(coded or [text for _, text, _ in errors]))
    parts = [text.removeprefix("expected ").rpartition(", found ") for text in texts]
    if len(texts) == 1 or not all(expected for expected, _, _ in parts):
        return code, texts[0], meant
    expected = " or ".join(dict.fromkeys(expected for expected, _, _ in parts))
    return code, f"expected {expected}, found {parts[0][2]}", meant
