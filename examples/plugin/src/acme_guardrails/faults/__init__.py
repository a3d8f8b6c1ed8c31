"""Some calls fail on purpose, so that one sees what retries and fallbacks make of it."""

from mlpolicy.plugin import Kind, Synonym

KIND = Kind(
    name="faults",
    rule="acme_guardrails.faults.rule:FaultsRule",
    step="acme_guardrails.faults.step:FaultsStep",
    codes="acme_guardrails.faults.rule:CODES",
    check="acme_guardrails.faults.rule:check",
    shorthand="percent",
    synonyms={"rate": Synonym("percent")},
    inside="retry",
    api=1,
)
