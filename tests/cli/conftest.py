"""A folder with a service and a policy, and the command line within this interpreter."""

from __future__ import annotations

import os

import pytest
from click.testing import CliRunner

from mlpolicy.cli.main import program
from tests.acceptance.conftest import Ended, Project


class InProcess(Project):
    """A folder of files, in which commands run without a process of their own."""

    def run(self, *arguments, **environment):
        """Run `mlpolicy` with *arguments*."""
        ended = CliRunner().invoke(program, arguments, env=environment)
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
