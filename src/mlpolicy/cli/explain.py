"""`mlpolicy explain`: what holds for a function, what a finding means, what a setting or a profile is."""

from __future__ import annotations

import re
from typing import Any, NoReturn

import click

from mlpolicy.cli import exits
from mlpolicy.cli.context import Context
from mlpolicy.cli.findings import tell_absent, tell_errors
from mlpolicy.cli.options import shared
from mlpolicy.cli.setting import setting
from mlpolicy.core.site import Parameter
from mlpolicy.core.spelling import closest
from mlpolicy.core.target import Target, TargetError
from mlpolicy.plan.codes import codes
from mlpolicy.plan.governed import absent_from, facts_of
from mlpolicy.plan.load import Loaded
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.show import content, worst_case
from mlpolicy.rules import KINDS
from mlpolicy.source import Defined

SCHEMA = "mlpolicy.explain/1"


@click.command()
@click.argument("subject")
@shared("policy env set assume src", "text", "json")
@click.option("--source", is_flag=True, help="Print the generated code around the function.")
def command(context: Context, *, subject: str, source: bool) -> None:
    """Show what holds for a function, or what a finding or setting is.

    SUBJECT is a function (`mypkg.serve:predict`), a finding (`MP301`), a setting (`retry.jitter`)
    or a profile of mlpolicy (`openai`).
    """
    if ":" in subject:
        _function(context, subject, source=source)
        return
    is_code = re.fullmatch(r"MP\d{3}", subject.upper()) is not None
    if not is_code and re.fullmatch(r"[A-Z]+\d+", subject.upper()):
        KINDS.look_for_all()
        is_code = subject.upper() in codes()
    _emit(context, _code(subject.upper()) if is_code else setting(subject))


def _emit(context: Context, content: dict[str, Any]) -> None:
    if context.format == "json":
        context.emit_json(SCHEMA, content)
    else:
        context.emit(content["text"])


def _code(name: str) -> dict[str, Any]:
    known = codes()
    code = known.get(name)
    if code is None:
        near = closest(name, known)
        hint = f"; did you mean {near}?" if near else ""
        exits.stop(f"there is no finding {name}{hint}")
    lines = [f"{code.code} ({code.severity}): {code.title}", "", code.finds, "", f"Why: {code.why}"]
    for title, example in (("Found in", code.before), ("Not found in", code.after)):
        if example:
            lines += ["", f"{title}:", *(f"    {line}" for line in example.rstrip().splitlines())]
    facts = {"code": code.code, "severity": code.severity, "title": code.title}
    return {**facts, "text": "\n".join(lines)}


# --- functions ------------------------------------------------------------------------


def _function(context: Context, subject: str, *, source: bool) -> None:
    try:
        target = Target.parse(subject)
    except TargetError as error:
        hint = "; `mlpolicy list targets` has the functions of patterns" if "*" in subject else ""
        exits.stop(f"`{subject}` is not a function path: {error}{hint}")
    # What is set here holds in no process.
    decorated = not context.written and _has_our_decorators(context, target)
    loaded = context.read(needed=not decorated)
    # What cannot be read as it is written would be explained wrongly; all else is there to be seen.
    if source or any(finding.code < "MP2" for finding in loaded.refused):
        context.stop_on_errors(loaded)
    under = "" if source else _terms(context, loaded)
    if decorated:
        explained = _by_import(context, target, source=source)
    else:
        explained = _by_source(context, target, loaded, source=source)
    text, other = explained.pop("text"), explained.pop("other", "")
    end = {"environment": loaded.environment, "errors": len(loaded.refused)}
    _emit(context, {**explained, "text": f"{text}{under}{other}", **end})
    tell_errors(loaded.refused)
    if not decorated:
        gone = absent_from(loaded.rulebook, context.tree, [Target.parse(explained["target"])])
        tell_absent(loaded.rulebook, gone)


