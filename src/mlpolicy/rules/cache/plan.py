"""A cache rule in a plan: beside other rules, and in place of an older one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlpolicy.core.kind import Clash

if TYPE_CHECKING:
    from mlpolicy.rules.cache.rule import CacheRule


def clashes(rule: CacheRule, beside: Mapping[str, Any], _: float | None) -> Iterator[Clash]:
    """Yield a cache that may fill the memory to where the memory rule acts on it."""
    memory = beside.get("memory")
    limit = memory.limit if memory is not None else None
    if rule.max_bytes is None or not isinstance(limit, int):
        return
    if memory is not None and rule.max_bytes >= memory.act_at * limit:
        yield Clash(
            "MP708",
            f"the cache may hold {rule.max_bytes}, and memory is short from "
            f"{memory.act_at} of {limit} on",
            ("max_bytes",),
            "write a `max_bytes` that leaves room for the calls themselves",
            other=("memory", "limit"),
        )


def risks(old: CacheRule, new: CacheRule) -> Iterator[str]:
    """Yield what to look at twice: older answers, and entries under other keys."""
    if new.ttl > old.ttl:
        yield f"answers may be {new.ttl} old, not {old.ttl}"
    if new.key != old.key or new.ignore != old.ignore:
        yield "another key: every entry is made anew, and what was told apart may no longer be"
    if new.version != old.version:
        yield "another version: every entry is made anew"
