"""`mlpolicy explain`: what holds for a function, what a finding means, what a setting or a profile is."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

import click

from mlpolicy.cli import exits
from mlpolicy.cli.context import Context
from mlpolicy.cli.findings import prove, tell_absent, tell_errors
from mlpolicy.cli.options import shared
from mlpolicy.core.quantity import ByteSize, Duration, Ratio
from mlpolicy.core.site import Parameter
from mlpolicy.core.spelling import closest
from mlpolicy.core.target import Target, TargetError
from mlpolicy.model.grammar import FileBlock, PolicyBlock, RuleCommon
from mlpolicy.model.policy import SHIPPED
from mlpolicy.model.read import PROFILES, shipped
from mlpolicy.plan.codes import codes
from mlpolicy.plan.governed import facts_of
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
    name = subject.upper()
    is_code = re.fullmatch(r"MP\d{3}", name) is not None
    if not is_code and re.fullmatch(r"[A-Z]+\d+", name):
        KINDS.look_for_all()
        is_code = name in codes()
    explained = _code(name) if is_code else _setting(subject)
    context.give(SCHEMA, explained, explained["text"])


def _code(name: str) -> dict[str, Any]:
    known = codes()
    code = known.get(name)
    if code is None:
        exits.stop(f"there is no finding {name}", meant=closest(name, known))
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
    if loaded.refused and (source or any(finding.code < "MP2" for finding in loaded.refused)):
        context.stop(loaded)
    if decorated:
        explained, text = _by_import(context, target, source=source)
    else:
        explained, text = _by_source(context, target, loaded, source=source)
    text += "" if source else _terms(context, loaded)
    if explained["target"] != str(target):
        text += f"\n\n  `{target}` is another name of it"
    end = {"environment": loaded.environment, "errors": len(loaded.refused)}
    context.give(SCHEMA, {**explained, "text": text, **end}, text)
    tell_errors(loaded.refused)
    if not decorated:
        tell_absent(context, loaded.rulebook, [Target.parse(explained["target"])])


def _terms(context: Context, loaded: Loaded) -> str:
    """Return the line that says under which terms all of it holds."""
    terms = [f"environment {loaded.environment}"] if loaded.environment else []
    terms += [f"--set {written}" for written in context.written]
    return f"\n\n  under {', '.join(terms)}" if terms else ""


def _has_our_decorators(context: Context, target: Target) -> bool:
    looked = context.tree.look_up(target)
    names = looked.decorators if isinstance(looked, Defined) else ()
    return any(name.startswith("mlpolicy.") and name != "mlpolicy.tag" for name in names)


def _by_source(
    context: Context, target: Target, loaded: Loaded, *, source: bool
) -> tuple[dict[str, Any], str]:
    plan = loaded.rulebook.plan(target, facts_of(loaded.rulebook, context.tree, target))
    if plan is None:
        _not_governed(context, target, loaded)
    explained = {
        "target": str(plan.target),
        "mode": plan.mode,
        "policies": list(plan.policies),
        "rules": [content(rule) for rule in plan.rules],
        "worst_case": worst_case(plan),
    }
    return explained, _generated(context, plan) if source else str(plan)


def _by_import(context: Context, target: Target, *, source: bool) -> tuple[dict[str, Any], str]:
    """Return what holds for a function with decorators of ours, which only its module knows."""
    answer = prove(context, [target.module], explain=str(target))
    explained = answer.explained
    if answer.failed is not None or explained is None:
        why = (answer.failed or {}).get("error", "it is not there once the module is imported")
        exits.stop(f"`{target}` could not be asked for its decorators: {why}", exits.IMPORT_FAILED)
    keys = ("mode", "policies", "rules", "worst_case")
    text: str = explained["source" if source else "shown"]
    return {"target": str(target), **{key: explained[key] for key in keys}}, text


def _not_governed(context: Context, target: Target, loaded: Loaded) -> NoReturn:
    rulebook, near = loaded.rulebook, None
    excluding = rulebook.excluded(target)
    if rulebook.asks(target):
        text = f"the policies that name `{target}` ask for another sort of function"
    elif excluding is not None:
        text = f"policy `{excluding.name}` at {excluding.span.place} excludes `{target}`"
    else:
        text = f"no policy names `{target}`"
        if not isinstance(context.tree.look_up(target), Defined):
            near = closest(str(target), map(str, rulebook.exact))
    exits.stop(text, exits.NOTHING_TO_DO, meant=near)


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
    name: str = getattr(value, "__qualname__", None) or type(value).__qualname__
    return "the original function" if value is _original else name


# --- settings, by the JSON Schema of files --------------------------------------------

Schema = dict[str, Any]
_TYPES: Final = {
    Duration.pattern: "a length of time, with its unit: us, ms, s, m, h, d",
    ByteSize.pattern: "a size, with its unit: B, kB, KiB, MB, MiB, GB, GiB",
    Ratio.pattern: "a share, with its %",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "a mapping",
}


def _setting(subject: str) -> dict[str, Any]:
    """Return what is to be said of a setting or a profile; end the command if there is none."""
    head, *path = subject.split(".")
    block = next((one for one in (FileBlock, PolicyBlock) if head in one.model_fields), None)
    if KINDS.look_for(head):
        here = whole = KINDS[head].rule_model().model_json_schema()
        common = RuleCommon.model_json_schema()
        for part in ("properties", "$defs"):
            whole[part] = {**whole.get(part, {}), **common.get(part, {})}
    elif block is not None:
        whole = block.model_json_schema()
        here = _followed(whole, whole["properties"][head])
    elif subject in SHIPPED:
        text = shipped(subject)[1].text.rstrip()
        return {"profile": subject, "text": f"{PROFILES}/{subject}.yaml\n\n{text}"}
    else:
        _unknown(subject, head)
    for name in path:
        here = _followed(whole, _inner(whole, here, name, subject))
    lines = [subject, *(f"  {line}" for line in _described(here))]
    for name, inner in here.get("properties", {}).items():
        text = " ".join(inner.get("description", "").split()).partition(". ")[0]
        default = f" (default {json.dumps(inner['default'])})" if "default" in inner else ""
        lines.append(f"  {name}: {text.removesuffix('.')}.{default}")
    return {"setting": subject, "schema_of": here, "text": "\n".join(lines)}


def _inner(whole: Schema, here: Schema, name: str, subject: str) -> Schema:
    """Return what *here* has under *name*, which may be any where the keys are the author's."""
    properties = here.get("properties", {})
    if name not in properties and isinstance(here.get("additionalProperties"), dict):
        # `validate.args.NAME.type`, and `validate.args.type`
        inner = _followed(whole, here["additionalProperties"])
        properties = {name: inner.get("properties", {}).get(name, inner)}
    if name not in properties:
        there = f": there are {', '.join(properties)}" if properties else ""
        text = f"`{subject}`: there is no `{name}`{there or ', it has no settings within'}"
        exits.stop(text, meant=closest(name, properties))
    found: Schema = properties[name]
    return found


