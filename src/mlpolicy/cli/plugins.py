"""Every plugin that is installed, and whether it can be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlpolicy.core.extensions import Extensions
from mlpolicy.core.plugins import Plugin, PluginError, installed
from mlpolicy.plan.installed import carried
from mlpolicy.rules import KINDS
from mlpolicy.rules.monitor.sinks import SINKS

_EACH: tuple[Extensions[Any], ...] = (KINDS, SINKS)


def every_plugin() -> Iterator[tuple[Plugin, PluginError | None]]:
    """Yield every plugin, with what is wrong with it; those that add objects are imported."""
    for extensions in _EACH:
        extensions.look_for_all()
        for plugin in installed(extensions.group):
            yield plugin, extensions.refused.get(plugin.name)
    _, wrong = carried()
    yield from ((plugin, wrong.get(plugin.name)) for plugin in installed("policies"))
