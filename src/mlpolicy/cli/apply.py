"""`mlpolicy apply`: the proof that a policy takes effect on the real module."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from mlpolicy.cli import exits, sources
from mlpolicy.cli.expect import unexpected
from mlpolicy.cli.options import (
    modules_option,
    policy_option,
    show,
    shown_options,
    src_option,
    stop,
    tell_github,
    told,
)
from mlpolicy.cli.prove import Answer, in_child, in_process, request_for
from mlpolicy.cli.render.report import Report
from mlpolicy.cli.streams import QUIET, VERBOSE, emit, emit_json, kept, tell
from mlpolicy.cli.terms import EVERY, asked, assume_option, env_option
from mlpolicy.cli.wait import waiting
from mlpolicy.core.diagnostic import Diagnostic, Severity
from mlpolicy.core.quantity import Duration, QuantityError
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.lint.stages import of_rules
from mlpolicy.lint.targets import absent
from mlpolicy.plan.codes import codes
from mlpolicy.plan.governed import named, targets
from mlpolicy.plan.load import Loaded
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.plan.survey import Missing, NoModule, Survey, local_roots

SCHEMA = "mlpolicy.apply/1"
CODES = {"unwrappable": "MP320", "bypassed": "MP321", "error": "MP320", "skipped": "MP320"}
STRICT = ("unwrappable", "bypassed", "error")


class Length(click.ParamType):  # type: ignore[type-arg]  # (generic in newer releases only)
    """A length of time on the command line: `60s`."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return *value* in seconds."""
        try:
            seconds = float(Duration.of(value)) if isinstance(value, str) else float(value)
        except QuantityError as error:
            self.fail(str(error), param, ctx)
        return seconds if seconds > 0 else self.fail("expected more than 0s", param, ctx)


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
@click.option("--timeout", type=Length(), default="60s", show_default=True, help="For the import.")
@click.option("--in-process", is_flag=True, help="Import into this interpreter, for a debugger.")
@shown_options()
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(**options: Any) -> None:
    """Import modules under the policy in a fresh interpreter, and show what became of each target.

    After `--`, ARGUMENTS run the module as a program under the policy once all is well.
    """
    _check_use(options)
    paths, loaded = sources.read(options["policy"], src=options["src"])
    _stop_on_errors(loaded, options["format"])
    survey = sources.survey(options["src"])
    wrong = of_rules(loaded.rulebook, survey, _asked_for(loaded.rulebook, survey, options))
    _stop_on_errors(loaded, options["format"], wrong)
    answer = _prove(paths, options, named(loaded.rulebook, survey))
    if answer.failed is not None:
        _import_failed(answer, options["src"])
    of_import = findings(answer, loaded.rulebook, survey, strict=options["check"])
    found = (*wrong, *of_import)
    report = Report.of(loaded.shown(found, level="ast"))
    if options["expect"] is not None:
        report = replace(
            report,
            diagnostics=(
                *report.diagnostics,
                *unexpected(answer, options["expect"], loaded.environment),
            ),
        )
    if kept(VERBOSE) and answer.output:
        click.echo(answer.output, err=True, nl=False)
    _show(answer, report, loaded, options)
    if report.failed:
        sys.exit(exits.FINDINGS)
    if options["arguments"]:
        from mlpolicy.cli.run import run

        command = [sys.executable, "-m", options["modules"][0], *options["arguments"]]
        within = local_roots(options["src"])
        sys.exit(run(command, paths, environment=asked().environment, within=within))


def _check_use(options: dict[str, Any]) -> None:
    if not options["modules"] and not options["everything"]:
        exits.stop("name a module: --module mypkg.serve, or --all")
    if options["arguments"] and len(options["modules"]) != 1:
        exits.stop("name one module to run with these arguments: --module M")


def _stop_on_errors(loaded: Loaded, format: str, more: Sequence[Diagnostic] = ()) -> None:
    if replace(loaded, diagnostics=(*loaded.diagnostics, *more)).errors:
        stop(Report.of(loaded.shown(more)), format)


