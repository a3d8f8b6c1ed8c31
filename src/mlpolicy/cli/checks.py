"""What `mlpolicy doctor` looks at."""

from __future__ import annotations

import multiprocessing
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from mlpolicy.cli.plugins import every_plugin
from mlpolicy.core.control import EVERYTHING, KILL_SWITCH, switches
from mlpolicy.core.frozen import frozen
from mlpolicy.core.quantity import ByteSize
from mlpolicy.core.words import closest, many
from mlpolicy.document.parse import libyaml
from mlpolicy.plan.load import Loaded
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.rules import KINDS

State = Literal["ok", "note", "warn", "fail"]

_OLDEST = (3, 11)
_BROKEN = (3, 12, 0)


@frozen()
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    found: str
    remedy: str = ""


def of_machine() -> Iterator[Check]:
    """Yield what is to be said of the interpreter and the machine, whatever the policy."""
    yield _interpreter()
    yield _hook()
    yield _yaml()
    yield _plan_cache()
    yield _start_method()
    yield from _memory()
    yield from _workers()
    yield from _switches()
    yield from _plugins()


def of_policy(loaded: Loaded) -> Iterator[Check]:
    """Yield what is to be said of the policy on this machine."""
    errors = len(loaded.errors)
    policies = many(len(loaded.rulebook.policies), "policy", "policies")
    text = f"{many(len(loaded.files), 'file')}, {policies}"
    if errors:
        text = f"{text}, {many(errors, 'error')}"
        yield Check("policy", "fail", text, "run `mlpolicy validate`")
    else:
        yield Check("policy", "ok", text)
    yield from _switch(loaded)
    for target in loaded.rulebook.exact:
        plan = loaded.rulebook.plan(target)
        rule = plan.rule("memory") if plan else None
        if plan is not None and rule is not None and rule.rule is not None:
            yield from _limit(str(target), rule)
            yield from _room(plan, rule)


def _plugins() -> Iterator[Check]:
    """Say which plugins there are, and which of them cannot be used."""
    for plugin, wrong in every_plugin():
        name = f"plugin {plugin.name}"
        if wrong is None:
            yield Check(name, "ok", f"{plugin.origin} adds to {plugin.group}")
        else:
            yield Check(name, "fail", str(wrong), wrong.help)


# --- the interpreter ------------------------------------------------------------------


def _interpreter() -> Check:
    text = f"{platform.python_implementation()} {platform.python_version()}"
    if platform.python_implementation() != "CPython":
        return Check("interpreter", "fail", text, "drivers are swapped into CPython's functions")
    if sys.version_info < _OLDEST:
        return Check("interpreter", "fail", text, "3.11 or later is needed")
    if sys.version_info[:3] == _BROKEN:
        return Check("interpreter", "fail", text, "3.12.0 has a bug in code swapping: use 3.12.1")
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return Check("interpreter", "warn", f"{text}, free-threaded", "not tried by us yet")
    return Check("interpreter", "ok", text)


def _hook() -> Check:
    """Say which `sitecustomize` there is: ours runs it under `mlpolicy run`."""
    found = sys.modules.get("sitecustomize")
    isolated = sys.flags.isolated or sys.flags.ignore_environment or sys.flags.no_site
    if isolated:
        remedy = "call mlpolicy.install() in the program: PYTHONPATH is not read under -I, -E, -S"
        return Check("hook", "warn", "this Python ignores its environment", remedy)
    if found is not None and getattr(found, "__file__", None):
        return Check("hook", "ok", f"{found.__file__} is run after ours")
    return Check("hook", "ok", "`mlpolicy run` brings its own sitecustomize")


def _yaml() -> Check:
    if libyaml():
        return Check("libyaml", "ok", "files are parsed in C")
    remedy = "install PyYAML from a wheel: large policies are read ten times slower"
    return Check("libyaml", "warn", "PyYAML was built without it", remedy)


def _plan_cache() -> Check:
    named = os.environ.get("MLPOLICY_CACHE_DIR")
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(named or Path(home, "mlpolicy")).expanduser()
    nearest = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Check("plan cache", "ok", str(folder))
    remedy = "set MLPOLICY_CACHE_DIR: every process reads and checks the files again"
    return Check("plan cache", "warn", f"{folder} cannot be written", remedy)


