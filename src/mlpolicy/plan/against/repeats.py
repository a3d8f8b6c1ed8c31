"""Retries that do harm: of what writes, and of what retries by itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.core.target import Target
from mlpolicy.plan.against.about import About, at, line_of
from mlpolicy.plan.governed import facts_of
from mlpolicy.plan.plan import PlannedRule
from mlpolicy.plan.survey.body import Body
from mlpolicy.plan.survey.plain import text_of
from mlpolicy.rules.retry.exceptions import Builtin, parse

_WRITING = frozenset(
    {
        "append", "book", "cancel", "charge", "create", "debit", "decrement", "delete", "deliver",
        "deposit", "emit", "enqueue", "increment", "insert", "notify", "order", "pay", "post",
        "publish", "purchase", "refund", "register", "remove", "send", "submit", "transfer",
        "update", "withdraw", "write",
    }
)  # fmt: skip
_READING = frozenset(
    {
        "calculate", "check", "classify", "complete", "compute", "count", "detect", "embed",
        "encode", "estimate", "evaluate", "explain", "fetch", "find", "get", "infer", "list",
        "load", "lookup", "match", "predict", "query", "rank", "read", "recommend", "rerank",
        "retrieve", "score", "search", "select", "summarize", "tokenize", "translate", "validate",
        "verify",
    }
)  # fmt: skip
_MADE = frozenset(
    {
        "app", "batch", "batches", "client", "completion", "completions", "connection", "context",
        "embedding", "embeddings", "engine", "feature", "features", "logger", "model", "parser",
        "pool", "prediction", "predictions", "prompt", "session", "socket", "stream",
    }
)  # fmt: skip
"""What `create_...` makes in this process, or what no harm comes of making twice."""
_AFTER = frozenset({"init", "process", "processed", "processing", "processor", "run", "hook"})
"""`post_...` of these words means after."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def look(about: About) -> Iterator[Diagnostic]:
    """Yield what is wrong with a retry of the function."""
    rule = about.rule("retry")
    if rule is None or rule.rule.max_attempts < 2:
        return
    yield from _writes(about, rule)
    if about.body is not None:
        yield from _multiplied(about, rule, about.body)


# --- what writes ----------------------------------------------------------------------


def _writes(about: About, rule: PlannedRule) -> Iterator[Diagnostic]:
    if rule.rule.idempotent is True:
        return
    name = about.target.qualname.rpartition(".")[2]
    what = _writing_name(name) or _posting_route(name, about.body)
    if what:
        yield Diagnostic(
            "MP607",
            f"`{about.target}` {what}: a retry may do it twice",
            rule.source,
            "warning",
            help="write `idempotent: true` if twice does no harm, or take the retry out",
        )


def _writing_name(name: str) -> str:
    """Return what a function seems to do, by the verb that its name begins with."""
    verb, *rest = [one.lower() for one in _WORD.findall(name)] or [""]
    if verb not in _WRITING:
        return ""
    noun = rest[-1] if rest else ""
    if (verb == "create" and noun in _MADE) or (verb == "post" and set(rest) & _AFTER):
        return ""
    if verb in ("book", "order") and not rest:
        return ""  # a noun as likely as a verb
    if verb in ("register", "remove", "append") and not rest:
        return ""
    return f"seems to {verb}"


def _posting_route(name: str, body: Body | None) -> str:
    """Return that a function answers POST, unless its name says that it only reads."""
    verb = next(iter(_WORD.findall(name)), "").lower()
    if body is None or verb in _READING:
        return ""
    for full_name, node in body.decorators:
        if isinstance(node, ast.Call) and _is_post(full_name, node):
            return "answers POST"
    return ""


def _is_post(full_name: str, node: ast.Call) -> bool:
    owner, _, attribute = full_name.rpartition(".")
    path = text_of(node.args[0]) if node.args else None
    if not owner or path is None or not path.startswith("/"):
        return False
    if attribute == "post":
        return True
    methods = next((one.value for one in node.keywords if one.arg == "methods"), None)
    listed = methods.elts if isinstance(methods, ast.List | ast.Tuple | ast.Set) else []
    return attribute in ("route", "api_route") and [text_of(one) for one in listed] == ["POST"]


# --- what retries by itself -----------------------------------------------------------


def _multiplied(about: About, rule: PlannedRule, body: Body) -> Iterator[Diagnostic]:
    """Yield each function that is called and retried too: attempts multiply."""
    said: set[Target] = set()
    for called in body.calls:
        if called.target in said or called.target == body.home:
            continue
        said.add(called.target)
        inner = _retry_of(about, called.target)
        if inner is None or not _meet(rule, inner):
            continue
        outer_calls, inner_calls = rule.rule.max_attempts, inner.rule.max_attempts
        yield Diagnostic(
            "MP609",
            f"`{about.target}` calls `{called.target}`, and both are retried: "
            f"{outer_calls}x{inner_calls}={outer_calls * inner_calls} calls",
            at(rule, "max_attempts"),
            "warning",
            help="retry one of them: the inner one, as a rule",
            related=(
                Related("the inner retry", at(inner, "max_attempts")),
                line_of("it is called here", body.module.shown, called.node.lineno),
            ),
        )


def _retry_of(about: About, target: Target) -> PlannedRule | None:
    rulebook = about.rulebook
    if not rulebook.wants(target.module):
        return None
    plan = rulebook.plan(target, facts_of(rulebook, about.survey, target))
    rule = plan.rule("retry") if plan is not None else None
    if rule is None or rule.rule is None or rule.mode == "disabled":
        return None
    return rule if rule.rule.max_attempts > 1 else None


def _meet(outer: PlannedRule, inner: PlannedRule) -> bool:
    """Whether an error that the inner rule has given up on is retried by the outer one."""
    texts = set(outer.rule.retry_on) - set(outer.rule.give_up_on)
    return bool(texts & set(inner.rule.retry_on)) or any(map(_is_every_error, texts))


def _is_every_error(text: str) -> bool:
    found = parse(text)
    return isinstance(found, Builtin) and found.cls is Exception
