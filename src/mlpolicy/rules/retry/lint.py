"""Retries that do harm on a function: of what writes, or is retried already; names of no exception.

`lint` reads source. `retried` looks at objects: only names that a function uses are looked up, and
only what objects hold as data is read.
"""

from __future__ import annotations

import ast
import dis
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from mlpolicy.core.classes import is_a, members, module_of, name_of
from mlpolicy.core.diagnostic import Diagnostic, Related, did_you_mean, repair
from mlpolicy.core.site import text_of
from mlpolicy.rules.retry.answers import held
from mlpolicy.rules.retry.exceptions import BUILTINS, Builtin, Path, parse
from mlpolicy.rules.retry.libraries import RETRYING, known_as

if TYPE_CHECKING:
    from mlpolicy.core.site import Function
    from mlpolicy.rules.retry.rule import RetryRule

_WRITING = (
    "append book cancel charge create debit decrement delete deliver deposit emit enqueue "
    "increment insert notify order pay post publish purchase refund register remove send "
    "submit transfer update withdraw write"
)
_READING = (
    "calculate check classify complete compute count detect embed encode estimate evaluate "
    "explain fetch find get infer list load lookup match predict query rank read recommend "
    "rerank retrieve score search select summarize tokenize translate validate verify"
)
_MADE = (
    "app batch batches client completion completions connection context embedding embeddings "
    "engine feature features logger model parser pool prediction predictions prompt session "
    "socket stream"
)
"""What `create_...` makes in this process, or what no harm comes of making twice."""
_AFTER = frozenset({"init", "process", "processed", "processing", "processor", "run", "hook"})
"""`post_...` of these words means after."""
_NOUNS = frozenset({"append", "book", "order", "register", "remove"})
"""Alone, these are nouns as often as verbs, or change what is in memory."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_RETRIES = {
    **dict.fromkeys(("backoff.on_exception", "backoff.on_predicate"), r"max_tries=(\d+)[,)]"),
    **dict.fromkeys(("retry.api.retry", "retry.retry"), r"tries=(\d+)[,)]"),
    "retrying.retry": r"stop_max_attempt_number=(\d+)[,)]",
    "stamina.retry": r"attempts=(\d+)[,)]",
    "tenacity.retry": r"stop_after_attempt\((\d+)\)",
}
"""Decorators that retry, and where their arguments say how often."""

CodeOf = Callable[[FunctionType], CodeType]
"""Gives the code that a function was compiled with, whatever stands on it."""
_OF_MODULE = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_MOST = 10_000
"""Objects that are looked at for one function."""


def lint(rule: RetryRule, function: Function) -> Iterator[Diagnostic]:
    """Yield what is wrong with a retry of *function*."""
    for field in ("retry_on", "give_up_on"):
        for number, text in enumerate(getattr(rule, field)):
            yield from _exception(text, f"{field}.{number}", function)
    if function.is_disabled or function.resolve is not None or rule.max_attempts < 2:
        return  # (an import shows nothing more)
    does = "" if rule.idempotent else _writing_verb(function.name) or _posting_route(function)
    if does:
        yield Diagnostic(
            "MP607",
            f"`{function.name}` {does}: a retry may do it twice",
            function.at(),
            "warning",
            help="write `idempotent: true` if twice does no harm, or take the retry out",
        )
    for name, node in function.decorators:
        if name in _RETRIES:
            yield Diagnostic(
                "MP311",
                f"`{function.name}` is retried by `{name}` already{_product(rule, name, node)}",
                function.at(),
                "warning",
                help="keep one of them",
                related=function.line("it is decorated here"),
            )
    yield from _multiplied(rule, function)


def _product(rule: RetryRule, name: str, node: ast.expr) -> str:
    """Return how many calls there are at most, where the source of a decorator says its own."""
    text, own = text_of(node), rule.max_attempts
    found = re.search(_RETRIES[name], text)
    calls = int(found[1]) if found else 0
    if name == "stamina.retry" and "attempts" not in text and "**" not in text:
        calls = 10  # (its default)
    return f": {own}x{calls}={own * calls} calls" if calls else ": attempts multiply"


def _exception(text: str, setting: str, function: Function) -> Iterator[Diagnostic]:
    """Yield a dotted name in `retry_on` or `give_up_on` that is not there, or no exception."""
    if not isinstance(parse(text), Path):
        return
    found = function.look_up(text, deep=True)
    module, _, name = text.rpartition(".")
    if found.kind == "absent":
        yield Diagnostic(
            "MP603",
            f"`{module}` has no exception `{name}`",
            function.at(setting),
            help=did_you_mean(found.closest),
            suggestions=repair(function.at(setting), found.closest),
        )
        return
    bases = found.builtin_bases
    if found.kind in ("function", "value") or (
        bases is not None and BUILTINS.keys().isdisjoint(bases)
    ):
        yield Diagnostic(
            "MP604",
            f"`{text}` is a {found.kind}, not an exception",
            function.at(setting),
            help=f"name a class below `BaseException`; what `{name}` is cannot be raised",
        )


def _words(path: str) -> list[str]:
    """Return the words of a function's own name, in small letters."""
    return [word.lower() for word in _WORD.findall(path.rpartition(":")[2].rpartition(".")[2])]


