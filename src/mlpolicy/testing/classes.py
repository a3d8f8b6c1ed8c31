"""Classes of errors by the names that tests write, and what stands in for code of the service.

Nothing is imported for a name unless that was asked for: a class is the one that the process has
already, or a stand-in of its name whose bases are those in the source.
"""

from __future__ import annotations

import ast
import builtins
import copy
import sys
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Final

from mlpolicy import errors
from mlpolicy.core.allowed import EVERYTHING
from mlpolicy.core.classes import members
from mlpolicy.core.model import finding
from mlpolicy.core.target import Target
from mlpolicy.source import Defined, Dynamic, Missing, NoModule, SourceTree

BUILTINS: Final = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
_DEEPEST: Final = 32
"""Parts of a name."""
ALLOW: Final = "run `mlpolicy test --allow-real`, or `pytest --mlpolicy-allow-real`"
"""How to let tests import and run code of the service."""


class ErrorClasses:
    """Finds the classes of errors that tests name; with *allow_real*, they may be imported."""

    def __init__(self, tree: SourceTree, *, allow_real: bool = False) -> None:
        self._tree, self.allow_real = tree, allow_real
        self._made: dict[str, type[BaseException]] = {}

    def named(self, path: str) -> type[BaseException]:
        """Return the class at the dotted *path*; what is wrong with it is raised as a finding."""
        parts = path.replace(":", ".").split(".")
        found: Any = Missing("it is not a path")
        if self.allow_real:
            try:
                found = EVERYTHING.load(path)
            except Exception as error:  # noqa: BLE001 (an import may raise anything)
                found = Missing(f"{type(error).__name__}: {error}")
        elif len(parts) < _DEEPEST and all(map(str.isidentifier, parts)):
            held = _at_hand(parts)
            found = self._by_source(parts) if held is None else held
        if isinstance(found, type) and issubclass(found, BaseException):
            return found
        if not isinstance(found, Missing):
            raise finding("MP604", f"`{path}` is not an exception")
        text = f"`{path}` cannot be imported: {found.reason}"
        raise finding("MP603", text, meant=found.close_class)

    def raised(self, path: str, cls: type[BaseException]) -> type[BaseException]:
        """Return *cls* as it is raised under *path*: a rule may know it by the name of an import."""
        if cls not in self._made.values():
            return cls
        module, _, name = path.replace(":", ".").rpartition(".")
        alias = self._made.get(f"{module}.{name}") or _stand_in(Target(module, name), [cls])
        return self._made.setdefault(f"{module}.{name}", alias)

    def _by_source(self, parts: list[str]) -> object:
        """Return a stand-in for the class at a path, or what the source has there instead."""
        target = Target(".".join(parts[:-1]), parts[-1])
        looked = self._tree.look_up(target)
        while isinstance(looked, NoModule) and "." in target.module:
            module, _, name = target.module.rpartition(".")
            target = Target(module, f"{name}.{target.qualname}")
            looked = self._tree.look_up(target)
        match looked:
            case Dynamic() | Defined(kind="value", constant=False):
                return _stand_in(target, [])  # only running the code can tell
            case NoModule(component=name):
                return Missing(f"there is no module `{name}`")
            case Missing(close_class=near):
                near = near and f"{target.module}.{near}"
                return Missing(f"`{target.module}` has no `{target.qualname}`", close_class=near)
            case Defined(kind="class", bases=bases):
                is_other = bases is not None and BUILTINS.keys().isdisjoint(bases)
                return looked if is_other else self._of(looked)
        return looked

    def _of(self, cls: Defined) -> type[BaseException]:
        """Return the stand-in for a class of the source, or the class itself if it is at hand."""
        path = f"{cls.home.module}.{cls.home.qualname}"
        if path not in self._made:
            self._made[path] = Exception  # (bases may go in a circle)
            held, bases = _at_hand(path.split(".")), list[type[BaseException]]()
            for base in getattr(cls.node, "bases", ()):
                thing = cls.resolver.meaning(cls.scope, base)
                if isinstance(thing, Defined) and thing.kind == "class":
                    bases.append(self._of(thing))
                elif isinstance(base, ast.Name) and base.id in BUILTINS:
                    bases.append(BUILTINS[base.id])
            is_error = isinstance(held, type) and issubclass(held, BaseException)
            self._made[path] = held if is_error else _stand_in(cls.home, bases)
        return self._made[path]


_WITHOUT_SOURCE: Final = ErrorClasses(SourceTree(()))
CLASSES: ContextVar[ErrorClasses] = ContextVar("CLASSES", default=_WITHOUT_SOURCE)
"""What finds the classes of the file of tests that is being read."""


def _at_hand(parts: list[str]) -> Any:
    """Return what a path leads to in a module that is imported already; no code of it runs."""
    if parts[0] == "mlpolicy":
        return vars(errors).get(parts[-1])
    for end in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:end]))
        if found is not None:
            for name in parts[end:]:
                found = members(found).get(name)
            return found
    return None


def _stand_in(home: Target, bases: list[type[BaseException]]) -> type[BaseException]:
    """Return a class of that name with those *bases*, as many of them as go together."""
    names = {"__module__": home.module, "__qualname__": home.qualname}
    for some in (tuple(bases), tuple(bases[:1])):
        with suppress(TypeError):
            return type(home.qualname.rpartition(".")[2], some or (Exception,), names)
    return Exception


# --- functions ------------------------------------------------------------------------


class NeedsReal(BaseException):
    """A rule wants of a name more than a stand-in has."""


class _StandIn(type):
    """What stands in for a function that a rule calls; for anything more the test has to ask."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NeedsReal(f"a rule uses `{cls.__name__}` itself: {ALLOW}")


def stand_in(path: str, returns: Any = None) -> object:
    """Return what takes the place of the function at *path*: it gives a copy of *returns*."""
    return _StandIn(path, (), {"__new__": lambda *_, **__: copy.deepcopy(returns)})