def _asked_for(rulebook: Rulebook, survey: Survey, options: dict[str, Any]) -> Iterator[Target]:
    """Yield the targets in the modules that are to be imported, as far as their source tells."""
    named, below = options["modules"], options["package"]
    for target in targets(rulebook, survey):
        inside = below and any(target.module.startswith(f"{one}.") for one in named)
        if options["everything"] or inside or target.module in named:
            yield target


def _prove(paths: Sequence[Path], options: dict[str, Any], named: Sequence[str]) -> Answer:
    request = request_for(
        paths,
        options["src"],
        modules=[*options["modules"], *(named if options["everything"] else ())],
        package=options["package"],
        all=options["everything"],
    )
    if options["in_process"]:
        return in_process(request)
    with waiting("importing " + (", ".join(options["modules"]) or "every module named")):
        return in_child(request, options["timeout"])


def _import_failed(answer: Answer, src: Sequence[str]) -> None:
    failed = answer.failed or {}
    if answer.output:
        click.echo(answer.output, err=True, nl=False)
    if failed["traceback"]:
        click.echo(failed["traceback"], err=True, nl=False)
    looked = sources.survey(src).module(failed["module"])
    near = looked.close[0] if isinstance(looked, NoModule) and looked.close else ""
    hint = f"; did you mean `{near}`?" if near else ""
    exits.stop(
        f"`{failed['module']}` could not be imported: {failed['error']}{hint}", exits.IMPORT_FAILED
    )


def prove_all(
    paths: Sequence[Path], src: Sequence[str], rulebook: Rulebook, survey: Survey
) -> Answer:
    """Import every module that the policy at *paths* names, in a fresh interpreter."""
    request = request_for(paths, src, modules=named(rulebook, survey), all=True)
    if request.environment == EVERY:
        request = replace(request, environment="")
    with waiting("importing every module named"):
        return in_child(request, 60.0)


def findings(
    answer: Answer, rulebook: Rulebook, survey: Survey, *, strict: bool
) -> Iterator[Diagnostic]:
    """Yield what became of targets that no policy should leave at that."""
    lenient = rulebook.settings.on_missing_target
    for row in answer.targets:
        place = _span(rulebook, row["target"])
        status = row["status"]
        gone = _absent(survey, row)
        if gone is not None:
            weight = "error" if strict and lenient == "warn" else lenient
            yield from absent(Target.parse(row["target"]), gone, place, weight)
        elif status in STRICT or (status == "skipped" and row["exact"]):
            message = f"`{row['target']}` is {status}: {row['detail']}"
            yield Diagnostic(
                CODES[status], message, place, "error" if strict or status == "error" else "warning"
            )
        elif status == "pending" and strict and row["target"].partition(":")[0] in answer.modules:
            yield Diagnostic("MP301", f"`{row['target']}` was not placed", place)
    yield from _of_imports(answer)
    for one in answer.unmatched:
        sure = strict and (one["vain"] or one["why"]) and lenient != "ignore"
        if one["imported"] or sure:
            why = f": {one['why']}" if one["why"] else ""
            message = f"`{one['pattern']}` matches no function{why}"
            severity: Severity = "error" if sure else "warning"
            yield Diagnostic("MP302", message, Span(*one["span"]), severity)
    for module, why in answer.unread.items():
        span = _first_in(rulebook, module) or _span(rulebook, module)
        yield Diagnostic("MP320", f"`{module}` could not be looked through: {why}", span, "error")


def _absent(survey: Survey, row: dict[str, Any]) -> Missing | NoModule | None:
    """Return that a target is not there, as its source has it.

    One that is pending may be in a module that nothing can import.
    """
    status = row["status"]
    looked = survey.look_up(Target.parse(row["target"]))
    if status == "missing":
        return looked if isinstance(looked, Missing) else Missing(row["detail"])
    return looked if status == "pending" and isinstance(looked, Missing | NoModule) else None


