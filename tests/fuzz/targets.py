"""What must hold whatever stands in a file: one function for each reader of text.

Each takes any text and fails where a promise is broken.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from mlpolicy.cli.fix import fixed
from mlpolicy.cli.options import FORMATS, render
from mlpolicy.cli.render.report import Report
from mlpolicy.core import argpath
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.quantity import ByteSize, Count, Duration, QuantityError, Ratio
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob, Target, TargetError
from mlpolicy.document.node import Entry, Mapping, Node, Scalar, Sequence
from mlpolicy.document.parse import Document, parse
from mlpolicy.model.interpolate import Variables
from mlpolicy.plan.load import load_every
from mlpolicy.testing.read import read_suite
from tests.model.schema.test_differential import disagree, is_for_the_reader


@cache
def folder() -> Path:
    """Return a folder of this process."""
    return Path(tempfile.mkdtemp(prefix="mlpolicy-fuzz-"))


def written(text: str, name: str = "policy.yaml") -> Path:
    """Return a file that holds *text*."""
    path = folder() / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


# --- what holds -----------------------------------------------------------------------


def holds(diagnostics: tuple[Diagnostic, ...], document: Document) -> None:
    """Every finding has words, and points at something that is there."""
    for one in diagnostics:
        assert one.message, one
        for span in (one.span, *(each.span for each in (*one.related, *one.suggestions))):
            if span.file == document.file:
                lies_within(span, document)


def lies_within(span: Span, document: Document, *, behind: int = 0) -> None:
    """A place begins in the text, or *behind* it, and ends no farther than behind its last line."""
    lines = (*document.lines, "") if document.lines else ("", "")
    assert 1 <= span.line < len(lines) + behind, span
    assert span.line <= span.end_line <= len(lines), span
    assert 1 <= span.column <= len(lines[span.line - 1]) + 1, span
    assert 1 <= span.end_column <= len(lines[span.end_line - 1]) + 2, span
    assert (span.line, span.column) <= (span.end_line, span.end_column), span


def spans(node: Node | None) -> Iterator[Span]:
    """Yield every place in a document."""
    if node is None:
        return
    yield node.span
    if isinstance(node, Mapping):
        for entry in node.entries:
            yield entry.key_span
            yield from spans(entry.value)
    if isinstance(node, Sequence):
        for item in node.items:
            yield from spans(item)


def plain(text: str) -> object:
    """Return what *text* says."""
    root = parse(text, file="x").root
    return None if root is None else repr(root.plain())


def document(text: str) -> None:
    """Any content is a document: its nodes lie in the text, and a broken one says why."""
    for content in (text, text.encode("utf-8", "surrogatepass"), text.encode("utf-16", "replace")):
        made = parse(content, file="x")
        holds(made.diagnostics, made)
        for span in spans(made.root):
            lies_within(span, made, behind=1)  # where nothing stands, after the last key
        assert (
            made.root is not None
            or made.diagnostics
            or not made.text.strip("\ufeff")
            or all(not line.strip() or line.strip()[0] in "#-.%" for line in made.lines)
        )


def models(text: str) -> None:
    """Any content is checked, in every environment, and shown in every format."""
    path = written(text)
    loaded = load_every([path]).shown(level="none")
    holds(loaded.diagnostics, loaded.documents[0])
    report = Report.of(loaded)
    for format in FORMATS:
        is_well_formed(render(report, format), format)


def is_well_formed(text: str, format: str) -> None:
    """What programs read, they can."""
    text.encode("utf-8", "strict" if format in ("json", "sarif", "gitlab", "jsonl") else "replace")
    if format in ("json", "sarif", "gitlab"):
        json.loads(text)
    elif format == "jsonl":
        for line in text.splitlines():
            json.loads(line)
    elif format == "junit":
        ElementTree.fromstring(text)
    elif format == "github":
        assert all(line.startswith("::") for line in text.split("\n") if line), text


def repair(text: str) -> None:
    """What `--fix` writes can be read, and has no more errors of syntax than before."""
    path = written(text)
    before = load_every([path]).shown(level="none")
    if not fixed(Report.of(before)):
        return
    after = load_every([path]).shown(level="none")
    grave = ("MP001", "MP002", "MP004", "MP007", "MP009", "MP006")
    old, new = ({one.code for one in each.diagnostics} & set(grave) for each in (before, after))
    assert old or not new, (text, path.read_text("utf-8"), new)
    fixed(Report.of(after))


def variables(text: str) -> None:
    """Variables are put into any value, or what is wrong is said."""
    span = Span("x")
    nodes = {name: Scalar(text, span, text) for name in ("a", "b")}
    seen = Variables({"A": text, "B": "1"}, {**nodes, "c": Scalar(1, span, "1")})
    whole = Mapping(tuple(Entry(key, span, node) for key, node in nodes.items()), span)
    filled = seen.filled(whole)
    assert len(filled.entries) == 2 or seen.diagnostics
    assert all(len(one.value.text) <= max(70_000, len(text)) for one in filled.entries)


def words(text: str) -> None:
    """A path, a pattern or an amount is read back as it is printed, or refused as such."""
    for read in (Target.parse, Glob.parse):
        try:
            assert str(read(text)) == text
        except TargetError as error:
            if error.meant:
                read(error.meant)
    try:
        path = argpath.parse(text)
        assert argpath.parse(str(path)) == path
    except argpath.ArgPathError:
        pass
    for amount in (Duration, ByteSize, Ratio, Count):
        try:
            made = amount.of(text)
        except QuantityError as error:
            assert error.code in ("MP010", "MP101", "MP103")
            continue
        assert made >= 0
        printed = str(made)
        if len(printed) > 64:
            continue  # (longer than any amount may be)
        again = amount.of(int(printed) if printed.isdigit() else printed)
        assert again == made or abs(again - made) <= max(1e-6, 1e-9 * abs(made)), (made, again)


def tests(text: str) -> None:
    """Any content is a file of policy tests, or what is wrong is said."""
    written("version: 1\npolicies: {m:f: {retry: 3}}\n", "one.yaml")
    suite = read_suite(written(text, "policy.test.yaml"))
    holds(suite.diagnostics, suite.document)


def schema(text: str) -> None:
    """Models and JSON Schemas accept and refuse the same."""
    # What variables say is no business of a schema, nor what letters there are.
    told = "${" not in text and text.isascii()
    found = disagree(text) if told and not is_for_the_reader(text) else None
    if found is not None:
        # What an environment says of a policy that is not there is not looked at.
        assert "MP407" in {one.code for one in load_every([written(text)]).diagnostics}, found


TARGETS: dict[str, Callable[[str], None]] = {
    one.__name__: one for one in (document, models, repair, variables, words, tests, schema)
}
