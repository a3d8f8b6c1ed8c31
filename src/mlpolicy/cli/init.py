"""`mlpolicy init`: a first policy that is right, its schema, its test and its CI job."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from mlpolicy.cli import exits, starting
from mlpolicy.cli.options import shown_options, src_option
from mlpolicy.cli.project import Project
from mlpolicy.cli.streams import emit, emit_json, tell, write
from mlpolicy.core.target import Target
from mlpolicy.source import Defined, NoModule, Opaque, SourceTree, roots

SCHEMA = "mlpolicy.init/1"
SKIPPED = ("tests", "test", "docs", "conftest", "setup", "build", "dist", "venv", "site")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False), metavar="[DIR]", default=".")
@click.option(
    "--module", metavar="PKG", help="The module that the policy is for; else one that is found."
)
@src_option
@shown_options("text", "json")
def command(folder: str, module: str | None, src: tuple[str, ...], format: str) -> None:
    """Write what one begins with into DIR; no file that is there is touched.

    The policy watches the public functions of the module; what else it could do stands in it
    as comments, with names of functions that exist.
    """
    root = Path(folder)
    survey = SourceTree(roots((*src, folder, str(root / "src"))))
    chosen = module or _first(root, survey)
    if chosen is None:
        exits.stop(
            f"no module with a function was found in `{folder}`: name one, --module mypkg.serve",
            exits.USAGE,
        )
    names = _functions(survey, chosen)
    project = Project(root)
    files = {
        Path(os.path.normpath(root / name)): text
        for name, text in starting.files(chosen, names, project).items()
    }
    done = {str(file): _write(file, text) for file, text in files.items()}
    if format == "json":
        rows = [{"file": file, "written": written} for file, written in done.items()]
        emit_json(SCHEMA, {"module": chosen, "files": rows})
    else:
        emit("\n".join(f"{'wrote' if done[file] else 'kept '}  {file}" for file in done))
        told = starting.next_steps(chosen, project)
        tell(f"\n{told}" if any(done.values()) else "nothing to write")


def _functions(survey: SourceTree, module: str) -> list[str]:
    found = survey.module(module)
    if isinstance(found, NoModule):
        near = f"; did you mean `{found.close}`?" if found.close else ""
        exits.stop(f"there is no module `{found.component}`{near}")
    if isinstance(found, Opaque):
        exits.stop(f"`{module}` {found.why}")
    names = [name for name in survey.functions(module) if _is_function(survey, module, name)]
    if not names:
        other = _fullest(survey, survey.modules_below(module))
        hint = f"; `{other}` does" if other else ""
        exits.stop(f"`{module}` defines no public function{hint}")
    return names


def _is_function(survey: SourceTree, module: str, name: str) -> bool:
    looked = survey.look_up(Target(module, name))
    return isinstance(looked, Defined) and "." not in name and looked.is_function


def _first(root: Path, survey: SourceTree) -> str | None:
    """Return the module with the most public functions among those of the project."""
    return _fullest(survey, _modules(root, survey))


def _fullest(survey: SourceTree, modules: Iterable[str]) -> str | None:
    counted = {name: len(survey.functions(name)) for name in modules}
    best = max(counted, key=lambda name: (counted[name], -len(name)), default=None)
    return best if best is not None and counted[best] else None


def _modules(root: Path, survey: SourceTree) -> Iterator[str]:
    for base in (root, root / "src"):
        for one in sorted(base.iterdir()) if base.is_dir() else ():
            if one.name.startswith((".", "_")) or one.stem in SKIPPED:
                continue
            if one.suffix == ".py" and one.stem.isidentifier():
                yield one.stem
            elif (one / "__init__.py").is_file():
                yield from (one.name, *survey.modules_below(one.name))


def _write(path: Path, text: str) -> bool:
    """Write a new file; leave one that is there as it is."""
    if path.exists():
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        exits.stop(f"`{path}` cannot be written: {error.strerror or error}")
    write(text.encode("utf-8"), path)
    return True
