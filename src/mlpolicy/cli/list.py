"""`mlpolicy list`: what there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import click

from mlpolicy.cli import exits
from mlpolicy.cli.context import Context
from mlpolicy.cli.findings import import_failed, tell_absent, tell_errors
from mlpolicy.cli.options import (
    Choice,
    modules_option,
    pass_context,
    policy_option,
    shown_options,
    src_option,
    terms_options,
)
from mlpolicy.cli.wait import waiting
from mlpolicy.core.control import end_of
from mlpolicy.core.extensions import Extensions
from mlpolicy.core.plugins import Plugin, PluginError, installed
from mlpolicy.model.policy import SHIPPED, Setting, one
from mlpolicy.plan.governed import absent_from, governed
from mlpolicy.plan.installed import DEPTH, carried
from mlpolicy.plan.load import Loaded
from mlpolicy.rules import KINDS
from mlpolicy.rules.cache.stores import STORES
from mlpolicy.rules.monitor.sinks import SINKS

Row = dict[str, Any]
SCHEMA = "mlpolicy.list/1"


@click.command()
@click.argument(
    "what",
    type=Choice(["targets", "policies", "profiles", "files", "expiring", "plugins"]),
    default="targets",
)
@modules_option("With targets: a module to import, whose functions with decorators are shown too.")
@click.option(
    "--all", "every", is_flag=True, help="With profiles: those of mlpolicy that nothing uses, too."
)
@policy_option
@terms_options
@src_option
@shown_options("text", "json")
@pass_context
def command(context: Context, *, what: str, modules: tuple[str, ...], every: bool) -> None:
    """Show the targets that are governed, the policies, profiles, files, what expires, or plugins."""
    if modules and what != "targets":
        exits.stop(f"--module goes with targets, not with {what}")
    if every and what != "profiles":
        exits.stop(f"--all goes with profiles, not with {what}")
    if what == "plugins":
        _show(context, what, list(map(_plugin, every_plugin())))
        return
    loaded = context.read(needed=not (modules or every))
    rulebook = loaded.rulebook
    for name in SHIPPED if every else ():
        rulebook.profiles.named(name)
    with waiting("looking up what there is"):
        if modules:
            rows = list(_imported(context, modules))
        elif what == "targets":
            rows = list(_targets(context, loaded))
        else:
            rows = list(_OF_FILES[what](loaded))
    _show(context, what, rows)
    tell_errors(loaded.refused)
    if what == "targets" and not modules:
        tell_absent(rulebook, absent_from(rulebook, context.survey))


def _show(context: Context, what: str, rows: Sequence[Row]) -> None:
    if context.format == "json":
        context.emit_json(SCHEMA, {what: rows})
    elif rows:
        cells = (
            [", ".join(cell) if isinstance(cell, list) else str(cell) for cell in row.values()]
            for row in rows
        )
        context.emit(context.table([title.upper() for title in rows[0]], cells))
    else:
        context.emit("")
        context.tell(f"no {what}")


def _targets(context: Context, loaded: Loaded) -> Iterator[Row]:
    absent = absent_from(loaded.rulebook, context.survey)
    for plan in governed(loaded.rulebook, context.survey):
        yield {
            "target": str(plan.target),
            "rules": [rule.kind for rule in plan.rules],
            "mode": "missing" if plan.target in absent else plan.mode,
            "source": ", ".join(span.place for span in plan.sources),
        }


def _imported(context: Context, modules: Sequence[str]) -> Iterator[Row]:
    """Yield the targets in *modules*, which are imported: those with decorators, too."""
    answer = context.prove(", ".join(modules), modules=modules)
    if answer.failed is not None:
        import_failed(answer)
    for row in sorted(answer.targets, key=lambda row: str(row["target"])):
        if row["target"].partition(":")[0] in modules:
            yield {key: row[key] for key in ("target", "rules", "mode", "source")}


def _policies(loaded: Loaded) -> Iterator[Row]:
    for policy in loaded.rulebook.policies:
        yield {
            "policy": policy.name,
            "match": [str(pattern.glob) for pattern in policy.match],
            "rules": [block.kind for block in policy.rules],
            "owner": policy.meta.get("owner", ""),
            "reason": policy.meta.get("reason", ""),
            "source": policy.span.place,
        }


def _profiles(loaded: Loaded) -> Iterator[Row]:
    profiles = loaded.rulebook.profiles
    origins = {file.file: _origin(file.depth) for file in loaded.files}
    for name, profile in sorted({**profiles.shipped, **profiles.known}.items()):
        users = [
            policy.name
            for policy in loaded.rulebook.policies
            if name in [used.text for used in policy.use]
        ]
        yield {
            "profile": name,
            "extends": [other.text for other in profile.extends],
            "rules": [block.kind for block in profile.rules],
            "used by": users,
            "origin": origins.get(profile.span.file, "mlpolicy"),
            "source": profile.span.place,
        }


def _files(loaded: Loaded) -> Iterator[Row]:
    for file in loaded.files:
        yield {
            "file": file.file,
            "name": file.name,
            "policies": len(file.policies),
            "origin": _origin(file.depth),
        }


def _origin(depth: int) -> str:
    if depth >= DEPTH:
        return "installed"
    return "imported" if depth else "given"


def _expiring(loaded: Loaded) -> Iterator[Row]:
    now = loaded.rulebook.now
    dates: list[tuple[str, str, Setting]] = []
    for policy in loaded.rulebook.policies:
        owner = str(policy.meta.get("owner", ""))
        named = [(policy.name, one(policy.controls, "expires"))]
        named += [
            (f"{policy.name}: {rule.kind}", one(rule.settings, "expires")) for rule in policy.rules
        ]
        dates += [(name, owner, written) for name, written in named if written is not None]
    for name, owner, written in sorted(dates, key=lambda found: str(found[2].value)):
        end = end_of(date.fromisoformat(written.value))
        yield {
            "policy": name,
            "expires": str(written.value),
            "left": f"{(end - now).days} d" if end > now else "expired",
            "owner": owner,
            "source": written.span.place,
        }


_OF_FILES = {
    "policies": _policies,
    "profiles": _profiles,
    "files": _files,
    "expiring": _expiring,
}


# --- plugins --------------------------------------------------------------------------


def every_plugin() -> Iterable[tuple[Plugin, PluginError | None]]:
    """Yield every plugin, with what is wrong with it; those that add objects are imported."""
    groups: tuple[Extensions[Any], ...] = (KINDS, STORES, SINKS)
    for extensions in groups:
        extensions.look_for_all()
        for plugin in installed(extensions.group):
            yield plugin, extensions.refused.get(plugin.name)
    _, wrong = carried()
    for plugin in installed("policies"):
        yield plugin, wrong.get(plugin.name)


def _plugin(found: tuple[Plugin, PluginError | None]) -> Row:
    plugin, wrong = found
    return {
        "plugin": plugin.name,
        "adds": plugin.group,
        "distribution": plugin.origin,
        "entry point": plugin.value,
        "state": str(wrong) if wrong else "ok",
    }
