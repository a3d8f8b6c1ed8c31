"""`mlpolicy apply`: the proof that a policy takes effect on the real module."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from mlpolicy.cli import exits, files
from mlpolicy.cli.findings import ImportOutcome, import_failed, of_import, prove
from mlpolicy.cli.options import Context, shared
from mlpolicy.cli.render.report import Report
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.quantity import Duration, QuantityError
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.lint.targets import of_rules
from mlpolicy.plan.governed import named, targets
from mlpolicy.plan.load import Loaded
from mlpolicy.plan.show import SCHEMA as OF_PLAN
from mlpolicy.source import local_roots

SCHEMA = "mlpolicy.apply/1"
Plans = Mapping[str, dict[str, Any]]
"""The settings of each function, by its name."""


def _seconds(_: click.Context, __: click.Parameter, value: str) -> float:
    try:
        seconds = float(Duration.of(value))
    except QuantityError as error:
        raise click.BadParameter(str(error)) from None
    if not seconds > 0:
        raise click.BadParameter("expected more than 0s")
    return seconds


@click.command()
@shared("module policy env assume src")
@click.option("--package", is_flag=True, help="Import the modules below those named, too.")
@click.option("--all", "everything", is_flag=True, help="Import every module that a policy names.")
@click.option("--check", is_flag=True, help="Show findings only; fail on anything not applied.")
@click.option(
    "--expect",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --check: fail where the plan differs from this one, of `mlpolicy compile`.",
)
@click.option("--timeout", default="60s", metavar="TIME", callback=_seconds, help="For the import.")
@click.option("--in-process", is_flag=True, help="Import into this interpreter, for a debugger.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(context: Context, *, check: bool, arguments: tuple[str, ...], **options: Any) -> None:
    """Prove that the policy takes effect on the real module.

    Modules are imported under it in a fresh interpreter; what became of each target is shown.
    After `--`, ARGUMENTS run the module as a program under the policy once all is well.
    """
    everything, package = options["everything"], options["package"]
    if not context.modules and not everything:
        exits.stop("name a module: --module mypkg.serve, or --all")
    if arguments and len(context.modules) != 1:
        exits.stop("name one module to run with these arguments: --module M")
    loaded = context.read()
    rulebook, tree = loaded.rulebook, context.tree
    wrong: list[Diagnostic] = []
    if not loaded.errors:
        wrong += of_rules(rulebook, tree, _wanted(context, loaded, options))
    if Report.of(loaded.shown(wrong, strict=True)).failed:
        context.stop(loaded, wrong)
    modules = [*context.modules, *(named(rulebook, tree) if everything else ())]
    terms = {"timeout": options["timeout"], "here": options["in_process"]}
    outcome = prove(context, modules, **terms, package=package, all=everything, strict=check)
    if outcome.failed is not None:
        import_failed(outcome, tree)
    if context.verbose:
        click.echo(outcome.output, err=True, nl=False)
    wrong += of_import(outcome, rulebook, tree, strict=check)
    report = Report.of(loaded.shown(wrong, strict=True))
    if options["expect"] is not None:
        unexpected = _unexpected(outcome, options["expect"], loaded.environment)
        report = replace(report, diagnostics=(*report.diagnostics, *unexpected))
    _show(context, outcome, report, loaded, check=check)
    if report.failed:
        sys.exit(exits.FINDINGS)
    if arguments:
        from mlpolicy.cli.run import run

        program = [sys.executable, "-m", context.modules[0], *arguments]
        sys.exit(run(context, program, within=local_roots(context.src)))


def _wanted(context: Context, loaded: Loaded, options: Mapping[str, Any]) -> Iterator[Target]:
    """Yield the targets in the modules that are to be imported, as far as their source tells."""
    below = tuple(f"{module}." for module in context.modules) if options["package"] else ()
    for target in targets(loaded.rulebook, context.tree):
        asked = target.module in context.modules or target.module.startswith(below)
        if options["everything"] or asked:
            yield target


def _show(
    context: Context, outcome: ImportOutcome, report: Report, loaded: Loaded, *, check: bool
) -> None:
    if context.format not in ("json", "text"):
        context.show(report)
        return
    lines = ("\n".join(document.lines) for document in loaded.texts)
    state = hashlib.sha256("".join(lines).encode(errors="replace"))
    digest = f"sha256:{state.hexdigest()[:12]}"
    counts = Counter(row["status"] for row in outcome.targets)
    if context.format == "json":
        from mlpolicy.cli.render.formats import finding

        for row in outcome.targets:
            del row["exact"], row["plan"]  # what a row has for our own use
        findings = list(map(finding, report.diagnostics))
        content = {"policy": digest, "targets": outcome.targets, "diagnostics": findings}
        context.give(SCHEMA, {"summary": dict(counts), **content})
        return
    parts = [] if check else [context.table(list(map(_row, outcome.targets)))]
    if report.diagnostics:
        parts.append(context.shown(report))
        context.tell_github(report)
    if not context.quiet:
        listed = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        env = f" · env={loaded.environment}" if loaded.environment else ""
        took = f"import {outcome.import_s:.2f} s, placing {outcome.placing_s * 1000:.1f} ms"
        parts.append(f"{listed or 'no target'}{env} · policy {digest} · {took}")
    context.emit("".join(f"{part}\n" for part in parts if part))
    if not check:
        serving = _serving(context, outcome)
        context.tell(f"Nothing was changed for good. To serve under this policy: {serving}")


def _row(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "target": row["target"],
        "rules (outer > inner)": " > ".join(row["rules"]) or "-",
        "mode": row["mode"],
        "from": row["source"],
        "placement": row["placement"],
        "status": f"{row['status']} ({row['detail']})" if row["detail"] else row["status"],
    }


def _serving(context: Context, outcome: ImportOutcome) -> str:
    """Return the command that serves what was proved: the same policy, environment and folder."""
    command = ["mlpolicy", "run"]
    if context.policy or files.VARIABLE in os.environ:
        for path in context.paths:
            command += ["--policy", str(files.shown(path))]
    if context.env:
        command += ["--env", context.env]
    serves = outcome.served or ["COMMAND"]
    line = shlex.join(command + (serves if serves[0] == "-m" else ["--", *serves]))
    # Python itself may not look for the module where we do.
    first = next((module.partition(".")[0] for module in context.modules), "")
    for root in local_roots(context.src) if first else ():
        if (root / first).is_dir() or (root / f"{first}.py").is_file():
            if os.path.abspath(root) in map(os.path.abspath, (*sys.path, "")):
                break
            folders = filter(None, (str(root), os.environ.get("PYTHONPATH")))
            return f"PYTHONPATH={shlex.quote(os.pathsep.join(folders))} {line}"
    return line


# --- what was expected: a plan that `mlpolicy compile` wrote --------------------------


def _unexpected(
    outcome: ImportOutcome, path: Path, environment: str | None
) -> Iterator[Diagnostic]:
    """Yield a finding for each function whose rules are not those of the plan at *path*."""
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        if plan["schema"] != OF_PLAN:
            exits.stop(f"`{path}` is not a plan of this version: write it anew")
        names = [
            f"environment `{name}`" if name else "no environment"
            for name in (plan["environment"], environment)
        ]
        expected = {target["target"]: _settings(target) for target in plan["targets"]}
    except (OSError, ValueError, KeyError, TypeError):
        exits.stop(f"there is no plan in `{path}`; `mlpolicy compile -o {path}` writes one")
    in_force = {
        row["target"]: _settings(row["plan"])
        for row in outcome.targets
        if row["status"] in ("applied", "pending") and row["plan"]["rules"]
    }
    messages = list(_differences(expected, in_force))
    if names[0] != names[1]:
        messages = [f"the plan is that of {names[0]}, and this is {names[1]}"]
    help = f"if that is meant, write the plan anew: mlpolicy compile -o {path}"
    for message in messages:
        yield Diagnostic("MP410", message, Span(str(path)), help=help)


def _settings(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mode and each setting of the rules of a plan, by `kind.setting`, and their order."""
    settings: dict[str, Any] = {}
    for rule in plan["rules"]:
        kind = rule["kind"]
        settings |= {kind: "there", f"{kind}.mode": rule["mode"]}
        settings |= {f"{kind}.{name}": value for name, value in rule["settings"].items()}
    return settings | {"the order of rules": [rule["kind"] for rule in plan["rules"]]}


def _differences(expected: Plans, in_force: Plans) -> Iterator[str]:
    for target in sorted({*expected, *in_force}):
        if target not in expected:
            yield f"`{target}` has rules, and none are expected"
        elif target not in in_force:
            yield f"`{target}` has no rules in force, and some are expected"
        else:
            old, new = expected[target], in_force[target]
            differing = [name for name in {**old, **new} if old.get(name) != new.get(name)]
            for name in differing[:1]:
                was, now = old.get(name, "nothing"), new.get(name, "not there")
                yield f"`{target}`: `{name}` is {now}, {was} is expected"
