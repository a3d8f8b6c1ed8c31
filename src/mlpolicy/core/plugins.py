"""What installed distributions add: the one door to `importlib_metadata`.

Importing that library takes 40 ms, and it reads the metadata of every distribution.
So nothing is scanned until a name is unknown or a command asks, a scan happens once a process,
and where no distribution mentions an entry point of ours the library is not imported at all.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Literal

from mlpolicy.core.frozen import frozen
from mlpolicy.core.homes import DISABLED, METADATA

Group = Literal["kinds", "sinks", "policies"]

API = 1
"""The version of the interface of plugins; it is raised when one made for the last would break."""
PREFIX = "mlpolicy."


class PluginError(Exception):
    """A plugin cannot be used.

    Attributes:
        code: `MP132` where two distributions provide it, `MP133` where it is broken.
        help: What to do.
    """

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
        """Import what the entry point leads to.

        Raises:
            PluginError: That failed, whatever went wrong.
        """
        from mlpolicy.core.kind import load

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
    """Return the plugin of that name, or None where there is none.

    Raises:
        PluginError: Two distributions provide it.
    """
    found = [one for one in installed(group) if one.name == name]
    if len(found) > 1:
        origins = " and ".join(one.origin for one in found)
        raise PluginError(
            "MP132", f"the plugin `{name}` is provided by {origins}", "remove one of them"
        )
    return found[0] if found else None


def forget() -> None:
    """Scan anew when it is next asked: something was installed."""
    _scan.cache_clear()


@cache
def _scan() -> tuple[Plugin, ...]:
    if os.environ.get(DISABLED) or not _mentioned():
        return ()
    from importlib_metadata import entry_points

    found = [
        Plugin(
            point.group.removeprefix(PREFIX),
            point.name,
            point.value.strip(),
            point.dist.name if point.dist else "an unknown distribution",
            point.dist.version if point.dist else "",
        )
        for point in entry_points()
        if point.group.startswith(PREFIX)
    ]
    return tuple(sorted(set(found)))


def _mentioned() -> bool:
    """Whether a distribution has an entry point of ours, as far as files tell."""
    mark = f"[{PREFIX}".encode()
    for folder in dict.fromkeys(sys.path):
        if folder.endswith((".zip", ".whl", ".egg")):
            return True  # (the library can look into these)
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith(METADATA):
                try:
                    with open(os.path.join(folder, name, "entry_points.txt"), "rb") as file:
                        if mark in file.read():
                            return True
                except OSError:
                    continue
    return False
