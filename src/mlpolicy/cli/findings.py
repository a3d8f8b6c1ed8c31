"""What is found about the functions themselves: by their source, or by importing them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import field, replace
from pathlib import Path
from typing import Any, NoReturn

import click

from mlpolicy.cli import exits, files
from mlpolicy.cli.options import EVERY, Context, waiting
from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, Severity, many
from mlpolicy.core.quantity import Duration
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.lint.targets import absent, of_source
from mlpolicy.plan.codes import Level
from mlpolicy.plan.governed import absent_from, named
from mlpolicy.plan.load import Loaded
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.source import Missing, NoModule, SourceTree, local_roots

_NOT_WRAPPED = {
    **dict.fromkeys(("unwrappable", "error", "skipped"), "MP320"),
    "bypassed": "MP321",
}
"""The finding for each status that a target of a policy should not have."""


def resolved(context: Context, loaded: Loaded, *, level: Level, strict: bool = False) -> Loaded:
    """Return *loaded* with all findings to show: of the policies, and between them and the functions."""
    if level == "none":
        return loaded.shown(level=level)
    with waiting("looking targets up in the source"):
        found = loaded.by_source
        findings = list(of_source(loaded.rulebook, context.tree) if found is None else found)
    # What cannot be read, or is not there, cannot be imported.
    wrong = any(finding.severity == "error" for finding in loaded.diagnostics)
    gone = any(one.code == "MP303" and one.severity == "error" for one in findings)
    if level == "import" and not wrong and not gone:
        modules = named(loaded.rulebook, context.tree)
        environment = "" if context.env in (None, EVERY) else context.env
        outcome = prove(context, modules, all=True, strict=True, environment=environment)
        if outcome.failed is not None:
            import_failed(outcome)
        findings = _merged(findings, of_import(outcome, loaded.rulebook, context.tree, strict=True))
    return loaded.shown(findings, level=level, strict=strict)


def _merged(by_source: list[Diagnostic], imported: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return both, each place and code once, and as grave as the import makes it."""
    imported = list(imported)
    known = {(finding.code, finding.span) for finding in by_source}
    sure = {(finding.code, finding.span) for finding in imported if finding.severity == "error"}
    graver = [
        replace(finding, severity="error") if (finding.code, finding.span) in sure else finding
        for finding in by_source
    ]
    return graver + [one for one in imported if (one.code, one.span) not in known]


# --- by importing ---------------------------------------------------------------------


@frozen()
class ImportOutcome:
    """What became of modules that were imported under a policy."""

    targets: list[dict[str, Any]] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    """Those that were to be placed: asked for, or imported by others and named by a policy."""
    proofs: list[dict[str, Any]] = field(default_factory=list)
    """What rules say of the user's code once it is imported, and patterns that take none of it."""
    served: list[str] = field(default_factory=list)
    """The command that starts a module, as `mlpolicy run` takes it."""
    import_s: float = 0.0
    placing_s: float = 0.0
    """The part of the work that was ours."""
    explained: dict[str, Any] | None = None
    """What holds for the function asked for."""
    failed: dict[str, str] | None = None
    output: str = ""
    """What the user's code printed."""


def prove(
    context: Context,
    modules: Sequence[str],
    *,
    timeout: float = 60.0,
    here: bool = False,
    **asked: Any,
) -> ImportOutcome:
    """Return what an interpreter of its own answers that imports *modules*; or this one, *here*."""
    request = {
        "policy": [str(files.shown(path)) for path in context.paths],
        "path": list(map(os.path.abspath, local_roots(context.src))),
        "environment": context.env or "",
        "modules": list(modules),
        **asked,
    }
    if here:
        return _in_process(request, context.assumed)
    with waiting(f"importing {', '.join(context.modules) or 'what the policy names'}"):
        return _in_child(request, context.assumed, timeout)


def _in_process(request: dict[str, Any], assumed: Mapping[str, str]) -> ImportOutcome:
    """Do it in this interpreter, for a debugger."""
    from mlpolicy.install import bootstrap, child

    path = list(sys.path)
    sys.path[:0] = [folder for folder in request["path"] if folder not in sys.path]
    os.environ.update({**assumed, "MLPOLICY_OPS": "off"})
    try:
        with redirect_stdout(sys.stderr):  # what modules print is not our data
            return ImportOutcome(**child.prove(request))
    finally:
        bootstrap.uninstall()
        sys.path[:] = path


