"""The JSON Schema of the policy language, from the models that read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from pydantic import BaseModel

from mlpolicy.core.kind import Kind
from mlpolicy.core.model import GLOB, NAME, VARIABLE, WHOLE, docstrings
from mlpolicy.model.grammar import (
    FileBlock,
    MatchBlock,
    Overlay,
    PolicyBlock,
    ProfileBlock,
    RuleCommon,
)
from mlpolicy.model.interpolate import LITERAL
from mlpolicy.rules import KINDS

Schema = dict[str, Any]

DRAFTS: Final = {
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
    "7": "http://json-schema.org/draft-07/schema#",
}
"""The drafts by name: the current one, and the one that most editors' YAML servers read."""
_VARIABLE = {"type": "string", "pattern": VARIABLE}
"""A text with a variable in it."""
_WHOLE = {"type": "string", "pattern": f"^{WHOLE}$"}
"""A text that is nothing but a variable, and may stand for a number."""
_PLAIN = {"not": {"pattern": r"\$\{"}}
"""A text with no variable in it, nor what looks like one."""
_LITERAL = {
    FileBlock.__name__: (*LITERAL[""], "version"),
    PolicyBlock.__name__: LITERAL["policies"],
    ProfileBlock.__name__: LITERAL["profiles"],
    MatchBlock.__name__: tuple(MatchBlock.model_fields),
}
"""Where no variable goes, by block."""


def published(draft: str = "2020-12") -> str:
    """Return the text of the file that is published."""
    return json.dumps(in_draft(draft), indent=2, ensure_ascii=False) + "\n"


def in_draft(draft: str) -> Schema:
    """Return the schema of policy files in *draft*, a key of `DRAFTS`."""
    made = schema()
    if draft == "7":
        made = _mapped(made, _seventh)
        made["$id"] = made["$id"].replace(".schema.json", ".draft7.schema.json")
    made["$schema"] = DRAFTS[draft]
    return made


