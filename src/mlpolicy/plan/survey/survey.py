"""The source of the modules that policies name, read and never run."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from mlpolicy.core.target import Glob, Target
from mlpolicy.plan.survey import listing
from mlpolicy.plan.survey.answer import Answer, Dynamic, Missing, NoModule
from mlpolicy.plan.survey.answering import answer
from mlpolicy.plan.survey.library import Found, Library
from mlpolicy.plan.survey.locate import Opaque, Source, Space
from mlpolicy.plan.survey.module import Module


def local_roots(src: Sequence[str | Path] = ()) -> tuple[Path, ...]:
    """Return where the code of a project is looked for: *src*, this folder, `src` in it."""
    here = [Path(), Path("src")] if Path("src").is_dir() else [Path()]
    return tuple(dict.fromkeys([*(Path(one) for one in src), *here]))


def roots(src: Sequence[str | Path] = ()) -> tuple[Path, ...]:
    """Return where modules are looked for: in the project, then on the path of Python."""
    return tuple(dict.fromkeys([*local_roots(src), *(Path(one) for one in sys.path if one)]))


class Survey:
    """What the source says of modules and functions; each file and folder is read once."""

    def __init__(self, within: Sequence[Path] | None = None) -> None:
        """Look for modules in the folders *within*, in that order; without them, in `roots()`."""
        self._library = Library(roots() if within is None else tuple(within))
        self._answers: dict[Target, Answer] = {}
        self._functions: dict[str, tuple[str, ...]] = {}

    def module(self, name: str) -> Found:
        """Return the module *name*, or what stands in the way of reading it."""
        return self._library.module(name)

    def look_up(self, target: Target) -> Answer:
        """Return what the source says of *target*."""
        if target not in self._answers:
            self._answers[target] = self._look_up(target)
        return self._answers[target]

    def _look_up(self, target: Target) -> Answer:
        found = self.module(target.module)
        match found:
            case NoModule():
                return found
            case Opaque():
                return Dynamic(f"`{target.module}` {found.why}")
            case Space():
                return Missing(f"`{target.module}` is a folder without `__init__.py`")
        try:
            return answer(self.module, found, target)
        except RecursionError:
            return Dynamic(f"`{target}` is defined through too many steps")

    def functions(self, module: str) -> tuple[str, ...]:
        """Return the public functions that *module* defines, methods of its classes too."""
        if module not in self._functions:
            found = self.module(module)
            names = listing.functions(found.scope) if isinstance(found, Module) else ()
            self._functions[module] = tuple(names)
        return self._functions[module]

    def modules_below(self, package: str) -> tuple[str, ...]:
        """Return the names of all modules in *package* and in the packages below it, sorted."""
        return tuple(sorted(listing.modules(self._library, package)))

    def matching(self, glob: Glob, *, packages: Collection[str] | None = None) -> Iterator[Target]:
        """Yield the functions that *glob* takes.

        Args:
            glob: The pattern.
            packages: Names of installed packages of which it may take functions; None for all.
        """
        for module in listing.covered(self._library, glob, packages):
            for qualname in self.functions(module):
                if glob.takes(qualname):
                    yield Target(module, qualname)

    def knows(self, glob: Glob) -> bool:
        """Whether the source tells of everything that *glob* may take."""
        return all(
            isinstance(found, Space | NoModule)
            or (isinstance(found, Module) and listing.is_plain(found, glob))
            for found in map(self.module, listing.covered(self._library, glob))
        )

    def hidden(self, glob: Glob) -> Iterator[Target]:
        """Yield the functions that *glob* would take if their names did not begin with `_`."""
        for module in listing.covered(self._library, glob):
            found = self.module(module)
            for qualname in listing.hidden(found.scope) if isinstance(found, Module) else ():
                target = Target(module, qualname)
                if glob.matches(target):
                    yield target

    def covered(self, glob: Glob) -> Iterator[str]:
        """Yield the names of the modules whose functions *glob* may take."""
        return listing.covered(self._library, glob)

    def defines_below(self, package: str, name: str) -> bool:
        """Whether a module below *package* may define the class *name*; none is parsed for it."""
        wanted = re.compile(rb"\bclass\s+" + re.escape(name.encode()) + rb"\b")
        for module in listing.modules(self._library, package):
            place = self._library.place(module)
            if not isinstance(place, Source):
                return True
            try:
                if wanted.search(place.file.read_bytes()):
                    return True
            except OSError:
                return True
        return False
