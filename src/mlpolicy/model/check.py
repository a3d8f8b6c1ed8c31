"""A located node against a pydantic model: each mistake is one finding, at its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ValidationError

from mlpolicy.core.diagnostic import Diagnostic, repair
from mlpolicy.core.frozen import frozen
from mlpolicy.core.model import OF_KEY
from mlpolicy.core.redact import HIDDEN, redacted
from mlpolicy.core.span import Span
from mlpolicy.document.node import Entry, Node, Scalar, Sequence, is_bare, is_empty
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model import messages
from mlpolicy.model.interpolate import Interpolated
from mlpolicy.model.unknown import Words, indented, is_laid, unknown_key, within

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
    texts = {
        id(wanted)
        for error in errors
        if error["type"] == "string_type"
        and isinstance(wanted := locate(node, error["loc"])[0], Interpolated)
    }
    if texts:  # what a variable says looks like a number
        node = _as_text(node, texts)
        value, errors = _validated(node, model)
    return Checked(value, node) if not errors else _refused(node, model, about, errors)


def _refused(node: MappingNode, model: type[BaseModel], about: Words, errors: list[Any]) -> Checked:
    wrong = [_Wrong.of(node, error) for error in errors if error["type"] != "missing"]
    lacking = [error["loc"] for error in errors if error["type"] == "missing"]
    # A key that is missing because it was misspelt is one mistake.
    slips = {error["loc"][:-1] for error in errors if error["type"] == "extra_forbidden"}
    missing = tuple(loc for loc in lacking if loc[:-1] not in slips)
    # Of several forms, the one that lacks only a key was meant.
    meant = {locate(node, loc[:-1])[0].span for loc in lacking} - {node.span}
    wrong = [one for one in wrong if not (one.type.endswith("_type") and one.span in meant)]
    found = tuple(_findings(wrong, node, model, about))
    return Checked(None, node, found, missing, bool(wrong))


def _validated(node: MappingNode, model: type[BaseModel]) -> tuple[Any, list[Any]]:
    try:
        return model.model_validate(node.plain()), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _as_text(node: Any, texts: set[int]) -> Any:
    """Return *node* with the values that bear the ids *texts* as they were written."""
    if isinstance(node, MappingNode):
        entries = (
            Entry(entry.key, entry.at, _as_text(entry.value, texts)) for entry in node.entries
        )
        return MappingNode(tuple(entries), node.at)
    if isinstance(node, Sequence):
        return Sequence(tuple(_as_text(item, texts) for item in node.items), node.at)
    return replace(node, value=node.text) if id(node) in texts else node


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
        span, text = node.span, redacted(messages.message(error, node.plain()))
        meant = messages.meant(error, node.plain())
        if isinstance(node, Interpolated):
            span = node.origin or span
            meant = meant if node.origin is not None else ""
            text = text.replace(node.text, HIDDEN) if node.secret else text
        return cls(error["type"], error["loc"], node, entry, span, text, meant)


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


def path_of(root: Node, loc: Loc, above: tuple[str, ...] = ()) -> str:
    """Return how the block at *loc* is called: by its keys, less what pydantic puts between."""
    text, node = ".".join(above), root
    for part in loc:
        inner, entry = locate(node, (part,))
        if inner is not node or entry is not None:
            text = f"{text}[{part}]" if isinstance(part, int) else f"{text}.{part}"
        node = inner
    return f"`{text.removeprefix('.')}`"


def _findings(
    wrong: list[_Wrong], root: MappingNode, model: type[BaseModel], about: Words
) -> Iterator[Diagnostic]:
    """Yield one finding for each place: members of a union may all refuse one value."""
    blocks: dict[tuple[Loc, bool], tuple[Words, tuple[str, ...], str, set[str]]] = {}
    for span, group in _by_place(wrong).items():
        first = group[0]
        if first.type == "extra_forbidden" and first.entry is not None:
            yield from _unknown(first, first.entry, root, model, about, blocks)
            continue
        code = first.type if first.type.startswith("MP") else "MP010"
        meant = next((one.meant for one in group if one.meant), "")
        help = f"did you mean `{meant}`?" if meant and code in ("MP005", "MP010") else ""
        text = messages.joined([(one.type, one.text) for one in group])
        text = text.removesuffix(f": {help}") if help else text
        # A missing unit is safe to write; another value in place of this one is not.
        is_unit = code == "MP101" and meant.startswith(getattr(first.node, "text", "") or "?")
        edits = repair(span, meant, safe=is_unit)
        yield Diagnostic(code, text, span, help=help, suggestions=edits)


def _by_place(wrong: list[_Wrong]) -> dict[Span, list[_Wrong]]:
    """Return what is *wrong* by where to point at, less what follows from something else."""
    outer = _outer({one.node.span for one in wrong})
    places: dict[Span, list[_Wrong]] = {}
    for one in wrong:
        # Where another member of a union got further into a value, that one was meant.
        is_certain = one.type.startswith("MP") or one.type == "extra_forbidden"
        if (is_certain or one.node.span not in outer) and not _is_empty(one.node):
            places.setdefault(one.span, []).append(one)
    return places


def _unknown(
    one: _Wrong,
    entry: Entry,
    root: MappingNode,
    model: type[BaseModel],
    about: Words,
    blocks: dict[tuple[Loc, bool], tuple[Words, tuple[str, ...], str, set[str]]],
) -> Iterator[Diagnostic]:
    """Yield the finding for the key of *entry*, unless the reader said what is wrong with it."""
    above = one.loc[:-1]
    block, _ = locate(root, above)
    laid = is_laid(entry, block)
    if (above, laid) not in blocks:
        fields, name = _fields(model, above, about)
        if above:
            about = replace(about, section=path_of(root, above, about.path))
        known = indented(block, fields, about) if isinstance(block, MappingNode) else []
        keys = {inner.key for inner in known if is_laid(inner, block) == laid}
        blocks[above, laid] = about, fields, name, keys
    about, fields, name, beside = blocks[above, laid]
    if entry.key in beside and not is_bare(entry):
        finding = unknown_key(entry, fields, about, block=name, beside=beside)
        beside.update(suggestion.text for suggestion in finding.suggestions)
        yield finding


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


def _fields(model: type[BaseModel], loc: Loc, about: Words) -> tuple[tuple[str, ...], str]:
    """Return the keys that are known in the block at *loc* of *model*, and the block's setting."""
    here, name = model, ""
    for part in loc:
        field = here.model_fields.get(str(part))
        inner = field and next(iter(models_in(field.annotation)), None)
        if inner is not None:
            here, name = inner, str(part)
    return (*here.model_fields, *(about.also if not loc else ())), name


def models_in(annotation: Any) -> Iterable[type[BaseModel]]:
    """Yield the models that *annotation* mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from models_in(inner)


def is_table(annotation: Any) -> bool:
    """Whether a block's keys are names of the author's own, each with a block under it."""
    if getattr(annotation, "__origin__", None) is dict:
        return True
    return any(is_table(inner) for inner in getattr(annotation, "__args__", ()))
