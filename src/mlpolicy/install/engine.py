"""One installed policy: it places what it names, as modules come, and takes it off again."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Iterable
from types import CodeType, FunctionType, ModuleType

from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import say_once
from mlpolicy.core.step import Step
from mlpolicy.core.target import Target
from mlpolicy.install import registry
from mlpolicy.install.finder import Finder
from mlpolicy.install.frames import looks_at_caller
from mlpolicy.install.globbed import public_functions
from mlpolicy.install.outer import NotWrappable, replace, stand_in
from mlpolicy.install.seek import LOCALS, Found, NotFound, find
from mlpolicy.install.status import STATES, Placed, count
from mlpolicy.install.tree import rewrite
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import Driver, from_code, twin_of


class Engine:
    """Places the drivers of one rulebook in this process."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.placed: dict[str, Placed] = {}
        self._finder = Finder(self)
        self._lock = threading.RLock()
        self._done: dict[str, weakref.ref[ModuleType]] = {}
        self._unfinished = False
        self._steps: dict[str, list[Step]] = {}
        for target in rulebook.exact:
            plan = rulebook.plan(target)
            if plan is not None:
                self.placed[str(target)] = Placed(target, plan)

    # --- life -------------------------------------------------------------------------

    def start(self, earlier: Engine | None = None) -> None:
        """Take the place of *earlier*: watch imports, place what is imported already."""
        if earlier is not None:
            self._steps_of_earlier = earlier._steps
            earlier.stop(keep=True)
        for state in STATES:
            METERS.gauge(
                "mlpolicy_targets",
                "Targets of the policy by what became of them.",
                lambda state=state: count(self.placed.values(), state),  # type: ignore[misc]
                state=state,
            )
        sys.meta_path.insert(0, self._finder)
        self.sweep()

    _steps_of_earlier: dict[str, list[Step]] = {}  # noqa: RUF012 (empty, replaced, never filled)

    def stop(self, *, keep: bool = False) -> None:
        """Give every function its own code back; steps stay open where *keep* hands them on."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        with self._lock:
            for placed in self.placed.values():
                if keep:
                    placed.driver = None
                placed.remove()
        registry.clear_trees()

    # --- what the finder asks ---------------------------------------------------------

    def concerns(self, top: str) -> bool:
        """Whether a policy may name a module of the top-level package *top*."""
        return top in self.rulebook.tops

    def wants(self, module: str) -> bool:
        """Whether a policy may name a function of *module*."""
        return self.rulebook.wants(module)

    def saw_import(self) -> None:
        """Look for modules that came in without us, and step to the front again."""
        if sys.meta_path and sys.meta_path[0] is not self._finder:
            self._to_front()
            self.sweep()
        elif self._unfinished:
            self.sweep()

    def _to_front(self) -> None:
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
            sys.meta_path.insert(0, self._finder)

    def sweep(self) -> None:
        """Place what is wanted of every module that is imported already."""
        self._unfinished = False
        for name, module in list(sys.modules.items()):
            top = name.partition(".")[0]
            if not isinstance(module, ModuleType) or not self.concerns(top):
                continue
            if self.wants(name) and not self._is_done(name, module):
                spec = getattr(module, "__spec__", None)
                if getattr(spec, "_initializing", False):
                    self._unfinished = True
                else:
                    self.loaded(module)

    def _is_done(self, name: str, module: ModuleType) -> bool:
        reference = self._done.get(name)
        return reference is not None and reference() is module

    # --- placing ----------------------------------------------------------------------

    def code(self, module: str, code: CodeType) -> CodeType:
        """Return the code of *module* with a driver in place of every exact target."""
        wanted = {one.qualname: one for one in self.rulebook.exact_in(module)}
        if not wanted:
            return code

        def replacement(qualname: str, inner: CodeType) -> CodeType | None:
            target = wanted.get(qualname)
            placed = self.placed.get(str(target)) if target else None
            if placed is None or placed.plan.placement == "outer" or not inner.co_flags & 0x02:
                return None
            driver = from_code(inner, self._steps_for(placed, inner), target=str(target))
            placed.state, placed.placement, placed.driver = "applied", "tree", driver
            registry.stands_for(driver.code, inner)
            return driver.code

        return rewrite(code, replacement)

    def loaded(self, module: ModuleType) -> None:
        """Place what policies say of *module*."""
        name = module.__name__
        self._done[name] = weakref.ref(module)
        for target in self.rulebook.exact_in(name):
            placed = self.placed.get(str(target))
            if placed is not None:
                self._place_exact(module, placed)
        if self.rulebook.globbed(name):
            self._place_globbed(module)

    def _place_globbed(self, module: ModuleType) -> None:
        for qualname, function in public_functions(module):
            target = Target(module.__name__, qualname)
            if str(target) in self.placed and self.placed[str(target)].plan.exact:
                continue
            plan = self.rulebook.plan(target)
            if plan is None or not plan.rules:
                continue
            placed = self.placed.setdefault(str(target), Placed(target, plan))
            if looks_at_caller(registry.own_code(function.__code__)):
                placed.state, placed.detail = "skipped", "looks at its caller"
                continue
            self._try(placed, lambda: self._inner(placed, (function,)))  # noqa: B023 (run at once)

    def _place_exact(self, module: ModuleType, placed: Placed) -> None:
        try:
            found = find(module, placed.target.qualname)
        except NotFound as error:
            placed.state, placed.detail = "missing", str(error)
            say_once(
                f"missing:{placed.target}",
                f"{placed.target} is named by the policy "
                f"({placed.plan.sources[0] if placed.plan.sources else ''}) but {error}",
            )
            return
        self._try(placed, lambda: self._place_found(placed, found))

    def _place_found(self, placed: Placed, found: Found) -> None:
        inner = bool(found.functions) and not found.inherited
        if placed.plan.placement == "outer" or (not inner and LOCALS not in placed.target.qualname):
            self._outer(placed, found)
            return
        if any(looks_at_caller(registry.own_code(one.__code__)) for one in found.functions):
            say_once(f"frame:{placed.target}", f"{placed.target} looks at its caller: a driver is one frame more")
        self._inner(placed, found.functions)

    def _try(self, placed: Placed, work: object) -> None:
        try:
            work()  # type: ignore[operator]  # a closure of ours
        except NotWrappable as error:
            placed.state, placed.detail = "unwrappable", str(error)
            say_once(f"unwrappable:{placed.target}", f"{placed.target}: {error}")
        except Exception as error:  # noqa: BLE001 (a bug of ours must not break the import)
            placed.state, placed.detail = "error", f"{type(error).__name__}: {error}"
            say_once(f"error:{placed.target}", f"{placed.target} could not be placed: {error}", error=error)

    def _inner(self, placed: Placed, functions: Iterable[FunctionType]) -> None:
        for function in functions:
            entry = registry.record(function)
            driver = self._driver(placed, entry.own, twin_of(function, entry.own), function)
            registry.swap(function, driver)
            placed.driver = driver
            placed.functions.add(function)
        placed.state, placed.placement = "applied", "inner"

    def _outer(self, placed: Placed, found: Found) -> None:
        forward, original = stand_in(found)
        driver = self._driver(placed, forward.__code__, original, forward)
        forward.__code__ = driver.code
        replace(found, forward)
        placed.driver, placed.outer = driver, found
        placed.state, placed.placement = "applied", "outer"

    def _driver(
        self, placed: Placed, code: CodeType, twin: object, function: FunctionType
    ) -> Driver:
        found = self._steps_for(placed, code, function)
        return from_code(code, found, target=str(placed.target), twin=twin)

    def _steps_for(
        self, placed: Placed, code: CodeType, function: FunctionType | None = None
    ) -> list[Step]:
        """Return the steps of a target: one set for all the functions that bear its name."""
        name = str(placed.target)
        with self._lock:
            if name not in self._steps:
                made = steps(placed.plan, code, function)
                for step in made:
                    for old in self._steps_of_earlier.get(name, ()):
                        if old.kind == step.kind:
                            step.inherit(old)
                self._steps[name] = made
            return self._steps[name]


def plan_of(engine: Engine, target: Target) -> Plan | None:
    """Return the plan of *target* under *engine*."""
    return engine.rulebook.plan(target)
