"""One installed policy: it places what it names, as modules come, and takes it off again."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from functools import partial
from time import perf_counter
from types import CodeType, FunctionType, ModuleType

from mlpolicy.core.facts import Facts
from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import say_once
from mlpolicy.core.target import LOCALS, Target
from mlpolicy.install import registry
from mlpolicy.install.facts import facts_of
from mlpolicy.install.finder import Finder
from mlpolicy.install.frames import looks_at_caller
from mlpolicy.install.globbed import may_take, named_in_code, public_functions
from mlpolicy.install.outer import NotWrappable, replace, stand_in
from mlpolicy.install.placing import Placing
from mlpolicy.install.seek import Found, NotFound, enclosing, find
from mlpolicy.install.status import STATES, Placed, State, count
from mlpolicy.install.tree import Tree
from mlpolicy.install.uncollected import Uncollected
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook


class Engine:
    """Places the drivers of one rulebook in this process."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self._known: dict[str, Placed] = {}
        self.passed_over: dict[str, str] = {}
        """Modules that a pattern covers and may not take, and why."""
        self._placing = Placing(closed=rulebook.settings.on_engine_error == "closed")
        self.finder = Finder(self)
        self._lock = threading.RLock()
        self._done: dict[str, weakref.ref[ModuleType]] = {}
        self._unfinished = False
        self.spent = 0.0
        """Seconds that placing has taken."""
        self._trees: set[int] = set()

    @property
    def placed(self) -> dict[str, Placed]:
        """Every target that a policy names, and every function that a pattern took, by target."""
        with self._lock:
            for target in self.rulebook.exact:
                self._know(target)
            return dict(self._known)

    def _count(self, state: State) -> int:
        """Return how many targets are in *state*; those whose module never came are pending."""
        known = list(self._known.values())
        if state != "pending":
            return count(known, state)
        asked = sum(one.plan.exact for one in known)
        return count(known, state) + max(len(self.rulebook.exact) - asked, 0)

    def _know(self, target: Target, facts: Facts | None = None) -> Placed | None:
        """Return what is known of *target*; None where no policy speaks of it."""
        known = self._known.get(str(target))
        if known is None:
            plan = self.rulebook.plan(target, facts) or self._left_out(target)
            if plan is None:
                return None
            known = self._known[str(target)] = Placed(target, plan)
            if not plan.rules and not plan.exact:
                known.state, known.detail = "excluded", f"policy `{plan.policies[0]}` excludes it"
        return known

    def _left_out(self, target: Target) -> Plan | None:
        """Return an empty plan for a target that policies name, and may yet leave out."""
        excluded = self.rulebook.excluded(target)
        if excluded is None and not (target in self.rulebook.exact and self.rulebook.asks(target)):
            return None
        names = (excluded.name,) if excluded else ()
        spans = (excluded.span,) if excluded else ()
        return Plan(target, "enforce", (), policies=names, sources=spans, exact=excluded is None)

    def _learn(self, placed: Placed, raw: object, functions: tuple[FunctionType, ...]) -> None:
        """Plan anew for a function that was found, where policies ask more than its path."""
        if not self.rulebook.asks(placed.target):
            return
        plan = self.rulebook.plan(placed.target, facts_of(placed.target, raw, functions))
        if plan is not None:
            placed.plan = plan
        else:
            placed.state, placed.detail = (
                "excluded",
                "its `match` asks for another sort of function",
            )

    # --- life -------------------------------------------------------------------------

    def start(self, earlier: Engine | None = None) -> None:
        """Take the place of *earlier*: watch imports, place what is imported already."""
        if earlier is not None:
            self._placing.take_over(earlier._placing)
            earlier.withdraw()
        for state in STATES:
            METERS.gauge(
                "mlpolicy_targets",
                "Targets of the policy by what became of them.",
                lambda state=state: self._count(state),  # type: ignore[misc]  # (bound now)
                state=state,
            )
        METERS.prepare = self._placing.first_calls.prepare
        sys.meta_path.insert(0, self.finder)
        self.sweep()
        if earlier is not None:
            earlier.retire()

    def withdraw(self) -> None:
        """Stop watching, and give attributes back; swapped functions keep their drivers yet."""
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
        for placed in list(self._known.values()):
            placed.restore()

    def retire(self) -> None:
        """Take off every driver of ours that no other engine has replaced."""
        with self._lock:
            for placed in list(self._known.values()):
                placed.take_off()
                placed.driver = None
            self._placing.first_calls.take_off()
            registry.clear_stand_ins(self._trees)
            self._placing.close()
            if METERS.prepare == self._placing.first_calls.prepare:
                METERS.prepare = None

    def stop(self) -> None:
        """Give every function its own code back."""
        self.withdraw()
        self.retire()

    def weave(self) -> None:
        """Weave every driver that yet waits for a call: what cannot be woven is then known."""
        self._placing.first_calls.weave_all()

    # --- what the finder asks ---------------------------------------------------------

    def concerns(self, top: str) -> bool:
        """Whether a policy may name a module of the top-level package *top*."""
        return top in self.rulebook.tops

    def wants(self, module: str) -> bool:
        """Whether a policy may name a function of *module*."""
        return self.rulebook.wants(module)

    def saw_import(self) -> None:
        """Look for modules that came in without us, and step to the front again."""
        if sys.meta_path and sys.meta_path[0] is not self.finder:
            self._to_front()
            self.sweep()
        elif self._unfinished:
            self.sweep()

    def _to_front(self) -> None:
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
            sys.meta_path.insert(0, self.finder)

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

    def code(self, module: str, code: CodeType, *, as_main: bool = False) -> CodeType:
        """Return the code of *module* with a driver in place of every exact target."""
        wanted = {one.qualname: one for one in self.rulebook.exact_in(module)}
        if as_main and self.rulebook.globbed(module):
            wanted |= {name: Target(module, name) for name in named_in_code(code)}
        return self._tree(wanted, lasting=as_main).rewrite(code) if wanted else code

    def _tree(self, wanted: dict[str, Target], *, lasting: bool = False) -> Tree:
        def make(qualname: str, code: CodeType) -> CodeType | None:
            target = wanted.get(qualname)
            if target is None or self.rulebook.asks(target):
                return None  # what is asked can be told only once the function exists
            placed = self._know(target)
            if placed is None or not placed.plan.active or placed.plan.placement == "outer":
                return None
            if not placed.plan.exact and looks_at_caller(code):
                placed.skip()
                return None
            placed.state, placed.placement = "applied", "tree"
            lasts = lasting or LOCALS in target.qualname
            return self._placing.early(placed, code, lasting=lasts)

        return Tree(make, self._trees)

    def loaded(self, module: ModuleType) -> None:
        """Place what policies say of *module*."""
        began = perf_counter()
        try:
            with Uncollected():
                self._place(module)
        finally:
            self.spent += perf_counter() - began

    def _place(self, module: ModuleType) -> None:
        name = module.__name__
        with self._lock:
            self._done[name] = weakref.ref(module)
            exact = [self._know(target) for target in self.rulebook.exact_in(name)]
            within = [one for one in exact if one and LOCALS in one.target.qualname]
            if within:
                self._place_within(module, [one for one in within if one.plan.active])
            for placed in exact:
                if placed is not None and placed.state != "excluded":
                    self._place_exact(module, placed)
            if self.rulebook.globbed(name):
                self._place_globbed(module)

    def _place_within(self, module: ModuleType, inner: list[Placed]) -> None:
        """Put drivers into functions that make the functions meant, for those made from now on."""
        wanted = {one.target.qualname: one.target for one in inner}
        for outer in dict.fromkeys(one.target.qualname.partition(f".{LOCALS}")[0] for one in inner):
            for function in enclosing(module, outer):
                own = registry.own_of(function)
                code = self._tree(wanted).rewrite(own)
                if code is not own:
                    registry.rebase(function, code)
                    for one in inner:
                        one.hold_maker(function, code)

    def _place_globbed(self, module: ModuleType) -> None:
        why_not = may_take(module, self.rulebook.settings.packages)
        if why_not:
            self.passed_over[module.__name__] = why_not
            say_once(f"glob:{why_not}", f"{module.__name__} is covered by a pattern, but {why_not}")
            return
        for qualname, function in public_functions(module):
            target = Target(module.__name__, qualname)
            asks = self.rulebook.asks(target)
            facts = facts_of(target, function, (function,)) if asks else None
            placed = self._know(target, facts)
            if placed is None or placed.plan.exact or not placed.plan.rules:
                continue
            if not placed.plan.active:
                placed.leave()
                continue
            if looks_at_caller(registry.own_of(function)):
                placed.skip()
                continue
            self._try(placed, partial(self._placing.inner, placed, (function,)))

    def _place_exact(self, module: ModuleType, placed: Placed) -> None:
        try:
            found = find(module, placed.target.qualname)
        except NotFound as error:
            if module.__name__ == "__main__":
                return  # the program has only begun
            placed.state, placed.detail = "missing", str(error)
            where = placed.plan.sources[0] if placed.plan.sources else "the policy"
            say_once(
                f"missing:{placed.target}", f"{where}: {placed.target} does not exist: {error}"
            )
            return
        self._learn(placed, found.raw, found.functions)
        if placed.plan.active:
            self._try(placed, lambda: self._place_found(placed, found))
        elif placed.plan.rules:
            placed.leave()

    def _place_found(self, placed: Placed, found: Found) -> None:
        if LOCALS in placed.target.qualname and not found.functions:
            if placed.makers or placed.state == "applied":
                placed.state, placed.placement = "applied", "tree"
            else:
                placed.state, placed.detail = "missing", "no function makes one of that name"
            return
        inner = bool(found.functions) and not found.inherited
        if placed.plan.placement == "outer" or not inner:
            self._outer(placed, found)
            return
        if any(looks_at_caller(registry.own_of(one)) for one in found.functions):
            placed.detail = "looks at its caller, and sees the driver: it is one frame more"
            say_once(f"frame:{placed.target}", f"{placed.target} {placed.detail}")
        self._placing.inner(placed, found.functions)
        _spare_setters(found)

    def _outer(self, placed: Placed, found: Found) -> None:
        if placed.plan.placement == "inner":
            raise NotWrappable("it has no Python code of its own; leave `placement: inner` out")
        forward, original = stand_in(found)
        driver = self._placing.driver(placed.plan, forward.__code__, forward, twin=original)
        forward.__code__ = driver.code
        placed.driver, placed.outer = driver, replace(found, forward)
        placed.state, placed.placement = "applied", "outer"

    def _try(self, placed: Placed, work: Callable[[], None]) -> None:
        try:
            work()
        except NotWrappable as error:
            placed.state, placed.detail = "unwrappable", str(error)
            say_once(f"unwrappable:{placed.target}", f"{placed.target}: {error}")
        except Exception as error:  # noqa: BLE001 (a bug of ours must not break the import)
            placed.fail(error)


def _spare_setters(found: Found) -> None:
    """Give the setter and the deleter of a property their code back: they bear the same name."""
    if isinstance(found.raw, property):
        for one in (found.raw.fset, found.raw.fdel):
            if isinstance(one, FunctionType) and one not in found.functions:
                one.__code__ = registry.own_of(one)
