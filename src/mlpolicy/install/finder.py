"""The import hook: modules that a policy names are placed as they are imported."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Callable, Sequence
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from mlpolicy.core.classes import members
from mlpolicy.core.report import guarded, say_once, words

if TYPE_CHECKING:
    from mlpolicy.install.engine import Engine

_STANDARD_EXEC = importlib.machinery.SourceFileLoader.exec_module


class Finder(importlib.abc.MetaPathFinder):
    """Stands first among the finders; lets all others find, and watches what they load."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._busy = threading.local()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec that the other finders give, with a loader that tells the engine."""
        if not self._engine.concerns(name.partition(".")[0]):
            self._engine.saw_import()
            return None
        if not self._engine.wants(name) or name in self._asked():
            return None
        self._asked().add(name)
        try:
            spec = self._ask_others(name, path, target)
        finally:
            self._asked().discard(name)
        real: Any = spec.loader if spec is not None else None
        kind: type = type(real)
        if kind is importlib.util.LazyLoader:  # it must stay lazy: what it defers is watched
            real.loader = Watched(real.loader, self._engine)
        elif hasattr(real, "exec_module"):
            spec.loader = Watched(real, self._engine)  # type: ignore[union-attr]  # (it has one)
        elif real is not None:  # (a loader of old times: what it makes is looked for later)
            self._engine.unfinished = True
        return spec

    def defers(self, module: ModuleType) -> bool:
        """Watch *module* if it is yet to be executed, on first use; return whether it is."""
        if type(module) is not importlib.util._LazyModule:  # type: ignore[attr-defined]  # (private)
            return False
        spec: Any = members(module)["__spec__"]
        if type(spec.loader) is not Watched:
            spec.loader = Watched(spec.loader, self._engine)
        return True

    def _asked(self) -> set[str]:
        names: set[str] = self._busy.__dict__.setdefault("names", set())
        return names

    def _ask_others(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> importlib.machinery.ModuleSpec | None:
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: importlib.machinery.ModuleSpec | None = find(name, path, target)
            if spec is not None:
                return spec
        return None


class Watched(importlib.abc.Loader):
    """Stands in for a module's loader until the module runs, then hands the real one back."""

    def __init__(self, real: Any, engine: Engine) -> None:
        self._real = real
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Make the module as the real loader makes it."""
        create = getattr(self._real, "create_module", None)
        return create(spec) if create is not None else None

    def get_code(self, name: str) -> CodeType | None:
        """Return the module's code with drivers in it; `runpy` runs what it gets here."""
        code: CodeType | None = self._real.get_code(name)
        if code is None:
            return None
        placed: CodeType = _safely(lambda: self._engine.code(name, code, as_main=True), code)
        return placed

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, drivers in it from its first line; then place what remains."""
        module.__loader__ = self._real
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        name, depth = module.__name__, _running.depth
        _running.depth = depth + 1
        try:
            if not self._run_rewritten(module):
                self._real.exec_module(module)
            _safely(lambda: self._engine.loaded(module, name), None)
        finally:
            _running.depth = depth
        if not depth:
            _safely(self._engine.settled, None)

    def _run_rewritten(self, module: ModuleType) -> bool:
        """Run the module ourselves where its loader would do just that, with other code."""
        if getattr(type(self._real), "exec_module", None) is not _STANDARD_EXEC:
            return False
        code: CodeType | None = self._real.get_code(module.__name__)
        if code is None:
            return False
        placed = _safely(lambda: self._engine.code(module.__name__, code), code)
        exec(placed, module.__dict__)  # noqa: S102 (as the real loader does with its code)
        return True


class _Running(threading.local):
    depth = 0
    """How many watched modules this thread is executing, one within another."""


_running = _Running()


def _safely(work: Callable[[], Any], otherwise: Any) -> Any:
    """An error of ours is reported and never breaks the user's import."""
    results = [otherwise]

    def failed(error: Exception) -> None:
        say_once("import", f"placing failed: {words(error)}", error=error)

    guarded(lambda: results.append(work()), failed)
    return results[-1]
