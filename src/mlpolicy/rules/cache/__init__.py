"""Cache: hand out a result again for as long as it is good."""

from __future__ import annotations

from mlpolicy.core.kind import Kind, habits

KIND = Kind(
    name="cache",
    rule="mlpolicy.rules.cache.rule:CacheRule",
    step="mlpolicy.rules.cache.step:CacheStep",
    decorator="cache_result",
    keeps_results=True,
    codes="mlpolicy.rules.cache.codes:CODES",
    check="mlpolicy.rules.cache.check:check",
    lint="mlpolicy.rules.cache.lint:lint",
    shorthand="ttl",
    synonyms=habits(
        {
            "ttl": "ttl_seconds expires expire expiry expires_in expiration expire_after max_age time_to_live lifetime duration timeout",
            "ttl_jitter": "jitter",
            "max_entries": "maxsize max_size size max_items max_keys maximum_size capacity limit",
            "max_bytes": "maxmemory max_memory memory",
            "key": "keys key_by cache_key args vary vary_on",
            "ignore": "exclude",
            "single_flight": "lock coalesce dogpile_lock",
            "store": "backend",
            "cache_none": "cache_null",
        }
    ),
)
