"""Modules by their dotted names, each file read once."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from mlpolicy.plan.survey.answer import NoModule
from mlpolicy.plan.survey.hints import where_to_look
from mlpolicy.plan.survey.locate import Finder, Opaque, Place, Source, Space
from mlpolicy.plan.survey.module import Module, NotReadable, parse

Found = Module | Space | Opaque | NoModule


class Library:
    """The modules below some folders, as they are when they are first asked for."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.finder = Finder(roots)
        self._places: dict[str, Place | NoModule] = {}
        self._read: dict[tuple[str, Path], Module | Opaque] = {}

    def module(self, name: str) -> Found:
        """Return the module *name*, or what stands in the way of reading it."""
        if name == "__main__":
            return Opaque("is the script that is run")
        place = self.place(name)
        return self._reading(name, place) if isinstance(place, Source) else place

    def place(self, name: str) -> Place | NoModule:
        """Return where the module *name* is; only parents are read, and those if they must be."""
        if name not in self._places:
            self._places[name] = self._located(name)
        return self._places[name]

    def _located(self, name: str) -> Place | NoModule:
        parts = name.split(".")
        place = self.finder.top(parts[0])
        if place is None:
            close = _similar(parts[0], self.finder.known())
            return NoModule(parts[0], close, where_to_look(parts[0], self.finder.roots))
        for at, part in enumerate(parts[1:], 1):
            parent, dotted = ".".join(parts[:at]), ".".join(parts[: at + 1])
            below = self.finder.below(place.folders, part) or self.finder.editable(dotted)
            if below is None:
                return self._absent(parent, part, place)
            place = below
        return place

    def _absent(self, parent: str, part: str, place: Place) -> Place | NoModule:
        """Say what is to be said of the module *part* that *parent* does not have."""
        if isinstance(place, Opaque):
            return Opaque(f"is below `{parent}`, which {place.why}")
        read = self._reading(parent, place) if isinstance(place, Source) else None
        if isinstance(read, Module) and read.makes_modules():
            return Opaque(f"may be made by `{parent}` when that is imported", guessed=True)
        known = [f"{parent}.{one}" for one in self.finder.names(place.folders)]
        close = _similar(f"{parent}.{part}", known)
        hint = ""
        if not close and isinstance(place, Source) and not place.folders:
            hint = f"`{parent}` is a module: write `{parent}:{part}` for what it defines"
        return NoModule(f"{parent}.{part}", close, hint)

    def _reading(self, name: str, place: Source) -> Module | Opaque:
        key = (name, place.file)
        if key not in self._read:
            self._read[key] = self._parse(name, place)
        return self._read[key]

    def _parse(self, name: str, place: Source) -> Module | Opaque:
        try:
            source, tree = parse(place.file)
        except NotReadable as error:
            return Opaque(str(error), place.folders, broken=place.file if error.broken else None)
        shown = _shown(place.file)
        return Module(name, place.file, shown, source, tree, place.folders, place.compiled)


def _similar(name: str, known: Iterable[str]) -> tuple[str, ...]:
    return tuple(difflib.get_close_matches(name, dict.fromkeys(known), n=3, cutoff=0.7))


def _shown(file: Path) -> str:
    """Return *file* as a report shows it: from this folder, where it is below."""
    try:
        return os.fspath(file.relative_to(Path.cwd()) if file.is_absolute() else file)
    except (ValueError, OSError):
        return os.fspath(file)