def _unknown(subject: str, head: str) -> NoReturn:
    if head in KINDS.refused:
        exits.stop(str(KINDS.refused[head]))
    known = (*KINDS, *FileBlock.model_fields, *PolicyBlock.model_fields, *SHIPPED)
    try:
        near = closest(head, known) or str(Target.parse(subject))
    except TargetError as error:
        near = error.meant
    what = "function path (`package.module:function`), finding or setting"
    exits.stop(f"`{subject}` is not a {what}", meant=near)


def _followed(whole: Schema, here: Schema) -> Schema:
    """Return what *here* refers to or has as a choice besides null, with its own words beside it."""
    for choice in (here, *here.get("anyOf", ()), *here.get("allOf", ())):
        if "$ref" in choice:
            name = str(choice["$ref"]).rpartition("/")[2]
            own = {key: here[key] for key in ("description", "default") if key in here}
            return {**whole["$defs"][name], **own}
    return here


def _described(schema: Schema) -> list[str]:
    """Return the description of *schema*, what it takes, and its default, in lines."""
    lines = [line for line in str(schema.get("description", "")).splitlines() if line]
    choices: list[Schema] = schema.get("anyOf") or [schema]
    words = [str(value) for choice in choices for value in choice.get("enum", ())]
    types = dict.fromkeys(filter(None, map(_type, choices)))
    examples = [str(value) for choice in choices for value in choice.get("examples", ())]
    if words:
        lines.append(f"one of: {', '.join(words)}")
    elif types and "properties" not in schema:
        lines.append(f"type: {', or '.join(types)}")
    if examples:
        lines.append(f"such as: {', '.join(examples)}")
    if "default" in schema:
        lines.append(f"default: {json.dumps(schema['default'], ensure_ascii=False)}")
    return lines


def _type(schema: Schema) -> str:
    name = _TYPES.get(schema.get("pattern", "")) or _TYPES.get(str(schema.get("type", "")), "")
    if "minimum" in schema and "maximum" in schema:
        return f"{name}, {schema['minimum']} to {schema['maximum']}"
    return f"{name} from {schema['minimum']}" if "minimum" in schema else name
