"""A file of policy tests, read: every part of it, every finding kept."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, closest, did_you_mean, in_order
from mlpolicy.core.report import is_secret
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.document.node import Entry, Node, Scalar, Sequence, entries_of, is_empty, scalars
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.document.parse import Document
from mlpolicy.model.check import check, locate
from mlpolicy.model.grammar import OF_TESTS
from mlpolicy.model.unknown import Words
from mlpolicy.plan.gather import SUFFIXES, TESTS, lies_in, read_within
from mlpolicy.testing.classes import CLASSES, ErrorClasses
from mlpolicy.testing.grammar import CallBlock, CaseBlock, ExpectBlock, StubBlock, SuiteBlock
from mlpolicy.testing.plans import unknown_setting

_OF_CALLS = ("args", "behaviour", "world", "real")
_MISPLACED: Final = {
    "resolve": (_OF_CALLS, "belongs to a `call`; `resolve` calls nothing"),
    "steps": ((*_OF_CALLS, "expect"), "belongs to a step where there are `steps`"),
    "advance": ((*_OF_CALLS, "expect"), "belongs to a step with a `call`"),
}
"""By what a test does: the keys that have no place beside it, and why."""
_WAYS: Final = {"a test": ("resolve", "call", "steps"), "a step": ("call", "advance")}


@frozen()
class Act:
    """One thing that a test does, and what it expects of it."""

    way: str
    """`resolve`, `call` or `advance`."""
    block: CallBlock
    node: MappingNode
    expected: ExpectBlock | None = None

    @property
    def target(self) -> Target:
        """The function that it names."""
        return Target.parse(getattr(self.block, self.way))

    @property
    def span(self) -> Span:
        """Where it names the function."""
        return locate(self.node, (self.way,))[0].span


@frozen()
class CaseTerms:
    """What the policy of a test is read under."""

    env: str | None
    env_vars: tuple[tuple[str, str], ...]
    clock: datetime | None


@frozen()
class Case:
    """One test."""

    name: str
    span: Span
    terms: CaseTerms
    env_span: Span
    acts: tuple[Act, ...]

    @property
    def id(self) -> str:
        """Return the file and the name, for people and for `-k`."""
        return f"{self.span.file}::{self.name}"

    @property
    def named(self) -> tuple[Act, ...]:
        """The acts that name a function."""
        return tuple(act for act in self.acts if act.way != "advance")


def suites_at(path: Path) -> list[Path]:
    """Return the files of tests at *path*: itself, or those of a directory, sorted."""
    if not path.is_dir():
        return [path]
    files = (file for file in path.rglob("*") if file.name.endswith(TESTS) and file.is_file())
    return sorted(
        file for file in files if not any(p[0] == "." for p in file.relative_to(path).parts)
    )


def read_suite(
    path: Path, classes: ErrorClasses | None = None, *, within: Path | None = None
) -> Suite:
    """Return the tests in the file at *path*; none where they cannot run.

    The file must lie *within* a folder, if one is given.
    """
    before = CLASSES.set(classes or CLASSES.get())
    try:
        return Suite(read_within(path, within))
    finally:
        CLASSES.reset(before)


class Suite:
    """One file of tests, as far as it could be read, and what is wrong with it."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.policies: tuple[Path, ...] = ()
        self.stubs: Mapping[str, StubBlock] = {}
        self.stub_entries: Mapping[str, Entry] = {}
        """Where they stand."""
        self.cases: tuple[Case, ...] = ()
        self._findings = list(document.diagnostics)
        self._broken = False
        """Whether something is wrong with the test that is being read."""
        root = self._root()
        if root is not None:
            self._read(root)
        self.secrets = frozenset(_secrets(root))
        self.diagnostics = in_order([one.less(self.secrets) for one in self._findings])

    def _read(self, root: MappingNode) -> None:
        """Keep what is in the file, and nothing of it where its tests cannot run."""
        block: SuiteBlock | None = self._checked(root, SuiteBlock, "the test file")
        for name, problem in (("policies", "no policy is tested"), ("tests", "there is no test")):
            node = root.get(name)
            if isinstance(node, Sequence) and not node.items:
                self._say("MP010", problem, node.span)
        cases = tuple(self._cases(root, block))
        policies = self._policies(root.get("policies"))
        if block is not None and policies:
            self.policies, self.cases, self.stubs = policies, cases, block.stubs
            self.stub_entries = {entry.key: entry for entry in entries_of(root.get("stubs"))}

    def _root(self) -> MappingNode | None:
        root = self.document.root
        if not isinstance(root, MappingNode):
            if root is not None and root.plain() is not None:
                self._say("MP010", "expected a mapping with `version`", root.span)
            elif not self._findings:
                self._say("MP003", "the file is empty", None, "begin with `version: 1`")
            return None
        version = root.get("version")
        if version is not None and (version.plain() != 1 or version.plain() is True):
            text = f"version `{getattr(version, 'text', None)}` is not supported"
            self._say("MP003", text, version.span, "write `version: 1`")
        elif isinstance(root.get("policies"), MappingNode):
            text = "this is a policy file; its tests are in a file that ends in `.test.yaml`"
            self._say("MP010", text, _begin(root))
        else:
            entries = (entry for entry in root.entries if not entry.key.startswith("x-"))
            return MappingNode(tuple(entries), root.span)
        return None

    def _policies(self, node: Node | None) -> tuple[Path, ...]:
        """Return the policy files, from where we are; none where one of them is not there."""
        items = node.items if isinstance(node, Sequence) else ()
        texts = [item for item in items if isinstance(item, Scalar) and isinstance(item.value, str)]
        paths = list(map(self._policy, texts))
        return () if None in paths else tuple(filter(None, paths))

    def _policy(self, item: Scalar) -> Path | None:
        """Return the policy that *item* names, below the folder of the tests or of the command."""
        folder = Path(self.document.file).parent
        path = Path(os.path.normpath(folder / item.text))
        roots = [one for one in (folder.absolute(), Path.cwd()) if one != Path(one.anchor)]
        if not any(lies_in(path, root) for root in roots):
            help = "keep policies below the folder of their tests, or of the command"
            self._say("MP120", f"`{item.text}` lies outside of `{folder}`", item.span, help)
        elif not path.exists():
            beside = sorted(file.name for file in folder.iterdir() if file.suffix in SUFFIXES)
            near = closest(item.text, [name for name in beside if not name.endswith(TESTS)])
            help = did_you_mean(near, "policies are named from the folder of the test file")
            self._say("MP001", f"`{item.text}` does not exist", item.span, help)
        else:
            return path
        return None

    # --- tests ------------------------------------------------------------------------

    def _cases(self, root: MappingNode, suite: SuiteBlock | None) -> Iterator[Case]:
        lines: dict[str, int] = {}
        tests = root.get("tests")
        for node in tests.items if isinstance(tests, Sequence) else ():
            self._broken = False
            if not isinstance(node, MappingNode):
                self._say("MP010", "expected a mapping with the `name` of a test", node.span)
                continue
            fields = ExpectBlock.model_fields
            block: CaseBlock | None = self._checked(node, CaseBlock, "a test", fields)
            acts = tuple(self._acts(node, block, "a test")) if block is not None else ()
            if self._broken or block is None:
                continue
            span = locate(node, ("name",))[0].span
            if block.name in lines:
                help = f"the other is in line {lines[block.name]}"
                self._say("MP403", f"two tests bear the name `{block.name}`", span, help)
            lines[block.name] = span.line
            env = node.get("env") or root.get("env")
            if suite is not None:
                terms = _terms(suite, block, (root.get("env_vars"), node.get("env_vars")))
                yield Case(block.name, span, terms, env.span if env else span, acts)

    def _acts(self, node: MappingNode, block: CallBlock, what: str) -> Iterator[Act]:
        """Yield what a test or a step of one does; nothing where that cannot be told."""
        ways = _WAYS[what]
        there = [way for way in ways if node.get(way) is not None]
        if len(there) != 1:
            known = f"{', '.join(f'`{way}`' for way in ways[:-1])} and `{ways[-1]}`"
            found = f"`{'` and `'.join(there)}`" if there else "none of them"
            code = "MP010" if there or what == "a step" else "MP011"
            self._say(code, f"{what} has one of {known}, found {found}", _begin(node))
            return
        [way] = there
        keys, reason = _MISPLACED.get(way, ((), ""))
        for entry in filter(None, map(node.index.get, keys)):
            self._say("MP010", f"`{entry.key}` {reason}", entry.key_span)
        steps = node.get("steps")
        if isinstance(steps, Sequence):
            yield from self._steps(steps, getattr(block, "steps", ()))
        else:
            yield Act(way, block, node, self._expected(node, way, what))

    def _steps(self, steps: Sequence, blocks: Iterable[CallBlock]) -> Iterator[Act]:
        expecting = False
        for item, step in zip(steps.items, blocks, strict=True):
            assert isinstance(item, MappingNode)
            expecting = expecting or item.get("expect") is not None
            yield from self._acts(item, step, "a step")
        if not self._broken and not expecting:
            help = "give at least one step an `expect`"
            self._say("MP011", "the steps expect nothing", steps.span, help)

    def _expected(self, node: MappingNode, way: str, what: str) -> ExpectBlock | None:
        """Return what is expected of a call; settings of a plan are checked by their names."""
        expect = node.get("expect")
        made: ExpectBlock | None = None
        if way == "advance" or (expect is None and what == "a step"):
            return None
        if expect is None:
            self._say("MP011", "the test expects nothing: give it an `expect`", _begin(node))
        elif not entries_of(expect):
            self._say("MP010", "an empty `expect` tests nothing", expect.span)
        elif way == "resolve":
            self._check_settings(expect)
        else:
            made = self._checked(expect, ExpectBlock, "`expect` of a call")
        return made

    def _check_settings(self, expect: Node) -> None:
        origin = expect.get("from") if isinstance(expect, MappingNode) else None
        if origin is not None and not entries_of(origin):
            text = 'expected fields with their places: `{cache.ttl: "serving.yaml#defaults"}`'
            self._say("MP010", text, origin.span)
        for name, entry in settings_of(expect):
            unknown = unknown_setting(name)
            if unknown is not None:
                part, section, known = unknown
                listed = f"known here: {', '.join(f'`{name}`' for name in known)}"
                help = did_you_mean(closest(part, known), listed)
                self._say("MP005", f"unknown key `{part}` in {section}", entry.key_span, help)
            elif name.startswith("from.") and not isinstance(entry.value.plain(), str):
                text = 'expected a place such as `"serving.yaml#environments.prod"`'
                self._say("MP010", text, entry.value.span)

    # --- findings ---------------------------------------------------------------------

    def _say(self, code: str, message: str, span: Span | None, help: str = "") -> None:
        self._broken = True
        span = span or Span(self.document.file)
        self._findings.append(Diagnostic(code, message, span, help=help))

    def _checked(
        self, node: Any, model: type[BaseModel], section: str, inner: Iterable[str] = ()
    ) -> Any:
        """Return *node* as an instance of *model*, None where it is not one."""
        synonyms = OF_TESTS if model is SuiteBlock else {}
        about = Words(section, synonyms, dict.fromkeys(inner, "`expect`"))
        outcome = check(node, model, about)
        self._findings += outcome.diagnostics
        self._broken = self._broken or outcome.value is None
        for loc in outcome.missing:
            block, entry = locate(node, loc[:-1])
            if loc == ("version",):
                self._say("MP003", "`version` is missing", None, "begin with `version: 1`")
            elif entry is not None:
                self._say("MP011", f"`{entry.key}` needs `{loc[-1]}`", entry.key_span)
            else:
                self._say("MP011", f"{section} needs `{loc[-1]}`", _begin(block))
        return outcome.value


