"""The JSON Schema of the policy language, from the models that read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from mlpolicy.core import written
from mlpolicy.core.docstrings import docstrings
from mlpolicy.core.kind import Kind
from mlpolicy.core.written import GLOB, NAME
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
VARIABLE = {"type": "string", "pattern": written.VARIABLE}
"""A text with a variable in it."""
WHOLE = {"type": "string", "pattern": f"^{written.WHOLE}$"}
"""A text that is nothing but a variable, and may stand for a number."""
_BEGUN = {"not": {"pattern": r"\$\{"}}
"""A text with no variable in it, nor what looks like one."""
_NAMED_BY_AUTHOR = {"propertyNames": {"pattern": NAME}}
OVERLAY = "overlay."
_LITERAL = {
    FileBlock.__name__: (*LITERAL[""], "version"),
    PolicyBlock.__name__: LITERAL["policies"],
    ProfileBlock.__name__: LITERAL["profiles"],
    MatchBlock.__name__: tuple(MatchBlock.model_fields),
}
"""Where no variable goes, by block."""
_WORDS = ("title",)
"""What pydantic adds and nobody needs."""
_TYPED = frozenset({"integer", "number", "boolean", "null"})


def schema() -> Schema:
    """Return the schema of policy files, with the kinds of rule that are installed."""
    definitions: dict[str, Schema] = {}
    for name in KINDS:
        definitions |= _of_kind(KINDS[name])
    head = _model(FileBlock, definitions, "file")
    definitions |= {f"{OVERLAY}{name}": _partial(of) for name, of in definitions.items()}
    properties = head["properties"] | {
        "vars": head["properties"]["vars"] | _NAMED_BY_AUTHOR,
        "defaults": _defaults(""),
        "resources": _table({"type": "object", "maxProperties": 0}),
        "profiles": _table(_policy(ProfileBlock, definitions, "")),
        "policies": _policies(definitions, ""),
        "environments": {
            "type": "object",
            "additionalProperties": _overlay(definitions),
            "description": docstrings(FileBlock)["environments"],
        },
    }
    for key, of in properties.items():
        of.setdefault("description", docstrings(FileBlock)[key])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://mlpolicy.readthedocs.io/en/stable/mlpolicy.schema.json",
        "title": "mlpolicy policy file",
        "description": FileBlock.__doc__,
        "type": "object",
        "properties": properties,
        "patternProperties": {"^x-": {"description": "Notes, and homes of anchors."}},
        "required": ["version"],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


# --- sections -------------------------------------------------------------------------


def _overlay(definitions: dict[str, Schema]) -> Schema:
    """Return the schema of an environment: all may be partial, and null removes."""
    made = _model(Overlay, definitions, "overlay")
    file = _model(FileBlock, definitions, "file")["properties"]
    made["properties"] |= {
        "vars": _or_null(
            file["vars"] | _NAMED_BY_AUTHOR | {"additionalProperties": _or_null(_scalar())}
        ),
        "settings": _or_null(_partial(file["settings"])),
        "defaults": _or_null(_defaults(OVERLAY)),
        "resources": _or_null(_table(_or_null({"type": "object", "maxProperties": 0}))),
        "profiles": _or_null(_table(_or_null(_policy(ProfileBlock, definitions, OVERLAY)))),
        "policies": _or_null(_policies(definitions, OVERLAY)),
    }
    for key, of in made["properties"].items():
        of.setdefault("description", docstrings(Overlay)[key])
    return made


def _defaults(prefix: str) -> Schema:
    mode = {"enum": ["enforce", "shadow", "disabled"], "type": "string"}
    rules = {name: {"$ref": f"#/$defs/{prefix}{name}"} for name in KINDS}
    properties = {"mode": _or_null(_open(mode)), **rules}
    if prefix:
        properties = {key: _or_null(of) for key, of in properties.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _policies(definitions: dict[str, Schema], prefix: str) -> Schema:
    whole = _policy(PolicyBlock, definitions, prefix)
    target = {**whole, "properties": {k: v for k, v in whole["properties"].items() if k != "match"}}
    named = whole if prefix else {**whole, "required": ["match"]}
    if prefix:
        target, named = _or_null(target), _or_null(named)
    return {
        "type": "object",
        "patternProperties": {GLOB: target, NAME: named},
        "additionalProperties": False,
    }


def _policy(model: type[BaseModel], definitions: dict[str, Schema], prefix: str) -> Schema:
    made = _model(model, definitions, model.__name__)
    if prefix:
        made = _partial(made)
    for name in KINDS:
        rule: Schema = {"$ref": f"#/$defs/{prefix}{name}"}
        made["properties"][name] = _or_null(rule) if prefix else rule
    return made


def _table(of: Schema) -> Schema:
    return {"type": "object", "patternProperties": {NAME: of}, "additionalProperties": False}


# --- rules ----------------------------------------------------------------------------


def _of_kind(kind: Kind) -> dict[str, Schema]:
    """Return the schemas of one kind: its blocks, the rule, and the rule in an environment."""
    found: dict[str, Schema] = {}
    rule = _model(kind.rule_model(), found, kind.name)
    common = _model(RuleCommon, found, "common")
    rule["properties"] = common["properties"] | rule["properties"]
    rule["properties"]["rollout"] = _with_short(rule["properties"]["rollout"], found, "percent")
    rule.pop("required", None)  # another policy, a profile or the defaults may say it
    found[kind.name] = _short(rule, kind)
    return found


def _short(rule: Schema, kind: Kind) -> Schema:
    """Return *rule*, or true, or false, or the bare value that stands for one of its fields."""
    body = {key: of for key, of in rule.items() if key not in ("description", "type")}
    bare = rule["properties"].get(kind.shorthand) if kind.shorthand else None
    others = _opened({"type": "boolean"})
    if bare is not None:
        others = {"if": {"type": "boolean"}, "else": bare}
    return {
        "description": rule.get("description", ""),
        "if": {"type": "object"},
        "then": {"type": "object", **body},
        "else": others,
    }


def _with_short(of: Schema, definitions: Mapping[str, Schema], field: str) -> Schema:
    """Return the schema of a block that may be written as one of its fields alone."""
    name = _referred(of)
    percent = definitions[name]["properties"][field]
    rest = {key: value for key, value in of.items() if key not in ("anyOf", "$ref")}
    bare = {key: value for key, value in percent.items() if key != "description"}
    is_optional = any(one.get("else", one) == {"type": "null"} for one in of.get("anyOf", ()))
    other = _or_null(bare) if is_optional else bare
    return {**rest, "if": {"type": "object"}, "then": {"$ref": f"#/$defs/{name}"}, "else": other}


def _referred(of: Schema) -> str:
    for one in (of, *of.get("anyOf", ())):
        if "$ref" in one:
            return str(one["$ref"]).rpartition("/")[2]
    raise AssertionError("a block has a definition")


# --- models ---------------------------------------------------------------------------


def _model(model: type[BaseModel], definitions: dict[str, Schema], owner: str) -> Schema:
    """Return the schema of *model*; the blocks within go to *definitions* under *owner*."""
    made = model.model_json_schema()
    inner = made.pop("$defs", {})

    def named(one: Any) -> Any:
        if isinstance(one, dict):
            return {
                key: f"#/$defs/{owner}.{value.rpartition('/')[2]}"
                if key == "$ref"
                else named(value)
                for key, value in one.items()
            }
        return [named(item) for item in one] if isinstance(one, list) else one

    for name, of in inner.items():
        definitions[f"{owner}.{name}"] = _read(named(of))
    return _read(named(made))


def _read(of: Schema) -> Schema:
    """Return a block's schema with variables allowed where values stand."""
    made = {key: value for key, value in of.items() if key not in _WORDS}
    literal = _LITERAL.get(of.get("title", ""), ())
    if "properties" in made:
        made["properties"] = {
            key: _literal(_plain(value)) if key in literal else _open(value)
            for key, value in made["properties"].items()
        }
    return made


