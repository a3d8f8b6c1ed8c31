"""`mlpolicy explain`: what holds for a function, what a finding means, what a setting is."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import click

from mlpolicy.cli import exits, sources
from mlpolicy.cli.options import policy_option, shown_options, src_option, stop_on_errors
from mlpolicy.cli.streams import emit, emit_json
from mlpolicy.cli.terms import asked, terms_options
from mlpolicy.core.target import Target, TargetError
from mlpolicy.core.words import closest
from mlpolicy.plan.codes import codes
from mlpolicy.plan.governed import facts_of
from mlpolicy.plan.plan import Plan, PlannedRule, Value
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.plan.survey import Survey, roots
from mlpolicy.plan.text import origin, text, why
from mlpolicy.plan.worst import worst_case
from mlpolicy.rules import KINDS

SCHEMA = "mlpolicy.explain/1"
_CODE = re.compile(r"MP\d{3}")
_OTHER = re.compile(r"[A-Z]+\d+")


@click.command()
@click.argument("subject")
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
        content = _setting(subject)
    if options["format"] == "json":
        emit_json(SCHEMA, content)
    else:
        emit(content["text"])


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
        sources.stop(f"there is no finding {name}{hint}", exits.USAGE)
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


# --- settings -------------------------------------------------------------------------


def _meant(subject: str) -> str:
    """Return the function path that *subject* was probably meant to be."""
    try:
        return str(Target.parse(subject))
    except TargetError as error:
        return error.meant


def _setting(subject: str) -> dict[str, Any]:
    kind, _, path = subject.partition(".")
    if not KINDS.look_for(kind):
        if kind in KINDS.refused:
            sources.stop(f"{KINDS.refused[kind]}", exits.USAGE)
        near = closest(kind, KINDS)
        near = near or _meant(subject)
        hint = f"; did you mean `{near}`?" if near else ""
        sources.stop(
            f"`{subject}` is no function path (`package.module:function`), finding or rule{hint}",
            exits.USAGE,
        )
    schema = KINDS[kind].rule_model().model_json_schema()
    found = _within(schema, schema, path.split(".") if path else [], subject)
    lines = [subject, *(f"  {line}" for line in _lines(found))]
    for name, one in found.get("properties", {}).items():
        default = f" (default {json.dumps(one['default'])})" if "default" in one else ""
        lines.append(
            f"  {name}: {one.get('description', '').splitlines()[0] if one.get('description') else ''}{default}"
        )
    return {"setting": subject, "schema_of": found, "text": "\n".join(lines)}


def _lines(schema: dict[str, Any]) -> list[str]:
    lines = [line for line in str(schema.get("description", "")).splitlines() if line]
    if "enum" in schema:
        lines.append("one of: " + ", ".join(map(str, schema["enum"])))
    if "examples" in schema:
        lines.append("such as: " + ", ".join(map(str, schema["examples"])))
    if "default" in schema:
        lines.append(f"default: {json.dumps(schema['default'])}")
    return lines


def _within(
    whole: dict[str, Any], here: dict[str, Any], path: list[str], subject: str
) -> dict[str, Any]:
    here = _followed(whole, here)
    if not path:
        return here
    properties = here.get("properties", {})
    if path[0] not in properties:
        near = closest(path[0], properties)
        hint = f"; did you mean `{near}`?" if near else f"; there are {', '.join(properties)}"
        sources.stop(f"`{subject}`: there is no `{path[0]}`{hint}", exits.USAGE)
    return _within(whole, properties[path[0]], path[1:], subject)


def _followed(whole: dict[str, Any], here: dict[str, Any]) -> dict[str, Any]:
    """Return the definition that *here* refers to, with its own words beside it."""
    for one in (here, *here.get("anyOf", ()), *here.get("allOf", ())):
        if "$ref" in one:
            name = str(one["$ref"]).rpartition("/")[2]
            found: dict[str, Any] = whole["$defs"][name]
            return found | {key: here[key] for key in ("description", "default") if key in here}
    return here


# --- functions ------------------------------------------------------------------------


def _target(subject: str, options: dict[str, Any]) -> dict[str, Any]:
    try:
        target = Target.parse(subject)
    except TargetError as error:
        sources.stop(str(error), exits.USAGE)
    _, loaded = sources.read(options["policy"])
    stop_on_errors(loaded, options["format"])
    facts = facts_of(loaded.rulebook, Survey(roots(options["src"])), target)
    plan = loaded.rulebook.plan(target, facts)
    if plan is None:
        _not_governed(target, loaded.rulebook)
    return {
        "target": str(target),
        "mode": plan.mode,
        "environment": loaded.environment,
        "policies": list(plan.policies),
        "rules": [_rule(rule) for rule in plan.rules],
        "worst_case": worst_case(plan),
        "text": _described(plan, loaded.environment, options),
    }


def _described(plan: Plan, environment: str | None, options: dict[str, Any]) -> str:
    if options["source"]:
        from mlpolicy.cli.source import generated

        return generated(plan, options["src"])
    terms = [f"environment {environment}"] if environment else []
    terms += [f"--set {one}" for one in asked().written]
    return str(plan) + (f"\n\n  under {', '.join(terms)}" if terms else "")


def _not_governed(target: Target, rulebook: Rulebook) -> NoReturn:
    excluding = rulebook.excluded(target)
    if rulebook.asks(target):
        sources.stop(
            f"the policies that name `{target}` ask for another sort of function",
            exits.NOTHING_TO_DO,
        )
    if excluding is not None:
        where = f"{excluding.span.file}:{excluding.span.line}"
        sources.stop(
            f"policy `{excluding.name}` at {where} excludes `{target}`", exits.NOTHING_TO_DO
        )
    near = closest(str(target), [str(one) for one in rulebook.exact])
    hint = f"; did you mean `{near}`?" if near else ""
    sources.stop(f"no policy names `{target}`{hint}", exits.NOTHING_TO_DO)


def _rule(rule: PlannedRule) -> dict[str, Any]:
    return {
        "kind": rule.kind,
        "mode": rule.mode,
        "source": f"{rule.source.file}:{rule.source.line}",
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
