"""The source of the modules that policies name, read and never run."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from mlpolicy.core.target import Glob, Target
from mlpolicy.core.words import differing, is_one_slip
from mlpolicy.plan.survey import listing
from mlpolicy.plan.survey.answer import Answer, Defined, Dynamic, Missing, NoModule
from mlpolicy.plan.survey.answering import answer
from mlpolicy.plan.survey.installed import is_installed
from mlpolicy.plan.survey.library import Found, Library
from mlpolicy.plan.survey.locate import Opaque, Source, Space
from mlpolicy.plan.survey.module import Module

PROJECT = "pyproject.toml"
"""The file that makes a folder a project."""
_MOST = 3


def local_roots(src: Sequence[str | Path] = ()) -> tuple[Path, ...]:
    """Return where the code of a project is looked for.

    In *src*, in this folder and `src` in it, and in those of the project that this folder is in.
    """
    found = [Path(one) for one in src]
    for folder in (Path(), *_project()):
        found += [one for one in (folder, folder / "src") if one == folder or one.is_dir()]
    return tuple(dict.fromkeys(found))


def _project() -> Iterator[Path]:
    """Yield the nearest folder above this one that holds a `pyproject.toml`, if this one has none."""
    folder, above = Path.cwd(), Path()
    while not (folder / PROJECT).is_file():
        if folder == folder.parent:
            return
        folder, above = folder.parent, above / ".."
    if above != Path():
        yield above


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
            found = self._look_up(target)
            if isinstance(found, NoModule | Missing):
                found = replace(found, meant=self._meant(target, found))
            self._answers[target] = found
        return self._answers[target]

    def _meant(self, target: Target, found: NoModule | Missing) -> tuple[Target, ...]:
        """Return what *target*, which is not there, was meant to be, if that is in another module."""
        if isinstance(found, NoModule):
            near = next(filter(self._is_defined, _respelt(target, found)), None)
            if near is not None:
                return (near,)
        elif any(is_one_slip(*differing(target.qualname, name)) for name, _ in found.close):
            return ()
        moved = tuple(islice(filter(self._is_defined, self.elsewhere(target)), _MOST))
        # Of several, one that is like it in its own module is as likely.
        return moved if len(moved) == 1 or not getattr(found, "close", ()) else ()

    def _is_defined(self, target: Target) -> bool:
        found = self._look_up(target)
        return isinstance(found, Defined) and found.reexported_from is None

    def elsewhere(self, target: Target) -> Iterator[Target]:
        """Yield *target* in the other modules of its package, unless that is an installed one."""
        top, _, _ = target.module.partition(".")
        place = self._library.place(top)
        if isinstance(place, Opaque) or (isinstance(place, Source) and is_installed(place.file)):
            return
        name, _, _ = target.qualname.partition(".")
        for module in (top, *self.modules_below(top)):
            if self._may_define(module, "class|def", name):
                yield Target(module, target.qualname)

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
        for module in self.covered(glob, packages=packages):
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

    def covered(self, glob: Glob, *, packages: Collection[str] | None = None) -> Iterator[str]:
        """Yield the names of the modules whose functions *glob* may take, as `matching` does."""
        return listing.covered(self._library, glob, packages)

    def defines_below(self, package: str, name: str) -> bool:
        """Whether a module below *package* may define the class *name*; none is parsed for it."""
        below = listing.modules(self._library, package)
        return any(self._may_define(module, "class", name) for module in below)

    def _may_define(self, module: str, keyword: str, name: str) -> bool:
        """Whether the text of *module*, where it can be read, has such a line."""
        place = self._library.place(module)
        if not isinstance(place, Source):
            return not isinstance(place, Space)
        wanted = rb"\b(?:%s)\s+%s\b" % (keyword.encode(), re.escape(name.encode()))
        try:
            return re.search(wanted, place.file.read_bytes()) is not None
        except OSError:
            return True


def _respelt(target: Target, found: NoModule) -> Iterator[Target]:
    """Yield what *target* may stand for, of whose module *found* says that it is not there."""
    if found.hint and "." not in found.component:
        return  # (it says where that module is)
    for close in found.close:
        yield Target(close + target.module.removeprefix(found.component), target.qualname)
    parent, _, _ = found.component.rpartition(".")
    rest = target.module.removeprefix(f"{parent}.")
    if parent:
        yield Target(parent, f"{rest}.{target.qualname}")
        yield Target(parent, rest)
