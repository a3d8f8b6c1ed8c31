"""A file of policy tests, read: every part of it, every finding kept."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from mlpolicy.core.diagnostic import Diagnostic, in_order
from mlpolicy.core.span import Span
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.document.node import Entry, Scalar, Sequence, entries_of
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.document.parse import Document, read
from mlpolicy.model import messages
from mlpolicy.model.read import VERSION
from mlpolicy.model.synonyms import OF_TESTS
from mlpolicy.model.unknown import Words
from mlpolicy.plan.files import SUFFIXES, TESTS
from mlpolicy.testing.cases import CaseReader
from mlpolicy.testing.checking import checked
from mlpolicy.testing.grammar import FileBlock
from mlpolicy.testing.matrix import expanded
from mlpolicy.testing.suite import Case, Suite

_HELP = "begin with `version: 1`"


def suites_at(path: Path) -> list[Path]:
    """Return the files of tests at *path*: itself, or those of a directory, sorted."""
    if not path.is_dir():
        return [path]
    found = (one for one in path.rglob("*") if one.name.endswith(TESTS) and one.is_file())
    return sorted(one for one in found if not _hidden(one.relative_to(path)))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def read_suite(path: Path) -> Suite:
    """Return the tests in the file at *path*."""
    document = read(path)
    found = list(document.diagnostics)
    root = _root(document, found)
    if root is None:
        return Suite(document, diagnostics=in_order(found))
    block = checked(_hollow(root), FileBlock, Words("the test file", OF_TESTS, {}), found)
    cases = tuple(_cases(root, found))
    _once(cases, found)
    policies = tuple(_policies(root, document.file, found))
    _some(root, found)
    if block is None or not policies:
        return Suite(document, diagnostics=in_order(found))
    spans = {one.key: _places(one) for one in entries_of(root.get("stubs"))}
    return Suite(document, policies, block.stubs, spans, cases, in_order(found))


def _policies(root: MappingNode, file: str, found: list[Diagnostic]) -> Iterable[Path]:
    """Yield the policy files, from where we are; none where one of them is not there."""
    node = root.get("policies")
    items = node.items if isinstance(node, Sequence) else ()
    named = [one for one in items if isinstance(one, Scalar) and isinstance(one.value, str)]
    paths = [Path(os.path.normpath(Path(file).parent / one.text)) for one in named]
    missing = [one for one, path in zip(named, paths, strict=True) if not path.exists()]
    for one in missing:
        near = closest(one.text, _beside(file))
        help = did_you_mean(near, "policies are named from the folder of the test file")
        found.append(Diagnostic("MP001", f"`{one.text}` does not exist", one.span, help=help))
    return () if missing else paths


def _beside(file: str) -> list[str]:
    names = (one.name for one in Path(file).parent.iterdir() if one.suffix in SUFFIXES)
    return sorted(name for name in names if not name.endswith(TESTS))


def _root(document: Document, found: list[Diagnostic]) -> MappingNode | None:
    root = document.root
    if isinstance(root, MappingNode):
        version = root.get("version")
        number = version.plain() if version is not None else VERSION
        if number != VERSION or number is True:
            shown = version.text if isinstance(version, Scalar) else messages.found(number)
            text, span = f"version `{shown}` is not supported", (version or root).span
            found.append(Diagnostic("MP003", text, span, help="write `version: 1`"))
            return None
        if isinstance(root.get("policies"), MappingNode):
            text = "this is a policy file; its tests are in a file that ends in `.test.yaml`"
            found.append(Diagnostic("MP010", text, root.entries[0].key_span))
            return None
        kept = tuple(one for one in root.entries if not one.key.startswith("x-"))
        return MappingNode(kept, root.span)
    if root is not None and root.plain() is not None:
        text = f"expected a mapping with `version`, found {messages.found(root.plain())}"
        found.append(Diagnostic("MP010", text, root.span))
    elif not found:
        found.append(Diagnostic("MP003", "the file is empty", Span(document.file), help=_HELP))
    return None


def _hollow(root: MappingNode) -> MappingNode:
    """Return *root* with no test in its list; they are checked one by one."""
    made = (
        Entry(one.key, one.key_span, Sequence((), one.value.span))
        if one.key == "tests" and isinstance(one.value, Sequence)
        else one
        for one in root.entries
    )
    return MappingNode(tuple(made), root.span)


def _places(stub: Entry) -> tuple[Span, Span]:
    """Return where a stub is named, and where its signature stands."""
    written = stub.value.get("signature") if isinstance(stub.value, MappingNode) else None
    return stub.key_span, (written or stub.value).span


def _some(root: MappingNode, found: list[Diagnostic]) -> None:
    """Note lists that must not be empty."""
    for name, what in (("policies", "no policy is tested"), ("tests", "there is no test")):
        node = root.get(name)
        if isinstance(node, Sequence) and not node.items:
            found.append(Diagnostic("MP010", what, node.span))


def _cases(root: MappingNode, found: list[Diagnostic]) -> Iterable[Case]:
    tests = root.get("tests")
    for node in tests.items if isinstance(tests, Sequence) else ():
        if not isinstance(node, MappingNode):
            text = f"expected a mapping, found {messages.found(node.plain())}"
            found.append(Diagnostic("MP010", text, node.span))
            continue
        seen: set[tuple[Span, str]] = set()
        wrong: list[Diagnostic] = []
        combined = list(expanded(node, wrong))
        found += wrong
        for one in combined if not wrong else ():
            mine: list[Diagnostic] = []
            case = CaseReader(root, mine).case(one)
            # What is wrong in each of a matrix is wrong once.
            for each in mine:
                if (each.span, each.code) not in seen:
                    found.append(each)
                seen.add((each.span, each.code))
            if case is not None:
                yield case


def _once(cases: Iterable[Case], found: list[Diagnostic]) -> None:
    known: dict[str, Case] = {}
    said: set[Span] = set()
    for case in cases:
        if case.name in known and case.span not in said:
            text = f"two tests bear the name `{case.name}`"
            help = f"the other is in line {known[case.name].span.line}"
            found.append(Diagnostic("MP403", text, case.span, help=help))
            said.add(case.span)
        known[case.name] = case
