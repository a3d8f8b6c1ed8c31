"""What the page and `mlpolicy top` show, as plain data.

Counts are totals since the processes began: a reader takes two states for a rate.
"""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import groupby
from typing import Any, Final

from mlpolicy import __version__
from mlpolicy.core.classes import frozen
from mlpolicy.core.metrics import Family, Sample
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.show import compiled, content
from mlpolicy.rules.monitor.prometheus import families, processes

SCHEMA: Final = "mlpolicy.state/1"
DRIFT: Final = "mlpolicy.rules.monitor.drift"
BUCKETS: Final = "mlpolicy_call_duration_seconds"
COUNTS: Final = {
    "calls": ("mlpolicy_calls_total", "outcome"),
    "errors": ("mlpolicy_errors_total", "error_type"),
    "attempts": ("mlpolicy_attempts_total", "outcome"),
    "retries": ("mlpolicy_retries_total", "reason"),
    "cache_requests": ("mlpolicy_cache_requests_total", "result"),
    "refusals": ("mlpolicy_refusals_total", "kind"),
    "memory_decisions": ("mlpolicy_memory_decisions_total", "decision"),
    "validation_failures": ("mlpolicy_validation_failures_total", "check", "field"),
    "shadow_counts": ("mlpolicy_shadow_total", "kind", "would"),
}
"""What is counted of a function: the name of its metric, and the labels that tell counts apart."""
SIGNALS: Final = ("score", "threshold", "state", "expected_false_alarms")
SIZES: Final = ("used", "limit", "reserved")
STATES: Final[Mapping[Any, str]] = {0: "ok", 1: "warn", 2: "drift"}


@frozen()
class PolicyInForce:
    """What holds in this process."""

    plans: Mapping[str, Plan]
    """By target: those that a policy names, and those that a pattern took."""
    states: Mapping[str, str]
    """What became of each."""
    find: Callable[[str], Plan | None]
    """Gives the plan of another target, which only another worker has imported."""
    environment: str
    files: tuple[str, ...]
    since: float
    """When it was put in force, in seconds since 1970."""


_policy: list[Callable[[], PolicyInForce | None]] = []
"""What tells it, at most one: it comes from above."""


def show_policy(read: Callable[[], PolicyInForce | None]) -> None:
    """Let *read* tell at each look what holds in this process."""
    _policy[:] = [read]


def state() -> dict[str, Any]:
    """Return the numbers of this process, or of all that share theirs, and what holds."""
    held = _policy[0]() if _policy else None
    numbers = {family.name: family for family in families()}
    functions = [_function(name, held, numbers) for name in _names(held, numbers)]
    by_share = [one["memory_bytes"] for one in functions if one["memory_bytes"].get("limit")]
    return {
        "schema": SCHEMA,
        "time": time.time(),
        "version": __version__,
        "pid": os.getpid(),
        "workers": len(processes()) or 1,
        "policy": _terms(held),
        "targets": _counted(_of(numbers, "mlpolicy_targets"), "state"),
        # Limits may differ: the one that is nearest is what matters.
        "memory_bytes": max(by_share, key=lambda one: one["used"] / one["limit"], default={}),
        "dropped_events": _counted(_of(numbers, "mlpolicy_dropped_events_total"), "sink", "reason"),
        "functions": functions,
    }


# --- of the policy --------------------------------------------------------------------

_rules: dict[str, tuple[Plan, list[dict[str, Any]]]] = {}
"""By target, as long as it has that plan: a page asks every few seconds, and plans stay."""
_hash: list[tuple[tuple[Plan, ...], str]] = []


def _terms(held: PolicyInForce | None) -> dict[str, Any] | None:
    if held is None:
        return None
    plans = tuple(plan for plan in held.plans.values() if plan.rules)
    if not _hash or len(_hash[0][0]) != len(plans) or any(map(_is_other, _hash[0][0], plans)):
        _hash[:] = [(plans, compiled(plans)["hash"])]
    return {
        "hash": _hash[0][1],
        "environment": held.environment or None,
        "files": list(held.files),
        "since": held.since,
    }


def _is_other(one: Plan, other: Plan) -> bool:
    return one is not other


def _shown(plan: Plan) -> list[dict[str, Any]]:
    """Return the rules of *plan* with their settings, and where each comes from."""
    name = str(plan.target)
    kept = _rules.get(name)
    if kept is None or kept[0] is not plan:
        kept = _rules[name] = plan, [_rule(content(rule)) for rule in plan.rules]
    return kept[1]


