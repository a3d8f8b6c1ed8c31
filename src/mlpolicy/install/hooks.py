"""What brings something to place: the import of a module, and calls of functions.

Modules that a policy names are placed as they are imported. Most functions then wait for their first
call, which weaves their driver. After each call of others there may be something new to place.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import operator
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any
from weakref import ref

from mlpolicy.core.classes import members
from mlpolicy.core.report import interrupts, say_once, words
from mlpolicy.core.threads import Lock
from mlpolicy.install import registry
from mlpolicy.install.registry import Stub, stub_in

if TYPE_CHECKING:
    from mlpolicy.install.engine import Engine
    from mlpolicy.install.placing import Placed, Placing


_STANDARD_EXEC = importlib.machinery.SourceFileLoader.exec_module


class ImportFinder(importlib.abc.MetaPathFinder):
    """Stands first among the finders; lets all others find, and watches what they load."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec that the other finders give, with a loader that tells the engine."""
        if not self._engine.concerns(name.partition(".")[0]):
            self._engine.saw_import()
            return None
        if not self._engine.wants(name) or name in _here.asked:
            return None
        _here.asked.add(name)
        try:
            finders = [finder for finder in list(sys.meta_path) if finder is not self]
            asks = filter(None, (getattr(finder, "find_spec", None) for finder in finders))
            specs = filter(None, (find(name, path, target) for find in asks))
            spec: importlib.machinery.ModuleSpec | None = next(specs, None)
        finally:
            _here.asked.discard(name)
        if spec is None:
            return None
        real: Any = spec.loader
        kind: type = type(real)
        if kind is importlib.util.LazyLoader:  # it must stay lazy: what it defers is watched
            real.loader = Watched(real.loader, self._engine)
        elif hasattr(real, "exec_module"):
            spec.loader = Watched(real, self._engine)
        return spec

    def defers(self, module: ModuleType) -> bool:
        """Watch *module* if it is yet to be executed, on first use; return whether it is."""
        if type(module) is not importlib.util._LazyModule:  # type: ignore[attr-defined]  # (private)
            return False
        spec: Any = members(module)["__spec__"]
        if type(spec.loader) is not Watched:
            spec.loader = Watched(spec.loader, self._engine)
        return True


class _Here(threading.local):
    """What one thread is importing."""

    depth = 0
    """How many watched modules it is executing, one within another."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        """Names for which the other finders are being asked."""


_here = _Here()


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
        if code is not None:
            code = _safely(partial(self._engine.code, name, code, as_main=True), code)
        return code

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, drivers in it from its first line; then place what remains."""
        module.__loader__ = self._real
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        name, depth = module.__name__, _here.depth
        _here.depth = depth + 1
        try:
            if not self._run_rewritten(module):
                self._real.exec_module(module)
            _safely(partial(self._engine.loaded, module, name))
        finally:
            _here.depth = depth
        if not depth:
            _safely(self._engine.settled)

    def _run_rewritten(self, module: ModuleType) -> bool:
        """Run the module ourselves where its loader would do just that, with other code."""
        if getattr(type(self._real), "exec_module", None) is not _STANDARD_EXEC:
            return False
        code: CodeType | None = self._real.get_code(module.__name__)
        if code is None:
            return False
        placed = _safely(partial(self._engine.code, module.__name__, code), code)
        exec(placed, module.__dict__)  # nosec B102  # noqa: S102 (as the real loader does with its code)
        return True


def _safely(work: Callable[[], Any], otherwise: Any = None) -> Any:
    """An error of ours is reported and never breaks the user's import."""
    try:
        return work()
    except Exception as error:
        if interrupts(error):
            raise
        say_once("import", f"placing failed: {words(error)}", error=error)
        return otherwise


_FROZEN_AT_START = 1_000
"""No interpreter has frozen as many by itself, and no program that freezes its heap fewer."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage while many objects are made that all stay.

    What stands on thousands of functions would have the collector look through the whole heap
    once more: in a service that imports pandas, that takes as long as all else that placing does.
    Where enough was made for that, it is put with the old objects, and so is all that is young at
    that moment: freezing moves objects without looking at them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        try:
            due = was_on and 0 < gc.get_threshold()[0] < gc.get_count()[0]
            if due and gc.get_freeze_count() < _FROZEN_AT_START:  # (what a server froze stays so)
                try:
                    gc.freeze()
                finally:
                    gc.unfreeze()
        finally:  # (a signal handler may raise at any moment)
            if was_on:
                gc.enable()


MOST_AT_ONCE = 100
"""Policies of which a function has its steps before the first call."""


class FirstCalls:
    """Weaves the drivers of one engine at the first calls of functions, which stubs stand on till then."""

    def __init__(self, maker: Placing) -> None:
        self._maker = maker
        self._unprepared: deque[Stub] = deque()
        self._begun: set[tuple[str, ...]] = set()
        """The policies of which some function has its steps."""
        self._locks: dict[str, Lock] = {}
        """By target: who waits for one of them waits for nothing else."""

    def stub(self, placed: Placed, function: FunctionType, own: CodeType) -> Stub:
        """Return a stub for *function*, of the code *own*, to wait for its first call.

        One function of each set of policies has its steps at once: that shows whether their
        rules work, and has what they use begin; of so many policies as a service may have.
        """
        stub = Stub(own, self, placed=placed, reference=ref(function))
        policies = placed.plan.policies
        if policies in self._begun or len(self._begun) >= MOST_AT_ONCE:
            self._unprepared.append(stub)
        else:
            self._begun.add(policies)
            self._maker.prepare(placed, function)
        return stub

    def prepare(self) -> None:
        """Make the steps that yet wait for a call: their metrics begin at zero."""
        while self._unprepared and not self._maker.stopped:
            try:
                stub = self._unprepared.popleft()
            except IndexError:  # another thread was quicker
                return
            function = stub.function()
            if function is not None:
                self._under_lock(stub.placed, partial(self._maker.prepare, stub.placed, function))

    def weave(self, stub: Stub, function: FunctionType) -> None:
        """Put the driver on *function*, where *stub* stands.

        What goes wrong leaves the function as it was compiled.
        """
        placed: Placed = stub.placed
        put = partial(self._maker.put, placed, function, instead_of=stub)
        done = self._under_lock(placed, put)
        if not done and placed.state == "error" and stub_in(function.__code__) is stub:
            registry.take_off(function, placed)

    def born(self, stub: Stub) -> CodeType:
        """Return code with the driver for a function that was made from that of *stub*."""

        def make() -> None:
            stub.elsewhere = stub.elsewhere or self._maker.born(stub.placed, stub.own).code

        self._under_lock(stub.placed, make)
        return stub.elsewhere or stub.own

    def _under_lock(self, placed: Placed, work: Callable[[], None]) -> bool:
        """Do *work* on a target, one thread at a time; return whether it was done."""
        name = str(placed.target)
        lock = self._locks.get(name) or self._locks.setdefault(name, Lock())
        if lock.held() or self._maker.stopped:
            return False  # a finalizer or a signal handler calls what is just being woven
        with lock:
            try:
                work()
            except Exception as error:
                if interrupts(error):
                    raise
                placed.fail(error)
                return False
        return True


@dataclass(slots=True, eq=False, repr=False)
class Followed:
    """Calls a function, then what follows it."""

    function: FunctionType
    then: Callable[[], None]

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Give what the function gives."""
        result = self.function(*args, **kwargs)
        _safely(self.then)
        return result

    def __reduce__(self) -> Any:
        """Travel as the function that it calls."""
        return operator.getitem, ((self.function,), 0)
