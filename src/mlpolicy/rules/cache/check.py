"""What may be wrong with a cache rule: seen from it alone, and from the function that it is on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.kind import Clash, Lacking
from mlpolicy.core.site import GENERATORS, text_of

if TYPE_CHECKING:
    from mlpolicy.core.site import Function
    from mlpolicy.rules.cache.rule import CacheRule

_DAY = 24 * 3600.0


def check(rule: CacheRule) -> Iterator[tuple[str, ...]]:
    """Yield (code, field, message) for each doubt about *rule*."""
    if rule.max_entries is None and rule.max_bytes is None:
        what = "nothing bounds this cache: give `max_bytes` or `max_entries`"
        yield Lacking(("MP705", "max_entries", what))
    if rule.ttl > _DAY:
        yield "MP709", "ttl", f"a `ttl` of {rule.ttl} hands out results older than a day"
    # Where the unit of `ttl` looks wrong, that is the finding.
    if rule.stale_if_error is not None and rule.stale_if_error > rule.ttl >= 0.1:
        late = f"{rule.stale_if_error} late, longer than the `ttl` of {rule.ttl}"
        yield "MP709", "stale_if_error", f"a failing function may be answered for {late}"


# --- the rule beside others, and in place of an older one -------------------------------


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


# --- the rule on a function ------------------------------------------------------------

_DECORATORS = {
    "aiocache.cached", "async_lru.alru_cache", "cachetools.cached", "cachetools.cachedmethod",
    "cachetools.func.fifo_cache", "cachetools.func.lfu_cache", "cachetools.func.lru_cache",
    "cachetools.func.rr_cache", "cachetools.func.ttl_cache", "functools.cache",
    "functools.lru_cache",
}  # fmt: skip
_CONTAINERS = ("Dict", "List", "Mapping", "MutableMapping", "MutableSequence", "MutableSet", "Set")
_MUTABLE = frozenset(
    {
        "collections.Counter", "collections.OrderedDict", "collections.defaultdict", "dict",
        "list", "set", "numpy.ndarray", "numpy.typing.NDArray", "pandas.DataFrame",
        "polars.DataFrame", "torch.FloatTensor", "torch.Tensor",
        *(f"{module}.{name}" for module in ("typing", "typing_extensions", "collections.abc")
          for name in _CONTAINERS),
    }
)  # fmt: skip
_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def lint(rule: CacheRule, function: Function) -> Iterator[Diagnostic]:
    """Yield what is wrong with a cache on *function*."""
    name, at = f"`{function.name}`", function.at()
    if function.kind in GENERATORS:
        text = f"{name} is a generator: its result can be walked through once"
        yield Diagnostic("MP304", text, at, help="cache a function that returns a list")
    if function.is_disabled:
        return
    for path, _ in function.decorators:
        if path in _DECORATORS:
            text = f"{name} is cached by `{path}` already: results live in two places"
            help = "keep one of them: the decorator knows no `ttl` of the policy"
            here = function.line("it is decorated here")
            yield Diagnostic("MP311", text, at, "warning", help=help, related=here)
    if function.kind in GENERATORS:
        return
    if (awaited := _coroutine(function)) is not None:
        called, node = awaited
        text = f"{name} returns a coroutine, which can be awaited once"
        help = f"put the cache on `{called}`, which is async itself"
        here = function.line("it is made here", node)
        yield Diagnostic("MP306", text, at, help=help, related=here)
        return
    if rule.copy == "none" and (what := _mutable_result(function)):
        text = f"{name} {what}: all callers get the same one, and may change it"
        help = "leave `copy` out: `auto` copies what can be changed"
        yield Diagnostic("MP701", text, function.at("copy"), "warning", help=help)
    if rule.key is None and (named := ", ".join(_without_key(rule, function))):
        text = (
            f"{named} of {name} cannot be told from others by content: calls with it are not cached"
        )
        help = "name what decides the result with `key`, or leave it out with `ignore`"
        yield Diagnostic("MP703", text, at, "warning", help=help)
    if (found := impurity(function)) is not None:
        text = f"{name} {found[0]}: a kept result may be wrong"
        help = "pass it in as an argument, or cache what does not depend on it"
        here = function.line("here", found[1])
        yield Diagnostic("MP704", text, at, "warning", help=help, related=here)


def _coroutine(function: Function) -> tuple[str, ast.Call] | None:
    """Return what a plain function calls for the coroutine that it returns, and the call."""
    returned = function.returned() if function.kind == "function" else ()
    calls = function.calls() if returned else ()
    made = ((name, node) for name, kind, node in calls if kind == "coroutine" and node in returned)
    return next(made, None)


def _mutable_result(function: Function) -> str:
    """Return what a function gives that callers can change; nothing where that is not sure."""
    annotation = function.annotations.get("return")
    if annotation is None:
        makes = any(isinstance(node, _DISPLAYS) for node in function.returned())
        return "returns a list, set or dict that it makes" if makes else ""
    parts = [one.value if isinstance(one, ast.Subscript) else one for one in _parts(annotation)]
    names = {function.annotated_name(part) for part in parts} - {"None"}
    return f"returns `{text_of(annotation)}`" if names and names <= _MUTABLE else ""


def _parts(annotation: ast.expr) -> Iterator[ast.expr]:
    """Yield the parts of `A | B` and `Optional[A]`, written out as text too."""
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from (*_parts(left), *_parts(right))
        case ast.Subscript(
            value=ast.Name(id="Optional") | ast.Attribute(attr="Optional"), slice=inner
        ):
            yield from _parts(inner)
        case ast.Constant(value=str(text)):
            try:
                yield from _parts(ast.parse(text, mode="eval").body)
            except (SyntaxError, ValueError, RecursionError):
                yield annotation
        case _:
            yield annotation


# --- arguments without a key ----------------------------------------------------------

_NAMES = {
    "client", "conn", "connection", "cursor", "engine", "generator", "model", "pipeline", "pool",
    "request", "rng", "session", "socket", "tokenizer", "websocket",
}  # fmt: skip
_CLASSES = {
    "aiohttp.ClientSession", "fastapi.Request", "flask.Request", "httpx.AsyncClient",
    "httpx.Client", "numpy.random.Generator", "random.Random", "redis.Redis", "requests.Session",
    "sqlalchemy.orm.Session", "sqlite3.Connection", "sqlite3.Cursor", "starlette.requests.Request",
    "torch.Generator", "torch.nn.Module", "torch.nn.Sequential", "transformers.PreTrainedModel",
    "transformers.PreTrainedTokenizer", "urllib.request.Request",
}  # fmt: skip
_PLAIN_ATTRIBUTES = frozenset([*dir(str), *dir(dict), *dir(list)])
_KEYED = frozenset(
    {"__eq__", "__hash__", "__struct_fields__", "__attrs_attrs__", "__dataclass_fields__"}
)


def _without_key(rule: CacheRule, function: Function) -> Iterator[str]:
    """Yield the arguments for which no call has a key, so that none is cached."""
    given = (function.parameters or ()) if function.node is not None else ()
    if function.is_method and given and given[0].name in ("self", "cls"):
        given = given[1:]
    ignored = {re.split(r"[.\[]", str(path))[0] for path in rule.ignore}
    for one in given:
        asked = not one.kind.startswith("var_") and one.name not in ignored
        if asked and _has_no_key(one.name, function):
            yield f"`{one.name}`"


def _has_no_key(name: str, function: Function) -> bool:
    """Whether an argument is an object that stands for itself alone, by annotation or by name."""
    annotation = function.annotations.get(name)
    if annotation is None:
        return name in _NAMES and _default_is_open(name, function) and _is_object(name, function)
    return any(
        function.annotated_name(part) in _CLASSES or _is_opaque(function.lineage(part))
        for part in _parts(annotation)
        if isinstance(part, ast.Name | ast.Attribute)
    )


def _is_object(name: str, function: Function) -> bool:
    """Whether the function calls the argument, or asks it for what no text and no dict has."""
    for node in function.nodes():
        match node:
            case ast.Call(func=ast.Name(id=called)) if called == name:
                return True
            case ast.Attribute(value=ast.Name(id=asked), attr=attribute) if asked == name:
                if attribute not in _PLAIN_ATTRIBUTES or (
                    attribute == "get" and name in ("client", "session")
                ):
                    return True
    return False


def _default_is_open(name: str, function: Function) -> bool:
    """Whether no default says that the argument is a text or a number."""
    assert function.node is not None
    given = function.node.args
    positional = reversed([*given.posonlyargs, *given.args])
    defaults = [
        *zip(positional, reversed(given.defaults), strict=False),
        *zip(given.kwonlyargs, given.kw_defaults, strict=True),
    ]
    default = next((default for one, default in defaults if one.arg == name), None)
    return not isinstance(default, ast.Constant) or default.value is None


def _is_opaque(lineage: tuple[ast.ClassDef | None, ...]) -> bool:
    """Whether instances are plain objects: nothing says which of them are equal.

    The cache asks for fields (dataclasses, named tuples, pydantic, attrs) or members of an enum.
    """
    bound: set[str] = set()
    for node in lineage:
        if node is None or node.keywords or node.decorator_list:
            return False
        bases = (text_of(base).partition("[")[0] for base in node.bases)
        if any(base.endswith(("Protocol", "TypedDict", "NamedTuple", "ABC")) for base in bases):
            return False
        bound.update(getattr(statement, "name", "") for statement in node.body)
        bound.update(name.id for name in ast.walk(node) if isinstance(name, ast.Name))
    return "__init__" in bound and bound.isdisjoint(_KEYED)


# --- functions that read the clock, or chance -------------------------------------------

_OF_NOW = frozenset({"time.localtime", "time.gmtime", "time.ctime"})
"""Without an argument they speak of the present, with one of that moment."""
_CLOCK = _OF_NOW | {
    "time.time", "time.time_ns", "datetime.datetime.now", "datetime.datetime.utcnow",
    "datetime.datetime.today", "datetime.date.today", "pandas.Timestamp.now",
    "pandas.Timestamp.utcnow",
}  # fmt: skip
_RANDOM = {
    "os": "urandom",
    "uuid": "uuid1 uuid4",
    "secrets": "choice randbelow randbits token_bytes token_hex token_urlsafe",
    "random": "random randint randrange uniform gauss choice choices sample shuffle getrandbits "
    "normalvariate expovariate betavariate",
    "numpy.random": "rand randn randint random choice normal uniform permutation shuffle",
    "torch": "rand randn randint randperm",
}
_CHANCE = {f"{module}.{name}" for module, names in _RANDOM.items() for name in names.split()}
_DOUBTFUL = _CLOCK | _CHANCE
_SEEDS = frozenset({"random.seed", "numpy.random.seed", "torch.manual_seed"})
_FILLING = ("shuffle", "append", "extend", "add", "update", "insert")
"""What changes an argument though nobody takes its result."""


def impurity(function: Function) -> tuple[str, ast.Call] | None:
    """Return what the result of *function* depends on besides its arguments, and the call."""
    calls = [node for node in function.nodes() if isinstance(node, ast.Call)]
    calls.sort(key=lambda node: (node.lineno, node.col_offset))
    named = {node: function.name_of(node.func) for node in calls}
    clocks = {node for node, name in named.items() if name in _CLOCK}
    if not _SEEDS.isdisjoint(named.values()):
        return None
    asides = _asides(function, named)
    if _measures_time(function, clocks):
        asides |= clocks
    for node, name in named.items():
        if name not in _DOUBTFUL or node in asides or (name in _OF_NOW and node.args):
            continue
        if all(keyword.arg != "generator" for keyword in node.keywords):
            what = "reads the clock" if node in clocks else "depends on chance"
            return f"{what} (`{name}`)", node
    return None


def _measures_time(function: Function, clocks: set[ast.Call]) -> bool:
    """Whether the clock is only read to tell how long something takes, or whether to go on."""
    for node in function.nodes() if len(clocks) > 1 else ():
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and node.left in clocks:
            return True
        if isinstance(node, ast.While) and not clocks.isdisjoint(ast.walk(node.test)):
            return True
    return False


def _asides(function: Function, named: dict[ast.Call, str]) -> set[ast.AST]:
    """Return the nodes that do not make the result: in conditions, and in what is only reported.

    `if random() < 0.01: log(...)` and `log(time())` leave it as it is.
    """
    inside: set[ast.AST] = set()
    for node in function.nodes():
        if isinstance(node, ast.If):
            if not any(isinstance(part, ast.Return) for part in ast.walk(node)):
                inside.update(ast.walk(node.test))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name = named[node.value]
            inside.update(() if name.rpartition(".")[2] in _FILLING else ast.walk(node))
    return inside
