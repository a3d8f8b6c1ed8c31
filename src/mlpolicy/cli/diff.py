"""`mlpolicy diff`: what changes for each function between two policies."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from mlpolicy.cli import exits, sources
from mlpolicy.cli.history import Revision, at_revision
from mlpolicy.cli.options import shown_options, src_option, stop
from mlpolicy.cli.render.report import Report
from mlpolicy.cli.streams import emit, emit_json, tell
from mlpolicy.cli.terms import asked, named_environment, terms_options
from mlpolicy.cli.wait import waiting
from mlpolicy.plan.difference import Difference, Line, differences
from mlpolicy.plan.governed import absent_from, governed
from mlpolicy.plan.load import Loaded, Terms, load

SCHEMA = "mlpolicy.diff/1"


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
def command(
    paths: tuple[str, ...],
    against: str | None,
    src: tuple[str, ...],
    format: str,
    *,
    strict: bool,
) -> None:
    """Show what changes for each function from OLD to NEW: files, directories or `git:REF`.

    With `--against git:main`, from that revision to the policy as it is here.
    """
    old, new = _sides(paths, against)
    with ExitStack() as stack, waiting("comparing"):
        terms = replace(asked().terms(), survey=sources.survey(src))
        old_only = against is not None
        sides = [_loaded(side, stack, terms, format, against=old_only) for side in (new, old)]
        named_environment(*sides)
        after, before = (list(governed(one.rulebook, terms.survey)) for one in sides)
        found = differences(before, after)
        absent = absent_from(sides[0].rulebook, sources.survey(src))
    if format == "json":
        emit_json(SCHEMA, _content(found))
    else:
        emit((_markdown if format == "markdown" else _text)(found))
    sources.tell_absent(sides[0].rulebook, absent)
    sys.exit(exits.DIFFERENT if strict and found else exits.FINE)


def _sides(paths: Sequence[str], against: str | None) -> tuple[list[str], list[str]]:
    if against is not None:
        if not against.startswith("git:"):
            exits.stop("--against takes a revision: git:main, git:HEAD~1")
        new = list(paths) or _usual()
        return [f"{against}:{one}" for one in new], new
    if len(paths) != 2:
        exits.stop("name two policies, OLD and NEW, or --against git:REF")
    return _side(*paths), _side(*reversed(paths))


def _side(one: str, other: str) -> list[str]:
    """Return what *one* names: a revision alone is that of the path on the other side."""
    if not _is_revision(one):
        return [one]
    same = _usual() if _is_revision(other) else [other.split(":", 2)[-1]]
    return [f"{one}:{each}" for each in same]


def _is_revision(one: str) -> bool:
    return one.startswith("git:") and one.count(":") == 1


def _usual() -> list[str]:
    return [str(one) for one in sources.paths(())]


def _loaded(
    side: Sequence[str], stack: ExitStack, terms: Terms, format: str, *, against: bool
) -> Loaded:
    """Return what one side says; its findings end the command."""
    found: list[Path] = []
    past: list[Revision] = []
    for one in side:
        if not one.startswith("git:"):
            found += sources.paths([one])
            continue
        _, name, path = one.split(":", 2)
        revision = stack.enter_context(at_revision(name, Path(path)))
        past.append(revision)
        if revision.path is not None:
            found.append(revision.path)
        elif against:
            tell(f"there was no `{path}` at {name}: all of it is new")
        else:
            exits.stop(f"there was no `{path}` at `{name}`")
    loaded = load(found, terms)
    if loaded.refused:
        report = Report.of(loaded.shown())
        for revision in past:
            report = revision.called(report)
        stop(report, format)
    return loaded


# --- how it is shown ------------------------------------------------------------------


def _text(found: Sequence[Difference]) -> str:
    if not found:
        return "Nothing changes."
    blocks = ["\n".join(_block(one)) for one in found]
    return "\n\n".join([*blocks, _sum(found)])


_MARK = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def _block(one: Difference) -> Iterator[str]:
    mark, colour = _MARK[one.change]
    yield click.style(f"{mark} {one.target}", fg=colour, bold=True)
    wide = min(max(len(line.path) for line in one.lines), 40)
    for line in one.lines:
        yield f"    {line.path:<{wide}}  {_arrow(line)}"
    for risk in one.risks:
        yield f"    {click.style('!', fg='yellow', bold=True)} {risk}"


def _arrow(line: Line) -> str:
    if line.old is None:
        return f"+ {line.new}"
    return f"- {line.old}" if line.new is None else f"{line.old} → {line.new}"


def _sum(found: Sequence[Difference]) -> str:
    counts = [(sum(one.change == change for one in found), change) for change in _MARK]
    risks = sum(len(one.risks) for one in found)
    parts = [f"{count} {change}" for count, change in counts if count]
    return f"{', '.join(parts)} · {risks} to look at twice"


def _markdown(found: Sequence[Difference]) -> str:
    if not found:
        return "**Policy**: nothing changes for any function."
    head = [f"**Policy**: {_sum(found)}", "", "| function | setting | before | after |"]
    rows = [
        f"| {_code(one.target)} | {_code(line.path)} | {_cell(line.old)} | {_cell(line.new)} |"
        for one in found
        for line in one.lines
    ]
    risks = [f"- :warning: {_code(one.target)}: {risk}" for one in found for risk in one.risks]
    return "\n".join([*head, "|---|---|---|---|", *rows, *([""] if risks else []), *risks])


def _cell(text: str | None) -> str:
    return "" if text is None else _code(text)


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|").replace("\n", " ")


def _content(found: Sequence[Difference]) -> dict[str, Any]:
    return {
        "differences": [
            {
                "target": one.target,
                "change": one.change,
                "settings": [
                    {"path": line.path, "old": line.old, "new": line.new} for line in one.lines
                ],
                "risks": list(one.risks),
            }
            for one in found
        ],
    }