def _in_child(
    request: Mapping[str, Any], assumed: Mapping[str, str], timeout: float
) -> ImportOutcome:
    """Do it in an interpreter of its own, at most *timeout* seconds long."""
    # What would put another policy in force first is left out.
    left_out = ("MLPOLICY_POLICY", "PYTHONSTARTUP")
    environ = {key: value for key, value in os.environ.items() if key not in left_out}
    with tempfile.TemporaryDirectory(prefix="mlpolicy-") as folder:
        asked, answer = Path(folder, "asked.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps(request), encoding="utf-8")
        command = [sys.executable, "-m", "mlpolicy.install.child", str(asked), str(answer)]
        terms: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
        terms |= {"stderr": subprocess.STDOUT, "env": environ | dict(assumed)}
        try:
            done = subprocess.run(command, timeout=timeout, check=False, **terms)
        except subprocess.TimeoutExpired as error:
            output, why = error.stdout or b"", f"not imported within {Duration(timeout)}"
        else:
            output, why = done.stdout, f"the interpreter ended with code {done.returncode}"
            if -done.returncode in set(signal.Signals):
                why = f"the interpreter was ended by {signal.Signals(-done.returncode).name}"
            if answer.exists():
                content = json.loads(answer.read_text(encoding="utf-8"))
                return ImportOutcome(**content, output=output.decode(errors="replace"))
    module = ", ".join(request["modules"]) or "every module named"
    failed = {"module": module, "error": why, "traceback": ""}
    return ImportOutcome(failed=failed, output=output.decode(errors="replace"))


def import_failed(outcome: ImportOutcome, tree: SourceTree | None = None) -> NoReturn:
    """End the command because a module could not be imported."""
    failed = outcome.failed or {}
    module = failed["module"]
    click.echo(f"{outcome.output}{failed['traceback']}", err=True, nl=False)
    looked = tree.module(module) if tree is not None else None
    near = looked.close if isinstance(looked, NoModule) else None
    text = f"`{module}` could not be imported: {failed['error']}"
    exits.stop(text, exits.IMPORT_FAILED, meant=near)


def of_import(
    outcome: ImportOutcome, rulebook: Rulebook, tree: SourceTree, *, strict: bool
) -> Iterator[Diagnostic]:
    """Yield what became of targets that no policy should leave at that."""
    lenient = rulebook.settings.on_missing_target
    weight = "error" if strict and lenient == "warn" else lenient
    for row in outcome.targets:
        target, status = Target.parse(row["target"]), row["status"]
        place = _span(rulebook, target)
        looked = tree.look_up(target)
        if status == "missing" and not isinstance(looked, Missing):
            looked = Missing(row["detail"])
        # One that is pending may be in a module that nothing can import.
        if status in ("missing", "pending") and isinstance(looked, Missing | NoModule):
            yield from absent(target, looked, place, weight)
        elif status != "pending":
            yield from _not_wrapped(row, place, strict=strict)
        elif strict and target.module in outcome.modules:
            yield Diagnostic("MP301", f"`{target}` was not placed", place)
    for proof in outcome.proofs:
        yield Diagnostic(**{**proof, "span": Span(*proof["span"])})


def _span(rulebook: Rulebook, target: Target) -> Span:
    """Return the first pattern that is a name of *target*."""
    names = set(map(str, rulebook.names(target)))
    patterns = (pattern for policy in rulebook.policies for pattern in policy.match)
    nowhere = Span(rulebook.files[0].file if rulebook.files else "policy")
    return next((one.span for one in patterns if one.glob.text in names), nowhere)


def _not_wrapped(row: Mapping[str, Any], place: Span, *, strict: bool) -> Iterator[Diagnostic]:
    status = row["status"]
    if status in _NOT_WRAPPED and (status != "skipped" or row["exact"]):
        severity: Severity = "error" if strict or status == "error" else "warning"
        message = f"`{row['target']}` is {status}: {row['detail']}"
        yield Diagnostic(_NOT_WRAPPED[status], message, place, severity)


# --- what a command says that shows what it can ---------------------------------------


def tell_absent(context: Context, rulebook: Rulebook, among: list[Target] | None = None) -> None:
    """Say which functions are not there; end the command where the settings take that for an error."""
    gone = absent_from(rulebook, context.tree, among)
    for target, looked in gone.items():
        for finding in absent(target, looked, Span("policy")):
            text = "; ".join(filter(None, (finding.label, finding.help)))
            click.echo(f"mlpolicy: `{target}` is not there: {text}", err=True)
    if gone and rulebook.settings.on_missing_target == "error":
        sys.exit(exits.FINDINGS)


def tell_errors(errors: Sequence[Diagnostic]) -> None:
    """End a command that has shown what it could of a policy that is wrong."""
    if errors:
        text = f"{many(len(errors), 'error')} in these files: `mlpolicy validate` shows more"
        exits.stop(text, exits.FINDINGS)
