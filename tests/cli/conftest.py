"""A folder with a service and a policy, and the command line within this interpreter."""

from __future__ import annotations

import os
import sys

import pytest
from click.testing import CliRunner

from mlpolicy.cli.main import program
from tests.acceptance.conftest import Ended, Project


class InProcess(Project):
    """A folder of files, in which commands run without a process of their own."""

    def run(self, *arguments, **environment):
        """Run `mlpolicy` with *arguments*."""
        modules, path = set(sys.modules), list(sys.path)
        ended = CliRunner().invoke(program, arguments, env=environment)
        sys.path[:] = path
        for name in set(sys.modules) - modules:  # what a test called is imported anew by the next
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(self.folder)):
                del sys.modules[name]
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        return Ended(ended.exit_code, ended.stdout, ended.stderr)


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("MLPOLICY_", "GITHUB_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLPOLICY_CACHE_DIR", str(tmp_path / ".plans"))
    monkeypatch.chdir(tmp_path)
    return InProcess(tmp_path)
