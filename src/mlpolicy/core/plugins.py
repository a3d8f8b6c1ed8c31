"""What installed distributions add by entry points, and the things that are found by name: ours and theirs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, cast

from mlpolicy.core.classes import frozen
from mlpolicy.core.kind import load
from mlpolicy.core.program import DISABLED, METADATA

Group = Literal["kinds", "sinks", "policies"]

API = 1
"""The version of the interface of plugins; it is raised when one made for the last would break."""
PREFIX = "mlpolicy."


class PluginError(Exception):
    """A plugin cannot be used: `MP132` where two distributions provide it, `MP133` if it is broken."""

    def __init__(self, code: Literal["MP132", "MP133"], message: str, help: str = "") -> None:
        super().__init__(message)
        self.code: Literal["MP132", "MP133"] = code
        self.help = help


@frozen(order=True)
class Plugin:
    """One entry point of a distribution."""

    group: str
    name: str
    value: str
    """What it leads to: `module:object`, or the folder of a package that holds policy files."""
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        """The distribution and its version: `acme-guardrails 1.2`."""
        return f"{self.distribution} {self.version}".strip()

    def load(self) -> object:
        """Import what the entry point leads to, or raise a `PluginError`, whatever went wrong."""
        try:
            return load(self.value)
        except (Exception, SystemExit) as error:
            raise self.broken(f"{type(error).__name__}: {error}") from error

    def broken(self, reason: str, help: str = "") -> PluginError:
        """Return the error that says why the plugin cannot be used."""
        text = f"the plugin `{self.name}` of {self.origin} cannot be used: {reason}"
        return PluginError("MP133", text, help or f"mend or remove `{self.distribution}`")


def installed(group: Group) -> tuple[Plugin, ...]:
    """Return the plugins of *group*, by name."""
    return tuple(one for one in _scan() if one.group == group)


def find(group: Group, name: str) -> Plugin | None:
    """Return the plugin of that name, if there is one; `PluginError` where two provide it."""
    found = [one for one in installed(group) if one.name == name]
    if len(found) > 1:
        origins = " and ".join(one.origin for one in found)
        text = f"the plugin `{name}` is provided by {origins}"
        raise PluginError("MP132", text, "remove one of them")
    return found[0] if found else None


def forget() -> None:
    """Scan anew when it is next asked: something was installed."""
    _scan.cache_clear()


@cache
def _scan() -> tuple[Plugin, ...]:
    if os.environ.get(DISABLED) or not _mentioned():
        return ()
    from importlib_metadata import entry_points

    found = {
        Plugin(
            point.group.removeprefix(PREFIX),
            point.name,
            point.value.strip(),
            point.dist.name if point.dist else "an unknown distribution",
            point.dist.version if point.dist else "",
        )
        for point in entry_points()
        if point.group.startswith(PREFIX)
    }
    return tuple(sorted(found))


def _mentioned() -> bool:
    """Whether a distribution has an entry point of ours, as far as files tell."""
    mark = f"[{PREFIX}".encode()
    for folder in dict.fromkeys(sys.path):
        if folder.endswith((".zip", ".whl", ".egg")):
            return True  # (the library can look into these)
        for ending in METADATA:
            for file in Path(folder).glob(f"*{ending}/entry_points.txt"):
                with suppress(OSError):
                    if mark in file.read_bytes():
                        return True
    return False


T = TypeVar("T")


class Extensions(Mapping[str, T], Generic[T]):
    """What there is of one sort, by name; each is imported when it is first asked for.

    Our own are *built_in* paths; a plugin's are entry points of *group*, taken in when `look_for` or
    `[]` meet the name, if *vet* gives no reason against it, and *joined* is told.
    """

    def __init__(
        self,
        group: Group,
        built_in: Mapping[str, str],
        vet: Callable[[str, Any], str | None],
        *,
        joined: Callable[[Any], object] | None = None,
    ) -> None:
        self.group: Group = group
        self._own = dict(built_in)
        self._known: dict[str, T] = {}
        self._vet = vet
        self._joined = joined
        self.refused: dict[str, PluginError] = {}
        """The plugins that were looked for and cannot be used, by name."""

    def __getitem__(self, name: str) -> T:
        if name not in self._known and self.look_for(name) and name in self._own:
            self._known[name] = cast("T", load(self._own[name]))
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter({**self._own, **self._known})

    def __len__(self) -> int:
        return len({*self._own, *self._known})

    def names(self) -> tuple[str, ...]:
        """Return every name that there is, plugins that were not looked for among them."""
        found = (plugin.name for plugin in installed(self.group))
        return tuple(dict.fromkeys((*self, *found)))

    def look_for(self, name: str) -> bool:
        """Whether there is something of that name; a plugin that cannot be used goes to `refused`."""
        if name in self:
            return True
        try:
            plugin = find(self.group, name)
            if plugin is None:
                return False
            self.add(name, self._vetted(plugin))
        except PluginError as error:
            self.refused[name] = error
            return False
        return True

    def look_for_all(self) -> None:
        """Take in every plugin that can be used; for commands that show what there is."""
        for plugin in installed(self.group):
            if plugin.name in self._own:
                text = f"the plugin `{plugin.name}` of {plugin.origin} bears a name of our own"
                self.refused[plugin.name] = PluginError("MP132", text, "it is not used; rename it")
            else:
                self.look_for(plugin.name)

    def _vetted(self, plugin: Plugin) -> T:
        found = plugin.load()
        made_for = getattr(found, "api", None)
        if made_for != API:
            said = "does not say `api`" if made_for is None else f"is made for interface {made_for}"
            raise plugin.broken(
                f"it {said}, and this mlpolicy has {API}",
                f"install a version of `{plugin.distribution}` for interface {API}",
            )
        try:
            reason = self._vet(plugin.name, found)
        except (Exception, SystemExit) as error:
            raise plugin.broken(f"{type(error).__name__}: {error}") from error
        if reason:
            raise plugin.broken(reason)
        return cast("T", found)

    def add(self, name: str, one: T) -> None:
        """Take in *one* under that name."""
        if self._joined is not None:
            self._joined(one)
        self._known[name] = one
        self.refused.pop(name, None)

    def remove(self, name: str) -> None:
        """Forget what a plugin provided under that name."""
        self._known.pop(name, None)
        self.refused.pop(name, None)
