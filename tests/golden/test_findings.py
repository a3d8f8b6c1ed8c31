"""Code, line and severity of what `validate` finds in files with and without mistakes.

They were written down before the code that finds them was taken apart. Words may change; these do
not, unless a decision says so.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlpolicy.cli.main import program

NO_LINE = {"MP002"}
"""Where the parser stopped is its own word."""
FILE = Path(__file__).with_name("findings.json")
GOLDEN = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def findings(text):
    """Return [code, line, severity, environment] of each finding in a file that holds *text*."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "policy.yaml")
        path.write_text(text, encoding="utf-8")
        result = CliRunner().invoke(program, ["validate", "--format", "json", str(path)])
    report = json.loads(result.stdout)
    return sorted(
        [
            finding["code"],
            0 if finding["code"] in NO_LINE else finding["range"]["start"]["line"],
            finding["severity"],
            finding["environment"],
        ]
        for finding in report["diagnostics"]
    )


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_found(name):
    assert findings(GOLDEN[name]["text"]) == GOLDEN[name]["findings"]
