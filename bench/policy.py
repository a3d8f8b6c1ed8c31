"""Puts the policy of a bench in force, and hands out the functions under it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlpolicy
from mlpolicy.core.target import Target
from mlpolicy.install import bootstrap


@contextmanager
def governed(rules: dict[str, str]) -> Iterator[None]:
    """Put rules, by the name of a function of `bench.subject`, in force for the block."""
    lines = ["version: 1", "policies:"]
    for name, text in rules.items():
        lines += [f"  bench.subject:{name}:", *(f"    {line}" for line in text.splitlines())]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "policy.yaml")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        mlpolicy.install(policy=path)
        try:
            _all_applied(rules)
            yield
        finally:
            mlpolicy.uninstall()


def _all_applied(names: dict[str, str]) -> None:
    engine = bootstrap.engine()
    assert engine is not None
    for name in names:
        placed = engine.placed[str(Target("bench.subject", name))]
        assert placed.state == "applied", f"{placed.target}: {placed.state} {placed.detail}"
