"""`mlpolicy doctor`: whether this machine and this interpreter let a policy do its work."""

from __future__ import annotations

import multiprocessing
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import click

from mlpolicy.cli import exits, files
from mlpolicy.cli.context import ENVIRONMENT, Context
from mlpolicy.cli.findings import resolved
from mlpolicy.cli.list import every_plugin
from mlpolicy.cli.options import shared
from mlpolicy.core.quantity import ByteSize
from mlpolicy.core.site import EVERYTHING, KILL_SWITCH, switches
from mlpolicy.core.words import closest, many
from mlpolicy.document.parse import libyaml
from mlpolicy.plan.load import Loaded
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.rules import KINDS
from mlpolicy.rules.memory.limits import Limits
from mlpolicy.rules.monitor.sinks.prometheus import VARIABLES

SCHEMA = "mlpolicy.doctor/1"
State = Literal["ok", "note", "warn", "fail"]

_REMEDIES = {
    "missing": "correct the target, or the module",
    "unwrappable": "name a function that has Python code, or one that calls it",
    "bypassed": "import the module instead of the name, or name the function that holds it",
    "skipped": "name it itself instead of by a pattern, if its caller may be one frame further",
    "pending": "nothing imports its module; that is well if another process does",
    "error": "report it: this is a bug of mlpolicy",
}
"""What to do about each status of a target."""


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    state: State
    found: str
    remedy: str = ""


@click.command()
@shared("module policy env set assume src", "text", "json")
def command(context: Context) -> None:
    """Look at interpreter, machine and policy; say what is wrong.

    With --module, each target is tried in a fresh interpreter: where its driver stands, or why
    there is none.
    """
    checks = list(_of_machine())
    if context.policy or context.modules or files.any_policy():
        loaded = context.read()
        checks += _of_policy(resolved(context, loaded, level="ast"))
        if context.modules and not loaded.errors:
            checks += _of_targets(context)
    _show(context, checks)
    failed = [check.name for check in checks if check.state == "fail"]
    code = exits.IMPORT_FAILED if "import" in failed else exits.FINDINGS
    sys.exit(code if failed else exits.FINE)


def _show(context: Context, checks: list[Check]) -> None:
    head = ("check", "state", "found", "remedy")
    if context.format == "json":
        rows = [dict(zip(head, check, strict=True)) for check in checks]
        context.emit_json(SCHEMA, {"checks": rows})
        return
    context.emit(context.table([title.upper() for title in head], checks))
    counts = Counter(check.state for check in checks)
    listed = [f"{counts[state]} {state}" for state in ("fail", "warn") if counts[state]]
    context.tell(", ".join(listed) or "nothing is wrong")


# --- the interpreter and the machine --------------------------------------------------


def _of_machine() -> Iterator[Check]:
    """Yield what is to be said whatever the policy."""
    yield _interpreter()
    yield _hook()
    if libyaml():
        yield Check("libyaml", "ok", "files are parsed in C")
    else:
        remedy = "install PyYAML from a wheel: large policies are read ten times slower"
        yield Check("libyaml", "warn", "PyYAML was built without it", remedy)
    yield _plan_cache()
    yield _start_method()
    yield _memory()
    yield _metrics()
    if os.environ.get(ENVIRONMENT):
        yield Check("environment", "ok", f"{ENVIRONMENT}={os.environ[ENVIRONMENT]}")
    for plugin, wrong in every_plugin():
        name = f"plugin {plugin.name}"
        if wrong is None:
            yield Check(name, "ok", f"{plugin.origin} adds to {plugin.group}")
        else:
            yield Check(name, "fail", str(wrong), wrong.help)


def _interpreter() -> Check:
    text = f"{platform.python_implementation()} {platform.python_version()}"
    if platform.python_implementation() != "CPython":
        return Check("interpreter", "fail", text, "drivers are swapped into CPython's functions")
    if sys.version_info[:3] == (3, 12, 0):
        return Check("interpreter", "fail", text, "3.12.0 has a bug in code swapping: use 3.12.1")
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return Check("interpreter", "warn", f"{text}, free-threaded", "not tried by us yet")
    return Check("interpreter", "ok", text)


def _hook() -> Check:
    """Say which `sitecustomize` there is: ours runs it under `mlpolicy run`."""
    if sys.flags.isolated or sys.flags.ignore_environment or sys.flags.no_site:
        remedy = "call mlpolicy.install() in the program: PYTHONPATH is not read under -I, -E, -S"
        return Check("hook", "warn", "this Python ignores its environment", remedy)
    file = getattr(sys.modules.get("sitecustomize"), "__file__", None)
    text = f"{file} is run after ours" if file else "`mlpolicy run` brings its own sitecustomize"
    return Check("hook", "ok", text)


def _plan_cache() -> Check:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(os.environ.get("MLPOLICY_CACHE_DIR") or Path(home, "mlpolicy")).expanduser()
    nearest = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Check("plan cache", "ok", str(folder))
    remedy = "set MLPOLICY_CACHE_DIR: every process reads and checks the files again"
    return Check("plan cache", "warn", f"{folder} cannot be written", remedy)


