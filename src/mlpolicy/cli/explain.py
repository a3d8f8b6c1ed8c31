"""`mlpolicy explain`: what holds for a function, what a finding means, what a setting or a profile is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from mlpolicy.cli import complete, exits, sources
from mlpolicy.cli.options import policy_option, shown_options, src_option, stop_on_errors
from mlpolicy.cli.prove import in_child, request_for
from mlpolicy.cli.setting import setting
from mlpolicy.cli.streams import emit, emit_json
from mlpolicy.cli.terms import asked, terms_options
from mlpolicy.cli.wait import waiting
from mlpolicy.core.target import Target, TargetError
from mlpolicy.core.words import closest
from mlpolicy.plan.codes import codes
from mlpolicy.plan.governed import absent_from, facts_of
from mlpolicy.plan.load import Loaded
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.plan.text import content
from mlpolicy.plan.worst import worst_case
from mlpolicy.rules import KINDS
from mlpolicy.source import Defined, Missing, NoModule, SourceTree

SCHEMA = "mlpolicy.explain/1"
_ABSENT = "absent"
"""The rulebook, and what the source says where a function is not there."""
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
    """Explain a function (`mypkg.serve:predict`), a finding (`MP301`), a setting (`retry.jitter`) or a profile of mlpolicy (`openai`)."""
    if _CODE.fullmatch(subject.upper()) or _is_of_plugin(subject.upper()):
        content = _code(subject.upper())
    elif ":" in subject:
        content = _target(subject, options)
    else:
        content = setting(subject)
    absent = content.pop(_ABSENT, None)
    if options["format"] == "json":
        emit_json(SCHEMA, content)
    else:
        emit(content["text"])
    if content.get("errors"):
        sources.tell_errors(content["errors"])
    if absent:
        sources.tell_absent(*absent)


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
    survey = sources.survey(options["src"])
    looked = survey.look_up(target)
    coded = isinstance(looked, Defined) and any(map(_is_ours, looked.decorators))
    coded = coded and not asked().written  # (what is set on the command line is no process's)
    paths, loaded = sources.read(options["policy"], src=options["src"], needed=not coded)
    # What cannot be read as it is written would be explained wrongly; all else is there to be seen.
    if options["source"] or any(one.code < "MP2" for one in loaded.refused):
        stop_on_errors(loaded, options["format"])
    if coded:
        return _decorated(target, paths, loaded, options)
    facts = facts_of(loaded.rulebook, survey, target)
    plan = loaded.rulebook.plan(target, facts)
    if plan is None:
        _not_governed(target, loaded.rulebook, survey)
    return {
        "target": str(plan.target),
        "mode": plan.mode,
        "environment": loaded.environment,
        "policies": list(plan.policies),
        "rules": [content(rule) for rule in plan.rules],
        "worst_case": worst_case(plan),
        "errors": len(loaded.refused),
        "text": _described(plan, loaded.environment, options) + _names(target, plan),
        _ABSENT: (loaded.rulebook, here) if (here := _absent(plan, loaded, survey)) else None,
    }


def _absent(plan: Plan, loaded: Loaded, survey: SourceTree) -> dict[Target, Missing | NoModule]:
    return absent_from(loaded.rulebook, survey, [plan.target])


def _names(target: Target, plan: Plan) -> str:
    return f"\n\n  `{target}` is another name of it" if target != plan.target else ""


def _is_ours(decorator: str) -> bool:
    """Whether the dotted name of a decorator is one of ours that puts a rule on a function."""
    return decorator.startswith("mlpolicy.") and decorator != "mlpolicy.tag"


def _decorated(
    target: Target, paths: Sequence[Path], loaded: Loaded, options: dict[str, Any]
) -> dict[str, Any]:
    """Return what holds for a function with decorators of ours, which only its module knows."""
    request = request_for(
        paths, options["src"], modules=[target.module], explain=str(target), all=False
    )
    with waiting(f"importing {target.module}"):
        answer = in_child(request, 60.0)
    if answer.failed is not None or answer.explained is None:
        why = (answer.failed or {}).get("error", "it is not there once the module is imported")
        exits.stop(f"`{target}` could not be asked for its decorators: {why}", exits.IMPORT_FAILED)
    told = answer.explained
    text = told.pop("source" if options["source"] else "shown")
    return {
        "target": str(target),
        "environment": loaded.environment,
        **{key: told[key] for key in ("mode", "policies", "rules", "worst_case")},
        "errors": len(loaded.refused),
        "text": text if options["source"] else text + _terms(loaded.environment),
    }


def _terms(environment: str | None) -> str:
    """Return the line that says under which terms all of it holds."""
    terms = [f"environment {environment}"] if environment else []
    terms += [f"--set {one}" for one in asked().written]
    return f"\n\n  under {', '.join(terms)}" if terms else ""


def _described(plan: Plan, environment: str | None, options: dict[str, Any]) -> str:
    if options["source"]:
        from mlpolicy.cli.source import generated

        return generated(plan, options["src"])
    return str(plan) + _terms(environment)


def _not_governed(target: Target, rulebook: Rulebook, survey: SourceTree) -> NoReturn:
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