def _writing_verb(path: str) -> str:
    """Return what a function seems to do, by the verb that its name begins with."""
    verb, *rest = _words(path) or [""]
    harmless = (
        verb not in _WRITING.split()
        or (verb in _NOUNS and not rest)
        or (verb == "create" and rest and rest[-1] in _MADE.split())
        or (verb == "post" and not _AFTER.isdisjoint(rest))
    )
    return "" if harmless else f"seems to {verb}"


def _posting_route(function: Function) -> str:
    """Return that a function answers POST, unless its name says that it only reads."""
    verb = _words(function.name)[:1]
    if function.node is None or not {*_READING.split()}.isdisjoint(verb):
        return ""
    for full_name, node in function.decorators:
        owner, _, attribute = full_name.rpartition(".")
        match node:
            case ast.Call(args=[ast.Constant(value=str(path)), *_], keywords=keywords):
                methods = [text_of(word.value) for word in keywords if word.arg == "methods"]
                is_post = attribute == "post" or (
                    attribute in ("route", "api_route")
                    and re.fullmatch(r"[\[({]'POST',?[])}]", "".join(methods))
                )
                if owner and path.startswith("/") and is_post:
                    return "answers POST"
    return ""


def _multiplied(rule: RetryRule, function: Function) -> Iterator[Diagnostic]:
    """Yield each function that is called and retried too: attempts multiply."""
    texts = set(rule.retry_on) - set(rule.give_up_on)
    names = [parse(text) for text in texts]
    retries_all = any(isinstance(name, Builtin) and name.cls is Exception for name in names)
    seen: set[str] = set()
    for called, _, node in function.calls():
        inner = function.rule_of(called, "max_attempts") if called not in seen else None
        seen.add(called)
        if inner is None:
            continue
        other, place = inner
        again = retries_all or texts & set(other.retry_on)  # (what the inner one has given up on)
        if other.max_attempts < 2 or not again:
            continue
        outer_calls, inner_calls = rule.max_attempts, other.max_attempts
        yield Diagnostic(
            "MP609",
            f"`{function.name}` calls `{called}`, and both are retried: "
            f"{outer_calls}x{inner_calls}={outer_calls * inner_calls} calls",
            function.at("max_attempts"),
            "warning",
            help="retry one of them: the inner one, as a rule",
            related=(Related("the inner retry", place), *function.line("it is called here", node)),
        )


# --- what retries by itself, as objects show it ---------------------------------------


def retried(
    rule: RetryRule, target: str, standing: Any, code_of: CodeOf
) -> Iterator[tuple[str, ...]]:
    """Yield (code, field, message, remedy) for what retries by itself: the attempts multiply."""
    ours = rule.max_attempts
    for name, (package, calls) in nested(standing, code_of).items() if ours > 1 else ():
        text = (
            f"`{target}` retries what `{name}` retries by itself: {ours} attempts x "
            f"{calls} of {package}'s own = {ours * calls} calls"
        )
        yield "MP311", "max_attempts", text, "keep one of them"


