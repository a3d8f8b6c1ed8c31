"""Cache: hand out a result again for as long as it is good."""

from __future__ import annotations

from mlpolicy.core.kind import Kind, Synonym

KIND = Kind(
    name="cache",
    rule="mlpolicy.rules.cache.rule:CacheRule",
    step="mlpolicy.rules.cache.step:CacheStep",
    codes="mlpolicy.rules.cache.codes:CODES",
    check="mlpolicy.rules.cache.check:check",
    shorthand="ttl",
    synonyms={
        "ttl_seconds": Synonym("ttl"),
        "expire": Synonym("ttl"),
        "expires_in": Synonym("ttl"),
        "jitter": Synonym("ttl_jitter"),
        "maxsize": Synonym("max_entries"),
        "max_size": Synonym("max_entries"),
        "size": Synonym("max_entries"),
        "keys": Synonym("key"),
        "exclude": Synonym("ignore"),
    },
)
