"""Validate: what arguments and results must be, checked at every call."""

from __future__ import annotations

from mlpolicy.core.kind import Kind, Synonym, habits

_BOTH = "it takes both ends: `[min, max]`, one of which may be `null`"
_OPPOSITE = "it says the opposite"

KIND = Kind(
    name="validate",
    rule="mlpolicy.rules.validate.rule:ValidateRule",
    step="mlpolicy.rules.validate.step:ValidateStep",
    decorator="validate_input",
    check="mlpolicy.rules.validate.check:check",
    risk="mlpolicy.rules.validate.check:risks",
    positions=("validate input", "validate output"),
    argument_fields={"args": "MP202"},
    lint="mlpolicy.rules.validate.check:lint",
    arguments="mlpolicy.rules.validate.rule:settings",
    synonyms={
        **habits(
            {
                "args": "arguments inputs input params parameters kwargs",
                "returns": "output outputs return result",
                "on_fail": "on_error on_failure on_invalid action",
                "default": "fallback",
                "range": "between",
                "model": "schema",
                "pattern": "regex regexp match",
                "enum": "choices values one_of allowed allowed_values isin literal",
                "min_len": "min_length min_items min_size",
                "max_len": "max_length max_items",
                "max_bytes": "max_size",
                "required": "keys mandatory",
                "fields": "properties",
                "items": "elements",
                "shape": "dimensions",
                "ndim": "dims",
                "type": "kind class isinstance",
                "categories": "columns.enum columns.values columns.choices columns.one_of columns.allowed columns.isin",
                "nullable": "columns.null columns.allow_null columns.optional",
            }
        ),
        **dict.fromkeys(("min", "minimum", "ge"), Synonym("range", _BOTH, form="[{}, null]")),
        **dict.fromkeys(("max", "maximum", "le"), Synonym("range", _BOTH, form="[null, {}]")),
        **dict.fromkeys(("gt", "lt"), Synonym("range", "both of its ends are in it")),
        **dict.fromkeys(("nullable", "optional", "allow_none"), Synonym("not_null", _OPPOSITE)),
        "columns.not_null": Synonym("nullable", _OPPOSITE),
    },
    events={
        "validate.reject": "an argument or a result was refused",
        "validate.warn": "an argument or a result failed a check, and the call went on",
        "validate.would_reject": "in shadow: it would have been refused",
    },
)
