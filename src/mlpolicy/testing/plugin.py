"""The same tests under pytest: each test of a `*.test.yaml` is one item.

pytest imports this whatever it runs, so that everything else is imported once a file is met.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mlpolicy.source import SourceTree
    from mlpolicy.testing.run import Prepared
    from mlpolicy.testing.suite import Case

_OURS = re.compile(r"^['\"]?(policies|stubs)['\"]?\s*:", re.MULTILINE)
"""What tells a test of policies from the `*.test.yaml` of another tool."""
_ENDS = (".yaml", ".yml")
_SURVEY = pytest.StashKey["SourceTree"]()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect files of policy tests."""
    if file_path.suffix not in _ENDS or not _is_ours(file_path):
        return None
    made: pytest.Collector = PolicyTests.from_parent(parent, path=file_path)
    return made


def _is_ours(path: Path) -> bool:
    from mlpolicy.plan.files import TESTS

    if not path.name.endswith(TESTS):
        return False
    try:
        return _OURS.search(path.read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False


def _survey(config: pytest.Config) -> SourceTree:
    """Return what knows the source, shared by all files."""
    from mlpolicy.source import SourceTree, roots

    if _SURVEY not in config.stash:
        root = config.rootpath
        config.stash[_SURVEY] = SourceTree(roots((str(root), str(root / "src"))))
    return config.stash[_SURVEY]


@contextmanager
def _importing(config: pytest.Config) -> Iterator[None]:
    """Let errors and functions be imported from where `mlpolicy test` finds them."""
    path = (str(one) for one in (config.rootpath, config.rootpath / "src") if one.is_dir())
    added = [one for one in path if one not in sys.path]
    sys.path[:0] = added
    try:
        yield
    finally:
        sys.path[:] = [one for one in sys.path if one not in added]


def _shown(path: Path) -> Path:
    """Return *path* as people would write it: relative where it is below here."""
    near = Path(os.path.relpath(path))
    return path if ".." in near.parts else near


class PolicyTests(pytest.File):
    """One file of policy tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each test, and one for what is wrong with the file."""
        from mlpolicy.testing.run import prepare

        with _importing(self.config):
            prepared = prepare(_shown(self.path), _survey(self.config))
        if prepared.diagnostics:
            yield Findings.from_parent(self, name="findings", prepared=prepared)
        for case in prepared.cases:
            yield PolicyTest.from_parent(self, name=case.name, prepared=prepared, case=case)


class Failed(Exception):
    """A test of a policy failed; the text says in what."""


class _Item(pytest.Item):
    """Shows a failure of ours in our words."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the differing fields; whatever else went wrong as pytest shows it."""
        if isinstance(excinfo.value, Failed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class PolicyTest(_Item):
    """One test of a policy."""

    def __init__(self, *, prepared: Prepared, case: Case, **rest: Any) -> None:
        super().__init__(**rest)
        self._prepared = prepared
        self._case = case

    def runtest(self) -> None:
        """Run the test.

        Raises:
            Failed: Something is not as expected.
        """
        from mlpolicy.testing.told import lines

        with _importing(self.config):
            result = self._prepared.run(self._case)
        if not result.passed:
            # The first line is what pytest sums a failure up with.
            head, *rest = lines(result)
            raise Failed("\n".join([*(one.removeprefix("  ") for one in rest), head]))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the test stands."""
        return self.path, self._case.span.line - 1, self.name


class Findings(_Item):
    """What is wrong with a file of tests, or with the policies that it names."""

    def __init__(self, *, prepared: Prepared, **rest: Any) -> None:
        super().__init__(**rest)
        self._prepared = prepared

    def runtest(self) -> None:
        """Show the findings.

        Raises:
            Failed: Always; there are some.
        """
        raise Failed("\n".join(str(one) for one in self._prepared.diagnostics))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the first finding is."""
        return self.path, self._prepared.diagnostics[0].span.line - 1, self.name
