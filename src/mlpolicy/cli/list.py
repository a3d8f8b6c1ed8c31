"""`mlpolicy list`: what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click

from mlpolicy.cli import exits, sources
from mlpolicy.cli.options import (
    Choice,
    modules_option,
    policy_option,
    shown_options,
    src_option,
)
from mlpolicy.cli.plugins import every_plugin
from mlpolicy.cli.prove import in_child, request_for
from mlpolicy.cli.streams import emit, emit_json, tell
from mlpolicy.cli.terms import terms_options
from mlpolicy.cli.wait import waiting
from mlpolicy.core.control import end_of
from mlpolicy.model.policy import SHIPPED, Setting, one
from mlpolicy.plan.governed import absent_from, governed
from mlpolicy.plan.installed import DEPTH
from mlpolicy.plan.load import Loaded
from mlpolicy.source import SourceTree

Row = dict[str, Any]
SCHEMA = "mlpolicy.list/1"


def _targets(loaded: Loaded, survey: SourceTree) -> Iterable[Row]:
    absent = absent_from(loaded.rulebook, survey)
    for plan in governed(loaded.rulebook, survey):
        yield {
            "target": str(plan.target),
            "rules": [rule.kind for rule in plan.rules],
            "mode": "missing" if plan.target in absent else plan.mode,
            "source": ", ".join(span.place for span in plan.sources),
        }


def _imported(paths: Sequence[Path], src: Sequence[str], modules: Sequence[str]) -> Iterable[Row]:
    """Yield the targets in *modules*, which are imported: those with decorators, too."""
    answer = in_child(request_for(paths, src, modules=modules), 60.0)
    if answer.failed is not None:
        failed = f"`{answer.failed['module']}` could not be imported: {answer.failed['error']}"
        exits.stop(failed, exits.IMPORT_FAILED)
    for row in sorted(answer.targets, key=lambda one: str(one["target"])):
        if row["target"].partition(":")[0] in modules:
            yield {key: row[key] for key in ("target", "rules", "mode", "source")}


def _policies(loaded: Loaded, _: SourceTree) -> Iterable[Row]:
    for policy in loaded.rulebook.policies:
        yield {
            "policy": policy.name,
            "match": [str(pattern.glob) for pattern in policy.match],
            "rules": [block.kind for block in policy.rules],
            "owner": policy.meta.get("owner", ""),
            "reason": policy.meta.get("reason", ""),
            "source": policy.span.place,
        }


def _profiles(loaded: Loaded, _: SourceTree) -> Iterable[Row]:
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


def _files(loaded: Loaded, _: SourceTree) -> Iterable[Row]:
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


def _expiring(loaded: Loaded, _: SourceTree) -> Iterable[Row]:
    now = loaded.rulebook.now
    for name, owner, written in sorted(_dates(loaded), key=lambda found: str(found[2].value)):
        end = end_of(date.fromisoformat(written.value))
        left = (end - now).days
        yield {
            "policy": name,
            "expires": str(written.value),
            "left": f"{left} d" if end > now else "expired",
            "owner": owner,
            "source": written.span.place,
        }


def _dates(loaded: Loaded) -> Iterator[tuple[str, str, Setting]]:
    for policy in loaded.rulebook.policies:
        owner = str(policy.meta.get("owner", ""))
        written = one(policy.controls, "expires")
        if written is not None:
            yield policy.name, owner, written
        for rule in policy.rules:
            written = one(rule.settings, "expires")
            if written is not None:
                yield f"{policy.name}: {rule.kind}", owner, written


WHAT: dict[str, Callable[[Loaded, SourceTree], Iterable[Row]]] = {
    "targets": _targets,
    "policies": _policies,
    "profiles": _profiles,
    "files": _files,
    "expiring": _expiring,
}
PLUGINS = "plugins"


@click.command()
@click.argument("what", type=Choice([*WHAT, PLUGINS]), default="targets")
@modules_option("With targets: a module to import, whose functions with decorators are shown too.")
@click.option(
    "--all", "every", is_flag=True, help="With profiles: those of mlpolicy that nothing uses, too."
)
@policy_option
@terms_options
@src_option
@shown_options("text", "json")
def command(what: str, format: str, **options: Any) -> None:
    """Show the targets that are governed, the policies, profiles, files, what expires, or plugins."""
    modules, src = options["modules"], options["src"]
    for option, given, goes in (
        ("module", modules, "targets"),
        ("all", options["every"], "profiles"),
    ):
        if given and what != goes:
            exits.stop(f"--{option} goes with {goes}, not with {what}")
    read = None if what == PLUGINS else _read(**options)
    loaded = read[1] if read else None
    with waiting("looking up what there is"):
        if read and modules:
            rows = list(_imported(read[0], src, modules))
        else:
            rows = list(WHAT[what](loaded, sources.survey(src)) if loaded else _plugins())
    if format == "json":
        emit_json(SCHEMA, {what: rows})
    else:
        emit(_table(rows))
        if not rows:
            tell(f"no {what}")
    if loaded and loaded.refused:
        sources.tell_errors(len(loaded.refused))
    if loaded and what == "targets" and not modules:
        absent = absent_from(loaded.rulebook, sources.survey(src))
        sources.tell_absent(loaded.rulebook, absent)


def _read(
    *, policy: Sequence[str], src: Sequence[str], modules: Sequence[str], every: bool
) -> tuple[tuple[Path, ...], Loaded]:
    read = sources.read(policy, src=src, needed=not (modules or every))
    for name in SHIPPED if every else ():
        read[1].rulebook.profiles.named(name)
    return read


def _table(rows: Sequence[Row]) -> str:
    from mlpolicy.cli.render.table import plain

    if not rows:
        return ""
    head = list(rows[0])
    return plain([one.upper() for one in head], [[_cell(row[key]) for key in head] for row in rows])


def _plugins() -> Iterable[Row]:
    for plugin, wrong in every_plugin():
        yield {
            "plugin": plugin.name,
            "adds": plugin.group,
            "distribution": plugin.origin,
            "entry point": plugin.value,
            "state": str(wrong) if wrong else "ok",
        }


def _cell(value: Sequence[str] | str | int) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