def _start_method() -> Check:
    method = (
        multiprocessing.get_start_method(allow_none=True)
        or (multiprocessing.get_all_start_methods()[0])
    )
    text = f"multiprocessing starts workers by {method}"
    if method == "fork":
        return Check("workers", "ok", f"{text}; they inherit the policy")
    remedy = "under `mlpolicy run` they obey it too; else call mlpolicy.install() in them"
    return Check("workers", "note", text, remedy)


# --- memory and metrics ---------------------------------------------------------------


def _memory() -> Iterator[Check]:
    from mlpolicy.rules.memory.survey import Survey

    reading = Survey().read()
    if reading is None:
        yield Check("memory", "warn", "nothing can be read", "set MLPOLICY_MEMORY_LIMIT=4GiB")
        return
    text = f"{_size(reading.used)} of {_size(reading.limit)} ({reading.share:.0%}), by {reading.of}"
    yield Check("memory", "ok", text)


def _size(count: float) -> str:
    unit, name = (2**30, "GiB") if count >= 2**30 else (2**20, "MiB")
    return f"{count / unit:.1f}{name}"


def _limit(target: str, rule: PlannedRule) -> Iterator[Check]:
    """Say so where a limit that was written lies above what kills the process (MP802)."""
    from mlpolicy.rules.memory.survey import Survey

    given = rule.rule.limit
    if not isinstance(given, int):
        return
    reading = Survey(measure=rule.rule.measure).read()
    if reading is not None and given > reading.limit:
        text = f"MP802: `limit: {ByteSize(given)}` is above {ByteSize(reading.limit)}, {reading.of}"
        yield Check(target, "fail", text, "leave `limit` out, or write less")


def _room(plan: Plan, memory: PlannedRule) -> Iterator[Check]:
    """Say so where a cache may fill the memory that there is here (MP708)."""
    from mlpolicy.rules.memory.survey import Survey

    cache = plan.rule("cache")
    most = cache.rule.max_bytes if cache is not None and cache.rule is not None else None
    reading = Survey(measure=memory.rule.measure).read() if most is not None else None
    if most is None or reading is None or memory.rule.limit != "auto":
        return
    short = ByteSize(int(memory.rule.act_at * reading.limit))
    if most >= short:
        text = f"MP708: the cache may hold {most}, and memory is short from {short} on"
        yield Check(str(plan.target), "warn", text, "write a `max_bytes` that leaves room")


def _workers() -> Iterator[Check]:
    from mlpolicy.rules.monitor.sinks.prometheus import VARIABLES

    folder = next((os.environ[one] for one in VARIABLES if os.environ.get(one)), "")
    workers = os.environ.get("WEB_CONCURRENCY", "")
    several = workers.isdigit() and int(workers) > 1
    if folder and not os.access(folder, os.W_OK):
        remedy = "make the folder, and let the service write there"
        yield Check("metrics", "fail", f"{VARIABLES[0]}={folder} cannot be written", remedy)
    elif several and not folder:
        remedy = f"set {VARIABLES[0]} to an empty folder, the same for all workers"
        text = f"MP905: {workers} workers, each with metrics of its own"
        yield Check("metrics", "warn", text, remedy)
    else:
        yield Check("metrics", "ok", folder or "one process")


def _switch(loaded: Loaded) -> Iterator[Check]:
    """Yield whether the kill switch is on, and what it names that is not there."""
    off = os.environ.get(KILL_SWITCH, "")
    policies = {f"policy:{one.name}" for one in loaded.rulebook.policies}
    known = {*EVERYTHING, *KINDS, *policies}
    idle = sorted(one for one in switches(off) if one.lower() not in known and one not in known)
    for one in idle:
        near = closest(one, known)
        remedy = f"did you mean `{near}`?" if near else "name a rule, or `policy:NAME`; 1 is all"
        yield Check("kill switch", "fail", f"{KILL_SWITCH} names `{one}`: nothing is off", remedy)
    if off and not idle:
        remedy = f"unset {KILL_SWITCH} once the emergency is over"
        yield Check("kill switch", "warn", f"{KILL_SWITCH}={off}", remedy)


def _switches() -> Iterator[Check]:
    named = os.environ.get("MLPOLICY_ENV", "")
    if named:
        yield Check("environment", "ok", f"MLPOLICY_ENV={named}")
