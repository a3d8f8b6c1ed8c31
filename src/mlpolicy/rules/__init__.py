"""The kinds of rule; each is a folder of one shape, found here by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from mlpolicy.core.kind import Kind, load

_BUILT_IN = ("retry", "validate", "cache", "memory", "monitor")


class Kinds(Mapping[str, Kind]):
    """The kinds by name, each imported when it is first asked for."""

    def __init__(self) -> None:
        self._paths = {name: f"mlpolicy.rules.{name}:KIND" for name in _BUILT_IN}
        self._known: dict[str, Kind] = {}

    def __getitem__(self, name: str) -> Kind:
        kind = self._known.get(name)
        if kind is None:
            kind = self._known[name] = cast("Kind", load(self._paths[name]))
        return kind

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def add(self, kind: Kind) -> None:
        """Make *kind* known, as a plugin does."""
        self._paths[kind.name] = ""
        self._known[kind.name] = kind

    def remove(self, name: str) -> None:
        """Forget the kind of that name."""
        self._paths.pop(name, None)
        self._known.pop(name, None)


KINDS = Kinds()
"""Every kind that a policy may use."""
