"""What a function reads besides its arguments: the clock, or chance."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlpolicy.core.function import Function

_OF_NOW = frozenset({"time.localtime", "time.gmtime", "time.ctime"})
"""Without an argument they speak of the present, with one of that moment."""
_CLOCK = _OF_NOW | {
    "time.time", "time.time_ns", "datetime.datetime.now", "datetime.datetime.utcnow",
    "datetime.datetime.today", "datetime.date.today", "pandas.Timestamp.now",
    "pandas.Timestamp.utcnow",
}  # fmt: skip
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
_SEEDS = frozenset({"random.seed", "numpy.random.seed", "torch.manual_seed"})
_FILLING = ("shuffle", "append", "extend", "add", "update", "insert")
"""What changes an argument though nobody takes its result."""


def impurity(function: Function) -> tuple[str, ast.Call] | None:
    """Return what the result of *function* depends on besides its arguments, and the call."""
    calls = [node for node in function.nodes() if isinstance(node, ast.Call)]
    calls.sort(key=lambda node: (node.lineno, node.col_offset))
    named = {node: function.name_of(node.func) for node in calls}
    doubtful = {node: name for node, name in named.items() if name in _CLOCK or name in _CHANCE}
    if not doubtful or not _SEEDS.isdisjoint(named.values()):
        return None
    asides = _asides(function, named)
    clocks = {node for node, name in doubtful.items() if name in _CLOCK}
    if _measures_time(function, clocks):
        asides |= clocks
    for node, name in doubtful.items():
        is_given = (name in _OF_NOW and node.args) or any(
            keyword.arg == "generator" for keyword in node.keywords
        )
        if node not in asides and not is_given:
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


def _asides(function: Function, named: Mapping[ast.Call, str]) -> set[ast.AST]:
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
