"""An attempt that takes too long is ended, so that a retry may make another."""

from mlpolicy.plugin import Kind, Synonym

KIND = Kind(
    name="timeout",
    rule="acme_guardrails.timeout.rule:TimeoutRule",
    step="acme_guardrails.timeout.step:TimeoutStep",
    codes="acme_guardrails.timeout.rule:CODES",
    check="acme_guardrails.timeout.rule:check",
    shorthand="attempt",
    synonyms={"seconds": Synonym("attempt")},
    inside="timeout attempt",
    api=1,
)
