"""What a setting of policy files is: the words of its JSON Schema, its type and its default."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from mlpolicy.cli import exits
from mlpolicy.core.quantity import ByteSize, Duration, Ratio
from mlpolicy.core.spelling import closest
from mlpolicy.core.target import Target, TargetError
from mlpolicy.model.grammar import FileBlock, PolicyBlock, RuleCommon
from mlpolicy.model.policy import SHIPPED
from mlpolicy.model.read import PROFILES, shipped
from mlpolicy.rules import KINDS

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


def setting(subject: str) -> dict[str, Any]:
    """Return what `explain` says of the setting or profile *subject*; end the command if there is none."""
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
        default = f" (default {_json(inner['default'])})" if "default" in inner else ""
        lines.append(f"  {name}: {text.removesuffix('.')}.{default}")
    return {"setting": subject, "schema_of": here, "text": "\n".join(lines)}


def _unknown(subject: str, head: str) -> NoReturn:
    if head in KINDS.refused:
        exits.stop(str(KINDS.refused[head]))
    known = (*KINDS, *FileBlock.model_fields, *PolicyBlock.model_fields, *SHIPPED)
    try:
        near = closest(head, known) or str(Target.parse(subject))
    except TargetError as error:
        near = error.meant
    hint = f"; did you mean `{near}`?" if near else ""
    what = "function path (`package.module:function`), finding or setting"
    exits.stop(f"`{subject}` is not a {what}{hint}")


def _inner(whole: Schema, here: Schema, name: str, subject: str) -> Any:
    """Return what *here* has under *name*, which may be any where the keys are the author's."""
    properties = here.get("properties", {})
    if name not in properties and isinstance(here.get("additionalProperties"), dict):
        # `validate.args.NAME.type`, and `validate.args.type`
        spec = _followed(whole, here["additionalProperties"])
        return spec.get("properties", {}).get(name, spec)
    if name not in properties:
        near = closest(name, properties)
        hint = f"there are {', '.join(properties)}" if properties else "it has no settings within"
        hint = f"did you mean `{near}`?" if near else hint
        exits.stop(f"`{subject}`: there is no `{name}`; {hint}")
    return properties[name]


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
        lines.append(f"default: {_json(schema['default'])}")
    return lines


def _type(schema: Schema) -> str:
    name = _TYPES.get(schema.get("pattern", "")) or _TYPES.get(str(schema.get("type", "")), "")
    if "minimum" in schema and "maximum" in schema:
        return f"{name}, {schema['minimum']} to {schema['maximum']}"
    return f"{name} from {schema['minimum']}" if "minimum" in schema else name


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
