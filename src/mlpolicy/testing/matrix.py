"""One test becomes several: `${matrix.name}` stands for each of the values in turn."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.frozen import frozen
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.document.node import Entry, Mapping, Node, Scalar, Sequence
from mlpolicy.model.interpolate import Interpolated
from mlpolicy.plan.show import shown

MATRIX = "matrix"
MOST = 1000
"""Tests that one may become."""
_REFERENCE = re.compile(r"\$\{([^}]*)\}")


def expanded(node: Mapping, found: list[Diagnostic]) -> Iterator[Mapping]:
    """Yield *node* with each combination of its matrix put in; itself where it has none."""
    matrix = node.get(MATRIX)
    if not isinstance(matrix, Mapping):
        yield _Filling({}, found).mapping(node)
        return
    axes = [
        [(entry.key, item) for item in entry.value.items]
        for entry in matrix.entries
        if isinstance(entry.value, Sequence)
    ]
    empty = next((one for one, axis in zip(matrix.entries, axes, strict=False) if not axis), None)
    if len(axes) < len(matrix.entries) or not axes or empty is not None:
        span = empty.value.span if empty else matrix.span
        help = "write `matrix: {name: [first, second]}`"
        found.append(Diagnostic("MP010", "expected lists of values by name", span, help=help))
        return
    used = set(_names(Mapping(_rest(node), node.span)))
    known = {entry.key for entry in matrix.entries}
    for entry in matrix.entries if used <= known else ():  # (else one of them is misspelt)
        if entry.key not in used:
            text = f"no part of the test says `${{{MATRIX}.{entry.key}}}`"
            found.append(Diagnostic("MP111", text, entry.key_span, help="use it, or take it out"))
    combined = itertools.product(*axes)
    for number, values in enumerate(combined):
        if number == MOST:
            text = f"the matrix makes more than {MOST} tests"
            found.append(Diagnostic("MP010", text, matrix.span))
            return
        yield _with(node, dict(values), found)


def _with(node: Mapping, values: dict[str, Node], found: list[Diagnostic]) -> Mapping:
    named = node.get("name")
    made = _Filling(values, found).mapping(Mapping(_rest(node), node.span))
    told = set(_names(named)) if named else set()
    parts = [f"{key}={_short(value)}" for key, value in values.items() if key not in told]
    filled = made.get("name")
    if not isinstance(named, Scalar) or not isinstance(filled, Scalar) or not parts:
        return made
    name = f"{filled.text} [{', '.join(parts)}]"
    renamed = Scalar(name, named.span, name, named.quoted)
    entries = (Entry(e.key, e.key_span, renamed) if e.key == "name" else e for e in made.entries)
    return Mapping(tuple(entries), made.span)


def _rest(node: Mapping) -> tuple[Entry, ...]:
    return tuple(one for one in node.entries if one.key != MATRIX)


def _names(node: Node) -> Iterator[str]:
    """Yield the name of each value of the matrix that *node* uses."""
    if isinstance(node, Mapping):
        for entry in node.entries:
            yield from _used(entry.key)
            yield from _names(entry.value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _names(item)
    else:
        yield from _used(node.text)


def _used(text: str) -> Iterator[str]:
    return (one.removeprefix(f"{MATRIX}.") for one in _REFERENCE.findall(text))


def _short(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else shown(node.plain())


@frozen()
class _Filling:
    """Puts the values of one combination in."""

    values: dict[str, Node]
    found: list[Diagnostic]

    def node(self, node: Node) -> Node:
        if isinstance(node, Mapping):
            return self.mapping(node)
        if isinstance(node, Sequence):
            return Sequence(tuple(map(self.node, node.items)), node.span)
        return self._scalar(node) if "${" in node.text else node

    def mapping(self, node: Mapping) -> Mapping:
        made: list[Entry] = []
        for one in node.entries:
            if _REFERENCE.search(one.key):
                text = f"`${{}}` stands in values only: `{one.key}` is a key"
                self._say(Diagnostic("MP112", text, one.key_span))
            made.append(Entry(one.key, one.key_span, self.node(one.value)))
        return Mapping(tuple(made), node.span)

    def _scalar(self, node: Scalar) -> Node:
        whole = _REFERENCE.fullmatch(node.text)
        if whole is not None:
            value = self._value(whole[1], node)
            if not isinstance(value, Scalar):
                return value or node
            # What is wrong with it is wrong where it is written, however often it is used.
            return Interpolated(value.value, value.span, value.text, True, written=node.text)
        text = _REFERENCE.sub(lambda match: self._text(match, node), node.text)
        return Interpolated(text, node.span, text, True, written=node.text)

    def _text(self, match: re.Match[str], node: Scalar) -> str:
        value = self._value(match[1], node)
        return match[0] if value is None else _short(value)

    def _value(self, inner: str, node: Scalar) -> Node | None:
        name = inner.removeprefix(f"{MATRIX}.")
        value = self.values.get(name) if name != inner else None
        if value is None:
            near = closest(name, self.values)
            help = did_you_mean(near and f"${{{MATRIX}.{near}}}", "define it under `matrix`")
            text = f"`${{{inner}}}` is not defined"
            self._say(Diagnostic("MP110", text, node.span, help=help))
        return value

    def _say(self, one: Diagnostic) -> None:
        if one not in self.found:
            self.found.append(one)
