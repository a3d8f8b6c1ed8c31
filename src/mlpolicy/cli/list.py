"""`mlpolicy list`: what there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import click

from mlpolicy.cli import exits
from mlpolicy.cli.findings import import_failed, prove, tell_absent, tell_errors
from mlpolicy.cli.options import Context, shared, waiting
from mlpolicy.core.plugins import Extensions, Plugin, PluginError, installed
from mlpolicy.core.report import HIDDEN
from mlpolicy.core.site import end_of
from mlpolicy.model.policy import DEPTH, SHIPPED, one
from mlpolicy.plan.gather import carried
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
    if context.modules and what != "targets":
        exits.stop(f"--module goes with targets, not with {what}")
    if every and what != "profiles":
        exits.stop(f"--all goes with profiles, not with {what}")
    if what == "plugins":
        _show(context, what, _plugins())
        return
    loaded = context.read(needed=not (context.modules or every))
    rulebook = loaded.rulebook
    for name in SHIPPED if every else ():
        rulebook.profiles.named(name)
    with waiting("looking up what there is"):
        if context.modules:
            rows = list(_imported(context))
        elif what == "targets":
            rows = list(_targets(context, loaded))
        else:
            rows = list(_OF_FILES[what](loaded))
    _show(context, what, rows)
    tell_errors(loaded.refused)
    if what == "targets" and not context.modules:
        tell_absent(context, rulebook)


def _show(context: Context, what: str, rows: list[Row]) -> None:
    context.give(SCHEMA, {what: rows}, context.table(rows))
    if not rows and context.format == "text":
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
    answer = prove(context, context.modules)
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
        yield {
            "profile": name,
            "extends": [other.text for other in profile.extends],
            "rules": [rule.kind for rule in profile.rules],
            "used by": [one.name for one in policies if name in [use.text for use in one.use]],
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


def _expiring(loaded: Loaded) -> list[Row]:
    now = loaded.rulebook.now
    rows: list[Row] = []
    for policy in loaded.rulebook.policies:
        of_rules = ((f"{policy.name}: {rule.kind}", rule.settings) for rule in policy.rules)
        for name, settings in ((policy.name, policy.controls), *of_rules):
            written = one(settings, "expires")
            if written is not None:
                end = end_of(date.fromisoformat(written.value))
                rows.append(
                    {
                        "policy": name,
                        "expires": HIDDEN if written.secret else str(written.value),
                        "left": f"{(end - now).days} d" if end > now else "expired",
                        "owner": str(policy.meta.get("owner", "")),
                        "source": written.span.place,
                    }
                )
    return sorted(rows, key=lambda row: str(row["expires"]))


_OF_FILES = {"policies": _policies, "profiles": _profiles, "files": _files, "expiring": _expiring}


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


def _plugins() -> list[Row]:
    return [
        {
            "plugin": plugin.name,
            "adds": plugin.group,
            "distribution": plugin.origin,
            "entry point": plugin.value,
            "state": str(wrong or "ok"),
        }
        for plugin, wrong in every_plugin()
    ]
