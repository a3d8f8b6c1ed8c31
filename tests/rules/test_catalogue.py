"""One list of all metrics: what the code counts by is in it, and nothing else."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from mlpolicy.core.metrics import METERS
from mlpolicy.core.world import StandAside
from mlpolicy.install import engine
from mlpolicy.rules.catalogue import METRICS
from mlpolicy.rules.monitor.lanes import dropping

ROOT = Path(__file__).parents[2]
TO_COME = {one.name for one in METRICS if one.name.startswith("mlpolicy_drift_")}
"""What may not be there yet."""
NO_METRICS = {
    "mlpolicy_twin__",
    "mlpolicy_tags__",
    "mlpolicy_allow_real",
    "mlpolicy_cache_led",
    "mlpolicy_waits",
}
INT = {"args": {"x": {"type": "int"}}}


def served(x=1):
    """Fail for what is no integer."""
    return 1 // x


def in_shadow(x=1):
    """Return *x*."""
    return x


def test_what_is_counted_is_in_the_list(place):
    """With the same kind, help and labels, for all rules in both modes."""
    rules = {"cache": {"ttl": "1h"}, "memory": {}, "retry": {"initial_delay": "0s"}}
    monitor = {"log": False, "slo": {"p99": "1s"}, "labels_from": "result"}
    place(served, monitor=monitor, validate=INT, **rules)
    place(in_shadow, **{kind: {**one, "mode": "shadow"} for kind, one in rules.items()})
    dropping("log", "rate")
    StandAside("a test", "t:f", closed=False)(ValueError())
    for x in (1, 0, "no"):
        with suppress(Exception):
            served(x)

    listed = {one.name: (one.kind, one.help, {*one.labels}) for one in METRICS}
    found = {
        one.name: (one.kind, one.help, {label for label, _ in one.samples[0].labels})
        for meters in (place.meters, METERS)
        for one in meters.collect()
        if one.samples
    }
    of_process = {"mlpolicy_targets"}
    assert found.items() <= listed.items()
    assert listed.keys() - found.keys() <= TO_COME | of_process | {"mlpolicy_record_deleted_total"}


def test_no_name_in_the_source_is_forgotten():
    """Whatever looks like the name of a metric is one of the list; so are help and labels of all."""
    names = {one.name for one in METRICS}
    folder, found = ROOT / "src" / "mlpolicy", set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            text = node.value if isinstance(node, ast.Constant) else ""
            if isinstance(text, str) and re.fullmatch(r"mlpolicy_[a-z_]*[a-z]", text):
                found.add(text)

    assert found - NO_METRICS <= names
    assert names - found <= TO_COME
    assert engine._HELP in {one.help for one in METRICS if one.name == "mlpolicy_targets"}


def test_the_page_is_current():
    """`python scripts/metrics.py > docs/reference/metrics.md` writes it anew."""
    script = [sys.executable, str(ROOT / "scripts" / "metrics.py")]
    done = subprocess.run(script, capture_output=True, text=True, check=True)

    assert (ROOT / "docs" / "reference" / "metrics.md").read_text("utf-8") == done.stdout
