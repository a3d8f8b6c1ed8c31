"""What may be wrong with the meaning of a cache rule, seen from the rule alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlpolicy.core.kind import Lacking

if TYPE_CHECKING:
    from mlpolicy.rules.cache.rule import CacheRule

_DAY = 24 * 3600.0
_SHORTEST = 0.1


def check(rule: CacheRule) -> Iterator[tuple[str, ...]]:
    """Yield (code, field, message) for each doubt about *rule*."""
    if rule.max_entries is None and rule.max_bytes is None:
        what = "nothing bounds this cache: give `max_bytes` or `max_entries`"
        yield Lacking(("MP705", "max_entries", what))
    if rule.ttl > _DAY:
        yield "MP709", "ttl", f"a `ttl` of {rule.ttl} hands out results older than a day"
    # Where the unit of `ttl` looks wrong, that is the finding.
    if rule.stale_if_error is not None and rule.stale_if_error > rule.ttl >= _SHORTEST:
        late = f"{rule.stale_if_error} late, longer than the `ttl` of {rule.ttl}"
        yield "MP709", "stale_if_error", f"a failing function may be answered for {late}"
