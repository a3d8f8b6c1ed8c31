"""`mlpolicy list`: what there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import click

from mlpolicy.cli import exits
from mlpolicy.cli.context import Context
from mlpolicy.cli.findings import import_failed, tell_absent, tell_errors
from mlpolicy.cli.options import shared
from mlpolicy.cli.wait import waiting
from mlpolicy.core.extensions import Extensions
from mlpolicy.core.plugins import Plugin, PluginError, installed
from mlpolicy.core.site import end_of
from mlpolicy.model.policy import SHIPPED, one
from mlpolicy.plan.gather import DEPTH, carried
from mlpolicy.plan.governed import absent_from, governed
from mlpolicy.plan.load import Loaded
from mlpolicy.rules import KINDS
from mlpolicy.rules.monitor.sinks import SINKS

Row = dict[str, Any]
SCHEMA = "mlpolicy.list/1"
WHAT = ("targets", "policies", "profiles", "files", "expiring", "plugins")


@click.command()
@click.argument("what", type=click.Choice(WHAT), default="targets")
@click.option("--all", "every", is_flag=True, help="With profiles: all of mlpolicy, used or not.")
@shared("module policy env set assume src", "text", "json")
def command(context: Context, *, what: str, every: bool) -> None:
    """Show what there is: targets, policies, files, what expires.

    With targets, `--module` imports modules, and shows their functions with decorators, too.
    """
    for option, given, goes in (
        ("module", context.modules, "targets"),
        ("all", every, "profiles"),
    ):
        if given and what != goes:
            exits.stop(f"--{option} goes with {goes}, not with {what}")
    if what == "plugins":
        _show(context, what, list(_plugins()))
        return
    loaded = context.read(needed=not (context.modules or every))
    rulebook = loaded.rulebook
    for name in SHIPPED if every else ():
        rulebook.profiles.named(name)
    with waiting("looking up what there is"):
        if what == "targets":
            rows = list(_imported(context) if context.modules else _targets(context, loaded))
        else:
            rows = list(_OF_FILES[what](loaded))
    _show(context, what, rows)
    tell_errors(loaded.refused)
    if what == "targets" and not context.modules:
        tell_absent(rulebook, absent_from(rulebook, context.tree))


def _show(context: Context, what: str, rows: list[Row]) -> None:
    if context.format == "json":
        context.emit_json(SCHEMA, {what: rows})
        return
    cells = [
        [", ".join(cell) if isinstance(cell, list) else str(cell) for cell in row.values()]
        for row in rows
    ]
    context.emit(context.table([title.upper() for title in rows[0]], cells) if rows else "")
    if not rows:
        context.tell(f"no {what}")


def _targets(context: Context, loaded: Loaded) -> Iterator[Row]:
    absent = absent_from(loaded.rulebook, context.tree)
    for plan in governed(loaded.rulebook, context.tree):
        yield {
            "target": str(plan.target),
            "rules": [rule.kind for rule in plan.rules],
            "mode": "missing" if plan.target in absent else plan.mode,
            "source": ", ".join(span.place for span in plan.sources),
        }


def _imported(context: Context) -> Iterator[Row]:
    """Yield the targets in modules that are imported: those with decorators, too."""
    answer = context.prove(context.modules)
    if answer.failed is not None:
        import_failed(answer)
    for row in sorted(answer.targets, key=lambda row: str(row["target"])):
        if row["target"].partition(":")[0] in context.modules:
            yield {key: row[key] for key in ("target", "rules", "mode", "source")}


def _policies(loaded: Loaded) -> Iterator[Row]:
    for policy in loaded.rulebook.policies:
        yield {
            "policy": policy.name,
            "match": [str(pattern.glob) for pattern in policy.match],
            "rules": [rule.kind for rule in policy.rules],
            "owner": policy.meta.get("owner", ""),
            "reason": policy.meta.get("reason", ""),
            "source": policy.span.place,
        }


def _profiles(loaded: Loaded) -> Iterator[Row]:
    profiles, policies = loaded.rulebook.profiles, loaded.rulebook.policies
    origins = {file.file: _origin(file.depth) for file in loaded.files}
    for name, profile in sorted({**profiles.shipped, **profiles.known}.items()):
        used = [policy.name for policy in policies if name in [use.text for use in policy.use]]
        yield {
            "profile": name,
            "extends": [other.text for other in profile.extends],
            "rules": [rule.kind for rule in profile.rules],
            "used by": used,
            "origin": origins.get(profile.span.file, "mlpolicy"),
            "source": profile.span.place,
        }


def _files(loaded: Loaded) -> Iterator[Row]:
    for file in loaded.files:
        count, origin = len(file.policies), _origin(file.depth)
        yield {"file": file.file, "name": file.name, "policies": count, "origin": origin}


def _origin(depth: int) -> str:
    if depth >= DEPTH:
        return "installed"
    return "imported" if depth else "given"


def _expiring(loaded: Loaded) -> Iterator[Row]:
    now = loaded.rulebook.now
    rows: list[Row] = []
    for policy in loaded.rulebook.policies:
        dates = {policy.name: one(policy.controls, "expires")}
        dates |= {
            f"{policy.name}: {rule.kind}": one(rule.settings, "expires") for rule in policy.rules
        }
        for name, written in dates.items():
            if written is None:
                continue
            end = end_of(date.fromisoformat(written.value))
            row = {"policy": name, "expires": str(written.value)}
            row["left"] = f"{(end - now).days} d" if end > now else "expired"
            row["owner"] = str(policy.meta.get("owner", ""))
            rows.append(row | {"source": written.span.place})
    yield from sorted(rows, key=lambda row: str(row["expires"]))


_OF_FILES = {
    "policies": _policies,
    "profiles": _profiles,
    "files": _files,
    "expiring": _expiring,
}


def every_plugin() -> Iterator[tuple[Plugin, PluginError | None]]:
    """Yield every plugin, with what is wrong with it; those that add objects are imported."""
    groups: tuple[Extensions[Any], ...] = (KINDS, SINKS)
    for extensions in groups:
        extensions.look_for_all()
        for plugin in installed(extensions.group):
            yield plugin, extensions.refused.get(plugin.name)
    _, wrong = carried()
    for plugin in installed("policies"):
        yield plugin, wrong.get(plugin.name)


def _plugins() -> Iterator[Row]:
    for plugin, wrong in every_plugin():
        yield {
            "plugin": plugin.name,
            "adds": plugin.group,
            "distribution": plugin.origin,
            "entry point": plugin.value,
            "state": str(wrong or "ok"),
        }
