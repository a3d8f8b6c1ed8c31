"""The findings that only a cache rule gives."""

from __future__ import annotations

from mlpolicy.core.codes import Code, policy


def _policy(cache: str) -> str:
    return policy(
        "shop.features:load",
        "owner: features",
        "reason: the feature store is slow",
        f"cache: {cache}",
    )


CODES: tuple[Code, ...] = (
    Code(
        code="MP705",
        severity="error",
        title="unbounded cache",
        finds="`max_entries: null` without `max_bytes`.",
        why="Every new key stays for its whole `ttl`: a burst of new keys fills the memory.",
        before=_policy("{ttl: 30s, max_entries: null}"),
        after=_policy("{ttl: 30s, max_entries: null, max_bytes: 256MiB}"),
    ),
    Code(
        code="MP709",
        severity="warning",
        title="results live very long",
        finds="A `ttl` over one day, or a `stale_if_error` longer than the `ttl`.",
        why="Features and predictions of yesterday look like those of today, and nothing says so.",
        before=_policy("{ttl: 3d}"),
        after=_policy("{ttl: 12h}"),
    ),
)
