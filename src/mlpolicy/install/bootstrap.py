"""How a policy comes into a process: at little cost until a module that it names is imported.

This module imports nothing beyond the core of the standard library.
With a warm plan cache it reads a few kilobytes, and puts a `Sentry` among the finders that
knows the top-level packages of the policy; the rest of mlpolicy comes with the first of them.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock, get_ident

from mlpolicy.core import program
from mlpolicy.plan import cache

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from typing import Any

    from mlpolicy.install.calendar import Calendar
    from mlpolicy.install.engine import Engine

    Paths = str | PathLike[str] | Iterable[str | PathLike[str]]

VARIABLE = "MLPOLICY_POLICY"
SHOWS_NUMBERS = "prometheus_client"
"""Numbers are there from the moment when somebody can look."""
ENVIRONMENT = "MLPOLICY_ENV"
OPS, OPS_OFF = "MLPOLICY_OPS", "off"
SEEN = "mlpolicy.install.seen"
"""What opens a port, imported where one is asked for."""
KILL_SWITCH = "MLPOLICY_DISABLE"
INFO = 20
"""The level of logs, without importing them."""

_lock = RLock()
"""Held by who changes the policy in force; made anew in a child of a fork."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_lock._at_fork_reinit)  # type: ignore[attr-defined]  # (typeshed)


class InForce:
    """The policy of this process: sleeping behind a sentry, or awake in an engine."""

    def __init__(self, paths: tuple[str, ...], held: cache.Held | None, environment: str) -> None:
        self.paths = paths
        self.held = held
        self.environment = environment
        self.switch = os.environ.get(KILL_SWITCH, "")
        self.mark = held.mark if held is not None else b""
        """What tells the content of the files; nothing where it could not be kept."""
        self.engine: Engine | None = None
        self.sentry: Sentry | None = None
        self.calendar: Calendar | None = None
        """What looks at the rules again when the next of them expires."""
        self._woken: list[Engine] = []
        self.waking: set[int] = set()
        """Threads that are about to wake the engine, and import what it needs."""

    def is_same(self, new: InForce) -> bool:
        """Whether *new* says what holds already: the same files, terms, and stage of their dates."""
        terms = (self.paths, self.environment, self.switch, self.mark)
        if self.engine is None or not self.mark:
            return False
        if terms != (new.paths, new.environment, new.switch, new.mark):
            return False
        from datetime import UTC, datetime

        end = self.engine.rulebook.next_end
        return end is None or datetime.now(UTC) < end

    def may_sleep(self) -> bool:
        """Whether nothing that it speaks of is imported yet."""
        if self.held is None or program.SCRIPT in os.environ:
            return False
        matter = self.held.tops | {SHOWS_NUMBERS}
        return matter.isdisjoint(name.partition(".")[0] for name in sys.modules)

    def wake(self, earlier: InForce | None = None) -> Engine:
        """Return the engine, started when it is first needed.

        Raises:
            PolicyError: The files are wrong.
        """
        if self.engine is not None:
            return self.engine
        # No lock is held while modules are imported: who waits for it may be importing them.
        self.waking.add(get_ident())
        try:
            made = self.read()
        finally:
            self.waking.discard(get_ident())
        self._woken.append(made)
        engine = self._woken[0]  # another thread may have been first
        if engine is made:
            self.engine, self.held = made, None
            self._dismiss()
            self._start(engine, earlier.engine if earlier else None)
        return engine

    def read(self) -> Engine:
        """Return an engine for the files, not yet started; the plan cache spares the reading.

        Raises:
            PolicyError: The files are wrong.
        """
        from contextlib import suppress

        from mlpolicy.install.engine import Engine
        from mlpolicy.plan.rulebook import Rulebook
        from mlpolicy.rules import KINDS

        held = self.held
        if held is not None and all(map(KINDS.look_for, held.kinds)):
            with suppress(Exception):  # (whatever an entry holds that is no plan: it is none)
                return Engine(Rulebook(cache.unpack(held.files)))
        from pathlib import Path

        from mlpolicy.core.report import say_once
        from mlpolicy.errors import PolicyError
        from mlpolicy.plan.load import Terms, load  # (reads YAML: what is held needs no part of it)

        before = cache.stamps_of(self.paths)
        terms = Terms(environment=self.environment or None)
        loaded = load([Path(path) for path in self.paths], terms)
        unknown = loaded.unknown
        wrong = [*([unknown] if unknown is not None and loaded.misnamed else ()), *loaded.refused]
        if wrong:
            raise PolicyError(wrong)
        if unknown is not None:
            say_once(f"environment:{self.environment}", str(unknown))
        rulebook = loaded.rulebook
        new = cache.Held(
            rulebook.tops,
            cache.pack(rulebook),
            kinds=frozenset(rulebook.kinds),
            inputs=tuple(map(str, loaded.inputs)),
            variables=tuple(loaded.variables),
        )
        self.mark = cache.write(self.paths, new, self.environment, before=before)
        return Engine(rulebook)

    def _start(self, engine: Engine, earlier: Engine | None) -> None:
        engine.start(earlier)
        asked = os.environ.get(OPS) or engine.rulebook.settings.ops
        if (asked and asked != OPS_OFF) or SEEN in sys.modules:
            from mlpolicy.install.seen import look

            look(engine, self.environment)
        end = engine.rulebook.next_end
        if end is not None:
            from mlpolicy.install.calendar import Calendar

            self.calendar = Calendar(end, self.turn)

    def turn(self) -> None:
        """Put the same policy in force anew, as it is at this moment."""
        with _lock:
            if self.engine is None or self not in _in_force:
                return
            from mlpolicy.install.engine import Engine

            old, self.engine = self.engine, Engine(self.engine.rulebook.at_present())
            self._start(self.engine, old)

    def sleep(self) -> None:
        """Leave a sentry among the finders until a module that matters is imported."""
        self.sentry = Sentry(self)
        sys.meta_path.insert(0, self.sentry)

    def _dismiss(self) -> None:
        if self.sentry in sys.meta_path:
            sys.meta_path.remove(self.sentry)
        self.sentry = None

    def retire(self) -> None:
        """Watch nothing any longer: another policy has taken the place."""
        self._dismiss()
        if self.calendar is not None:
            self.calendar.stop()

    def stop(self) -> None:
        """Take the policy out of force."""
        self.retire()
        if self.engine is not None:
            self.engine.stop()
        if SEEN in sys.modules:
            from mlpolicy.ops.workers import PORT

            PORT.close()

    def plan(self, target: Any) -> Any:
        """Return the plan of *target*, a path or a function, or None."""
        from mlpolicy.install.lookup import planned

        return planned(target, self.wake().rulebook)