def _of_imports(answer: Answer) -> Iterator[Diagnostic]:
    for one in answer.proofs:
        severity = codes()[one["code"]].severity
        place = Span(*one["span"])
        yield Diagnostic(one["code"], one["message"], place, severity, help=one["help"])


def _first_in(rulebook: Rulebook, module: str) -> Span | None:
    """Return the first pattern that names a function of *module*."""
    each = (pattern for policy in rulebook.policies for pattern in policy.match)
    return next((one.span for one in each if one.glob.covers_module(module)), None)


def _span(rulebook: Rulebook, target: str) -> Span:
    names = set(map(str, rulebook.names(Target.parse(target))))
    for policy in rulebook.policies:
        for pattern in policy.match:
            if pattern.glob.text in names:
                return pattern.span
    return Span(rulebook.files[0].file if rulebook.files else "policy")


def _show(answer: Answer, report: Report, loaded: Loaded, options: dict[str, Any]) -> None:
    if options["format"] == "json":
        emit_json(SCHEMA, _content(answer, report, loaded))
        return
    if options["format"] != "text":
        show(report, options["format"])
        return
    parts = []
    if not options["check"]:
        from mlpolicy.cli.render.table import table

        parts.append(table(answer.targets))
    if report.diagnostics:
        parts.append(told(report, "text"))
        tell_github(report, "text")
    if not kept(QUIET):
        parts.append(_sum(answer, loaded))
    emit("\n".join(parts))
    if not options["check"]:
        command = _serving(answer, options)
        tell(f"Nothing was changed for good. To serve under this policy: {command}")


def _serving(answer: Answer, options: dict[str, Any]) -> str:
    """Return the command that serves what was proved: the same policy, environment and folder."""
    command = ["mlpolicy", "run"]
    if options["policy"] or sources.VARIABLE in os.environ:
        for path in sources.paths(options["policy"]):
            command += ["--policy", str(sources.shown(path))]
    if asked().environment:
        command += ["--env", str(asked().environment)]
    wanted = answer.served or ["COMMAND"]
    command += wanted if wanted[0] == "-m" else ["--", *wanted]
    return _where(options) + shlex.join(command)


def _where(options: dict[str, Any]) -> str:
    """Return what lets Python find the first module where nothing else does."""
    top = next((one.partition(".")[0] for one in options["modules"]), "")
    for root in local_roots(options["src"]) if top else ():
        if (root / top).is_dir() or (root / f"{top}.py").is_file():
            found = {os.path.abspath(one) for one in (*sys.path, "")}
            before = os.environ.get("PYTHONPATH")
            path = os.pathsep.join(filter(None, (str(root), before)))
            return "" if os.path.abspath(root) in found else f"PYTHONPATH={shlex.quote(path)} "
    return ""


def _content(answer: Answer, report: Report, loaded: Loaded) -> dict[str, Any]:
    from mlpolicy.cli.render.as_json import finding

    rows = [{key: row[key] for key in row if key not in _WITHIN} for row in answer.targets]
    return {
        "summary": dict(Counter(row["status"] for row in rows)),
        "policy": _hash(loaded),
        "targets": rows,
        "diagnostics": [finding(one) for one in report.diagnostics],
    }


_WITHIN = ("exact", "plan")
"""What a row holds for our own use."""


def _hash(loaded: Loaded) -> str:
    state = hashlib.sha256()
    for document in loaded.texts:
        state.update("\n".join(document.lines).encode(errors="replace"))
    return f"sha256:{state.hexdigest()[:12]}"


def _sum(answer: Answer, loaded: Loaded) -> str:
    counts = Counter(row["status"] for row in answer.targets)
    parts = (
        ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "no target"
    )
    env = f" · env={loaded.environment}" if loaded.environment else ""
    took = f"import {answer.import_s:.2f} s, placing {answer.placing_s * 1000:.1f} ms"
    return f"{parts}{env} · policy {_hash(loaded)} · {took}"
