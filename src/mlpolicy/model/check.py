"""A located node against a pydantic model: each mistake is one finding, at its place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.frozen import frozen
from mlpolicy.core.kind import Synonym
from mlpolicy.core.redact import HIDDEN, redacted
from mlpolicy.core.span import Span
from mlpolicy.core.words import closest
from mlpolicy.document.node import Entry, Node, Scalar, Sequence
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model import words
from mlpolicy.model.interpolate import Interpolated

Loc = tuple[int | str, ...]


@frozen()
class Words:
    """What else a finding about an unknown key may say."""

    section: str
    """How the block is called: "rule `retry`"."""
    synonyms: Mapping[str, Synonym]
    elsewhere: Mapping[str, str]
    """Keys that belong under another one: key to where."""
    also: tuple[str, ...] = ()
    """Keys that are known beside the fields of the model."""
    is_file: bool = False
    """Whether the block is a whole file: what lies deeper is then called by its path."""


@frozen()
class Checked:
    """The outcome of a check."""

    value: Any
    """The instance, or None where something is wrong."""
    diagnostics: tuple[Diagnostic, ...]
    missing: tuple[Loc, ...] = ()
    """Required keys that are not there; the caller knows whether another place may give them."""
    broken: bool = False
    """Whether anything else is wrong, be it said here or by the reader."""
    texts: frozenset[int] = frozenset()
    """Ids of the nodes that were taken as they were written."""


def check(node: MappingNode, model: type[BaseModel], about: Words) -> Checked:
    """Return *node* as an instance of *model*, or what is wrong with it."""
    try:
        return Checked(model.model_validate(node.plain()), ())
    except ValidationError as error:
        errors = error.errors(include_url=False)
    texts = _texts(node, errors)
    if texts:
        return _check_again(node, model, about, texts)
    return _failed(node, model, about, errors)


def _failed(node: MappingNode, model: type[BaseModel], about: Words, errors: Any) -> Checked:
    lacking = {locate(node, one["loc"][:-1])[0].span for one in errors if one["type"] == "missing"}
    wrong = [
        one
        for one in (_Wrong.of(node, each) for each in errors if each["type"] != "missing")
        # Of several forms, the one that lacks only a key was meant.
        if not (one.type.endswith("_type") and one.span in lacking and one.span != node.span)
    ]
    found = tuple(_findings(wrong, model, about))
    # A key that is missing because it was misspelt is one mistake.
    written = {repair.text for one in found if one.code == "MP005" for repair in one.suggestions}
    missing = tuple(
        one["loc"]
        for one in errors
        if one["type"] == "missing" and str(one["loc"][-1]) not in written
    )
    return Checked(None, found, missing, bool(wrong))


def _texts(node: MappingNode, errors: Any) -> frozenset[int]:
    """Return the ids of values from variables that look like numbers where text is wanted."""
    found = (locate(node, one["loc"])[0] for one in errors if one["type"] == "string_type")
    return frozenset(id(one) for one in found if isinstance(one, Interpolated))


def _check_again(
    node: MappingNode, model: type[BaseModel], about: Words, texts: frozenset[int]
) -> Checked:
    """Check *node* with the values that bear the ids *texts* as they were written."""
    try:
        return Checked(model.model_validate(_plain(node, texts)), (), texts=texts)
    except ValidationError as error:
        return _failed(node, model, about, error.errors(include_url=False))


def _plain(node: Node, texts: frozenset[int]) -> Any:
    if isinstance(node, MappingNode):
        return {one.key: _plain(one.value, texts) for one in node.entries}
    if isinstance(node, Sequence):
        return [_plain(one, texts) for one in node.items]
    return node.text if id(node) in texts else node.value


@frozen()
class _Wrong:
    """One error of pydantic, with the node that it is about."""

    type: str
    loc: Loc
    span: Span
    text: str
    entry: Entry | None
    meant: str = ""
    """What was probably meant, where that can be told."""
    is_list: bool = False

    @classmethod
    def of(cls, root: Node, error: Any) -> _Wrong:
        node, entry = locate(root, error["loc"])
        of_key = error["type"] == "extra_forbidden" or error["loc"][-1:] == (_OF_KEY,)
        if of_key and entry is not None:
            node = Scalar(entry.key, entry.key_span, entry.key)
        span = node.span
        text = redacted(words.message(error, node.plain()))
        if isinstance(node, Interpolated) and node.secret:
            text = text.replace(node.text, HIDDEN)
        meant = words.meant(error, node.plain())
        return cls(
            error["type"], error["loc"], span, text, entry, meant, isinstance(node, Sequence)
        )


_OF_KEY = "[key]"
"""What pydantic puts last into the location of a key that is wrong itself."""


def locate(root: Node, loc: Loc) -> tuple[Node, Entry | None]:
    """Return the node at *loc* and the entry that holds it; parts that are no key are skipped.

    pydantic puts the names of union members and wrappers into its locations.
    """
    node, entry = root, None
    for part in loc:
        if isinstance(node, MappingNode):
            held = next((one for one in node.entries if one.key == part), None)
            if held is not None:
                node, entry = held.value, held
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
    return node, entry


def _findings(wrong: list[_Wrong], model: type[BaseModel], about: Words) -> Iterable[Diagnostic]:
    said: dict[Span, list[_Wrong]] = {}
    for one in wrong:
        if not _outdone(one, wrong) and not _empty(one):
            said.setdefault(one.span, []).append(one)
    for span, group in said.items():
        first = group[0]
        if first.type == "extra_forbidden" and first.entry is not None:
            above = first.loc[:-1]
            within = replace(about, section=_path(above)) if above and about.is_file else about
            yield unknown_key(first.entry, _fields(model, above, about), within)
        else:
            code = first.type if first.type.startswith("MP") else "MP010"
            meant = _meant(group)
            repair = (Suggestion(f"write `{meant}`", span, meant),) if meant else ()
            help = f"did you mean `{meant}`?" if meant and code == "MP010" else ""
            if first.type == "dict_type" and first.is_list:
                help = "write each one as `name: ...`, without a dash"
            yield Diagnostic(code, _joined(group), span, help=help, suggestions=repair)


def _meant(group: list[_Wrong]) -> str:
    """Return what was meant, by the forms that the value may have; a word rather than a list."""
    if any(one.type == "literal_error" for one in group):
        group = [one for one in group if one.type == "literal_error"]
    return next((one.meant for one in group if one.meant), "")


def _path(loc: Loc) -> str:
    return "`" + ".".join(part for part in loc if isinstance(part, str)) + "`"


def _outdone(one: _Wrong, wrong: list[_Wrong]) -> bool:
    """Whether another member of the same union got further into the value."""
    if one.type.startswith("MP") or one.type == "extra_forbidden":
        return False
    return any(_within(other.span, one.span) for other in wrong if other is not one)


def _within(inner: Span, outer: Span) -> bool:
    if inner == outer:
        return False
    begins = (outer.line, outer.column) <= (inner.line, inner.column)
    ends = (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)
    return begins and ends


def _empty(one: _Wrong) -> bool:
    """Whether the value is empty, which the reader has said already (MP009)."""
    held = one.entry.value if one.entry is not None else None
    return isinstance(held, Scalar) and held.value is None and not held.text


def _joined(group: list[_Wrong]) -> str:
    """Return one sentence for members of a union that all refused the same value."""
    coded = [one.text for one in group if one.type.startswith("MP")]
    texts = list(dict.fromkeys(coded or [one.text for one in group]))
    parts = [text.removeprefix("expected ").rpartition(", found ") for text in texts]
    if len(texts) == 1 or not all(expected for expected, _, _ in parts):
        return texts[0]
    expected = dict.fromkeys(expected for expected, _, _ in parts)
    return f"expected {' or '.join(expected)}, found {parts[0][2]}"


def unknown_key(entry: Entry, fields: Iterable[str], about: Words) -> Diagnostic:
    """Return the finding for a key that is not there, with the right one where it can be told."""
    key = entry.key
    fields = tuple(fields)
    synonym = about.synonyms.get(key)
    if synonym and synonym.field not in fields:
        synonym = None
    meant = synonym.field if synonym else closest(key, fields)
    help = ""
    suggestions: tuple[Suggestion, ...] = ()
    if meant:
        note = f", {synonym.note}" if synonym and synonym.note else ""
        help = f"did you mean `{meant}`?{note}"
        suggestions = (Suggestion(f"write `{meant}`", entry.key_span, meant),)
        if synonym and synonym.shift:
            suggestions = _shifted(entry, synonym)
    elif key in about.elsewhere:
        help = f"`{key}` belongs under {about.elsewhere[key]}"
    else:
        known = ", ".join(f"`{name}`" for name in fields)
        help = f"known here: {known}" if known else ""
    message = f"unknown key `{key}` in {about.section}"
    return Diagnostic("MP005", message, entry.key_span, help=help, suggestions=suggestions)


def mended(
    node: MappingNode, fields: Collection[str], about: Words, said: list[Diagnostic]
) -> MappingNode:
    """Return *node* with misspelt keys as they were meant; each goes to *said*.

    What follows from the slip is then no finding of its own.
    """
    if not [entry for entry in node.entries if entry.key not in fields]:
        return node
    known = tuple(fields)
    there = {entry.key for entry in node.entries}
    made: list[Entry] = []
    before = len(said)
    for entry in node.entries:
        synonym = about.synonyms.get(entry.key)
        meant = synonym.field if synonym else closest(entry.key, known)
        if entry.key in known or meant not in known or meant in there:
            made.append(entry)
            continue
        there.add(meant)
        said.append(unknown_key(entry, known, about))
        if synonym is None or not synonym.note:  # (else its value is of another form)
            made.append(Entry(meant, entry.key_span, entry.value))
    changed = len(said) != before
    return MappingNode(tuple(made), node.span) if changed else node


def _shifted(entry: Entry, synonym: Synonym) -> tuple[Suggestion, ...]:
    """Return the repair of a key whose number counts otherwise, the number put right too."""
    value = entry.value
    if not isinstance(value, Scalar) or not isinstance(value.value, int):
        return ()
    title = f"write `{synonym.field}: {value.value + synonym.shift}`"
    return (
        Suggestion(title, entry.key_span, synonym.field),
        Suggestion(title, value.span, str(value.value + synonym.shift)),
    )


def _fields(model: type[BaseModel], loc: Loc, about: Words) -> tuple[str, ...]:
    """Return the keys that are known in the block at *loc* of *model*."""
    if not loc:
        return (*model.model_fields, *about.also)
    here = model
    for part in loc:
        field = here.model_fields.get(str(part))
        inner = field and next(iter(models_in(field.annotation)), None)
        here = inner or here
    return tuple(here.model_fields)


@cache
def fields_of(model: type[BaseModel]) -> Mapping[str, None]:
    """Return the names of the fields of *model*, in order."""
    return dict.fromkeys(model.model_fields)


def models_in(annotation: Any) -> Iterable[type[BaseModel]]:
    """Yield the models that *annotation* mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from models_in(inner)
