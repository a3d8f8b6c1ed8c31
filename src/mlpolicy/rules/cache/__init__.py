"""Cache: hand out a result again for as long as it is good."""

from __future__ import annotations

from mlpolicy.core.kind import Counted, Kind, habits

KIND = Kind(
    name="cache",
    rule="mlpolicy.rules.cache.rule:CacheRule",
    step="mlpolicy.rules.cache.step:CacheStep",
    decorator="cache_result",
    keeps_results=True,
    check="mlpolicy.rules.cache.check:check",
    together="mlpolicy.rules.cache.check:clashes",
    risk="mlpolicy.rules.cache.check:risks",
    argument_fields={"key": "MP702", "ignore": "MP702"},
    lint="mlpolicy.rules.cache.check:lint",
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
    events={
        "cache.hit": "the answer was kept from an earlier call",
        "cache.miss": "no answer was kept",
        "cache.stale": "an old answer stood in for a function that failed",
        "cache.bypass": "the arguments make no key",
        "cache.error": "the answer could not be kept",
        "cache.would_hit": "in shadow: an answer was kept",
        "cache.would_stale_mismatch": "in shadow: the kept answer was another one",
    },
    counted={
        "mlpolicy_cache_requests_total{result=hit}": Counted("cache.hit", answers=True),
        "mlpolicy_cache_requests_total{result=stale}": Counted("cache.stale", answers=True),
        "mlpolicy_cache_requests_total{result=miss}": Counted("cache.miss", late=True),
        "mlpolicy_cache_requests_total{result=bypass}": Counted("cache.bypass", late=True),
        "mlpolicy_cache_requests_total{result=error}": Counted("cache.error", late=True),
    },
)