class Sentry:
    """A finder that finds nothing: it wakes the engine for the first module that matters."""

    def __init__(self, policy: InForce) -> None:
        self._policy = policy
        self._tops = policy.held.tops if policy.held else frozenset()

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """Return None, or what the engine's finder gives for a module that matters."""
        top = name.partition(".")[0]
        if (top not in self._tops and top != SHOWS_NUMBERS) or get_ident() in self._policy.waking:
            return None
        try:
            engine = self._policy.wake()
        except Exception as error:  # (the user's import goes on)
            from mlpolicy.core.report import interrupts, say_once

            if interrupts(error):
                raise
            say_once("wake", f"the policy could not be put in force: {error}", error=error)
            self._policy._dismiss()
            return None
        return engine.finder.find_spec(name, path, target)  # type: ignore[arg-type]  # (as given)


_in_force: list[InForce] = []


def install(policy: Paths | None = None, *, env: str | None = None) -> None:
    """Put a policy in force in this process, in place of any before it.

    Functions that are imported already obey it from now on, others when they are imported.

    Args:
        policy: A policy file or a directory of them, or several; without it, what the
            environment variable `MLPOLICY_POLICY` names.
        env: The environment whose part of the policy holds (`environments.prod`); without it,
            what `MLPOLICY_ENV` names.

    Raises:
        PolicyError: The files are wrong; nothing was changed.
    """
    paths = _paths(policy)
    environment = os.environ.get(ENVIRONMENT, "") if env is None else env
    with _lock:
        earlier = _in_force[0] if _in_force else None
        new = InForce(paths, cache.read(paths, environment), environment)
        if earlier is not None and earlier.engine is not None and earlier.is_same(new):
            new = earlier
            earlier.engine.again()
        elif new.may_sleep() and not (earlier and earlier.engine):
            if earlier is not None:
                earlier.stop()
            new.sleep()
        else:
            new.wake(earlier)
            if earlier is not None:
                earlier.retire()
        _in_force[:] = [new]
        program.plan_in_force = new.plan
    if new.engine is not None:
        new.engine.settled()
    elif "logging" in sys.modules:  # (nobody reads a log that nobody has set up)
        from mlpolicy.core.report import say

        say("policy: all pending, none of its modules is imported yet", INFO)


def uninstall() -> None:
    """Take the policy out of force: every function gets its own code back."""
    with _lock:
        for policy in _in_force:
            policy.stop()
        _in_force.clear()
        program.plan_in_force = None


def engine() -> Engine | None:
    """Return the engine of the policy in force, awake; None where none is."""
    return _in_force[0].wake() if _in_force else None


def awake() -> Engine | None:
    """Return the engine of the policy in force where it is awake already."""
    return _in_force[0].engine if _in_force else None


def concerns(top: str) -> bool:
    """Whether the policy in force may name a module of the top-level package *top*."""
    engine, held = awake(), _in_force[0].held if _in_force else None
    return engine.concerns(top) if engine else held is not None and top in held.tops


def _paths(policy: Paths | None) -> tuple[str, ...]:
    if policy is not None:
        given = [policy] if isinstance(policy, str | os.PathLike) else policy
        return tuple(os.fspath(path) for path in given)
    named = tuple(part for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part)
    if not named:  # (a package that is installed may carry policies, in force without a name)
        from mlpolicy.core.plugins import installed

        if not installed("policies"):
            raise ValueError(
                f"no policy is named: give `policy=`, set {VARIABLE}, or install a package "
                "that carries policies"
            )
    return named