def _start_method() -> Check:
    method = multiprocessing.get_start_method(allow_none=True)
    method = method or multiprocessing.get_all_start_methods()[0]
    text = f"multiprocessing starts workers by {method}"
    if method == "fork":
        return Check("workers", "ok", f"{text}; they inherit the policy")
    remedy = "under `mlpolicy run` they obey it too; else call mlpolicy.install() in them"
    return Check("workers", "note", text, remedy)


def _memory() -> Check:
    reading = Limits().read()
    if reading is None:
        return Check("memory", "warn", "nothing can be read", "set MLPOLICY_MEMORY_LIMIT=4GiB")
    used, limit = _size(reading.used), _size(reading.limit)
    return Check("memory", "ok", f"{used} of {limit} ({reading.share:.0%}), by {reading.of}")


def _size(count: float) -> str:
    unit, name = (2**30, "GiB") if count >= 2**30 else (2**20, "MiB")
    return f"{count / unit:.1f}{name}"


def _metrics() -> Check:
    folder = next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "")
    workers = os.environ.get("WEB_CONCURRENCY", "")
    if folder and not os.access(folder, os.W_OK):
        remedy = "make the folder, and let the service write there"
        return Check("metrics", "fail", f"{VARIABLES[0]}={folder} cannot be written", remedy)
    if workers.isdigit() and int(workers) > 1 and not folder:
        remedy = f"set {VARIABLES[0]} to an empty folder, the same for all workers"
        text = f"MP905: {workers} workers, each with metrics of its own"
        return Check("metrics", "warn", text, remedy)
    return Check("metrics", "ok", folder or "one process")


# --- the policy -----------------------------------------------------------------------


def _of_policy(loaded: Loaded) -> Iterator[Check]:
    """Yield what is to be said of the policy on this machine."""
    policies = many(len(loaded.rulebook.policies), "policy", "policies")
    text = f"{many(len(loaded.files), 'file')}, {policies}"
    if loaded.errors:
        text = f"{text}, {many(len(loaded.errors), 'error')}"
        yield Check("policy", "fail", text, "run `mlpolicy validate`")
    else:
        yield Check("policy", "ok", text)
    yield from _kill_switch(loaded)
    for target in loaded.rulebook.exact:
        plan = loaded.rulebook.plan(target)
        rule = plan.rule("memory") if plan else None
        if plan is not None and rule is not None and rule.rule is not None:
            yield from _limits(plan, rule)


def _kill_switch(loaded: Loaded) -> Iterator[Check]:
    """Yield whether the kill switch is on, and what it names that is not there."""
    off = os.environ.get(KILL_SWITCH, "")
    known = {*EVERYTHING, *KINDS, *(f"policy:{one.name}" for one in loaded.rulebook.policies)}
    idle = sorted(name for name in switches(off) if not {name, name.lower()} & known)
    for name in idle:
        near = closest(name, known)
        remedy = f"did you mean `{near}`?" if near else "name a rule, or `policy:NAME`; 1 is all"
        text = f"{KILL_SWITCH} names `{name}`: nothing is off"
        yield Check("kill switch", "fail", text, remedy)
    if off and not idle:
        remedy = f"unset {KILL_SWITCH} once the emergency is over"
        yield Check("kill switch", "warn", f"{KILL_SWITCH}={off}", remedy)


def _limits(plan: Plan, memory: PlannedRule) -> Iterator[Check]:
    """Yield what the machine says of a limit (MP802), and of a cache beside the rule (MP708)."""
    reading = Limits(measure=memory.rule.measure).read()
    if reading is None:
        return
    limit, target = memory.rule.limit, str(plan.target)
    if isinstance(limit, int) and limit > reading.limit:
        of_machine = f"{ByteSize(reading.limit)}, {reading.of}"
        text = f"MP802: `limit: {ByteSize(limit)}` is above {of_machine}"
        yield Check(target, "fail", text, "leave `limit` out, or write less")
    cache = plan.rule("cache")
    most = cache.rule.max_bytes if cache is not None and cache.rule is not None else None
    short = ByteSize(int(memory.rule.act_at * reading.limit))
    if most is not None and limit == "auto" and most >= short:
        text = f"MP708: the cache may hold {most}, and memory is short from {short} on"
        yield Check(target, "warn", text, "write a `max_bytes` that leaves room")


def _of_targets(context: Context) -> Iterator[Check]:
    answer = context.prove(context.modules)
    if answer.failed is not None:
        text = f"`{answer.failed['module']}` could not be imported: {answer.failed['error']}"
        yield Check("import", "fail", text, "mend the module first")
        return
    for row in answer.targets:
        status = row["status"]
        state: State = "fail"
        if status in ("applied", "excluded"):
            state = "ok"
        elif status in ("pending", "skipped"):
            state = "note"
        placed = f", {row['placement']}" if row["placement"] != "-" else ""
        detail = f": {row['detail']}" if row["detail"] else ""
        yield Check(row["target"], state, f"{status}{placed}{detail}", _REMEDIES.get(status, ""))
