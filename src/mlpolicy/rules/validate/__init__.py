"""Validate: what arguments and results must be, checked at every call."""

from __future__ import annotations

from mlpolicy.core.kind import Kind, Synonym

KIND = Kind(
    name="validate",
    rule="mlpolicy.rules.validate.rule:ValidateRule",
    step="mlpolicy.rules.validate.step:ValidateStep",
    codes="mlpolicy.rules.validate.codes:CODES",
    check="mlpolicy.rules.validate.check:check",
    synonyms={
        "arguments": Synonym("args"),
        "inputs": Synonym("args"),
        "input": Synonym("args"),
        "params": Synonym("args"),
        "parameters": Synonym("args"),
        "output": Synonym("returns"),
        "outputs": Synonym("returns"),
        "return": Synonym("returns"),
        "result": Synonym("returns"),
        "on_error": Synonym("on_fail"),
        "on_failure": Synonym("on_fail"),
        "fallback": Synonym("default"),
        "min": Synonym("range", "which takes both ends: `[min, null]`"),
        "max": Synonym("range", "which takes both ends: `[null, max]`"),
        "minimum": Synonym("range", "which takes both ends: `[min, null]`"),
        "maximum": Synonym("range", "which takes both ends: `[null, max]`"),
        "ge": Synonym("range", "which takes both ends: `[min, null]`"),
        "le": Synonym("range", "which takes both ends: `[null, max]`"),
        "between": Synonym("range"),
        "schema": Synonym("model"),
        "regex": Synonym("pattern"),
        "choices": Synonym("enum"),
        "values": Synonym("enum"),
        "one_of": Synonym("enum"),
        "min_length": Synonym("min_len"),
        "max_length": Synonym("max_len"),
        "min_items": Synonym("min_len"),
        "max_items": Synonym("max_len"),
        "max_size": Synonym("max_bytes"),
        "keys": Synonym("required"),
        "properties": Synonym("fields"),
        "elements": Synonym("items"),
        "dimensions": Synonym("shape"),
        "dims": Synonym("ndim"),
    },
)
