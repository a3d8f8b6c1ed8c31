"""What the page and `mlpolicy top` show, as plain data.

Counts are totals since the processes began: a reader takes two states for a rate.
"""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from mlpolicy import __version__
from mlpolicy.core.classes import frozen
from mlpolicy.core.metrics import Family, Sample
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.plan.show import compiled, content
from mlpolicy.rules.monitor.prometheus import families, processes

SCHEMA: Final = "mlpolicy.state/1"
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
SIGNALS: Final = ("score", "threshold", "state")
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
    labels = (dict(one.labels) for each in numbers.values() for one in each.samples)
    counted = {one["function"] for one in labels if "function" in one}
    plans = _plans(held, counted) if held else {}
    functions: list[dict[str, Any]] = [
        _function(name, plans.get(name), numbers)
        | {"state": _placed(held, name, elsewhere=name in counted)}
        for name in sorted({*plans, *counted})
    ]
    limited: list[dict[str, Any]] = [
        one["memory_bytes"] for one in functions if one["memory_bytes"].get("limit")
    ]
    return {
        "schema": SCHEMA,
        "time": time.time(),
        "version": __version__,
        "pid": os.getpid(),
        "workers": processes(),
        "policy": _terms(held, plans) if held else None,
        "targets": _counted(_of(numbers, "mlpolicy_targets"), "state"),
        # Limits may differ: the one that is nearest is what matters.
        "memory_bytes": max(limited, key=lambda one: one["used"] / one["limit"], default={}),
        "dropped_events": _counted(_of(numbers, "mlpolicy_dropped_events_total"), "sink", "reason"),
        "functions": functions,
    }


# --- of the policy --------------------------------------------------------------------

_kept: dict[str, tuple[tuple[Plan, ...], Any]] = {}


def _once(key: str, plans: tuple[Plan, ...], make: Callable[[], Any]) -> Any:
    """Return what was made of the same plans before: a page asks every few seconds."""
    if key not in _kept or _kept[key][0] != plans:
        _kept[key] = plans, make()
    return _kept[key][1]


def _plans(held: PolicyInForce, counted: Iterable[str]) -> dict[str, Plan]:
    """Return the plans of what is governed here, or counted by any process."""
    found = {name: plan for name in counted if name not in held.plans and (plan := held.find(name))}
    return {name: plan for name, plan in {**held.plans, **found}.items() if plan.rules}


def _placed(held: PolicyInForce | None, name: str, *, elsewhere: bool) -> str | None:
    """Return what became of a function; None where another process would have to say."""
    state = held.states.get(name) if held else None
    return None if elsewhere and state == "pending" else state


def _terms(held: PolicyInForce, plans: Mapping[str, Plan]) -> dict[str, Any]:
    every = tuple(plan for _, plan in sorted(plans.items()))
    return {
        "hash": _once("", every, lambda: compiled(every)["hash"]),
        "environment": held.environment or None,
        "files": list(held.files),
        "since": held.since,
    }


def _rule(rule: PlannedRule) -> dict[str, Any]:
    """Return a rule with its settings, and where each comes from."""
    shown = content(rule)
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


def _function(name: str, plan: Plan | None, numbers: Numbers) -> dict[str, Any]:
    of = partial(_of, numbers, function=name)
    return {
        "function": name,
        "mode": plan.mode if plan else None,
        "policies": list(plan.policies) if plan else [],
        "rules": _once(name, (plan,), lambda: [*map(_rule, plan.rules)]) if plan else [],
        **{key: _counted(of(metric), *labels) for key, (metric, *labels) in COUNTS.items()},
        "durations": _durations(of("mlpolicy_call_duration_seconds")),
        "in_flight": next((_strict(one.value) for one in of("mlpolicy_in_flight")), None),
        "slo": _counted(of("mlpolicy_slo_target"), "objective"),
        "memory_bytes": {
            size: _strict(one.value)
            for size in SIZES
            for one in of(f"mlpolicy_memory_{size}_bytes")
        },
        "drift": _drift(name, of),
        "drift_false_alarms": next(
            (_strict(one.value) for one in of("mlpolicy_drift_expected_false_alarms")), None
        ),
    }


def _of(numbers: Numbers, metric: str, **labels: str) -> list[Sample]:
    """Return the series of *metric* that bear *labels*."""
    family, wanted = numbers.get(metric), labels.items()
    return [one for one in family.samples if wanted <= dict(one.labels).items()] if family else []


def _counted(samples: Iterable[Sample], *labels: str) -> Any:
    """Return counts by the value of the label; by those of several, as rows."""
    counts: Counter[tuple[str, ...]] = Counter()
    for one in samples:
        counts[tuple(dict(one.labels).get(label, "") for label in labels)] += (
            _strict(one.value) or 0
        )
    if len(labels) == 1:
        return {key: number for (key,), number in counts.items()}
    return [dict(zip(labels, key, strict=True)) | {"count": counts[key]} for key in counts]


def _durations(samples: Iterable[Sample]) -> dict[str, Any] | None:
    """Return a histogram: the upper bound and the count of each bucket alone, null for the last."""
    for one in samples:
        count = sum(number for _, number in one.buckets)
        return {"buckets": _strict(one.buckets), "count": count, "sum": one.value}
    return None


def _drift(name: str, of: Callable[..., list[Sample]]) -> list[dict[str, Any]]:
    """Return what is known of each signal of the function, with its last window if that is here."""
    signals: dict[str, dict[str, Any]] = {}
    for figure in SIGNALS:
        for one in of(f"mlpolicy_drift_{figure}"):
            signal = dict(one.labels).get("signal", "")
            signals.setdefault(signal, {})[figure] = _strict(one.value)
    if not signals:
        return []
    from mlpolicy.rules.monitor.drift import states

    shown = states().get(name, {})
    return [
        figures
        | {
            "signal": signal,
            "state": STATES.get(figures.get("state")),
            "windows": _counted(of("mlpolicy_drift_windows_total", signal=signal), "state"),
            "histogram": _strict(shown.get(signal)),
        }
        for signal, figures in sorted(signals.items())
    ]


def _strict(value: Any) -> Any:
    """Return *value* as strict JSON has it: whole numbers as such, null for an infinite one."""
    if isinstance(value, float):
        whole = math.isfinite(value) and value == int(value)
        return int(value) if whole else value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _strict(one) for key, one in value.items()}
    return [*map(_strict, value)] if isinstance(value, list | tuple) else value
