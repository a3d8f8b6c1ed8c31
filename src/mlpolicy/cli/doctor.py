"""`mlpolicy doctor`: whether this machine and this interpreter let a policy do its work."""

from __future__ import annotations

import multiprocessing
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from mlpolicy.cli import exits, files
from mlpolicy.cli.context import ENVIRONMENT, Context
from mlpolicy.cli.findings import resolved
from mlpolicy.cli.list import every_plugin
from mlpolicy.cli.options import shared
from mlpolicy.core.kind import MachineCheck
from mlpolicy.core.site import EVERYTHING, KILL_SWITCH, switches
from mlpolicy.core.spelling import closest, many
from mlpolicy.document.parse import libyaml
from mlpolicy.plan.load import Loaded
from mlpolicy.rules import KINDS

SCHEMA = "mlpolicy.doctor/1"

_REMEDIES = {
    "missing": "correct the target, or the module",
    "unwrappable": "name a function that has Python code, or one that calls it",
    "bypassed": "import the module instead of the name, or name the function that holds it",
    "skipped": "name it itself instead of by a pattern, if its caller may be one frame further",
    "pending": "nothing imports its module; that is well if another process does",
    "error": "report it: this is a bug of mlpolicy",
}
"""What to do about each status of a target."""


@click.command()
@shared("module policy env set assume src", "text", "json")
def command(context: Context) -> None:
    """Look at interpreter, machine and policy; say what is wrong.

    With --module, each target is tried in a fresh interpreter: where its driver stands, or why
    there is none.
    """
    checks = _checks(context)
    if context.format == "json":
        context.emit_json(SCHEMA, {"checks": [check._asdict() for check in checks]})
    else:
        context.emit(context.table_of([check._asdict() for check in checks]))
        counts = Counter(check.state for check in checks)
        listed = [f"{counts[state]} {state}" for state in ("fail", "warn") if counts[state]]
        context.tell(", ".join(listed) or "nothing is wrong")
    failed = [check.check for check in checks if check.state == "fail"]
    code = exits.IMPORT_FAILED if "import" in failed else exits.FINDINGS
    sys.exit(code if failed else exits.FINE)


def _checks(context: Context) -> list[MachineCheck]:
    checks = list(_of_machine())
    loaded, rules = None, dict[str, dict[str, object]]()
    if context.policy or context.modules or files.any_policy():
        loaded = context.read()
        rules = _rules(loaded)
    of_kinds = [check for kind in KINDS for check in KINDS[kind].ask("doctor", rules)]
    checks += [check for check in of_kinds if check.check not in rules]
    checks += _of_plugins()
    if loaded:
        checks += _of_policy(resolved(context, loaded, level="ast"))
        checks += [check for check in of_kinds if check.check in rules]
        if context.modules and not loaded.errors:
            checks += _of_targets(context)
    return checks


# --- the interpreter and the machine --------------------------------------------------


def _of_machine() -> Iterator[MachineCheck]:
    """Yield what is to be said whatever the policy."""
    yield _interpreter()
    # A `sitecustomize` of somebody else's is run by ours, under `mlpolicy run`.
    other = getattr(sys.modules.get("sitecustomize"), "__file__", None)
    if sys.flags.isolated or sys.flags.ignore_environment or sys.flags.no_site:
        remedy = "call mlpolicy.install() in the program: PYTHONPATH is not read under -I, -E, -S"
        yield MachineCheck("hook", "warn", "this Python ignores its environment", remedy)
    elif other:
        yield MachineCheck("hook", "ok", f"{other} is run after ours")
    else:
        yield MachineCheck("hook", "ok", "`mlpolicy run` brings its own sitecustomize")
    if libyaml():
        yield MachineCheck("libyaml", "ok", "files are parsed in C")
    else:
        remedy = "install PyYAML from a wheel: large policies are read ten times slower"
        yield MachineCheck("libyaml", "warn", "PyYAML was built without it", remedy)
    yield _plan_cache()
    method = multiprocessing.get_start_method(allow_none=True)
    method = method or multiprocessing.get_all_start_methods()[0]
    text = f"multiprocessing starts workers by {method}"
    if method == "fork":
        yield MachineCheck("workers", "ok", f"{text}; they inherit the policy")
    else:
        remedy = "under `mlpolicy run` they obey it too; else call mlpolicy.install() in them"
        yield MachineCheck("workers", "note", text, remedy)
    if os.environ.get(ENVIRONMENT):
        yield MachineCheck("environment", "ok", f"{ENVIRONMENT}={os.environ[ENVIRONMENT]}")


