"""`mlpolicy explain`: what holds for a function, what a finding means, what a setting is."""

from __future__ import annotations

import re
from typing import Any, NoReturn

import click

from mlpolicy.cli import complete, exits, sources
from mlpolicy.cli.options import policy_option, shown_options, src_option, stop_on_errors
from mlpolicy.cli.setting import setting
from mlpolicy.cli.streams import emit, emit_json
from mlpolicy.cli.terms import asked, terms_options
from mlpolicy.core.target import Target, TargetError
from mlpolicy.core.words import closest
from mlpolicy.plan.codes import codes
from mlpolicy.plan.governed import facts_of
from mlpolicy.plan.plan import Plan, PlannedRule, Value
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.plan.survey import Defined, Survey, roots
from mlpolicy.plan.text import origin, text, why
from mlpolicy.plan.worst import worst_case
from mlpolicy.rules import KINDS

SCHEMA = "mlpolicy.explain/1"
_CODE = re.compile(r"MP\d{3}")
_OTHER = re.compile(r"[A-Z]+\d+")


@click.command()
@click.argument("subject", shell_complete=complete.subjects)
@policy_option
@terms_options
@src_option
@click.option("--source", is_flag=True, help="Print the generated code around the function.")
@shown_options("text", "json")
def command(subject: str, **options: Any) -> None:
    """Explain a function (`mypkg.serve:predict`), a finding (`MP301`) or a setting (`retry.jitter`)."""
    if _CODE.fullmatch(subject.upper()) or _is_of_plugin(subject.upper()):
        content = _code(subject.upper())
    elif ":" in subject:
        content = _target(subject, options)
    else:
        content = setting(subject)
    if options["format"] == "json":
        emit_json(SCHEMA, content)
    else:
        emit(content["text"])
    if content.get("errors"):
        sources.tell_errors(content["errors"])


# --- findings -------------------------------------------------------------------------


def _is_of_plugin(name: str) -> bool:
    """Whether a finding of that name is a plugin's own."""
    if not _OTHER.fullmatch(name):
        return False
    KINDS.look_for_all()
    return name in codes()


def _code(name: str) -> dict[str, Any]:
    known = codes()
    code = known.get(name)
    if code is None:
        near = closest(name, known)
        hint = f"; did you mean {near}?" if near else ""
        exits.stop(f"there is no finding {name}{hint}")
    parts = [f"{code.code} ({code.severity}): {code.title}", "", code.finds, "", f"Why: {code.why}"]
    for title, example in (("Found in", code.before), ("Not found in", code.after)):
        if example:
            parts += ["", f"{title}:", *(f"    {line}" for line in example.rstrip().splitlines())]
    return {
        "code": code.code,
        "severity": code.severity,
        "title": code.title,
        "text": "\n".join(parts),
    }


# --- functions ------------------------------------------------------------------------


def _target(subject: str, options: dict[str, Any]) -> dict[str, Any]:
    try:
        target = Target.parse(subject)
    except TargetError as error:
        hint = "; `mlpolicy list targets` has the functions of patterns" if "*" in subject else ""
        exits.stop(f"`{subject}` is no function path: {error}{hint}")
    _, loaded = sources.read(options["policy"])
    # What cannot be read as it is written would be explained wrongly; all else is there to be seen.
    if options["source"] or any(one.code < "MP2" for one in loaded.refused):
        stop_on_errors(loaded, options["format"])
    survey = Survey(roots(options["src"]))
    facts = facts_of(loaded.rulebook, survey, target)
    plan = loaded.rulebook.plan(target, facts)
    if plan is None:
        _not_governed(target, loaded.rulebook, survey)
    return {
        "target": str(target),
        "mode": plan.mode,
        "environment": loaded.environment,
        "policies": list(plan.policies),
        "rules": [_rule(rule) for rule in plan.rules],
        "worst_case": worst_case(plan),
        "errors": len(loaded.refused),
        "text": _described(plan, loaded.environment, options),
    }


def _described(plan: Plan, environment: str | None, options: dict[str, Any]) -> str:
    if options["source"]:
        from mlpolicy.cli.source import generated

        return generated(plan, options["src"])
    terms = [f"environment {environment}"] if environment else []
    terms += [f"--set {one}" for one in asked().written]
    return str(plan) + (f"\n\n  under {', '.join(terms)}" if terms else "")


def _not_governed(target: Target, rulebook: Rulebook, survey: Survey) -> NoReturn:
    excluding = rulebook.excluded(target)
    if rulebook.asks(target):
        exits.stop(
            f"the policies that name `{target}` ask for another sort of function",
            exits.NOTHING_TO_DO,
        )
    if excluding is not None:
        where = excluding.span.place
        exits.stop(f"policy `{excluding.name}` at {where} excludes `{target}`", exits.NOTHING_TO_DO)
    there = isinstance(survey.look_up(target), Defined)
    near = None if there else closest(str(target), [str(one) for one in rulebook.exact])
    hint = f"; did you mean `{near}`?" if near else ""
    exits.stop(f"no policy names `{target}`{hint}", exits.NOTHING_TO_DO)


def _rule(rule: PlannedRule) -> dict[str, Any]:
    return {
        "kind": rule.kind,
        "mode": rule.mode,
        "source": rule.source.place,
        "values": {
            path: {
                **_value(value),
                "beats": [
                    {**_value(one), "why": why(one, value)} for one in rule.lost.get(path, ())
                ],
            }
            for path, value in rule.values.items()
        },
    }


def _value(value: Value) -> dict[str, Any]:
    span = value.source
    return {
        "value": text(value),
        "from": origin(value),
        "file": span.file if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "layer": value.layer or ("built in" if span is None else value.policy),
        "policy": value.policy or None,
    }
