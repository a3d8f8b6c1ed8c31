"""One installed policy: it places what it names, as modules come, and takes it off again."""

from __future__ import annotations

import logging
import os
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import perf_counter
from types import CodeType, FunctionType, ModuleType

from mlpolicy.core.classes import is_module, members
from mlpolicy.core.metrics import METERS
from mlpolicy.core.program import MAIN, SCRIPT, module_to_run, names, names_of
from mlpolicy.core.report import guarded, say, say_once, told
from mlpolicy.core.target import LOCALS, Target, modules_below
from mlpolicy.install import lookup, patterns, registry
from mlpolicy.install.hooks import ImportFinder, uncollected
from mlpolicy.install.lookup import Found, NotFound, facts_of, find, own_name
from mlpolicy.install.outer import NotWrappable
from mlpolicy.install.patterns import Frames
from mlpolicy.install.placing import FAILED, STATES, Placed, Placing, State
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.rules import show

_SPAWN = "multiprocessing.spawn"
_TARGETS = "mlpolicy_targets"
_HELP = "Targets of the policy by what became of them."


class Engine:
    """Places the drivers of one rulebook in this process."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self._known: dict[str, Placed] = {}
        self.passed_over: dict[str, str] = {}
        """Modules that a pattern covers and may not take, and why."""
        self.unread: dict[str, str] = {}
        """Modules that could not be looked through, and why."""
        self._said: tuple[str, int] = ("", 0)
        self._placing = Placing(rulebook)
        self.finder = ImportFinder(self)
        self._done: dict[str, weakref.ref[ModuleType]] = {}
        self._below = modules_below(rulebook.exact)
        of_main = MAIN in rulebook.tops
        self._of_script = of_main or SCRIPT in os.environ
        """Whether the program that runs as `__main__` is looked at, in what it spawns too."""
        self._to_run = module_to_run() if of_main else ""
        self.unfinished = False
        """Whether a module was met that has not run yet: the next import looks again."""
        self.spent = 0.0
        """Seconds that placing has taken."""

    @property
    def placed(self) -> dict[str, Placed]:
        """Every target that a policy names, and every function that a pattern took, by target."""
        for target in self.rulebook.exact:
            self._know(target)
        return dict(self._known)

    @property
    def met(self) -> dict[str, Placed]:
        """Every target that was looked for so far, in whatever module has come."""
        return self._known.copy()

    def has_met(self) -> bool:
        """Return whether any target was looked for so far."""
        return bool(self._known)

    def count(self, state: State) -> int:
        """Return how many targets are in *state*; those whose module never came are pending."""
        known = list(self._known.values())
        number = sum(placed.state == state for placed in known)
        if state == "pending":
            number += max(len(self.rulebook.exact) - sum(one.plan.exact for one in known), 0)
        return number

    def _know(self, target: Target, function: FunctionType | None = None) -> Placed | None:
        """Return what is known of *target*; None where no policy speaks of it, or of its *function*."""
        target = self.rulebook.own(target)
        placed = self._known.get(str(target))
        if placed is None:
            asks = self.rulebook.asks(target)
            facts = facts_of(target, function, (function,)) if function and asks else None
            plan = self.rulebook.plan(target, facts) or self.rulebook.left_out(target)
            if plan is None:
                return None
            placed = self._known.setdefault(str(target), Placed(target, plan))
            if not plan.rules and not plan.exact:
                placed.become("excluded", f"policy `{plan.policies[0]}` excludes it")
        return placed

    def start(self, earlier: Engine | None = None) -> None:
        """Take the place of *earlier*: watch imports, place what is imported already.

        First all drivers are made, then each replaces what stands in its place, and only then
        what remains of *earlier* is taken away: no call goes ungoverned.
        """
        for state in STATES:
            METERS.gauge(_TARGETS, _HELP, partial(self.count, state), shared=True, state=state)
        METERS.prepare = self._placing.first_calls.prepare
        show()  # (what it imports is not yet looked at)
        sys.meta_path.insert(0, self.finder)
        if earlier is None:
            self.sweep()
            return
        registry.release(earlier)
        self._placing.take_over(earlier._placing)
        earlier._leave_finders()
        try:
            self.sweep()
        finally:  # (a signal handler may raise at any moment)
            self._placing.commit(self._try)
        earlier._retire()

    def again(self) -> None:
        """Place what no longer stands, where a policy that did not change is put in force anew."""
        self._done.clear()
        if self._leave_finders():
            sys.meta_path.insert(0, self.finder)
        self.sweep()

    def _leave_finders(self) -> bool:
        """Watch imports no longer; return whether they were watched."""
        if self.finder not in sys.meta_path:
            return False
        sys.meta_path.remove(self.finder)
        return True

    def _retire(self) -> None:
        """Take away everything of ours that no other engine has replaced."""
        self._placing.stop()
        for placed in list(self._known.values()):
            placed.restore()
        registry.clear_stand_ins(self)
        if METERS.prepare == self._placing.first_calls.prepare:
            METERS.prepare = None
        self._placing.close()

    def stop(self) -> None:
        """Give every function its own code back."""
        self._leave_finders()
        self._retire()
        for state in STATES:
            METERS.drop(_TARGETS, state=state)

    def weave(self) -> None:
        """Weave every driver that yet waits for a call: what cannot be woven is then known."""
        self._placing.weave()

    def settled(self) -> None:
        """Say on one line what became of the policy, where that changed since it was last said."""
        applied, pending = self.count("applied"), self.count("pending")
        skipped = self.count("skipped") + len(self.passed_over)
        failed = sum(map(self.count, FAILED)) + len(self.unread)
        text = f"policy: {applied} applied, {pending} pending, {skipped} skipped, {failed} failed"
        wrong, (before, least) = skipped + failed, self._said
        if (applied or pending or wrong) and text != before:
            self._said = text, max(wrong, least)
            say(text, logging.WARNING if wrong > least else logging.INFO)

    def concerns(self, top: str) -> bool:
        """Whether a policy may name a module of the top-level package *top*."""
        ours = (MAIN, "multiprocessing", self._to_run.partition(".")[0])
        return top in self.rulebook.tops or (self._of_script and top in ours)

    def wants(self, module: str) -> bool:
        """Whether a policy may name a function of *module*."""
        of_script = self._of_script and module in (MAIN, _SPAWN)
        to_run = self._to_run and module in (self._to_run, f"{self._to_run}.{MAIN}")
        return bool(of_script or to_run or module in self._below or self.rulebook.wants(module))

    def saw_import(self) -> None:
        """Look for modules that came in without us, and step to the front again."""
        show()
        if sys.meta_path and sys.meta_path[0] is not self.finder:
            if self._leave_finders():
                sys.meta_path.insert(0, self.finder)
            self.sweep()
        elif self.unfinished:
            self.sweep()

    def sweep(self) -> None:
        """Place what is wanted of every module that is imported already."""
        self.unfinished = False
        for name, module in list(sys.modules.items()):
            if type(name) is str and self.concerns(name.partition(".")[0]):
                guarded(partial(self._look_at, module, name), partial(self._not_read, name))

    def _look_at(self, module: ModuleType, name: str) -> None:
        if is_module(module) and self.wants(name) and not self._is_done(name, module):
            if lookup.is_running(module):
                self.unfinished = True
            elif not self.finder.defers(module):
                self.loaded(module, name)

    def _not_read(self, name: str, error: Exception) -> None:
        self.unread[name] = why = told(error)
        say_once(f"unread:{name}", f"{name} could not be looked through: {why}", error=error)

    def _is_done(self, name: str, module: ModuleType) -> bool:
        reference = self._done.get(name)
        return reference is not None and reference() is module

    def code(self, module: str, code: CodeType, *, as_main: bool = False) -> CodeType:
        """Return the code of *module* with a driver in place of every exact target.

        A module that runs as `__main__` is never seen again, so patterns take theirs here too.
        """
        self._of_script |= module == MAIN
        called = names_of(module) if module == MAIN else (MAIN, module) if as_main else (module,)
        wanted: dict[str, Target] = {}
        for name in reversed(called):
            wanted |= {target.qualname: target for target in self.rulebook.exact_in(name)}
        for name in filter(self.rulebook.globbed, called if as_main else ()):
            for target in map(partial(Target, name), patterns.named_in_code(code)):
                if target.qualname not in wanted and self._know(target) is not None:
                    wanted[target.qualname] = target
        return self._rewritten(code, wanted, lasting=as_main) if wanted else code

    def _rewritten(
        self, code: CodeType, wanted: dict[str, Target], *, lasting: bool = True
    ) -> CodeType:
        def make(qualname: str, code: CodeType) -> CodeType | None:
            target = wanted.get(qualname)
            if target is None or self.rulebook.asks(target):
                return None  # what is asked can be told only once the function exists
            placed = self._know(target)
            if placed is None or not placed.plan.active or placed.plan.placement == "outer":
                return None
            if not placed.plan.exact and patterns.frames_up(code):
                placed.become("skipped", "looks at its caller")
                return None
            placed.state, placed.placement = "applied", "tree"
            return self._placing.early(placed, code, lasting=lasting or LOCALS in qualname)

        return registry.rewrite(code, make, self)

    def loaded(self, module: ModuleType, name: str = "") -> None:
        """Place what policies say of *module*, which is known as *name*."""
        name = name or module.__name__
        began = perf_counter()
        try:
            with uncollected():
                others = filter(self.rulebook.wants, names() if name == MAIN else ())
                for each in (name, *others):
                    self._look_through(module, each)
            for alias in self._below.get(name, ()):
                found = lookup.aliased(alias)
                if found is not None and not self._is_done(alias, found):
                    self._look_through(found, alias)
            if name == _SPAWN and self._of_script:
                # It runs the script's file where no finder sees it.
                function = members(module).get("_fixup_main_from_path")
                if type(function) is FunctionType:
                    self._placing.follow(function, self.sweep)
        finally:
            self.spent += perf_counter() - began

    def _look_through(self, module: ModuleType, name: str) -> None:
        self.unread.pop(name, None)
        guarded(partial(self._place, module, name), partial(self._not_read, name))

    def _place(self, module: ModuleType, name: str) -> None:
        # No lock is held: what is looked at runs the user's code, which may import.
        known_as = MAIN if module is sys.modules.get(MAIN) else name
        self._done[known_as] = weakref.ref(module)
        exact: list[Placed] = []
        for target in self.rulebook.exact_in(name):
            if self.rulebook.own(target) != target:
                self._look_again(module, target)
            if self.rulebook.own(target) == target and (placed := self._know(target)):
                exact.append(placed)
        guarded(partial(self._place_within, module, exact), partial(self._not_read, name))
        for placed in exact:
            if placed.state != "excluded":
                self._try(placed.target, partial(self._place_exact, module, placed))
        if self.rulebook.globbed(name):
            self._place_globbed(module, name)

    def adopt(self, target: Target, function: FunctionType) -> None:
        """Place what policies say of a *function* that a decorator was just put on.

        One of a module that is still being imported is placed when that is done, which of the
        program itself nobody sees.
        """
        module = sys.modules.get(target.module)
        called = [Target(name, target.qualname) for name in names_of(target.module)]
        target = next((name for name in called if self._know(name)), target)
        done = len(called) > 1 or (module and self._is_done(target.module, module))
        if LOCALS not in target.qualname and not done:
            return
        placed = self._know(target, function)
        if placed is not None and placed.plan.rules:
            self._try(target, partial(self._placing.inner, placed, (function,)))

    def _place_within(self, module: ModuleType, exact: list[Placed]) -> None:
        """Put drivers into functions that make the functions meant, for those made from now on."""
        inner = [one.target for one in exact if LOCALS in one.target.qualname and one.plan.active]
        wanted = {target.qualname: target for target in inner}
        for maker in dict.fromkeys(name.partition(f".{LOCALS}")[0] for name in wanted):
            with suppress(NotFound):
                for function in find(module, maker).functions:
                    own = registry.own_of(function)
                    code = self._rewritten(own, wanted)
                    if code is not own:
                        registry.rebase(function, code)

    def _place_globbed(self, module: ModuleType, name: str) -> None:
        why_not = patterns.may_take(module, self.rulebook.settings.packages)
        if why_not:
            self.passed_over[name] = why_not
            say_once(f"glob:{why_not}", f"{name} is covered by a pattern, but {why_not}")
            return
        frames = Frames(module)

        def failed(qualname: str, error: Exception) -> None:
            target = Target(name, qualname)
            if target not in self.rulebook.exact:
                self._fail(target, error)

        def take(target: Target, function: FunctionType, raw: object) -> None:
            placed = self._know(target, function)
            if placed is not None and placed.plan.rules and not placed.plan.exact:
                self._place_found(placed, Found(module, "", raw, (function,)), frames)

        for qualname, function, raw in patterns.public_functions(module, failed):
            target = Target(name, qualname)
            self._try(target, partial(take, target, function, raw))

    def _place_exact(self, module: ModuleType, placed: Placed) -> None:
        target = placed.target
        try:
            found = find(module, target.qualname)
        except NotFound as error:
            if module is not sys.modules.get(MAIN):  # (the program has only begun)
                placed.become("missing", str(error))
                where = placed.plan.sources[0] if placed.plan.sources else "the policy"
                say_once(f"missing:{target}", f"{where}: {target} does not exist: {error}")
            return
        own = own_name(target, found)
        if own != target:
            self._place_as(own, target)
            return
        if self.rulebook.asks(target):  # (more than its path: the function is here now)
            plan = self.rulebook.plan(target, facts_of(target, found.raw, found.functions))
            if plan is not None:
                placed.plan = plan
            else:
                placed.become("excluded", "its `match` asks for another sort of function")
        self._place_found(placed, found, Frames(module))

    def _place_as(self, own: Target, name: Target) -> None:
        """Place the function *own*, of which *name* is another name: both have one plan."""
        self.rulebook.join(name, own)
        self._known.pop(str(name), None)
        placed = self._know(own)
        if placed is None:
            return
        plan, findings = self.rulebook.resolve(own)
        for finding in findings:
            say_once(f"two:{placed.target}:{finding.span}", str(finding))
        self._place_again(placed, plan or placed.plan)

    def _place_again(self, placed: Placed, plan: Plan) -> None:
        """Place what has got another *plan* since."""
        placed.plan, module = plan, sys.modules[placed.target.module]
        self._try(placed.target, partial(self._place_exact, module, placed))

    def _look_again(self, module: ModuleType, name: Target) -> None:
        """Let *name* go if it has come to mean another function than the one it was a name of."""
        own = self.rulebook.own(name)
        try:
            if own_name(name, find(module, name.qualname)) == own:
                return
        except NotFound:
            pass
        self.rulebook.join(name, name)
        placed, plan = self._known.get(str(own)), self.rulebook.plan(own)
        if placed is not None and plan is not None:
            self._place_again(placed, plan)
        elif placed is not None:
            placed.plan = Plan(own, "enforce", ())  # (what waits for a call finds no rule)
            self._placing.take_off(placed)
            placed.restore()
            del self._known[str(own)]

    def _place_found(self, placed: Placed, found: Found, frames: Frames) -> None:
        """Place what is there: within its functions, or outside, where it has none of its own."""
        plan, target, functions = placed.plan, placed.target, found.functions
        if not plan.active and not any(map(registry.decorated, functions)):
            if plan.rules:
                placed.become("applied", "every rule is disabled")
            return
        if LOCALS in target.qualname and not functions:
            if placed.state == "applied":
                placed.placement = "tree"
            else:
                placed.become("missing", "no function makes one of that name")
            return
        inner = bool(functions) and not found.inherited
        if plan.placement == "inner" and not inner:
            raise NotWrappable("it has no Python code of its own; leave `placement: inner` out")
        if not inner or (plan.placement == "outer" and plan.exact):
            self._placing.outer(placed, found)
            return
        self._place_inner(placed, found, frames)

    def _place_inner(self, placed: Placed, found: Found, frames: Frames) -> None:
        target, functions, exact = placed.target, found.functions, placed.plan.exact
        if any(frames.show(function, target.qualname) for function in functions):
            if not exact:
                placed.become("skipped", "looks at its caller")
                return
            placed.detail = "looks at its caller, and sees the driver: it is one frame more"
            say_once(f"frame:{target}", f"{target} {placed.detail}")
        self._placing.inner(placed, functions, found.raw)
        if exact:
            registry.spare_setters(found.raw, functions)

    def _try(self, target: Target, work: Callable[[], None]) -> None:
        guarded(work, partial(self._fail, target))

    def _fail(self, target: Target, error: Exception) -> None:
        """Say what went wrong with *target*, if a policy speaks of it."""
        placed = self._know(target)
        if placed is None or not (placed.plan.rules or placed.plan.exact):
            return
        if isinstance(error, NotWrappable):
            placed.become("unwrappable", str(error))
            say_once(f"unwrappable:{target}", f"{target}: {error}")
        else:
            placed.fail(error)
