"""`mlpolicy diff`: what changes for each function between two policies."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from mlpolicy.cli import exits, files
from mlpolicy.cli.findings import tell_absent
from mlpolicy.cli.options import Context, shared, waiting
from mlpolicy.plan.gather import lies_in
from mlpolicy.plan.governed import governed
from mlpolicy.plan.load import Loaded, load
from mlpolicy.plan.show import Difference, differences, of_settings

SCHEMA = "mlpolicy.diff/1"
_MARK = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(readable=False), metavar="[OLD] [NEW]")
@click.option("--against", metavar="git:REF", help="Compare with a revision of git.")
@shared("env set assume src", "text", "markdown", "json")
@click.option("--exit-code", "strict", is_flag=True, help="End with code 4 where anything differs.")
def command(context: Context, *, paths: tuple[str, ...], against: str | None, strict: bool) -> None:
    """Show what changes for each function between two policies.

    OLD and NEW are files, directories or `git:REF`; with `--against git:main`, OLD is that
    revision and NEW the policy as it is here.
    """
    old, new = _sides(paths, against)
    with ExitStack() as stack, waiting("comparing"):
        after = _loaded(context, new, stack, may_lack=against is not None)
        before = _loaded(context, old, stack, may_lack=against is not None)
        context.check_environment(after, before)
        plans = [list(governed(side.rulebook, context.tree)) for side in (before, after)]
        settings = of_settings(before.rulebook.settings, after.rulebook.settings)
        changes = (*settings, *differences(*plans))
    if context.format == "markdown":
        context.emit(f"{_markdown(changes)}\n")
    else:
        context.give(SCHEMA, {"differences": list(map(_content, changes))}, _text(changes))
    tell_absent(context, after.rulebook)
    sys.exit(exits.DIFFERENT if strict and changes else exits.FINE)


def _sides(paths: Sequence[str], against: str | None) -> tuple[list[str], list[str]]:
    """Return the paths of both sides, of the past as `git:REF:PATH`."""
    if against is not None:
        if not against.startswith("git:"):
            exits.stop("--against takes a revision: git:main, git:HEAD~1")
        new = list(paths) or list(map(str, files.paths(())))
        return [f"{against}:{path}" for path in new], new
    if len(paths) != 2:
        exits.stop("name two policies, OLD and NEW, or --against git:REF")
    revisions = [path.startswith("git:") and path.count(":") == 1 for path in paths]
    sides = [[path] for path in paths]
    for at in (0, 1):
        if revisions[at]:  # a revision alone is that of the other side's path
            other = [paths[1 - at].split(":", 2)[-1]]
            same = map(str, files.paths(())) if all(revisions) else other
            sides[at] = [f"{paths[at]}:{path}" for path in same]
    return sides[0], sides[1]


def _loaded(context: Context, side: Sequence[str], stack: ExitStack, *, may_lack: bool) -> Loaded:
    """Return what one side says; its findings end the command."""
    paths: list[Path] = []
    for given in side:
        if not given.startswith("git:"):
            paths += files.paths([given])
            continue
        _, name, path = given.split(":", 2)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mlpolicy-"))
        context.renamed[f"{folder}/"] = f"git:{name}:"
        past = _unpacked(name, Path(path), Path(folder))
        if past is not None:
            paths.append(past)
        elif may_lack:
            context.tell(f"there was no `{path}` at {name}: all of it is new")
        else:
            exits.stop(f"there was no `{path}` at `{name}`")
    loaded = load(paths, context.terms())
    if loaded.refused:
        context.stop(loaded)
    return loaded


# --- revisions of git -----------------------------------------------------------------


def _unpacked(name: str, path: Path, into: Path) -> Path | None:
    """Return *path* as it was at the revision *name*, in the folder *into* with all beside it.

    Where there was no such path, return None.
    """
    top = Path(_git(path, "rev-parse", "--show-toplevel").decode().strip())
    # The name may be anything that somebody typed.
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{tree}}")
    tree = _git(top, *asked, may_fail=True).decode().split()
    if not tree:
        exits.stop(f"git knows no revision `{name}`")
    if not path.resolve().is_relative_to(top.resolve()):
        exits.stop(f"`{path}` is not in the repository `{top}`")
    whole = path.resolve().relative_to(top.resolve())
    listed = _git(top, "ls-tree", "-z", "--name-only", tree[-1], "--", str(whole))
    if not listed and whole != Path():
        return None
    beside = whole if path.is_dir() else whole.parent
    archive = _git(top, "archive", "--format=tar", tree[-1], "--", str(beside))
    with tarfile.open(fileobj=io.BytesIO(archive)) as content:
        # (written by git; no member lies outside, and links that lead there are refused when read)
        content.extractall(into, filter="tar")  # nosec B202
    if not lies_in(into / whole, into):
        exits.stop(f"`{path}` at `{name}` is a link that leads outside of the repository")
    return into / whole


def _git(path: Path, *arguments: str, may_fail: bool = False) -> bytes:
    """Return what git prints in the folder of *path*; end the command where it fails."""
    folder = next(folder for folder in (path, path.parent, Path.cwd()) if folder.is_dir())
    try:
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        exits.stop("git was not found, which `git:` needs")
    if done.returncode and not may_fail:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        exits.stop(f"git: {lines[-1] if lines else 'failed'}")
    return b"" if done.returncode else done.stdout


# --- how it is shown ------------------------------------------------------------------


def _content(change: Difference) -> dict[str, object]:
    settings = [{"path": path, "old": old, "new": new} for path, old, new in change.lines]
    what = {"target": change.target, "change": change.change}
    return {**what, "settings": settings, "risks": list(change.risks)}


def _text(changes: Sequence[Difference]) -> str:
    if not changes:
        return "Nothing changes."
    lines: list[str] = []
    for change in changes:
        mark, colour = _MARK[change.change]
        lines.append(click.style(f"{mark} {change.target}", fg=colour, bold=True))
        width = min(max(len(path) for path, _, _ in change.lines), 40)
        for path, old, new in change.lines:
            arrow = f"- {old}" if new is None else f"+ {new}" if old is None else f"{old} → {new}"
            lines.append(f"    {path:<{width}}  {arrow}")
        mark = click.style("!", fg="yellow", bold=True)
        lines += [*(f"    {mark} {risk}" for risk in change.risks), ""]
    return "\n".join([*lines, _sum(changes)])


def _sum(changes: Sequence[Difference]) -> str:
    counts = {kind: sum(change.change == kind for change in changes) for kind in _MARK}
    parts = [f"{count} {kind}" for kind, count in counts.items() if count]
    return f"{', '.join(parts)} · {sum(len(one.risks) for one in changes)} to look at twice"


def _markdown(changes: Sequence[Difference]) -> str:
    if not changes:
        return "**Policy**: nothing changes for any function."
    lines = [f"**Policy**: {_sum(changes)}", "", "| function | setting | before | after |"]
    lines.append("|---|---|---|---|")
    for change in changes:
        for line in change.lines:
            cells = map(_code, (change.target, *line))
            lines.append(f"| {' | '.join(cells)} |")
    risks = [f"- :warning: {_code(one.target)}: {risk}" for one in changes for risk in one.risks]
    return "\n".join([*lines, *([""] if risks else []), *risks])


def _code(text: str | None) -> str:
    return "" if text is None else f"`{text}`".replace("|", "\\|").replace("\n", " ")
