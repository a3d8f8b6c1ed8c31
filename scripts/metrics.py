"""Writes the reference of metrics: `python scripts/metrics.py > docs/reference/metrics.md`."""

from __future__ import annotations

from mlpolicy.rules.catalogue import METRICS

HEAD = """# Metrics

What `mlpolicy` shows of itself, by the names that Prometheus knows.
Each metric of a function bears its path as `function`; [`labels`](../rules/monitor.md#settings) of a `monitor` rule adds what it says.
Values of labels come from closed or bounded sets, never from an argument.
Zeros are there from the moment the function is placed, except where a name is marked with an asterisk: such a series begins with its first event.
[Dashboards and alerts](../how-to/dashboards.md) are made from this list.

| metric | kind | labels | unit | of | what it says |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the page as markdown."""
    rows = (
        f"| `{one.name}`{'*' if one.late else ''} | {one.kind} "
        f"| {', '.join(f'`{label}`' for label in one.labels)} | {one.unit} "
        f"| {f'`{one.rule}`' if one.rule else 'any rule'} | {one.help} |\n"
        for one in sorted(METRICS, key=lambda one: (one.rule or "z", one.name))
    )
    return HEAD + "".join(rows)


if __name__ == "__main__":
    print(page(), end="")
