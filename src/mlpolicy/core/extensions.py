"""Things found by name: our own, and those that plugins add."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar, cast

from mlpolicy.core import plugins
from mlpolicy.core.kind import load
from mlpolicy.core.plugins import API, Group, Plugin, PluginError

T = TypeVar("T")


class Extensions(Mapping[str, T], Generic[T]):
    """What there is of one sort, by name; each is imported when it is first asked for.

    Iterating and `in` speak of our own and of the plugins that were looked for; a name that is
    not there is looked for among the installed distributions by `look_for` and by `[]`.

    Args:
        group: The entry points that add to it.
        built_in: Our own, as `module:object`.
        vet: Says why something of a plugin cannot be used; None where it can.
        joined: Is told of each plugin that was taken in.
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
        self._paths = dict(built_in)
        self._own = frozenset(built_in)
        self._known: dict[str, T] = {}
        self._vet = vet
        self._joined = joined
        self.refused: dict[str, PluginError] = {}
        """The plugins that were looked for and cannot be used, by name."""

    def __getitem__(self, name: str) -> T:
        held = self._known.get(name)
        if held is None:
            if name not in self._paths and not self.look_for(name):
                raise KeyError(name)
            if name not in self._known:
                self._known[name] = cast("T", load(self._paths[name]))
            held = self._known[name]
        return held

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def names(self) -> tuple[str, ...]:
        """Return every name that there is, plugins that were not looked for among them."""
        found = (plugin.name for plugin in plugins.installed(self.group))
        return tuple(dict.fromkeys((*self._paths, *found)))

    def look_for(self, name: str) -> bool:
        """Whether there is something of that name, taken in now if a plugin provides it.

        A plugin that cannot be used goes to `refused`.
        """
        if name in self._paths:
            return True
        try:
            plugin = plugins.find(self.group, name)
            if plugin is None:
                return False
            self.add(name, self._vetted(plugin))
        except PluginError as error:
            self.refused[name] = error
            return False
        return True

    def look_for_all(self) -> None:
        """Take in every plugin that can be used; for commands that show what there is."""
        for plugin in plugins.installed(self.group):
            if plugin.name in self._own:
                text = (
                    f"the plugin `{plugin.name}` of {plugin.origin} bears a name of mlpolicy's own"
                )
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
        self._paths[name] = ""
        self._known[name] = one
        self.refused.pop(name, None)

    def remove(self, name: str) -> None:
        """Forget what a plugin provided under that name."""
        self._paths.pop(name, None)
        self._known.pop(name, None)
        self.refused.pop(name, None)