def nested(standing: Any, code_of: CodeOf) -> dict[str, tuple[str, int]]:
    """Return what a function uses that retries by itself: by name, its package and all its calls.

    *standing* has the `holder` of the function and its Python `functions`.
    """
    if is_a(standing.holder, type) and (own := _calls(standing.holder, None)) is not None:
        return {name_of(standing.holder): own} if own[1] > 1 else {}
    found: dict[str, tuple[str, int]] = {}
    for function in standing.functions:
        for name, value in _used(function, standing.holder, code_of):
            calls = _calls(type(value), value)
            if calls is not None and calls[1] > 1:
                found.setdefault(name, calls)
    return found


def _used(function: FunctionType, holder: object, code_of: CodeOf) -> Iterator[tuple[str, object]]:
    """Yield what a function uses, and what its own package's functions and objects use in turn."""
    package, names = _package(function), set[str]()
    left: list[tuple[str, object]] = [(function.__name__, function)]
    if is_a(holder, type):
        left.insert(0, (function.__name__, holder))
    seen: dict[int, object] = {}
    while left and len(seen) < _MOST:
        name, value = left.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        yield name, value
        if type(value) is FunctionType:
            cells = _cells(value)
            if _package(value) != package:
                left += ((name, captured) for captured in cells.values())
                continue
            left += cells.items()
            loaded, of_module = _loaded(code_of(value))
            names |= loaded
            left += _chosen(of_module, value.__globals__)
            left += ((name, default) for default in value.__defaults__ or ())
        elif type(value) is MethodType:
            left.append((name, value.__self__))
        elif is_a(value, ModuleType, type) or _top(module_of(type(value))) == package:
            left += _chosen(names, members(value))


def _loaded(code: CodeType) -> tuple[set[str], set[str]]:
    """Return the names that are looked up, within functions of it too, and those of the module."""
    names, of_module, codes = set[str](), set[str](), [code]
    for inner in codes:
        codes += (constant for constant in inner.co_consts if isinstance(constant, CodeType))
        names.update(inner.co_names)
        loads = (one for one in dis.get_instructions(inner) if one.opname in _OF_MODULE)
        of_module.update(str(one.argval) for one in loads)
    return names, of_module


def _chosen(names: set[str], scope: Mapping[str, object]) -> list[tuple[str, object]]:
    return [(name, scope[name]) for name in names if name in scope]


def _package(function: FunctionType) -> str:
    return _top(str(function.__globals__.get("__name__")))


def _top(module: str) -> str:
    return module.partition(".")[0]


def _cells(function: FunctionType) -> dict[str, object]:
    """Return what a function has captured, as far as it is there yet."""
    captured: dict[str, object] = {}
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=False):
        with suppress(ValueError):
            captured[name] = cell.cell_contents
    return captured


def _calls(cls: type, value: object) -> tuple[str, int] | None:
    """Return the package and all calls that an object of that class makes for one."""
    if type(value) is FunctionType:
        tries = _cells(value).get("max_tries") if _package(value) == "backoff" else None
        return ("backoff", tries) if isinstance(tries, int) else None
    found: list[int] = []
    for known in known_as(cls):
        for path, more, otherwise in RETRYING.get(known, ()):
            number = _number(value, path.split("."))
            found.append(otherwise if number is None else number + more)
    return (_top(module_of(cls)), max(found)) if found else None


def _number(value: Any, path: list[str]) -> int | None:
    """Return the number at the end of *path*, or where it comes earlier; the greatest of many."""
    if is_a(value, int) or not path:
        return int(value) if isinstance(value, int) else None
    name, *rest = path
    if is_a(value, dict):
        inner = [*value.values()] if name == "*" else [value.get(name)]
    else:
        inner = [*held(value, (name,))]
    numbers = [number for part in inner if (number := _number(part, rest)) is not None]
    return max(numbers, default=None)