def schema() -> Schema:
    """Return the schema of policy files, with the kinds of rule that are installed."""
    definitions: dict[str, Schema] = {}
    for name in KINDS:
        definitions |= _of_kind(KINDS[name])
    properties = _sections(definitions)
    definitions |= {f"overlay.{name}": _partial(of) for name, of in definitions.items()}
    overlay = {key: _or_null(_partial(properties[key])) for key in Overlay.model_fields}
    properties["environments"] = {
        "type": "object",
        "additionalProperties": {
            "additionalProperties": False,
            "description": Overlay.__doc__,
            "properties": _described(overlay, Overlay),
            "type": "object",
        },
    }
    return {
        "$schema": DRAFTS["2020-12"],
        "$id": "https://mlpolicy.readthedocs.io/en/stable/mlpolicy.schema.json",
        "title": "mlpolicy policy file",
        "description": FileBlock.__doc__,
        "type": "object",
        "properties": _described(properties, FileBlock),
        "patternProperties": {"^x-": {"description": "Notes, and homes of anchors."}},
        "required": ["version"],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def _sections(definitions: dict[str, Schema]) -> Schema:
    """Return the schema of each section of a file; the blocks in them go to *definitions*."""
    sections: Schema = _model(FileBlock, definitions, "file")["properties"]
    sections["vars"] |= {"propertyNames": {"pattern": NAME}}
    rules = {name: {"$ref": f"#/$defs/{name}"} for name in KINDS}
    mode = {"enum": ["enforce", "shadow", "disabled"], "type": "string"}
    sections["defaults"] = {
        "type": "object",
        "properties": {"mode": _or_null(_opened(mode)), **rules},
        "additionalProperties": False,
    }
    profile = _model(ProfileBlock, definitions, "ProfileBlock")
    policy = _model(PolicyBlock, definitions, "PolicyBlock")
    profile["properties"] |= rules
    policy["properties"] |= rules
    unmatched = {key: of for key, of in policy["properties"].items() if key != "match"}
    for section, patterns in (
        ("resources", {NAME: {"type": "object", "maxProperties": 0}}),
        ("profiles", {NAME: profile}),
        (
            "policies",
            {
                GLOB: {**policy, "properties": unmatched},
                NAME: {**policy, "required": ["match"]},
            },
        ),
    ):
        sections[section] = {
            "type": "object",
            "patternProperties": patterns,
            "additionalProperties": False,
        }
    return sections


def _described(properties: Schema, model: type[BaseModel]) -> Schema:
    texts = docstrings(model)
    return {key: {"description": texts[key], **of} for key, of in properties.items()}


def _of_kind(kind: Kind) -> dict[str, Schema]:
    """Return the schemas of one kind: its blocks, and the rule, which may be a single value."""
    found: dict[str, Schema] = {}
    rule = _model(kind.rule_model(), found, kind.name)
    own = rule["properties"]
    common = _model(RuleCommon, found, "common")["properties"]
    percent = dict(found["common.RolloutBlock"]["properties"]["percent"])
    del percent["description"]
    del common["rollout"]["anyOf"]
    common["rollout"] |= {
        "if": {"type": "object"},
        "then": {"$ref": "#/$defs/common.RolloutBlock"},
        "else": _or_null(percent),
    }
    body = {
        **{key: of for key, of in rule.items() if key not in ("description", "type", "required")},
        "properties": common | own,
    }
    bare = own.get(kind.shorthand) if kind.shorthand else None
    switch = _opened({"type": "boolean"})
    found[kind.name] = {
        "description": rule.get("description", ""),
        "if": {"type": "object"},
        "then": {"type": "object", **body},
        "else": switch if bare is None else {"if": {"type": "boolean"}, "else": bare},
    }
    return found


# --- models ---------------------------------------------------------------------------


def _mapped(of: Any, change: Callable[[Schema], Schema]) -> Any:
    """Return *of* with every mapping in it as *change* makes it, from the inside out."""
    if isinstance(of, list):
        return [_mapped(item, change) for item in of]
    if isinstance(of, dict):
        return change({key: _mapped(value, change) for key, value in of.items()})
    return of


def _model(model: type[BaseModel], definitions: dict[str, Schema], owner: str) -> Schema:
    """Return the schema of *model*; the blocks within go to *definitions* under *owner*."""

    def renamed(of: Schema) -> Schema:
        of.pop("title", None)
        if "$ref" in of:
            of["$ref"] = f"#/$defs/{owner}.{of['$ref'].rpartition('/')[2]}"
        return of

    made = _mapped(model.model_json_schema(), renamed)
    for name, of in made.pop("$defs", {}).items():
        definitions[f"{owner}.{name}"] = _with_variables(of, name)
    return _with_variables(made, model.__name__)


def _with_variables(block: Schema, name: str) -> Schema:
    """Return the schema of the block *name* with variables allowed where values stand."""
    for key, of in block.get("properties", {}).items():
        if key in _LITERAL.get(name, ()):
            block["properties"][key] = _mapped(of, _literal)
            continue
        words = {
            word: of.pop(word) for word in ("description", "default", "examples") if word in of
        }
        block["properties"][key] = {**_opened(of), **words}
    return block


def _is_any_text(of: Schema) -> bool:
    return of.get("type") == "string" and not {"pattern", "enum", "const"} & of.keys()


def _literal(of: Schema) -> Schema:
    return of | _PLAIN if _is_any_text(of) else of


def _opened(of: Schema) -> Schema:
    """Return *of*, or a text with a variable in it wherever a value stands."""
    if "anyOf" in of:
        return {**of, "anyOf": [_opened(member) for member in of["anyOf"]]}
    if "items" in of:
        of = {**of, "items": _opened(of["items"])}
    if "patternProperties" in of:  # of a mapping whose keys are of a type of their own
        of = {**of, "additionalProperties": False}
    if isinstance(of.get("additionalProperties"), dict):
        values = _opened(of["additionalProperties"])
        of = {"propertyNames": _PLAIN, **of, "additionalProperties": values}
    if of.get("type") in ("integer", "number", "boolean", "null"):
        return {"if": _WHOLE, "else": of}
    is_word = of.get("type") == "string" or "const" in of or "enum" in of
    return {"if": _VARIABLE, "else": of} if is_word and not _is_any_text(of) else of


def _or_null(of: Schema) -> Schema:
    return {"anyOf": [of, {"type": "null"}]}


def _partial(of: Any) -> Any:
    """Return *of* for an environment: nothing is required, and null removes any field."""
    if isinstance(of, list):
        return [_partial(item) for item in of]
    if not isinstance(of, dict):
        return of
    made: Schema = {}
    for key, value in of.items():
        if key in ("properties", "patternProperties"):  # under these stand names of the author's
            made[key] = {name: _or_null(_partial(inner)) for name, inner in value.items()}
        elif key == "items":  # a list replaces the one below it
            made[key] = value
        elif key == "$ref":
            made[key] = value.replace("#/$defs/", "#/$defs/overlay.")
        elif key == "additionalProperties" and isinstance(value, dict):
            made[key] = _or_null(_partial(value))
        elif "properties" not in of or key not in ("required", "not", "anyOf", "if", "then"):
            made[key] = _partial(value)  # (those are said of a block as a whole)
    return made


def _seventh(of: Schema) -> Schema:
    """Return *of* in the words of draft 7."""
    if "$defs" in of:
        of["definitions"] = of.pop("$defs")
    if isinstance(of.get("$ref"), str):
        # Beside a reference, draft 7 reads nothing: what stands there goes around it.
        reference = {"$ref": of.pop("$ref").replace("#/$defs/", "#/definitions/")}
        of = {**of, "allOf": [reference]} if of else reference
    if "prefixItems" in of:
        of["additionalItems"] = of.pop("items", True)
        of["items"] = of.pop("prefixItems")
    return of