def _has_our_decorators(context: Context, target: Target) -> bool:
    looked = context.tree.look_up(target)
    names = looked.decorators if isinstance(looked, Defined) else ()
    return any(name.startswith("mlpolicy.") and name != "mlpolicy.tag" for name in names)


def _terms(context: Context, loaded: Loaded) -> str:
    """Return the line that says under which terms all of it holds."""
    terms = [f"environment {loaded.environment}"] if loaded.environment else []
    terms += [f"--set {written}" for written in context.written]
    return f"\n\n  under {', '.join(terms)}" if terms else ""


def _by_source(context: Context, target: Target, loaded: Loaded, *, source: bool) -> dict[str, Any]:
    plan = loaded.rulebook.plan(target, facts_of(loaded.rulebook, context.tree, target))
    if plan is None:
        _not_governed(context, target, loaded)
    same = target == plan.target
    return {
        "target": str(plan.target),
        "mode": plan.mode,
        "policies": list(plan.policies),
        "rules": [content(rule) for rule in plan.rules],
        "worst_case": worst_case(plan),
        "text": _generated(context, plan) if source else str(plan),
        "other": "" if same else f"\n\n  `{target}` is another name of it",
    }


def _by_import(context: Context, target: Target, *, source: bool) -> dict[str, Any]:
    """Return what holds for a function with decorators of ours, which only its module knows."""
    answer = context.prove([target.module], explain=str(target))
    explained = answer.explained
    if answer.failed is not None or explained is None:
        why = (answer.failed or {}).get("error", "it is not there once the module is imported")
        exits.stop(f"`{target}` could not be asked for its decorators: {why}", exits.IMPORT_FAILED)
    keys = ("mode", "policies", "rules", "worst_case")
    text = explained["source" if source else "shown"]
    return {"target": str(target), **{key: explained[key] for key in keys}, "text": text}


def _not_governed(context: Context, target: Target, loaded: Loaded) -> NoReturn:
    rulebook = loaded.rulebook
    excluding = rulebook.excluded(target)
    if rulebook.asks(target):
        text = f"the policies that name `{target}` ask for another sort of function"
    elif excluding is not None:
        text = f"policy `{excluding.name}` at {excluding.span.place} excludes `{target}`"
    else:
        there = isinstance(context.tree.look_up(target), Defined)
        near = None if there else closest(str(target), map(str, rulebook.exact))
        text = f"no policy names `{target}`" + (f"; did you mean `{near}`?" if near else "")
    exits.stop(text, exits.NOTHING_TO_DO)


# --- the generated code, without importing the function -------------------------------


def _generated(context: Context, plan: Plan) -> str:
    """Return the driver of *plan* as source, with what its names stand for."""
    from mlpolicy.runtime.assemble import steps
    from mlpolicy.runtime.driver import from_code
    from mlpolicy.testing.signature import of_parameters

    looked = context.tree.look_up(plan.target)
    note = "# The signature is not known without importing the module.\n"
    kind: Any = "function"
    parameters = [Parameter("args", "var_positional"), Parameter("kwargs", "var_keyword")]
    if isinstance(looked, Defined) and looked.is_function and looked.parameters is not None:
        note, kind = "", looked.kind
        parameters = [Parameter(one.name, one.kind) for one in looked.parameters]
    code = of_parameters(plan.target.qualname, parameters, kind).__code__
    driver = from_code(code, steps(plan, code), target=str(plan.target), twin=_original)
    names = [f"#   {name}: {_meaning(value)}" for name, value in driver.constants.items()]
    head = f"# {plan.target}\n{note}# What it names is bound when it is placed:\n"
    return head + "\n".join(names) + "\n\n" + driver.source.rstrip()


def _original() -> None:
    """The original function, of which only the name is shown."""


def _meaning(value: object) -> str:
    if value is _original:
        return "the original function"
    name: str = getattr(value, "__qualname__", None) or type(value).__qualname__
    owner = getattr(value, "__self__", None)
    if owner is not None and "." not in name:
        return f"{name} of {type(owner).__qualname__}"
    return name