def _terms(suite: SuiteBlock, case: CaseBlock, variables: Iterable[Node | None]) -> CaseTerms:
    """Return what holds for a test: what it does not say, its file may say."""
    env, clock = (
        getattr(case if name in case.model_fields_set else suite, name) for name in ("env", "clock")
    )
    texts = {
        entry.key: entry.value.text
        for written in variables
        for entry in entries_of(written)
        if isinstance(entry.value, Scalar)
    }
    return CaseTerms(env, tuple(sorted(texts.items())), clock)


def _secrets(root: MappingNode | None) -> Iterator[str]:
    """Yield what the variables of the tests say that must not be shown."""
    tests = root.get("tests") if root is not None else None
    blocks = [root, *(tests.items if isinstance(tests, Sequence) else ())]
    for block in blocks:
        variables = block.get("env_vars") if isinstance(block, MappingNode) else None
        for entry in entries_of(variables):
            yield from (one.text for one in scalars(entry.value) if is_secret(entry.key))


def _begin(node: Node) -> Span:
    """Return where *node* begins: a whole block is too much to point at."""
    return node.entries[0].key_span if isinstance(node, MappingNode) and node.entries else node.span


def settings_of(expect: Node | None, above: str = "") -> Iterator[tuple[str, Entry]]:
    """Yield the name of each setting in an `expect`: `cache: {ttl: 2m}` is `cache.ttl: 2m`.

    What is empty has a finding of its own.
    """
    for entry in entries_of(expect):
        name = f"{above}{entry.key}"
        if entries_of(entry.value) and "." not in entry.key:
            yield from settings_of(entry.value, f"{name}.")
        elif name != "from" and not is_empty(entry.value):
            yield name, entry