def _literal(of: Any) -> Any:
    """Return *of*, the schema of names and targets, with no variable in any."""
    if isinstance(of, list):
        return [_literal(one) for one in of]
    if not isinstance(of, dict):
        return of
    made = {key: _literal(value) for key, value in of.items()}
    if of.get("type") == "string" and not {"pattern", "enum", "const"} & of.keys():
        made |= _BEGUN
    return made


def _plain(of: Any) -> Any:
    if isinstance(of, dict):
        return {key: _plain(value) for key, value in of.items() if key not in _WORDS}
    return [_plain(one) for one in of] if isinstance(of, list) else of


def _open(of: Schema) -> Schema:
    """Return *of*, or a text with a variable in it wherever a value stands."""
    of = _plain(of)
    words: Schema = {key: of[key] for key in ("description", "default", "examples") if key in of}
    return {**_opened({k: v for k, v in of.items() if k not in words}), **words}


def _opened(of: Schema) -> Schema:
    if "anyOf" in of:
        each = [_opened(one) for one in of["anyOf"]]
        return {**of, "anyOf": each}
    if "items" in of:
        of = {**of, "items": _opened(of["items"])}
    if "patternProperties" in of:  # of a mapping whose keys are of a type of their own
        of = {**of, "additionalProperties": False}
    if isinstance(of.get("additionalProperties"), dict):
        names = {"propertyNames": _BEGUN}
        of = {**names, **of, "additionalProperties": _opened(of["additionalProperties"])}
    bare = of.get("type") == "string" and not {"pattern", "enum", "const"} & of.keys()
    if of.get("type") in _TYPED:
        return {"if": WHOLE, "else": of}
    if bare or not ("const" in of or "enum" in of or of.get("type") == "string"):
        return of
    return {"if": VARIABLE, "else": of}


