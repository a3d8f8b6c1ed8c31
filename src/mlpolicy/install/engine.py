"""One installed policy: it places what it names, as modules come, and takes it off again."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from time import perf_counter
from types import CodeType, FunctionType, ModuleType

from mlpolicy.core.facts import Facts
from mlpolicy.core.metrics import METERS
from mlpolicy.core.program import MAIN, module_to_run, names, names_of
from mlpolicy.core.report import say_once
from mlpolicy.core.target import LOCALS, Target
from mlpolicy.install import registry
from mlpolicy.install.bootstrap import SCRIPT
from mlpolicy.install.dispatch import govern_implementations
from mlpolicy.install.facts import facts_of
from mlpolicy.install.finder import Finder
from mlpolicy.install.follow import follow
from mlpolicy.install.frames import Frames, looks_at_caller
from mlpolicy.install.globbed import may_take, named_in_code, public_functions
from mlpolicy.install.outer import NotWrappable, behind_ours
from mlpolicy.install.placing import Placing
from mlpolicy.install.seek import Found, NotFound, aliased, enclosing, find
from mlpolicy.install.status import Placed, State, count, meter, unmeter
from mlpolicy.install.tree import Tree
from mlpolicy.install.uncollected import Uncollected
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.rules import show

_SPAWN = "multiprocessing.spawn"


class Engine:
    """Places the drivers of one rulebook in this process."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self._known: dict[str, Placed] = {}
        self.passed_over: dict[str, str] = {}
        """Modules that a pattern covers and may not take, and why."""
        self._placing = Placing(
            closed=rulebook.settings.on_engine_error == "closed", rulebook=rulebook
        )
        self.finder = Finder(self)
        self._done: dict[str, weakref.ref[ModuleType]] = {}
        self._below = _below(rulebook.exact)
        of_main = MAIN in rulebook.tops
        self._of_script = of_main or SCRIPT in os.environ
        """Whether the program that runs as `__main__` is looked at, in what it spawns too."""
        self._to_run = module_to_run() if of_main else ""
        self._of_program = (MAIN, "multiprocessing", self._to_run.partition(".")[0])
        self._unfinished = False
        self.spent = 0.0
        """Seconds that placing has taken."""

    @property
    def placed(self) -> dict[str, Placed]:
        """Every target that a policy names, and every function that a pattern took, by target."""
        for target in self.rulebook.exact:
            self._know(target)
        return dict(self._known)

    def count(self, state: State) -> int:
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
            known = self._known.setdefault(str(target), Placed(target, plan))
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
        """Take the place of *earlier*: watch imports, place what is imported already.

        What *earlier* placed stands until something else stands there: no call goes bare.
        """
        me = weakref.ref(self)
        meter(lambda state: engine.count(state) if (engine := me()) else 0.0)
        METERS.prepare = self._placing.first_calls.prepare
        show()  # (what it imports is not yet looked at)
        sys.meta_path.insert(0, self.finder)
        if earlier is not None:
            self._placing.take_over(earlier._placing)
            earlier._leave_finders()
        self.sweep()
        if earlier is not None:
            earlier._retire()

    def _leave_finders(self) -> None:
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)

    def _retire(self) -> None:
        """Take away everything of ours that no other engine has replaced."""
        self._placing.stop()
        for placed in list(self._known.values()):
            placed.restore()
            placed.take_off()
            placed.driver = None
        registry.clear_stand_ins(self)
        if METERS.prepare == self._placing.first_calls.prepare:
            METERS.prepare = None
        self._placing.close()

    def stop(self) -> None:
        """Give every function its own code back."""
        self._leave_finders()
        self._retire()
        unmeter()

    def weave(self) -> None:
        """Weave every driver that yet waits for a call: what cannot be woven is then known."""
        self._placing.first_calls.weave_all()

    # --- what the finder asks ---------------------------------------------------------

    def concerns(self, top: str) -> bool:
        """Whether a policy may name a module of the top-level package *top*."""
        return top in self.rulebook.tops or (self._of_script and top in self._of_program)

    def wants(self, module: str) -> bool:
        """Whether a policy may name a function of *module*."""
        if self._of_script and module in (MAIN, _SPAWN):
            return True
        to_run = self._to_run and module in (self._to_run, f"{self._to_run}.{MAIN}")
        return bool(to_run) or module in self._below or self.rulebook.wants(module)

    def saw_import(self) -> None:
        """Look for modules that came in without us, and step to the front again."""
        show()
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
                    self.loaded(module, name)

    def _is_done(self, name: str, module: ModuleType) -> bool:
        reference = self._done.get(name)
        return reference is not None and reference() is module

    # --- placing ----------------------------------------------------------------------

    def code(self, module: str, code: CodeType, *, as_main: bool = False) -> CodeType:
        """Return the code of *module* with a driver in place of every exact target."""
        self._of_script |= module == MAIN
        called = names_of(module) if module == MAIN else (MAIN, module) if as_main else (module,)
        exact = [one for name in reversed(called) for one in self.rulebook.exact_in(name)]
        wanted = {one.qualname: one for one in exact}
        for name in filter(self.rulebook.globbed, called if as_main else ()):
            for each in map(partial(Target, name), named_in_code(code)):
                if each.qualname not in wanted and self._know(each) is not None:
                    wanted[each.qualname] = each
        return self._tree(wanted, lasting=as_main).rewrite(code) if wanted else code

    def _tree(self, wanted: dict[str, Target], *, lasting: bool = True) -> Tree:
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
            return self._placing.early(placed, code, lasting=lasting or LOCALS in qualname)

        return Tree(make, self)

    def loaded(self, module: ModuleType, name: str = "") -> None:
        """Place what policies say of *module*, which is known as *name*."""
        name = name or module.__name__
        began = perf_counter()
        try:
            with Uncollected():
                self._place(module, name)
                for one in filter(self.rulebook.wants, names() if name == MAIN else ()):
                    self._place(module, one)
            for alias in self._below.get(name, ()):
                found = aliased(alias)
                if found is not None and not self._is_done(alias, found):
                    self._place(found, alias)
            if name == _SPAWN and self._of_script:
                # It runs the script's file where no finder sees it.
                function = getattr(module, "_fixup_main_from_path", None)
                if isinstance(function, FunctionType):
                    follow(self._placing, function, self.sweep)
        finally:
            self.spent += perf_counter() - began

    def _place(self, module: ModuleType, name: str) -> None:
        # No lock is held: what is looked at runs the user's code, which may import.
        of_main = module is sys.modules.get(MAIN)
        self._done[MAIN if of_main else name] = weakref.ref(module)
        exact = [self._know(target) for target in self.rulebook.exact_in(name)]
        within = [one for one in exact if one and LOCALS in one.target.qualname]
        if within:
            self._place_within(module, [one for one in within if one.plan.active])
        for placed in exact:
            if placed is not None and placed.state != "excluded":
                self._try(placed, partial(self._place_exact, module, placed))
        if self.rulebook.globbed(name):
            self._place_globbed(module, name)

    def adopt(self, target: Target, function: FunctionType) -> None:
        """Place what policies say of a *function* that a decorator was just put on.

        One of a module that is still being imported is placed when that is done, which of the
        program itself nobody sees.
        """
        module = sys.modules.get(target.module)
        called = [Target(name, target.qualname) for name in names_of(target.module)]
        target = next((one for one in called if self._know(one)), target)
        done = len(called) > 1 or (module and self._is_done(target.module, module))
        if LOCALS not in target.qualname and not done:
            return
        asks = self.rulebook.asks(target)
        placed = self._know(target, facts_of(target, function, (function,)) if asks else None)
        if placed is not None and placed.plan.rules:
            self._try(placed, partial(self._placing.inner, placed, (function,)))

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

    def _place_globbed(self, module: ModuleType, name: str) -> None:
        why_not = may_take(module, self.rulebook.settings.packages)
        if why_not:
            self.passed_over[name] = why_not
            say_once(f"glob:{why_not}", f"{name} is covered by a pattern, but {why_not}")
            return
        frames = Frames(module)
        for qualname, function, raw in public_functions(module):
            target = Target(name, qualname)
            asks = self.rulebook.asks(target)
            facts = facts_of(target, function, (function,)) if asks else None
            placed = self._know(target, facts)
            if placed is None or placed.plan.exact or not placed.plan.rules:
                continue
            if not placed.plan.active and not registry.decorated(function):
                placed.leave()
                continue
            if frames.show(function, qualname):
                placed.skip()
                continue
            self._try(placed, partial(self._place_inner, placed, (function,), raw))

    def _place_inner(
        self, placed: Placed, functions: tuple[FunctionType, ...], raw: object
    ) -> None:
        self._placing.inner(placed, functions)
        govern_implementations(self._placing, placed, raw)

    def _place_exact(self, module: ModuleType, placed: Placed) -> None:
        try:
            found = behind_ours(find(module, placed.target.qualname))
        except NotFound as error:
            if module is sys.modules.get(MAIN):
                return  # the program has only begun
            placed.state, placed.detail = "missing", str(error)
            where = placed.plan.sources[0] if placed.plan.sources else "the policy"
            say_once(
                f"missing:{placed.target}", f"{where}: {placed.target} does not exist: {error}"
            )
            return
        self._learn(placed, found.raw, found.functions)
        if placed.plan.active or any(map(registry.decorated, found.functions)):
            self._place_found(placed, found, Frames(module))
        elif placed.plan.rules:
            placed.leave()

    def _place_found(self, placed: Placed, found: Found, frames: Frames) -> None:
        if LOCALS in placed.target.qualname and not found.functions:
            if placed.makers or placed.state == "applied":
                placed.state, placed.placement = "applied", "tree"
            else:
                placed.state, placed.detail = "missing", "no function makes one of that name"
            return
        inner = bool(found.functions) and not found.inherited
        if placed.plan.placement == "inner" and not inner:
            raise NotWrappable("it has no Python code of its own; leave `placement: inner` out")
        if placed.plan.placement == "outer" or not inner:
            self._placing.outer(placed, found)
            return
        if any(frames.show(one, placed.target.qualname) for one in found.functions):
            placed.detail = "looks at its caller, and sees the driver: it is one frame more"
            say_once(f"frame:{placed.target}", f"{placed.target} {placed.detail}")
        self._place_inner(placed, found.functions, found.raw)
        _spare_setters(found)

    def _try(self, placed: Placed, work: Callable[[], None]) -> None:
        try:
            work()
        except NotWrappable as error:
            placed.state, placed.detail = "unwrappable", str(error)
            say_once(f"unwrappable:{placed.target}", f"{placed.target}: {error}")
        except Exception as error:  # noqa: BLE001 (a bug of ours must not break the import)
            placed.fail(error)


def _below(targets: Iterable[Target]) -> dict[str, tuple[str, ...]]:
    """Return the modules of *targets*, by each package that they are below."""
    found: dict[str, tuple[str, ...]] = {}
    for module in dict.fromkeys(target.module for target in targets):
        package = module.rpartition(".")[0]
        while package:
            found[package] = (*found.get(package, ()), module)
            package = package.rpartition(".")[0]
    return found


def _spare_setters(found: Found) -> None:
    """Give the setter and the deleter of a property their code back: they bear the same name."""
    if isinstance(found.raw, property):
        for one in (found.raw.fset, found.raw.fdel):
            if isinstance(one, FunctionType) and one not in found.functions:
                one.__code__ = registry.own_of(one)
