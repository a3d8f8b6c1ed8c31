"""The policy files that installed packages carry: entry points of the group `mlpolicy.policies`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlpolicy.core import plugins
from mlpolicy.core.frozen import frozen
from mlpolicy.core.plugins import Plugin, PluginError
from mlpolicy.model.imports import ImportRefused, folder_of
from mlpolicy.plan.files import policy_files

DEPTH = 1000
"""How deep below all files that were given those of packages lie."""


@frozen()
class Carried:
    """The policy files of one plugin."""

    plugin: Plugin
    folder: Path
    files: tuple[Path, ...]


def carried() -> tuple[tuple[Carried, ...], Mapping[str, PluginError]]:
    """Return what packages carry, and by name what is wrong with others.

    None of their code is run.
    """
    found: list[Carried] = []
    wrong: dict[str, PluginError] = {}
    for plugin in plugins.installed("policies"):
        try:
            plugins.find("policies", plugin.name)
            found.append(_of(plugin))
        except PluginError as error:
            wrong[plugin.name] = error
    return tuple(found), wrong


def _of(plugin: Plugin) -> Carried:
    package, _, beyond = plugin.value.partition(":")
    if beyond:
        raise plugin.broken("policies are the folder of a package: write it without `:`")
    try:
        folder = folder_of(package)
    except ImportRefused as error:
        raise plugin.broken(str(error)) from None
    files = tuple(policy_files(folder))
    if not files:
        raise plugin.broken(f"there is no policy file in `{folder}`")
    return Carried(plugin, folder, files)
