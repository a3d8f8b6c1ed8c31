"""What a setting of policy files is: its type, its unit, its default."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

from mlpolicy.cli import exits
from mlpolicy.core.quantity import ByteSize, Duration, Ratio
from mlpolicy.core.target import Target, TargetError
from mlpolicy.core.words import closest
from mlpolicy.model import shipped
from mlpolicy.model.grammar import FileBlock, PolicyBlock, RuleCommon
from mlpolicy.model.policy import SHIPPED
from mlpolicy.rules import KINDS

Schema = dict[str, Any]

_TYPES: Final[Mapping[str, str]] = {
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
    """Return what is to be said of the setting or profile *subject*; end the command if there is none."""
    head, *path = subject.split(".")
    whole = _of_rule(head) or _of_file(head)
    if whole is None and subject in SHIPPED:
        text = shipped.shipped(subject)[1].text.rstrip()
        return {"profile": subject, "text": f"{shipped.FOLDER}/{subject}.yaml\n\n{text}"}
    if whole is None:
        _unknown(subject, head)
    found = _within(whole, whole, path, subject)
    below = [
        f"  {name}: {_first(one.get('description', ''))}{_default(one)}"
        for name, one in found.get("properties", {}).items()
    ]
    lines = [subject, *(f"  {line}" for line in _lines(found)), *below]
    return {"setting": subject, "schema_of": found, "text": "\n".join(lines)}


def subjects() -> Iterable[str]:
    """Return every rule, setting and profile of mlpolicy that can be asked for."""
    yield from (*SHIPPED, *FileBlock.model_fields, *PolicyBlock.model_fields)
    for kind in KINDS:
        fields = (*KINDS[kind].rule_model().model_fields, *RuleCommon.model_fields)
        yield from (kind, *(f"{kind}.{name}" for name in fields))


def _of_rule(kind: str) -> Schema | None:
    if not KINDS.look_for(kind):
        return None
    rule, common = KINDS[kind].rule_model().model_json_schema(), RuleCommon.model_json_schema()
    merged: Schema = rule | {
        "properties": rule["properties"] | common["properties"],
        "$defs": common.get("$defs", {}) | rule.get("$defs", {}),
    }
    return merged


def _of_file(head: str) -> Schema | None:
    """Return the schema of a key of a file, or of a policy."""
    for model in (FileBlock, PolicyBlock):
        if head in model.model_fields:
            whole: Schema = model.model_json_schema()
            return _followed(whole, whole["properties"][head]) | {"$defs": whole.get("$defs", {})}
    return None


def _unknown(subject: str, head: str) -> NoReturn:
    if head in KINDS.refused:
        exits.stop(str(KINDS.refused[head]))
    known = (*KINDS, *FileBlock.model_fields, *PolicyBlock.model_fields, *SHIPPED)
    near = closest(head, known)
    near = near or _meant(subject)
    hint = f"; did you mean `{near}`?" if near else ""
    exits.stop(
        f"`{subject}` is no function path (`package.module:function`), finding or setting{hint}",
        exits.USAGE,
    )


def _meant(subject: str) -> str:
    """Return the function path that *subject* was probably meant to be."""
    try:
        return str(Target.parse(subject))
    except TargetError as error:
        return error.meant


def _within(whole: Schema, here: Schema, path: list[str], subject: str) -> Schema:
    here = _followed(whole, here)
    if not path:
        return here
    name, *rest = path
    properties = here.get("properties", {})
    any_name = here.get("additionalProperties")
    if name not in properties and isinstance(any_name, dict):
        spec = _followed(whole, any_name)  # `validate.args.NAME.type`, and `validate.args.type`
        if rest or name not in spec.get("properties", {}):
            return _within(whole, spec, rest, subject)
        properties = spec["properties"]
    if name not in properties:
        near = closest(name, properties)
        there = f"there are {', '.join(properties)}" if properties else "it has no settings within"
        hint = f"did you mean `{near}`?" if near else there
        exits.stop(f"`{subject}`: there is no `{name}`; {hint}")
    return _within(whole, properties[name], rest, subject)


def _followed(whole: Schema, here: Schema) -> Schema:
    """Return what *here* refers to or has as a choice besides null, with its own words beside it."""
    for one in (here, *here.get("anyOf", ()), *here.get("allOf", ())):
        if "$ref" in one:
            name = str(one["$ref"]).rpartition("/")[2]
            found: Schema = whole["$defs"][name]
            return found | {key: here[key] for key in ("description", "default") if key in here}
    return here


# --- words ----------------------------------------------------------------------------


def _lines(schema: Schema) -> list[str]:
    lines = [line for line in str(schema.get("description", "")).splitlines() if line]
    one_of = [value for one in _choices(schema) for value in one.get("enum", ())]
    types = dict.fromkeys(filter(None, map(_type, _choices(schema))))
    if one_of:
        lines.append("one of: " + ", ".join(map(str, one_of)))
    elif types and "properties" not in schema:
        lines.append("type: " + ", or ".join(types))
    examples = [str(value) for one in _choices(schema) for value in one.get("examples", ())]
    if examples:
        lines.append("such as: " + ", ".join(examples))
    return [*lines, *([f"default: {_json(schema['default'])}"] if "default" in schema else [])]


def _choices(schema: Schema) -> list[Schema]:
    return schema.get("anyOf") or [schema]


def _type(schema: Schema) -> str:
    name = str(schema.get("type", ""))
    least, most = schema.get("minimum"), schema.get("maximum")
    known = _TYPES.get(schema.get("pattern", "")) or _TYPES.get(name, "")
    if least is None:
        return known
    return f"{known}, {least} to {most}" if most is not None else f"{known} from {least}"


def _first(text: str) -> str:
    """Return the first sentence of *text*, on one line."""
    line = " ".join(text.split())
    return line.partition(". ")[0].removesuffix(".") + "." if line else ""


def _default(schema: Schema) -> str:
    return f" (default {_json(schema['default'])})" if "default" in schema else ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
