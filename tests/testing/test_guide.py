"""The example of the guide is run as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

from mlpolicy.source import SourceTree
from mlpolicy.testing.runner import Prepared

GUIDE = Path(__file__).parents[2] / "docs/how-to/test-a-policy.md"
TITLED = re.compile(r'^( *)```yaml title="([^"]+)"\n(.*?)^\1```', re.M | re.S)


def test_the_example_passes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("policies").mkdir()
    for _, name, text in TITLED.findall(GUIDE.read_text(encoding="utf-8")):
        Path(name).write_text(dedent(text))

    prepared = Prepared(Path("policies/shop.test.yaml"), SourceTree([tmp_path]))
    results = [prepared.run(case) for case in prepared.cases]

    assert prepared.diagnostics == ()
    assert len(results) == 5
    assert [one.differences for one in results if not one.passed] == []
