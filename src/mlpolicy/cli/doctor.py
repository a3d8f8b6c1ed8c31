"""`mlpolicy doctor`: whether this machine and this interpreter let a policy do its work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from mlpolicy.cli import exits, sources
from mlpolicy.cli.checks import Check, State, of_machine, of_policy
from mlpolicy.cli.options import modules_option, policy_option, shown_options, src_option
from mlpolicy.cli.prove import Request, in_child, request_for
from mlpolicy.cli.resolve import resolved
from mlpolicy.cli.streams import emit, emit_json, tell
from mlpolicy.cli.terms import terms_options
from mlpolicy.cli.wait import waiting

SCHEMA = "mlpolicy.doctor/1"

_OF_STATUS = {
    "missing": "correct the target, or the module",
    "unwrappable": "name a function that has Python code, or one that calls it",
    "bypassed": "import the module instead of the name, or name the function that holds it",
    "skipped": "name it itself instead of by a pattern, if its caller may be one frame further",
    "pending": "nothing imports its module; that is well if another process does",
    "error": "report it: this is a bug of mlpolicy",
}


@click.command()
@modules_option("A module to try.")
@policy_option
@terms_options
@src_option
@shown_options("text", "json")
def command(modules: tuple[str, ...], format: str, **options: Any) -> None:
    """Look at the interpreter, the machine and the policy; say what is amiss and what to do.

    With --module, each target is tried in a fresh interpreter: where its driver stands, or why
    there is none.
    """
    found = [*of_machine()]
    if options["policy"] or modules or sources.any_policy():
        paths, loaded = sources.read(options["policy"], src=options["src"])
        found += of_policy(resolved(loaded, paths, options["src"], level="ast"))
        if modules and not loaded.errors:
            request = request_for(paths, options["src"], modules=modules)
            with waiting("importing " + ", ".join(modules)):
                found += _targets(request)
    _show(found, format)
    failed = [one.name for one in found if one.state == "fail"]
    unknown = exits.IMPORT_FAILED if "import" in failed else exits.FINDINGS
    sys.exit(unknown if failed else exits.FINE)


def _targets(request: Request) -> Iterator[Check]:
    answer = in_child(request, 60.0)
    if answer.failed is not None:
        failed = answer.failed
        text = f"`{failed['module']}` could not be imported: {failed['error']}"
        yield Check("import", "fail", text, "mend the module first")
        return
    for row in answer.targets:
        status = row["status"]
        well = status in ("applied", "excluded")
        placed = f", {row['placement']}" if row["placement"] != "-" else ""
        detail = f": {row['detail']}" if row["detail"] else ""
        state: State = "ok" if well else "note" if status in ("pending", "skipped") else "fail"
        yield Check(row["target"], state, f"{status}{placed}{detail}", _OF_STATUS.get(status, ""))


def _show(found: list[Check], format: str) -> None:
    if format == "json":
        rows = [
            {"check": one.name, "state": one.state, "found": one.found, "remedy": one.remedy}
            for one in found
        ]
        emit_json(SCHEMA, {"checks": rows})
        return
    from mlpolicy.cli.render.table import checks

    emit(checks(found))
    counts = {state: sum(one.state == state for one in found) for state in ("fail", "warn")}
    said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    tell(said or "nothing is amiss")
