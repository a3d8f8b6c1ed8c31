"""`mlpolicy doctor`: whether this machine and this interpreter let a policy do its work."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

import click

from mlpolicy.cli import exits, files
from mlpolicy.cli.findings import prove, resolved
from mlpolicy.cli.list import every_plugin
from mlpolicy.cli.options import ENVIRONMENT, Context, shared
from mlpolicy.core.diagnostic import closest, many
from mlpolicy.core.kind import MachineCheck
from mlpolicy.core.plugins import Plugin, PluginError
from mlpolicy.core.program import private_folder
from mlpolicy.core.report import without
from mlpolicy.core.site import EVERYTHING, KILL_SWITCH, switches
from mlpolicy.document.parse import libyaml
from mlpolicy.plan import cache
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
    rows = [check._asdict() for check in checks]
    context.give(SCHEMA, {"checks": rows}, context.table(rows))
    if context.format == "text":
        counts = Counter(check.state for check in checks)
        listed = [f"{counts[state]} {state}" for state in ("fail", "warn") if counts[state]]
        context.tell(", ".join(listed) or "nothing is wrong")
    failed = [check.check for check in checks if check.state == "fail"]
    code = exits.IMPORT_FAILED if "import" in failed else exits.FINDINGS
    sys.exit(code if failed else exits.FINE)


def _checks(context: Context) -> list[MachineCheck]:
    checks = list(_of_machine())
    is_any = context.policy or context.modules or files.any_policy()
    loaded = context.read() if is_any else None
    rules = _rules(loaded) if loaded else {}
    of_kinds = [check for kind in KINDS for check in KINDS[kind].ask("doctor", rules)]
    checks += [check for check in of_kinds if check.check not in rules]
    checks += itertools.starmap(_of_plugin, every_plugin())
    if loaded:
        checks += _of_policy(resolved(context, loaded, level="ast"))
        checks += [check for check in of_kinds if check.check in rules]
        checks += _of_targets(context, loaded)
        checks = [one._replace(found=without(one.found, loaded.secrets)) for one in checks]
    return checks


def _rules(loaded: Loaded) -> dict[str, dict[str, object]]:
    """Return the complete rules of each function that a policy names, by their kinds."""
    plans = filter(None, map(loaded.rulebook.plan, loaded.rulebook.exact))
    return {
        str(plan.target): {rule.kind: rule.rule for rule in plan.rules if rule.rule is not None}
        for plan in plans
    }


# --- the interpreter and the machine --------------------------------------------------


def _either(check: str, is_fine: object, fine: str, wrong: str, remedy: str) -> MachineCheck:
    """Return a check that is fine, or a warning of what is *wrong* with what to do about it."""
    if is_fine:
        return MachineCheck(check, "ok", fine)
    return MachineCheck(check, "warn", wrong, remedy)


def _of_machine() -> Iterator[MachineCheck]:
    """Yield what is to be said whatever the policy."""
    yield _interpreter()
    # A `sitecustomize` of somebody else's is run by ours, under `mlpolicy run`.
    other = getattr(sys.modules.get("sitecustomize"), "__file__", None)
    text = f"{other} is run after ours" if other else "`mlpolicy run` brings its own sitecustomize"
    blind = sys.flags.isolated or sys.flags.ignore_environment or sys.flags.no_site
    remedy = "call mlpolicy.install() in the program: PYTHONPATH is not read under -I, -E, -S"
    yield _either("hook", not blind, text, "this Python ignores its environment", remedy)
    remedy = "install PyYAML from a wheel: large policies are read ten times slower"
    text = "files are parsed in C"
    yield _either("libyaml", libyaml(), text, "PyYAML was built without it", remedy)
    found = why = ""
    try:
        found = cache.folder_of_entries()
        os.close(private_folder(found, make=True))
    except (OSError, ValueError) as error:
        why = f"{found} cannot be used: {error}"
    remedy = f"set {cache.VARIABLE} to a folder of your own: every process reads the files again"
    yield _either("plan cache", not why, found, why, remedy)
    method = multiprocessing.get_start_method(allow_none=True)
    method = method or multiprocessing.get_all_start_methods()[0]
    text = f"multiprocessing starts workers by {method}"
    remedy = "under `mlpolicy run` they obey it too; else call mlpolicy.install() in them"
    if method == "fork":
        yield MachineCheck("workers", "ok", f"{text}; they inherit the policy")
    else:
        yield MachineCheck("workers", "note", text, remedy)
    if os.environ.get(ENVIRONMENT):
        yield MachineCheck("environment", "ok", f"{ENVIRONMENT}={os.environ[ENVIRONMENT]}")


def _interpreter() -> MachineCheck:
    name, version = platform.python_implementation(), platform.python_version()
    state: Literal["ok", "warn", "fail"] = "ok"
    remedy = ""
    if name != "CPython":
        state, remedy = "fail", "drivers are swapped into CPython's functions"
    elif sys.version_info[:3] == (3, 12, 0):
        state, remedy = "fail", "3.12.0 has a bug in code swapping: use 3.12.1"
    elif not getattr(sys, "_is_gil_enabled", lambda: True)():
        state, remedy = "warn", "free-threaded Python is not tried by us yet"
    return MachineCheck("interpreter", state, f"{name} {version}", remedy)


def _of_plugin(plugin: Plugin, wrong: PluginError | None) -> MachineCheck:
    name, found = f"plugin {plugin.name}", f"{plugin.origin} adds to {plugin.group}"
    if wrong is None:
        return MachineCheck(name, "ok", found)
    return MachineCheck(name, "fail", str(wrong), wrong.help)


# --- the policy -----------------------------------------------------------------------


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


def _of_targets(context: Context, loaded: Loaded) -> Iterator[MachineCheck]:
    if loaded.errors or not context.modules:
        return
    outcome = prove(context, context.modules)
    if outcome.failed is not None:
        text = f"`{outcome.failed['module']}` could not be imported: {outcome.failed['error']}"
        yield MachineCheck("import", "fail", text, "mend the module first")
        return
    states = {"applied": "ok", "excluded": "ok", "pending": "note", "skipped": "note"}
    for row in outcome.targets:
        placed = f", {row['placement']}" if row["placement"] != "-" else ""
        detail = f": {row['detail']}" if row["detail"] else ""
        status = row["status"]
        state: Any = states.get(status, "fail")
        text = f"{status}{placed}{detail}"
        yield MachineCheck(row["target"], state, text, _REMEDIES.get(status, ""))
