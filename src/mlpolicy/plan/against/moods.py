"""What a function reads besides its arguments: the clock, chance, names that change."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlpolicy.plan.survey.body import Body

_CLOCK = frozenset(
    {
        "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime",
        "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
        "datetime.date.today", "pandas.Timestamp.now", "pandas.Timestamp.utcnow",
    }
)  # fmt: skip
_OF_NOW = frozenset({"time.localtime", "time.gmtime", "time.ctime"})
"""Without an argument they speak of the present, with one of that moment."""
_CHANCE = frozenset(
    {
        "os.urandom", "uuid.uuid1", "uuid.uuid4",
        *(f"secrets.{one}" for one in ("choice", "randbelow", "randbits", "token_bytes",
                                       "token_hex", "token_urlsafe")),
        *(f"random.{one}" for one in ("random", "randint", "randrange", "uniform", "gauss",
                                      "choice", "choices", "sample", "shuffle", "getrandbits",
                                      "normalvariate", "expovariate", "betavariate")),
        *(f"numpy.random.{one}" for one in ("rand", "randn", "randint", "random", "choice",
                                            "normal", "uniform", "permutation", "shuffle")),
        *(f"torch.{one}" for one in ("rand", "randn", "randint", "randperm")),
    }
)  # fmt: skip
_MOODY = frozenset((*_CLOCK, *_CHANCE))
_SEEDS = frozenset({"random.seed", "numpy.random.seed", "torch.manual_seed"})


def found(body: Body) -> tuple[str, int] | None:
    """Return what the result of a function depends on besides its arguments, and the line."""
    named = {one: name for one in _calls(body) for name in [body.name_of(one.func)]}
    if not _SEEDS.isdisjoint(named.values()):
        return None
    if _MOODY.isdisjoint(named.values()):
        return None
    measured, asides = _measured(body, named), _asides(body)
    for node, name in named.items():
        if node in asides or (name in _OF_NOW and node.args):
            continue
        if name in _CLOCK and not measured:
            return f"reads the clock (`{name}`)", node.lineno
        if name in _CHANCE and all(one.arg != "generator" for one in node.keywords):
            return f"depends on chance (`{name}`)", node.lineno
    return None


def _calls(body: Body) -> Iterator[ast.Call]:
    """Yield the calls in a function in the order of its source."""
    each = [one for one in body.own if isinstance(one, ast.Call)]
    yield from sorted(each, key=lambda one: (one.lineno, one.col_offset))


def _measured(body: Body, named: dict[ast.Call, str]) -> bool:
    """Whether the clock is only read to tell how long something takes, or whether to go on."""
    times = {node for node, name in named.items() if name in _CLOCK}
    for one in body.own if len(times) > 1 else ():
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Sub) and one.left in times:
            return True
        if isinstance(one, ast.While) and any(part in times for part in ast.walk(one.test)):
            return True
    return False


def _asides(body: Body) -> set[ast.AST]:
    """Return the calls that do not make the result: in conditions, and in what is only said.

    `if random() < 0.01: log(...)` and `log(time())` leave it as it is.
    """
    inside: set[ast.AST] = set()
    for one in body.own:
        if isinstance(one, ast.If) and not any(
            isinstance(part, ast.Return) for part in ast.walk(one)
        ):
            inside.update(ast.walk(one.test))
        elif _is_said(one, body):
            inside.update(ast.walk(one))
    return inside


def _is_said(node: ast.AST, body: Body) -> bool:
    """Whether *node* is a call whose result nobody takes, and which changes no argument."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    return not _changes_what_it_is_given(body.name_of(node.value.func))


def _changes_what_it_is_given(name: str) -> bool:
    return name.rpartition(".")[2] in ("shuffle", "append", "extend", "add", "update", "insert")
