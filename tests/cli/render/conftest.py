"""Reports to be shown: made by hand, or found in real files."""

from __future__ import annotations

import os

import pytest

from mlpolicy.cli.render.report import Report
from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, Related, Suggestion
from mlpolicy.core.span import Span
from mlpolicy.document.parse import Document

OF_A_CI = ("GITHUB_", "CI_", "MLPOLICY_", "NO_COLOR")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, outside of any CI."""
    for name in list(os.environ):
        if name.startswith(OF_A_CI):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLPOLICY_CACHE_DIR", str(tmp_path / "plans"))
    here = tmp_path / "checkout"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def at(line, column, end, *, file="serving.yaml", end_line=None):
    return Span(file, line, column, end_line or line, end)


TEXT = """\
version: 1
policies:
  recsys.serve:predct:
    retry: 3
    cache: 30s
"""


def a_report(*diagnostics, text=TEXT, file="serving.yaml", **facts):
    return Report(diagnostics, {file: Document(file, text, None, ())}, files=1, policies=1, **facts)


MISSING = Diagnostic(
    "MP301",
    "target not found",
    at(3, 3, 22),
    label="`recsys.serve` has no function `predct`",
    help="did you mean `recsys.serve:predict`?",
    related=(Related("`predict` is defined here", at(41, 5, 12, file="src/recsys/serve.py")),),
    suggestions=(
        Suggestion("rename", at(3, 3, 22), "recsys.serve:predict"),
        Suggestion("rename", at(1, 1, 1, file="other.yaml"), "recsys.serve:predict"),
        Suggestion("remove", at(3, 1, 1, end_line=6), ""),
    ),
)
WARNED = Diagnostic("MP608", "all clients retry at once", at(4, 12, 13), "warning")
NOTED = Diagnostic("MP906", "you will not see its effect", at(5, 5, 10), "info")


@frozen()
class InOneEnvironment(Diagnostic):
    """A finding that holds in one environment alone."""

    environment: str = "prod"


IN_PROD = InOneEnvironment("MP102", "ttl of 30 ms", at(5, 12, 15), "warning")
ALL = a_report(MISSING, WARNED, IN_PROD, NOTED)
NOTHING = a_report()