def _scalar() -> Schema:
    return {"type": ["string", "integer", "number", "boolean"]}


def _or_null(of: Schema) -> Schema:
    return {"anyOf": [of, {"type": "null"}]}


def _partial(of: Any) -> Any:
    """Return *of* for an environment: nothing is required, and null removes any field."""
    if isinstance(of, list):
        return [_partial(one) for one in of]
    if not isinstance(of, dict):
        return of
    made = {
        key: one if key == "items" else _partial(one)  # a list replaces the one below it
        for key, one in of.items()
        if key not in (*_NAMED, *(_WHOLE_BLOCK if "properties" in of else ()))
    }
    if "$ref" in of:
        made["$ref"] = str(of["$ref"]).replace("#/$defs/", f"#/$defs/{OVERLAY}")
    if isinstance(of.get("additionalProperties"), dict):
        made["additionalProperties"] = _or_null(made["additionalProperties"])
    for key in _NAMED:
        if key in of:
            made[key] = {name: _or_null(_partial(one)) for name, one in of[key].items()}
    return made


_WHOLE_BLOCK = ("required", "not", "anyOf", "if", "then")
"""What is said of a block as a whole, by its own keys."""
_NAMED = ("properties", "patternProperties")
"""Words under which names of the author's stand, not words of JSON Schema."""


# --- drafts -------------------------------------------------------------------------


def in_draft(draft: str) -> Schema:
    """Return the schema of policy files in *draft*, a key of `DRAFTS`."""
    made = schema()
    if draft == "7":
        made = _seventh(made)
        made["$id"] = made["$id"].replace(".schema.json", ".draft7.schema.json")
    made["$schema"] = DRAFTS[draft]
    return made


def published(draft: str = "2020-12") -> str:
    """Return the text of the file that is published."""
    return json.dumps(in_draft(draft), indent=2, ensure_ascii=False) + "\n"


def _seventh(of: Any) -> Any:
    """Return *of* in the words of draft 7."""
    if isinstance(of, list):
        return [_seventh(one) for one in of]
    if not isinstance(of, dict):
        return of
    made = {_NAMES.get(key, key): _seventh(value) for key, value in of.items()}
    if isinstance(made.get("$ref"), str):
        # Beside a reference, draft 7 reads nothing: what stands there goes around it.
        reference = made.pop("$ref").replace("#/$defs/", "#/definitions/")
        made = {**made, "allOf": [{"$ref": reference}]} if made else {"$ref": reference}
    if "prefixItems" in of:
        rest = made.pop("items", True)
        made["items"] = made.pop("prefixItems")
        made["additionalItems"] = rest
    return made


_NAMES = {"$defs": "definitions"}
