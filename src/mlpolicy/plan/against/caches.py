"""Functions whose results a cache should not hand out, and arguments that are no key."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.site import GENERATORS, Parameter
from mlpolicy.plan.against import annotated, moods
from mlpolicy.plan.against.about import About, at, line_of
from mlpolicy.plan.against.arguments import heads
from mlpolicy.plan.plan import PlannedRule
from mlpolicy.plan.survey.body import Body
from mlpolicy.plan.survey.classes import Ancestor, Foreign
from mlpolicy.plan.survey.functions import full_name
from mlpolicy.plan.survey.plain import text_of

_MUTABLE = frozenset({"mapping", "sequence", "set", "ndarray", "tensor", "dataframe"})
_FIXED = ("tuple", "Tuple", "frozenset", "FrozenSet", "typing.Tuple", "typing.FrozenSet")
_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def look(about: About) -> Iterator[Diagnostic]:
    """Yield what is wrong with a cache on the function."""
    rule = about.plan.rule("cache")
    if rule is None:
        return
    if about.looked.kind in GENERATORS:
        yield Diagnostic(
            "MP304",
            f"`{about.target}` is a generator: its result can be walked through once",
            rule.source,
            help="cache a function that returns a list",
        )
        return
    rule, body = about.rule("cache"), about.body
    if rule is None or body is None:
        return
    hidden = _hides_coroutine(about, rule, body)
    if hidden is not None:
        yield hidden
        return
    yield from _shared(about, rule, body)
    yield from _without_key(about, rule, body)
    yield from _moody(about, rule, body)


def _hides_coroutine(about: About, rule: PlannedRule, body: Body) -> Diagnostic | None:
    """Return the finding for a plain function that hands out what an async one gives."""
    if about.looked.kind != "function":
        return None
    for node in body.returned:
        called = body.called(node)
        if called is not None and called.kind == "coroutine":
            return Diagnostic(
                "MP306",
                f"`{about.target}` returns a coroutine, which can be awaited once",
                rule.source,
                help=f"put the cache on `{called.target}`, which is async itself",
                related=(line_of("it is made here", body.module.shown, node.lineno),),
            )
    return None


def _shared(about: About, rule: PlannedRule, body: Body) -> Iterator[Diagnostic]:
    """Yield a result that callers share and can change."""
    if rule.rule.copy != "none":
        return
    what = _mutable(body)
    if what:
        yield Diagnostic(
            "MP701",
            f"`{about.target}` {what}: all callers get the same one, and may change it",
            at(rule, "copy"),
            "warning",
            help="leave `copy` out: `auto` copies what can be changed",
        )


def _mutable(body: Body) -> str:
    annotation = body.annotation
    held = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    if held is not None and full_name(held, body.scope) in _FIXED:
        return ""
    found = annotated.sorts(annotation, body) or frozenset()
    if found and found - {"null"} <= _MUTABLE:
        return f"returns `{ast.unparse(annotation)}`" if annotation else ""
    if annotation is None and any(isinstance(one, _DISPLAYS) for one in body.returned):
        return "returns a list, set or dict that it makes"
    return ""


# --- arguments without a key ----------------------------------------------------------

_NAMES = frozenset(
    {
        "client", "conn", "connection", "cursor", "engine", "generator", "model", "pipeline",
        "pool", "request", "rng", "session", "socket", "tokenizer", "websocket",
    }
)  # fmt: skip
_CLASSES = frozenset(
    {
        "aiohttp.ClientSession", "fastapi.Request", "flask.Request", "httpx.AsyncClient",
        "httpx.Client", "numpy.random.Generator", "random.Random", "redis.Redis",
        "requests.Session", "sqlalchemy.orm.Session", "sqlite3.Connection", "sqlite3.Cursor",
        "starlette.requests.Request", "torch.Generator", "torch.nn.Module", "torch.nn.Sequential",
        "transformers.PreTrainedModel", "transformers.PreTrainedTokenizer",
        "urllib.request.Request",
    }
)  # fmt: skip


def _without_key(about: About, rule: PlannedRule, body: Body) -> Iterator[Diagnostic]:
    """Yield the arguments for which no call has a key, so that none is cached."""
    if rule.rule.key is not None:
        return
    ignored = set(heads(rule.rule.ignore))
    parameters = about.looked.parameters or ()
    given = parameters[1:] if about.looked.is_method and _bound(parameters) else parameters
    found = [
        one.name
        for one in given
        if one.name not in ignored
        and not one.kind.startswith("var_")
        and _has_no_key(one.name, body)
    ]
    if found:
        listed = ", ".join(f"`{name}`" for name in found)
        yield Diagnostic(
            "MP703",
            f"{listed} of `{about.target}` cannot be told from others by content: "
            "calls with it are not cached",
            rule.source,
            "warning",
            help="name what decides the result with `key`, or leave it out with `ignore`",
        )


def _bound(parameters: tuple[Parameter, ...]) -> bool:
    return bool(parameters) and parameters[0].name in ("self", "cls")


def _has_no_key(name: str, body: Body) -> bool:
    """Whether an argument is an object that stands for itself alone, by annotation or by name."""
    written = body.parameters.get(name)
    annotation = written.annotation if written is not None else None
    if annotation is None:
        return name in _NAMES and _default_is_open(name, body) and _is_object(name, body)
    for one in _parts(annotation):
        lineage = body.lineage_of(one)
        if full_name(one, body.scope) in _CLASSES or _is_opaque(lineage):
            return True
    return False


_OF_PLAIN = frozenset([*dir(str), *dir(dict), *dir(list)])


def _is_object(name: str, body: Body) -> bool:
    """Whether the function calls the argument, or asks it for what no text and no dict has."""
    for one in body.own:
        match one:
            case ast.Call(func=ast.Name(id=called)) if called == name:
                return True
            case ast.Attribute(value=ast.Name(id=asked), attr=attr) if asked == name:
                if attr not in _OF_PLAIN or (attr == "get" and name in ("client", "session")):
                    return True
    return False


def _default_is_open(name: str, body: Body) -> bool:
    """Whether no default says that the argument is a text or a number."""
    given = body.node.args
    positional = [*given.posonlyargs, *given.args]
    defaults = dict(
        zip((one.arg for one in reversed(positional)), reversed(given.defaults), strict=False)
    )
    defaults |= {
        one.arg: value
        for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True)
        if value is not None
    }
    default = defaults.get(name)
    return not isinstance(default, ast.Constant) or default.value is None


def _parts(annotation: ast.expr) -> Iterator[ast.expr]:
    """Yield the classes of `A`, `A | None`, `Optional[A]` and the texts of these."""
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from (*_parts(left), *_parts(right))
        case ast.Subscript(
            value=ast.Name(id="Optional") | ast.Attribute(attr="Optional"), slice=inner
        ):
            yield from _parts(inner)
        case ast.Name() | ast.Attribute():
            yield annotation
        case ast.Constant():
            text = text_of(annotation)
            try:
                yield from _parts(ast.parse(text, mode="eval").body) if text else ()
            except (SyntaxError, ValueError, RecursionError):
                return


_KEYED = frozenset(
    {"__eq__", "__hash__", "__struct_fields__", "__attrs_attrs__", "__dataclass_fields__"}
)


def _is_opaque(lineage: tuple[Ancestor, ...]) -> bool:
    """Whether instances are plain objects: nothing says which of them are equal.

    The cache asks for fields (dataclasses, named tuples, pydantic, attrs) or members of an enum.
    """
    if not lineage:
        return False
    for one in lineage:
        if isinstance(one, Foreign) or one.node.keywords or one.node.decorator_list:
            return False
        if any(name in _KEYED for name in one.body.bindings) or _is_interface(one.node):
            return False
    return any("__init__" in one.body.bindings for one in lineage if not isinstance(one, Foreign))


def _is_interface(node: ast.ClassDef) -> bool:
    names = (ast.unparse(base).partition("[")[0] for base in node.bases)
    return any(name.endswith(("Protocol", "TypedDict", "NamedTuple", "ABC")) for name in names)


def _moody(about: About, rule: PlannedRule, body: Body) -> Iterator[Diagnostic]:
    """Yield a function whose result depends on more than its arguments."""
    found = moods.found(body)
    if found is not None:
        what, line = found
        yield Diagnostic(
            "MP704",
            f"`{about.target}` {what}: a kept result may be wrong",
            rule.source,
            "warning",
            help="pass it in as an argument, or cache what does not depend on it",
            related=(line_of("here", body.module.shown, line),),
        )
