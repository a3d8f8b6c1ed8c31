"""A located node against a pydantic model: each mistake is one finding, at its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ValidationError

from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.frozen import frozen
from mlpolicy.core.model import OF_KEY
from mlpolicy.core.redact import HIDDEN, redacted
from mlpolicy.core.span import Span
from mlpolicy.document.braces import unbracketed
from mlpolicy.document.node import Entry, Node, Scalar, Sequence, is_bare, is_empty
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.model import words
from mlpolicy.model.interpolate import Interpolated
from mlpolicy.model.unknown import Block, Words, is_laid, outdented, unknown_key, within

Loc = tuple[int | str, ...]
Index = dict[int, dict[str, Entry]]
"""The entries of mappings by key, by the ids of these."""


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
    index: Index = {}
    absent = (one["loc"][:-1] for one in errors if one["type"] == "missing")
    lacking = {locate(node, loc, index)[0].span for loc in absent}
    wrong = [
        one
        for one in (_Wrong.of(node, each, index) for each in errors if each["type"] != "missing")
        # Of several forms, the one that lacks only a key was meant.
        if not (one.type.endswith("_type") and one.span in lacking and one.span != node.span)
    ]
    lacks: dict[Loc, tuple[str, ...]] = {}
    for one in errors:
        if one["type"] == "missing":
            lacks[one["loc"][:-1]] = (*lacks.get(one["loc"][:-1], ()), str(one["loc"][-1]))
    listed = [one.listed for one in wrong if one.listed]
    others = [one for one in wrong if not one.listed]
    found = (*listed, *_findings(others, _Blocks(node, model, about, lacks)))
    # A key that is missing because it was misspelt is one mistake.
    slips = {one.loc[:-1] for one in wrong if one.type == "extra_forbidden"}
    missing = tuple((*loc, key) for loc, keys in lacks.items() if loc not in slips for key in keys)
    return Checked(None, found, missing, bool(wrong))


def _texts(node: MappingNode, errors: Any) -> frozenset[int]:
    """Return the ids of values from variables that look like numbers where text is wanted."""
    index: Index = {}
    found = (locate(node, one["loc"], index)[0] for one in errors if one["type"] == "string_type")
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
    node: Node
    meant: str = ""
    """What was probably meant, where that can be told."""
    listed: Diagnostic | None = None
    """The finding for a list without its brackets, where that is what it is."""

    @classmethod
    def of(cls, root: Node, error: Any, index: Index) -> _Wrong:
        loc = (*error["loc"], *error.get("ctx", {}).get("at", ()))
        node, entry = locate(root, loc, index)
        of_key = error["type"] == "extra_forbidden" or loc[-1:] == (OF_KEY,)
        if of_key and entry is not None:
            node = Scalar(entry.key, entry.key_span, entry.key)
        span = node.span
        if isinstance(node, Interpolated):
            span = node.origin or span
        text = redacted(words.message(error, node.plain()))
        if isinstance(node, Interpolated) and node.secret:
            text = text.replace(node.text, HIDDEN)
        is_written = not isinstance(node, Interpolated) or node.origin is not None
        if isinstance(node, MappingNode) and span.line != span.end_line:
            is_written = False  # (a block ends where the next one begins)
        meant = words.meant(error, node.plain()) if is_written else ""
        if error["type"] == "string_type" and isinstance(node, Scalar) and is_written:
            is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
            meant = f'"{node.text}"' if is_number else meant
        listed = None
        if error["type"] in _LISTS and entry is not None and node is entry.value:
            listed = _unbracketed(root, loc, entry, index)
        return cls(error["type"], error["loc"], span, text, entry, node, meant, listed)


_LISTS = ("list_type", "tuple_type")


def _unbracketed(root: Node, loc: Loc, entry: Entry, index: Index) -> Diagnostic | None:
    """Return the finding for a list without its brackets under the key of *entry*, if that is one."""
    around = (locate(root, loc[:-cut], index)[0] for cut in range(1, len(loc) + 1))
    holder = (one for one in around if index.get(id(one), {}).get(entry.key) is entry)
    return unbracketed(entry, index[id(next(holder))].values())


def locate(root: Node, loc: Loc, index: Index | None = None) -> tuple[Node, Entry | None]:
    """Return the node at *loc* and the entry that holds it; parts that are no key are skipped.

    pydantic puts the names of union members and wrappers into its locations. Who asks for many
    hands on an *index*: a mapping may hold thousands of mistakes.
    """
    index = {} if index is None else index
    node, entry = root, None
    for part in loc:
        if isinstance(node, MappingNode):
            if id(node) not in index:
                index[id(node)] = {one.key: one for one in node.entries}
            held = index[id(node)].get(str(part))
            if held is not None:
                node, entry = held.value, held
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
    return node, entry


@frozen()
class _Blocks:
    """The blocks of a checked node, as findings about unknown keys speak of them."""

    root: Node
    model: type[BaseModel]
    about: Words
    lacks: Mapping[Loc, tuple[str, ...]]
    """The required keys that are not there, by block."""
    there: dict[tuple[Loc, bool], set[str]] = field(default_factory=dict)
    """The keys of blocks, and those that unknown ones were taken for."""

    def unknown(self, one: _Wrong, entry: Entry) -> Iterable[Diagnostic]:
        """Yield the finding for the key of *entry*, which *one* refuses."""
        above = one.loc[:-1]
        fields, name = _fields(self.model, above, self.about)
        there = self._there(above, fields, entry)
        if entry.key not in there or is_bare(entry):
            return
        block = Block(name, there, self.lacks.get(above, ()) if above else ())
        about = self.about
        if above:
            about = replace(about, section=path_of(self.root, above, about.path))
        found = unknown_key(entry, fields, about, block)
        there.update(repair.text for repair in found.suggestions)
        yield found

    def form_of(self, one: _Wrong) -> str:
        """Return how a block or a list is written that has the form of something else."""
        if one.type == "dict_type" and isinstance(one.node, Sequence):
            return "write each one as `name: ...`, without a dash"
        if one.type == "tuple_type" and isinstance(one.node, MappingNode):
            return "write each one after a dash: `- ...`"
        if one.type == "model_type":
            fields, _ = _fields(self.model, one.loc, self.about)
            keys = ", ".join(f"`{field}`" for field in fields)
            return f"write `{{{fields[0]}: ...}}`; its keys are {keys}"
        return ""

    def other_than(self, one: _Wrong) -> str:
        """Return the remedy for a key that is known, and taken for another one by its value."""
        meant = self.about.synonyms.get(str(one.loc[0])) if len(one.loc) == 1 else None
        return f"did you mean `{meant.field}`?" if meant else ""

    def _there(self, loc: Loc, fields: tuple[str, ...], beside: Entry) -> set[str]:
        """Return the keys of a block; for one of an environment those that stand there too."""
        held, _ = locate(self.root, loc)
        assert isinstance(held, MappingNode)
        laid = is_laid(beside, held)
        known = self.there.get((loc, laid))
        if known is None:
            entries = outdented(held, fields, self.about)
            keys = {one.key for one in entries if is_laid(one, held) == laid}
            known = self.there[loc, laid] = keys
        return known


def path_of(root: Node, loc: Loc, above: tuple[str, ...] = ()) -> str:
    """Return how the block at *loc* is called: by its keys, less what pydantic puts between."""
    text, node = ".".join(above), root
    for part in loc:
        inner, entry = locate(node, (part,))
        if inner is not node or entry is not None:
            text = f"{text}[{part}]" if isinstance(part, int) else f"{text}.{part}"
        node = inner
    return f"`{text.removeprefix('.')}`"


def _findings(wrong: list[_Wrong], blocks: _Blocks) -> Iterable[Diagnostic]:
    said: dict[Span, list[_Wrong]] = {}
    outer = _outer({one.node.span for one in wrong})  # (one of a variable is said elsewhere)
    for one in wrong:
        if not _outdone(one, outer) and not _empty(one):
            said.setdefault(one.span, []).append(one)
    for span, group in said.items():
        first = group[0]
        if first.type == "extra_forbidden" and first.entry is not None:
            yield from blocks.unknown(first, first.entry)
        else:
            code = first.type if first.type.startswith("MP") else "MP010"
            meant = _meant(group)
            # A unit that lacks is safe to write; another value in place of this one is not.
            is_unit = code == "MP101" and meant.startswith(getattr(first.node, "text", "") or "?")
            edit = Suggestion(f"write `{meant}`", span, meant, safe=is_unit)
            repair = (edit,) if meant else ()
            help = f"did you mean `{meant}`?" if meant and code in ("MP005", "MP010") else ""
            text = joined([(one.type, one.text) for one in group]).removesuffix(
                f": {help}" if help else ""
            )
            help = blocks.form_of(first) or help or blocks.other_than(first)
            yield Diagnostic(code, text, span, help=help, suggestions=repair)


def _meant(group: list[_Wrong]) -> str:
    """Return what was meant, by the forms that the value may have; a word rather than a list."""
    if any(one.type == "literal_error" for one in group):
        group = [one for one in group if one.type == "literal_error"]
    return next((one.meant for one in group if one.meant), "")


def _outdone(one: _Wrong, outer: frozenset[Span]) -> bool:
    """Whether another member of the same union got further into the value."""
    if one.type.startswith("MP") or one.type == "extra_forbidden":
        return False
    return one.node.span in outer


def _outer(spans: Iterable[Span]) -> frozenset[Span]:
    """Return those of *spans* that others lie in; they are nested or apart, as nodes are."""
    ordered = sorted(spans, key=lambda one: (one.line, one.column, -one.end_line, -one.end_column))
    return frozenset(one for one, following in pairwise(ordered) if within(following, one))


def _empty(one: _Wrong) -> bool:
    """Whether the value is empty, which the reader has said already (MP009)."""
    node = one.node
    if isinstance(node, MappingNode) and node.entries:
        return all(is_empty(entry.value) for entry in node.entries)
    return is_empty(node)


def joined(said: Iterable[tuple[str, str]]) -> str:
    """Return one sentence for members of a union that all refused the same value.

    Args:
        said: The type of each error, and its text.
    """
    coded = [text for type, text in said if type.startswith("MP")]
    texts = list(dict.fromkeys(coded or [text for _, text in said]))
    parts = [text.removeprefix("expected ").rpartition(", found ") for text in texts]
    if len(texts) == 1 or not all(expected for expected, _, _ in parts):
        return texts[0]
    expected = dict.fromkeys(expected for expected, _, _ in parts)
    return f"expected {' or '.join(expected)}, found {parts[0][2]}"


def _fields(model: type[BaseModel], loc: Loc, about: Words) -> tuple[tuple[str, ...], str]:
    """Return the keys that are known in the block at *loc* of *model*, and the block's setting."""
    here, name = model, ""
    for part in loc:
        field = here.model_fields.get(str(part))
        inner = field and next(iter(models_in(field.annotation)), None)
        if inner is not None:
            here, name = inner, str(part)
    return (*here.model_fields, *(about.also if not loc else ())), name


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


def is_table(annotation: Any) -> bool:
    """Whether a block's keys are names of the author's own, each with a block under it."""
    if getattr(annotation, "__origin__", None) is dict:
        return True
    return any(is_table(inner) for inner in getattr(annotation, "__args__", ()))
