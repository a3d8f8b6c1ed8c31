"""`mlpolicy diff`: what changes for each function between two policies."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from mlpolicy.cli import exits, files
from mlpolicy.cli.context import Context
from mlpolicy.cli.findings import tell_absent
from mlpolicy.cli.git import Revision, unpacked
from mlpolicy.cli.options import pass_context, shown_options, src_option, terms_options
from mlpolicy.cli.render.report import Report
from mlpolicy.cli.wait import waiting
from mlpolicy.plan.difference import Difference, differences
from mlpolicy.plan.governed import absent_from, governed
from mlpolicy.plan.load import Loaded, load

SCHEMA = "mlpolicy.diff/1"
_MARK = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(readable=False), metavar="[OLD] [NEW]")
@click.option(
    "--against",
    metavar="git:REF",
    help="Compare the policy as it is with what it was at a revision of git.",
)
@terms_options
@src_option
@shown_options("text", "markdown", "json")
@click.option("--exit-code", "strict", is_flag=True, help="End with code 4 where anything differs.")
@pass_context
def command(context: Context, *, paths: tuple[str, ...], against: str | None, strict: bool) -> None:
    """Show what changes for each function from OLD to NEW: files, directories or `git:REF`.

    With `--against git:main`, from that revision to the policy as it is here.
    """
    old, new = _sides(paths, against)
    with ExitStack() as stack, waiting("comparing"):
        after = _loaded(context, new, stack, may_lack=against is not None)
        before = _loaded(context, old, stack, may_lack=against is not None)
        context.check_environment(after, before)
        found = differences(
            list(governed(before.rulebook, context.survey)),
            list(governed(after.rulebook, context.survey)),
        )
        absent = absent_from(after.rulebook, context.survey)
    if context.format == "json":
        context.emit_json(SCHEMA, {"differences": [_content(change) for change in found]})
    else:
        context.emit((_markdown if context.format == "markdown" else _text)(found))
    tell_absent(after.rulebook, absent)
    sys.exit(exits.DIFFERENT if strict and found else exits.FINE)


def _sides(paths: Sequence[str], against: str | None) -> tuple[list[str], list[str]]:
    if against is not None:
        if not against.startswith("git:"):
            exits.stop("--against takes a revision: git:main, git:HEAD~1")
        new = list(paths) or list(map(str, files.paths(())))
        return [f"{against}:{path}" for path in new], new
    if len(paths) != 2:
        exits.stop("name two policies, OLD and NEW, or --against git:REF")
    return _side(*paths), _side(*reversed(paths))


def _side(name: str, other: str) -> list[str]:
    """Return the paths that *name* stands for: a revision alone is that of the other side's path."""
    if not _is_revision(name):
        return [name]
    same = map(str, files.paths(())) if _is_revision(other) else [other.split(":", 2)[-1]]
    return [f"{name}:{path}" for path in same]


def _is_revision(name: str) -> bool:
    return name.startswith("git:") and name.count(":") == 1


def _loaded(context: Context, side: Sequence[str], stack: ExitStack, *, may_lack: bool) -> Loaded:
    """Return what one side says; its findings end the command."""
    paths: list[Path] = []
    revisions: list[Revision] = []
    for given in side:
        if not given.startswith("git:"):
            paths += files.paths([given])
            continue
        _, name, path = given.split(":", 2)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mlpolicy-"))
        revision = unpacked(name, Path(path), Path(folder))
        revisions.append(revision)
        if revision.path is not None:
            paths.append(revision.path)
        elif may_lack:
            context.tell(f"there was no `{path}` at {name}: all of it is new")
        else:
            exits.stop(f"there was no `{path}` at `{name}`")
    loaded = load(paths, context.terms())
    if loaded.refused:
        report = Report.of(loaded.shown())
        for revision in revisions:
            report = revision.called(report)
        context.stop(report)
    return loaded


# --- how it is shown ------------------------------------------------------------------


def _text(found: Sequence[Difference]) -> str:
    if not found:
        return "Nothing changes."
    blocks = ["\n".join(_block(change)) for change in found]
    return "\n\n".join([*blocks, _sum(found)])


def _block(change: Difference) -> Iterator[str]:
    mark, colour = _MARK[change.change]
    yield click.style(f"{mark} {change.target}", fg=colour, bold=True)
    width = min(max(len(line.path) for line in change.lines), 40)
    for line in change.lines:
        if line.old is None:
            arrow = f"+ {line.new}"
        elif line.new is None:
            arrow = f"- {line.old}"
        else:
            arrow = f"{line.old} → {line.new}"
        yield f"    {line.path:<{width}}  {arrow}"
    for risk in change.risks:
        yield f"    {click.style('!', fg='yellow', bold=True)} {risk}"


def _sum(found: Sequence[Difference]) -> str:
    counts = {kind: sum(change.change == kind for change in found) for kind in _MARK}
    parts = [f"{count} {kind}" for kind, count in counts.items() if count]
    return f"{', '.join(parts)} · {sum(len(one.risks) for one in found)} to look at twice"


def _markdown(found: Sequence[Difference]) -> str:
    if not found:
        return "**Policy**: nothing changes for any function."
    head = [f"**Policy**: {_sum(found)}", "", "| function | setting | before | after |"]
    rows = [
        f"| {_code(change.target)} | {_code(line.path)} | {_code(line.old)} | {_code(line.new)} |"
        for change in found
        for line in change.lines
    ]
    risks = [f"- :warning: {_code(one.target)}: {risk}" for one in found for risk in one.risks]
    return "\n".join([*head, "|---|---|---|---|", *rows, *([""] if risks else []), *risks])


def _code(text: str | None) -> str:
    return "" if text is None else f"`{text}`".replace("|", "\\|").replace("\n", " ")


def _content(change: Difference) -> dict[str, Any]:
    settings = [{"path": line.path, "old": line.old, "new": line.new} for line in change.lines]
    return {
        "target": change.target,
        "change": change.change,
        "settings": settings,
        "risks": list(change.risks),
    }
