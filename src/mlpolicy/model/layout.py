"""A policy file in its one layout: keys in order, spelling of units, blank lines; comments stay.

Lines move whole, with the comments above them.
What comes out means the same as what went in, or the text is returned as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlpolicy.core.frozen import frozen
from mlpolicy.core.model import RuleModel
from mlpolicy.core.quantity import ByteSize, Count, Duration
from mlpolicy.document.node import Entry, Mapping, Node, Scalar, scalars
from mlpolicy.document.node import Sequence as SequenceNode
from mlpolicy.document.parse import parse
from mlpolicy.model.grammar import FileBlock, PolicyBlock, ProfileBlock, RuleCommon
from mlpolicy.rules import KINDS

_QUANTITY = re.compile(r"\d[\d.]*\s*[A-Za-zµ%]+(?:\s*\d[\d.]*\s*[A-Za-zµ]+)*")
_UNITS = frozenset((*Duration.units, *ByteSize.units, *Count.units, "%"))
_HEADER = re.compile(r"#\s*(yaml-language-server|-\*-|vim?:)")


def laid_out(text: str, *, file: str = "policy.yaml") -> str:
    """Return *text* in its layout; as it was where it is no policy file.

    Raises:
        ValueError: It is no YAML.
    """
    document = parse(text, file=file)
    if document.root is None:
        raise ValueError(
            str(document.diagnostics[0]) if document.diagnostics else f"`{file}` is empty"
        )
    if not isinstance(document.root, Mapping) or any(
        one.severity == "error" for one in document.diagnostics
    ):
        return text
    spelt = _spelt(text.removeprefix("\ufeff"), document.root)
    for candidate in (_ordered(spelt, file), spelt):
        made = _spaced(candidate)
        if _same(parse(made, file=file).root, document.root):
            return made
    return text


# --- units ----------------------------------------------------------------------------


def _spelt(text: str, root: Node) -> str:
    """Return *text* with the amounts in it written without spaces: `30 s` is `30s`."""
    lines = text.splitlines(keepends=True)
    for scalar in sorted(scalars(root), key=lambda one: one.span, reverse=True):
        span = scalar.span
        amount = _amount(scalar)
        if amount is not None and span.line == span.end_line:
            line = lines[span.line - 1]
            before, after = line[: span.column - 1], line[span.end_column - 1 :]
            lines[span.line - 1] = before + amount + after
    return "".join(lines)


def _amount(scalar: Scalar) -> str | None:
    """Return how an amount is spelt; None for what is none, or is spelt so."""
    text = scalar.text
    if scalar.quoted or not isinstance(scalar.value, str) or not _QUANTITY.fullmatch(text):
        return None
    spelt = re.sub(r"\s+", "", text).replace("µ", "u")
    units = re.findall(r"[A-Za-z%]+", spelt)
    return spelt if spelt != text and all(unit in _UNITS for unit in units) else None


def _same(one: Node | None, other: Node | None) -> bool:
    """Whether two documents say the same, order and the spelling of amounts aside."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        mine, theirs = ({each.key: each.value for each in side.entries} for side in (one, other))
        return mine.keys() == theirs.keys() and all(_same(mine[key], theirs[key]) for key in mine)
    if isinstance(one, SequenceNode) and isinstance(other, SequenceNode):
        pairs = zip(one.items, other.items, strict=False)
        return len(one.items) == len(other.items) and all(_same(*pair) for pair in pairs)
    if isinstance(one, Scalar) and isinstance(other, Scalar):
        spelt = _amount(other) or other.value
        return one.value == spelt and type(one.value) is type(spelt)
    return False


# --- order ----------------------------------------------------------------------------


@frozen()
class _Piece:
    """The lines of one entry, the comments above it too."""

    key: str
    lines: list[str]


def _ordered(text: str, file: str) -> str:
    root = parse(text, file=file).root
    lines = text.splitlines(keepends=True)
    if not isinstance(root, Mapping) or not root.entries or not _is_block(root, lines):
        return text
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join(_arranged(root, lines, (0, len(lines)), ()))


