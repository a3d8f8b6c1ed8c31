"""Functions that have in their source already what a rule would add."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.plan.against.about import About, in_source
from mlpolicy.plan.plan import PlannedRule
from mlpolicy.plan.survey.plain import number_of

_RETRIES: Mapping[str, tuple[str, int | None]] = {
    "backoff.on_exception": ("max_tries", None),
    "backoff.on_predicate": ("max_tries", None),
    "retry.api.retry": ("tries", None),
    "retry.retry": ("tries", None),
    "retrying.retry": ("stop_max_attempt_number", None),
    "stamina.retry": ("attempts", 10),
    "tenacity.retry": ("stop", None),
}
"""Decorators that retry: the keyword that says how often, and what holds without it."""
_CACHES = frozenset(
    {
        "aiocache.cached", "async_lru.alru_cache", "cachetools.cached", "cachetools.cachedmethod",
        "cachetools.func.fifo_cache", "cachetools.func.lfu_cache", "cachetools.func.lru_cache",
        "cachetools.func.rr_cache", "cachetools.func.ttl_cache", "functools.cache",
        "functools.lru_cache",
    }
)  # fmt: skip


def look(about: About) -> Iterator[Diagnostic]:
    """Yield decorators that do what a rule does."""
    body = about.looked.body
    if body is None:
        return
    retry, cache = about.rule("retry"), about.rule("cache")
    for name, node in body.decorators:
        if name in _RETRIES and retry is not None and retry.rule.max_attempts > 1:
            yield _retried(about, retry, name, node)
        elif name in _CACHES and cache is not None:
            yield Diagnostic(
                "MP311",
                f"`{about.target}` is cached by `{name}` already: results live in two places",
                cache.source,
                "warning",
                help="keep one of them: the decorator knows no `ttl` of the policy",
                related=(in_source("it is decorated here", about.looked),),
            )


def _retried(about: About, rule: PlannedRule, name: str, node: ast.expr) -> Diagnostic:
    calls, own = _calls(name, node), rule.rule.max_attempts
    total = f": {own}x{calls}={own * calls} calls" if calls else ": attempts multiply"
    return Diagnostic(
        "MP311",
        f"`{about.target}` is retried by `{name}` already{total}",
        rule.source,
        "warning",
        help="keep one of them",
        related=(in_source("it is decorated here", about.looked),),
    )


def _calls(name: str, node: ast.expr) -> int | None:
    """Return how often a decorator calls the function at most, where its source says so."""
    keyword, otherwise = _RETRIES[name]
    if not isinstance(node, ast.Call):
        return otherwise
    given = {one.arg: one.value for one in node.keywords}
    if None in given:
        return None
    if keyword not in given:
        return otherwise
    value = given[keyword]
    if name == "tenacity.retry":
        return _stopping(value)
    return number_of(value)


def _stopping(node: ast.expr) -> int | None:
    """Return the number in `stop_after_attempt(3)`, alone or with other reasons to stop."""
    match node:
        case ast.Call(func=ast.Name(id="stop_after_attempt"), args=[number]):
            return number_of(number)
        case ast.Call(func=ast.Attribute(attr="stop_after_attempt"), args=[number]):
            return number_of(number)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _stopping(left) or _stopping(right)
    return None