def _rule(shown: dict[str, Any]) -> dict[str, Any]:
    settings = [
        {
            "setting": path,
            "value": value["value"],
            "place": f"{value['file']}:{value['line']}" if value["file"] else None,
            "layer": value["layer"],
        }
        for path, value in shown["values"].items()
        if path != "mode"
    ]
    return {key: shown[key] for key in ("kind", "mode", "source")} | {"settings": settings}


# --- of one function ------------------------------------------------------------------

Numbers = Mapping[str, Family]


def _names(held: PolicyInForce | None, numbers: Numbers) -> list[str]:
    """Return the functions that a policy governs here, or that some process counts."""
    governed = {name for name, plan in held.plans.items() if plan.rules} if held else set[str]()
    counted = (
        dict(one.labels).get("function") for each in numbers.values() for one in each.samples
    )
    return sorted({*governed, *filter(None, counted)})


def _function(name: str, held: PolicyInForce | None, numbers: Numbers) -> dict[str, Any]:
    plan = (held.plans.get(name) or held.find(name)) if held else None
    of = partial(_of, numbers, function=name)
    counts = {key: _counted(of(metric), *labels) for key, (metric, *labels) in COUNTS.items()}
    return {
        "function": name,
        "state": held.states.get(name) if held else None,
        "mode": plan.mode if plan else None,
        "policies": list(plan.policies) if plan else [],
        "rules": _shown(plan) if plan else [],
        **counts,
        "durations": _durations(of(BUCKETS)),
        "in_flight": _sum(of("mlpolicy_in_flight")),
        "slo": {
            dict(one.labels)["objective"]: _exact(one.value) for one in of("mlpolicy_slo_target")
        },
        "memory_bytes": {
            size: _exact(one.value) for size in SIZES for one in of(f"mlpolicy_memory_{size}_bytes")
        },
        "drift": list(_drift(name, numbers)),
    }


def _of(numbers: Numbers, metric: str, **labels: str) -> list[Sample]:
    """Return the series of *metric* that bear *labels*."""
    family, wanted = numbers.get(metric), labels.items()
    return [one for one in family.samples if wanted <= dict(one.labels).items()] if family else []


def _counted(samples: Iterable[Sample], *labels: str) -> Any:
    """Return counts by the value of the label; by those of several, as rows."""
    counts: Counter[tuple[str, ...]] = Counter()
    for one in samples:
        values = dict(one.labels)
        counts[tuple(values.get(label, "") for label in labels)] += _exact(one.value) or 0
    if len(labels) == 1:
        return {key: number for (key,), number in counts.items()}
    return [dict(zip(labels, key, strict=True)) | {"count": counts[key]} for key in counts]


def _durations(samples: Iterable[Sample]) -> dict[str, Any] | None:
    """Return a histogram: the upper bound and the count of each bucket alone, null for the last."""
    counts: Counter[float] = Counter()
    total = 0.0
    for one in samples:
        total += one.value
        counts.update(dict(one.buckets))
    buckets = [[_exact(bound), counts[bound]] for bound in sorted(counts)]
    return {"buckets": buckets, "count": counts.total(), "sum": total} if buckets else None


def _sum(samples: Iterable[Sample]) -> int | float | None:
    values = [one.value for one in samples]
    return _exact(sum(values)) if values else None


def _exact(value: float) -> Any:
    """Return *value* as strict JSON has it."""
    if not math.isfinite(value):
        return None
    return int(value) if value == int(value) else value


# --- drift ----------------------------------------------------------------------------


def _drift(name: str, numbers: Numbers) -> Iterator[dict[str, Any]]:
    """Yield what is known of each signal of the function."""
    shown = _histograms().get(name, {})
    rows = [
        (dict(one.labels).get("signal", ""), figure, _exact(one.value))
        for figure in SIGNALS
        for one in _of(numbers, f"mlpolicy_drift_{figure}", function=name)
    ]
    for signal, each in groupby(sorted(rows, key=lambda row: row[0]), lambda row: row[0]):
        figures = {figure: value for _, figure, value in each}
        word = STATES.get(figures.get("state"))
        windows = _of(numbers, "mlpolicy_drift_windows_total", function=name, signal=signal)
        row = {"signal": signal, **figures, "state": word, "windows": _counted(windows, "state")}
        yield row | {"histogram": shown.get(signal)}


def _histograms() -> Mapping[str, Mapping[str, Any]]:
    """Return the last window of each signal beside its reference, by function and signal."""
    if find_spec(DRIFT) is None:
        return {}
    states: Any = getattr(import_module(DRIFT), "states", None)
    return states() if states is not None else {}
