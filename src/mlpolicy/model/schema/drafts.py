"""The schema in the drafts that editors read, and as the file that is published."""

from __future__ import annotations

import json
from typing import Any, Final

from mlpolicy.model.schema.build import Schema, schema

DRAFTS: Final = {
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
    "7": "http://json-schema.org/draft-07/schema#",
}
"""The drafts by name: the current one, and the one that most editors' YAML servers read."""


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