def _arranged(
    node: Mapping, lines: Sequence[str], within: tuple[int, int], path: tuple[str, ...]
) -> list[str]:
    """Return the lines *within* which the entries of *node* stand, in order."""
    starts = [_start(entry, lines, within[0]) for entry in node.entries]
    if not path:
        starts[0] = _after_header(lines, starts[0], node.entries[0].key_span.line - 1)
    head = list(lines[within[0] : starts[0]])
    ends = [*starts[1:], within[1]]
    pieces = [
        _Piece(entry.key, _inner(entry, lines, (start, end), (*path, entry.key)))
        for entry, start, end in zip(node.entries, starts, ends, strict=True)
    ]
    ranks = _ranks([piece.key for piece in pieces], _order(path))
    ordered = sorted(zip(ranks, pieces, strict=True), key=lambda one: one[0])
    return [*head, *(line for _, piece in ordered for line in piece.lines)]


def _ranks(keys: Sequence[str], order: Sequence[str]) -> Iterator[int]:
    """Yield where each key belongs; `x-` keys stay behind what they stand behind: homes of anchors."""
    last = -1
    for key in keys:
        if key in order:
            last = order.index(key)
        yield last if key in order or key.startswith("x-") or not order else len(order)


def _inner(
    entry: Entry, lines: Sequence[str], within: tuple[int, int], path: tuple[str, ...]
) -> list[str]:
    start, end = within
    value = entry.value
    if not isinstance(value, Mapping) or not value.entries or not _is_block(value, lines):
        return list(lines[start:end])
    begin = entry.key_span.line
    if any(not begin < one.key_span.line <= end for one in value.entries):  # `<<`, from elsewhere
        return list(lines[start:end])
    return [*lines[start:begin], *_arranged(value, lines, (begin, end), path)]


def _is_block(node: Mapping, lines: Sequence[str]) -> bool:
    """Whether every entry begins a line of its own."""
    return all(
        not lines[one.key_span.line - 1][: one.key_span.column - 1].strip() for one in node.entries
    )


def _start(entry: Entry, lines: Sequence[str], earliest: int) -> int:
    """Return the line where an entry begins: its key, the comments and blank lines above it."""
    at = entry.key_span.line - 1
    while at > earliest and _goes_with(lines[at - 1], entry.key_span.column - 1):
        at -= 1
    return at


def _goes_with(line: str, depth: int) -> bool:
    text = line.strip()
    return not text or (text.startswith("#") and len(line) - len(line.lstrip()) >= depth)


def _after_header(lines: Sequence[str], start: int, key: int) -> int:
    """Return where the first entry begins, below what stands at the head of a file."""
    for at in range(key - 1, start - 1, -1):
        if not lines[at].strip() or _HEADER.match(lines[at]):
            return at + 1
    return start


def _order(path: tuple[str, ...]) -> list[str]:
    """Return the order of keys in the block at *path*; none where they are the author's own."""
    if path[:1] == ("environments",) and len(path) > 1:
        path = path[2:]
    if not path:
        return list(FileBlock.model_fields)
    if path[0] in ("policies", "profiles"):
        return _of_policy(path)
    if path[0] == "defaults":
        return ["mode", *KINDS] if len(path) == 1 else _of_rule(path[1:])
    return []


def _of_policy(path: tuple[str, ...]) -> list[str]:
    if len(path) == 1:
        return []
    if len(path) == 2:
        block: type[RuleModel] = PolicyBlock if path[0] == "policies" else ProfileBlock
        return [*block.model_fields, *KINDS]
    return _of_rule(path[2:])


def _of_rule(path: tuple[str, ...]) -> list[str]:
    if len(path) != 1 or path[0] not in KINDS:
        return []
    return [*RuleCommon.model_fields, *KINDS[path[0]].rule_model().model_fields]


# --- space ----------------------------------------------------------------------------


def _spaced(text: str) -> str:
    """Return *text* without spaces at the ends of lines, double blank lines, blank ends."""
    if re.search(r"[|>][-+\d]*\s*(?:#.*)?$", text, re.M):
        return text  # a block of text keeps its spaces
    ended = "\r\n" if "\r\n" in text else "\n"
    made: list[str] = []
    for line in text.splitlines():
        bare = line.rstrip()
        if bare or (made and made[-1] and not _opens(made[-1])):
            made.append(bare)
    while made and not made[-1]:
        made.pop()
    return ended.join(made) + ended


def _opens(line: str) -> bool:
    """Whether a block begins with *line*, so that no blank line goes below it."""
    return re.fullmatch(r"\s*[^#\s][^#]*:", line) is not None
