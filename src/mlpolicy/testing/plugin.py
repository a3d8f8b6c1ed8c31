"""The same tests under pytest: each test of a `*.test.yaml` is one item.

pytest imports this whatever it runs, so that everything else is imported once a file is met.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

_OURS = re.compile(r"^['\"]?(policies|stubs)['\"]?\s*:", re.MULTILINE)
"""What tells a test of policies from the `*.test.yaml` of another tool."""
_SURVEY = pytest.StashKey[Any]()
"""What knows the source, shared by all files."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to let tests of policies run code of the service."""
    help = "Let tests of policies import and call the service itself (`real: true`)."
    group = parser.getgroup("mlpolicy")
    group.addoption("--mlpolicy-allow-real", action="store_true", default=None, help=help)
    parser.addini("mlpolicy_allow_real", help, type="bool", default=False)


def _allows_real(config: pytest.Config) -> bool:
    return bool(config.getoption("mlpolicy_allow_real") or config.getini("mlpolicy_allow_real"))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect files of policy tests."""
    if not file_path.name.endswith((".test.yaml", ".test.yml")):
        return None
    try:
        if not file_path.is_file():  # (a pipe has no end)
            return None
        if not _OURS.search(file_path.read_text(encoding="utf-8", errors="replace")):
            return None
    except OSError:
        return None
    made: pytest.Collector = PolicyTests.from_parent(parent, path=file_path)
    return made


@contextmanager
def _importing(config: pytest.Config) -> Iterator[None]:
    """Let what may be imported be found where `mlpolicy test` finds it."""
    folders = (config.rootpath, config.rootpath / "src") if _allows_real(config) else ()
    path = (str(one) for one in folders if one.is_dir())
    added = [one for one in path if one not in sys.path]
    sys.path[:0] = added
    try:
        yield
    finally:
        sys.path[:] = [one for one in sys.path if one not in added]


class PolicyTests(pytest.File):
    """One file of policy tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each test, and one for what is wrong with the file."""
        from mlpolicy.source import SourceTree, roots
        from mlpolicy.testing.runner import Prepared

        root, stash = self.config.rootpath, self.config.stash
        if _SURVEY not in stash:
            stash[_SURVEY] = SourceTree(roots((str(root), str(root / "src"))))
        near = Path(os.path.relpath(self.path))  # as people would write it
        with _importing(self.config):
            path, tree = self.path if ".." in near.parts else near, stash[_SURVEY]
            within = root if self.path.is_relative_to(root) else None
            allow_real = _allows_real(self.config)
            prepared = Prepared(path, tree, within=within, allow_real=allow_real)
        findings = prepared.diagnostics
        if findings:
            texts = list(map(str, findings))
            yield self._item("findings", findings[0].span.line, lambda: texts)
        for case in prepared.cases:
            yield self._item(case.name, case.span.line, partial(_failure, prepared, case))

    def _item(self, name: str, line: int, failure: Callable[[], list[str]]) -> pytest.Item:
        item: pytest.Item = PolicyItem.from_parent(self, name=name, line=line, failure=failure)
        return item


def _failure(prepared: Any, case: Any) -> list[str]:
    """Return what to tell of a test that failed: the first line is what pytest sums it up with."""
    result = prepared.run(case)
    head, *rest = result.lines()
    return [] if result.passed else [*(line.removeprefix("  ") for line in rest), head]


class Failed(Exception):
    """A test of a policy failed; the text says in what."""


class PolicyItem(pytest.Item):
    """One test of a policy, or the findings of a file; *failure* returns what to tell."""

    def __init__(self, *, line: int, failure: Callable[[], list[str]], **rest: Any) -> None:
        super().__init__(**rest)
        self._line = line
        self._failure = failure

    def runtest(self) -> None:
        """Run the test.

        Raises:
            Failed: Something is not as expected.
        """
        with _importing(self.config):
            lines = self._failure()
        if lines:
            raise Failed("\n".join(lines))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the differing fields; whatever else went wrong as pytest shows it."""
        if isinstance(excinfo.value, Failed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the test stands."""
        return self.path, self._line - 1, self.name