def _plan_cache() -> MachineCheck:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(os.environ.get("MLPOLICY_CACHE_DIR") or Path(home, "mlpolicy")).expanduser()
    nearest = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return MachineCheck("plan cache", "ok", str(folder))
    remedy = "set MLPOLICY_CACHE_DIR: every process reads and checks the files again"
    return MachineCheck("plan cache", "warn", f"{folder} cannot be written", remedy)


def _interpreter() -> MachineCheck:
    text = f"{platform.python_implementation()} {platform.python_version()}"
    if platform.python_implementation() != "CPython":
        return MachineCheck(
            "interpreter", "fail", text, "drivers are swapped into CPython's functions"
        )
    if sys.version_info[:3] == (3, 12, 0):
        return MachineCheck(
            "interpreter", "fail", text, "3.12.0 has a bug in code swapping: use 3.12.1"
        )
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return MachineCheck("interpreter", "warn", f"{text}, free-threaded", "not tried by us yet")
    return MachineCheck("interpreter", "ok", text)


def _of_plugins() -> Iterator[MachineCheck]:
    for plugin, wrong in every_plugin():
        name = f"plugin {plugin.name}"
        if wrong is None:
            yield MachineCheck(name, "ok", f"{plugin.origin} adds to {plugin.group}")
        else:
            yield MachineCheck(name, "fail", str(wrong), wrong.help)


# --- the policy -----------------------------------------------------------------------


def _rules(loaded: Loaded) -> dict[str, dict[str, object]]:
    """Return the complete rules of each function that a policy names, by their kinds."""
    plans = filter(None, map(loaded.rulebook.plan, loaded.rulebook.exact))
    return {
        str(plan.target): {rule.kind: rule.rule for rule in plan.rules if rule.rule is not None}
        for plan in plans
    }


def _of_policy(loaded: Loaded) -> Iterator[MachineCheck]:
    """Yield whether the policy is right, whether the kill switch is on, and whether that names anything."""
    policies = many(len(loaded.rulebook.policies), "policy", "policies")
    text = f"{many(len(loaded.files), 'file')}, {policies}"
    if loaded.errors:
        text = f"{text}, {many(len(loaded.errors), 'error')}"
        yield MachineCheck("policy", "fail", text, "run `mlpolicy validate`")
    else:
        yield MachineCheck("policy", "ok", text)
    off = os.environ.get(KILL_SWITCH, "")
    known = {*EVERYTHING, *KINDS, *(f"policy:{one.name}" for one in loaded.rulebook.policies)}
    idle = sorted(name for name in switches(off) if not {name, name.lower()} & known)
    for name in idle:
        near = closest(name, known)
        remedy = f"did you mean `{near}`?" if near else "name a rule, or `policy:NAME`; 1 is all"
        text = f"{KILL_SWITCH} names `{name}`: nothing is off"
        yield MachineCheck("kill switch", "fail", text, remedy)
    if off and not idle:
        remedy = f"unset {KILL_SWITCH} once the emergency is over"
        yield MachineCheck("kill switch", "warn", f"{KILL_SWITCH}={off}", remedy)


def _of_targets(context: Context) -> Iterator[MachineCheck]:
    answer = context.prove(context.modules)
    if answer.failed is not None:
        text = f"`{answer.failed['module']}` could not be imported: {answer.failed['error']}"
        yield MachineCheck("import", "fail", text, "mend the module first")
        return
    for row in answer.targets:
        status = row["status"]
        placed = f", {row['placement']}" if row["placement"] != "-" else ""
        detail = f": {row['detail']}" if row["detail"] else ""
        text, remedy = f"{status}{placed}{detail}", _REMEDIES.get(status, "")
        if status in ("applied", "excluded"):
            yield MachineCheck(row["target"], "ok", text, remedy)
        elif status in ("pending", "skipped"):
            yield MachineCheck(row["target"], "note", text, remedy)
        else:
            yield MachineCheck(row["target"], "fail", text, remedy)
