"""`mlpolicy apply`: the proof that a policy takes effect on the real module."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from mlpolicy.cli import exits, files
from mlpolicy.cli.context import Context
from mlpolicy.cli.findings import import_failed, of_import
from mlpolicy.cli.options import (
    assume_option,
    env_option,
    modules_option,
    pass_context,
    policy_option,
    shown_options,
    src_option,
)
from mlpolicy.cli.prove import Answer, in_process
from mlpolicy.cli.render.report import Report
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.quantity import Duration, QuantityError
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.plan.against import of_rules
from mlpolicy.plan.compiled import SCHEMA as OF_PLAN
from mlpolicy.plan.compiled import holds
from mlpolicy.plan.governed import named, targets
from mlpolicy.plan.load import Loaded
from mlpolicy.plan.survey import local_roots

SCHEMA = "mlpolicy.apply/1"
_INTERNAL = ("exact", "plan")
"""What a row has for our own use."""


@dataclass
class Asked:
    """What `apply` was asked to do, beside what commands share."""

    modules: tuple[str, ...]
    package: bool
    everything: bool
    expect: Path | None
    check: bool
    timeout: float
    in_process: bool
    arguments: tuple[str, ...]


def _seconds(_: click.Context, __: click.Parameter, value: str) -> float:
    try:
        seconds = float(Duration.of(value))
    except QuantityError as error:
        raise click.BadParameter(str(error)) from None
    if not seconds > 0:
        raise click.BadParameter("expected more than 0s")
    return seconds


@click.command(context_settings={"ignore_unknown_options": False})
@modules_option("A module to import.")
@click.option("--package", is_flag=True, help="Import the modules below those named, too.")
@click.option("--all", "everything", is_flag=True, help="Import every module that a policy names.")
@policy_option
@env_option
@assume_option
@src_option
@click.option(
    "--expect",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --check: fail where the plan differs from this one, of `mlpolicy compile`.",
)
@click.option("--check", is_flag=True, help="Show findings only; fail on anything not applied.")
@click.option(
    "--timeout",
    metavar="DURATION",
    default="60s",
    show_default=True,
    callback=_seconds,
    help="For the import.",
)
@click.option("--in-process", is_flag=True, help="Import into this interpreter, for a debugger.")
@shown_options()
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@pass_context
def command(context: Context, **options: Any) -> None:
    """Import modules under the policy in a fresh interpreter, and show what became of each target.

    After `--`, ARGUMENTS run the module as a program under the policy once all is well.
    """
    asked = Asked(**options)
    if not asked.modules and not asked.everything:
        exits.stop("name a module: --module mypkg.serve, or --all")
    if asked.arguments and len(asked.modules) != 1:
        exits.stop("name one module to run with these arguments: --module M")
    loaded = context.read()
    _stop_on_errors(context, loaded)
    wrong = list(of_rules(loaded.rulebook, context.survey, _wanted(asked, context, loaded)))
    _stop_on_errors(context, loaded, wrong)
    answer = _prove(asked, context, loaded)
    if answer.failed is not None:
        import_failed(answer, context.survey)
    if context.verbose and answer.output:
        click.echo(answer.output, err=True, nl=False)
    wrong += of_import(answer, loaded.rulebook, context.survey, strict=asked.check)
    report = Report.of(loaded.shown(wrong, level="ast"))
    if asked.expect is not None:
        unexpected = _unexpected(answer, asked.expect, loaded.environment)
        report = replace(report, diagnostics=(*report.diagnostics, *unexpected))
    _show(asked, context, answer, report, loaded)
    if report.failed:
        sys.exit(exits.FINDINGS)
    if asked.arguments:
        from mlpolicy.cli.run import run

        program = [sys.executable, "-m", asked.modules[0], *asked.arguments]
        sys.exit(run(context, program, within=local_roots(context.src)))


def _stop_on_errors(context: Context, loaded: Loaded, more: list[Diagnostic] | None = None) -> None:
    more = more or []
    if replace(loaded, diagnostics=(*loaded.diagnostics, *more)).errors:
        context.stop(Report.of(loaded.shown(more)))


def _wanted(asked: Asked, context: Context, loaded: Loaded) -> Iterator[Target]:
    """Yield the targets in the modules that are to be imported, as far as their source tells."""
    for target in targets(loaded.rulebook, context.survey):
        below = asked.package and target.module.startswith(
            tuple(f"{module}." for module in asked.modules)
        )
        if asked.everything or below or target.module in asked.modules:
            yield target


def _prove(asked: Asked, context: Context, loaded: Loaded) -> Answer:
    more = named(loaded.rulebook, context.survey) if asked.everything else ()
    what: dict[str, Any] = {
        "modules": [*asked.modules, *more],
        "package": asked.package,
        "all": asked.everything,
    }
    if asked.in_process:
        return in_process(context.request(**what))
    label = ", ".join(asked.modules) or "every module named"
    return context.prove(label, timeout=asked.timeout, **what)


# --- how it is shown ------------------------------------------------------------------


def _show(asked: Asked, context: Context, answer: Answer, report: Report, loaded: Loaded) -> None:
    if context.format == "json":
        from mlpolicy.cli.render.as_json import finding

        content = {
            "summary": dict(Counter(row["status"] for row in answer.targets)),
            "policy": _hash(loaded),
            "targets": [
                {key: value for key, value in row.items() if key not in _INTERNAL}
                for row in answer.targets
            ],
            "diagnostics": [finding(diagnostic) for diagnostic in report.diagnostics],
        }
        context.emit_json(SCHEMA, content)
        return
    if context.format != "text":
        context.show(report)
        return
    parts = [] if asked.check else [_table(context, answer)]
    if report.diagnostics:
        parts.append(context.shown(report))
        context.tell_github(report)
    if not context.quiet:
        parts.append(_sum(answer, loaded))
    context.emit("\n".join(parts))
    if not asked.check:
        serving = _serving(asked, context, answer)
        context.tell(f"Nothing was changed for good. To serve under this policy: {serving}")


def _table(context: Context, answer: Answer) -> str:
    head = ("TARGET", "RULES (outer > inner)", "MODE", "FROM", "PLACEMENT", "STATUS")
    rows = [
        (
            row["target"],
            " > ".join(row["rules"]) or "-",
            row["mode"],
            row["source"],
            row["placement"],
            f"{row['status']} ({row['detail']})" if row["detail"] else row["status"],
        )
        for row in answer.targets
    ]
    return context.table(head, rows)


def _sum(answer: Answer, loaded: Loaded) -> str:
    counts = Counter(row["status"] for row in answer.targets)
    listed = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    env = f" · env={loaded.environment}" if loaded.environment else ""
    took = f"import {answer.import_s:.2f} s, placing {answer.placing_s * 1000:.1f} ms"
    return f"{listed or 'no target'}{env} · policy {_hash(loaded)} · {took}"


def _hash(loaded: Loaded) -> str:
    state = hashlib.sha256()
    for document in loaded.texts:
        state.update("\n".join(document.lines).encode(errors="replace"))
    return f"sha256:{state.hexdigest()[:12]}"


def _serving(asked: Asked, context: Context, answer: Answer) -> str:
    """Return the command that serves what was proved: the same policy, environment and folder."""
    command = ["mlpolicy", "run"]
    if context.policy or files.VARIABLE in os.environ:
        for path in context.paths:
            command += ["--policy", str(files.shown(path))]
    if context.env:
        command += ["--env", context.env]
    serves = answer.served or ["COMMAND"]
    command += serves if serves[0] == "-m" else ["--", *serves]
    return _python_path(asked, context) + shlex.join(command)


def _python_path(asked: Asked, context: Context) -> str:
    """Return what lets Python find the first module where nothing else does."""
    top = next((module.partition(".")[0] for module in asked.modules), "")
    for root in local_roots(context.src) if top else ():
        if (root / top).is_dir() or (root / f"{top}.py").is_file():
            if os.path.abspath(root) in map(os.path.abspath, (*sys.path, "")):
                return ""
            path = filter(None, (str(root), os.environ.get("PYTHONPATH")))
            return f"PYTHONPATH={shlex.quote(os.pathsep.join(path))} "
    return ""


# --- what was expected: a plan that `mlpolicy compile` wrote --------------------------


def _unexpected(answer: Answer, path: Path, environment: str | None) -> Iterator[Diagnostic]:
    """Yield a finding for each function whose rules are not those of the plan at *path*."""

    def finding(message: str) -> Diagnostic:
        help = f"if that is meant, write the plan anew: mlpolicy compile -o {path}"
        return Diagnostic("MP410", message, Span(str(path)), help=help)

    plan = _read(path)
    if plan["environment"] != environment:
        of, here = (
            f"environment `{name}`" if name else "no environment"
            for name in (plan["environment"], environment)
        )
        yield finding(f"the plan is that of {of}, and this is {here}")
        return
    expected = {target["target"]: target for target in plan["targets"]}
    real = {
        row["target"]: row["plan"]
        for row in answer.targets
        if row["status"] in ("applied", "pending") and row["plan"]["rules"]
    }
    for name in sorted({*expected, *real}):
        if name not in expected:
            yield finding(f"`{name}` has rules, and none are expected")
        elif name not in real:
            yield finding(f"`{name}` has no rules in force, and some are expected")
        elif holds(expected[name]) != holds(real[name]):
            yield finding(f"`{name}`: {_first(expected[name], real[name])}")


def _first(expected: dict[str, Any], real: dict[str, Any]) -> str:
    """Return the first thing in which two plans of one function differ."""
    before = {rule["kind"]: rule for rule in expected["rules"]}
    after = {rule["kind"]: rule for rule in real["rules"]}
    for kind in (*before, *after):
        if kind not in before or kind not in after:
            return f"`{kind}` is {'not expected' if kind in after else 'missing'}"
        old, new = before[kind], after[kind]
        if old["mode"] != new["mode"]:
            return f"`{kind}` is {new['mode']}, {old['mode']} is expected"
        for name in (*old["settings"], *new["settings"]):
            was, is_now = old["settings"].get(name), new["settings"].get(name)
            if was != is_now:
                return f"`{kind}.{name}` is {is_now}, {was} is expected"
    return "the rules stand in another order"


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != OF_PLAN:
            exits.stop(f"`{path}` is not a plan of this version: write it anew")
        return {key: content[key] for key in ("environment", "targets")}
    except (OSError, ValueError, KeyError, TypeError):
        exits.stop(f"there is no plan in `{path}`; `mlpolicy compile -o {path}` writes one")
