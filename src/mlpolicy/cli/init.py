"""`mlpolicy init`: a first policy that is right, its schema, its test and its CI job."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from string import Template

import click

from mlpolicy import __version__
from mlpolicy.cli import exits
from mlpolicy.cli.context import Context
from mlpolicy.cli.files import save
from mlpolicy.cli.options import shared
from mlpolicy.core.target import Target
from mlpolicy.model.schema import published
from mlpolicy.source import Defined, NoModule, Opaque, SourceTree, roots

SCHEMA = "mlpolicy.init/1"
SKIPPED = ("tests", "test", "docs", "conftest", "setup", "build", "dist", "venv", "site")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False), metavar="[DIR]", default=".")
@click.option(
    "--module", metavar="PKG", help="The module that the policy is for; else one that is found."
)
@shared("src", "text", "json")
def command(context: Context, *, folder: str, module: str | None) -> None:
    """Write a first policy, its schema, its test and its CI job.

    No file in DIR is touched that is there.
    The policy watches the public functions of the module; what else it could do stands in it
    as comments, with names of functions that exist.
    """
    root = Path(folder)
    tree = SourceTree(roots((*context.src, folder, str(root / "src"))))
    chosen = module or _fullest(tree, _modules(root, tree))
    if chosen is None:
        exits.stop(
            f"no module with a function was found in `{folder}`: name one, --module mypkg.serve"
        )
    name, commands = chosen.rpartition(".")[2].replace("_", "-"), _commands(chosen)
    words = {
        "module": chosen,
        "name": name,
        "first": _functions(tree, chosen)[0],
        "commands": "\n".join(f"# {line}" for line in commands),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "release": ".".join(__version__.split(".")[:2]),
    }
    written = {
        os.path.normpath(root / file): _write(root / file, template, words)
        for file, template in (
            (f"policies/{name}.yaml", "policy.yaml"),
            (f"policies/{name}.test.yaml", "policy.test.yaml"),
            ("mlpolicy.schema.json", None),
            (".github/workflows/policy.yaml", "workflow.yaml"),
        )
    }
    rows = [{"file": file, "written": new} for file, new in written.items()]
    lines = [f"{'wrote' if new else 'kept '}  {file}" for file, new in written.items()]
    context.give(SCHEMA, {"module": chosen, "files": rows}, "\n".join(lines))
    steps = ["", "Next:", *([f"  cd {root}"] if root != Path() else []), *commands[:3]]
    if context.format == "text":
        context.tell("\n".join(steps) if any(written.values()) else "nothing to write")


def _write(path: Path, template: str | None, words: dict[str, str]) -> bool:
    """Write a new file, of a *template* or the schema; leave one that is there as it is."""
    if path.exists():
        return False
    if template is None:
        text = published()
    else:
        whole = resources.files("mlpolicy.cli").joinpath("templates", template).read_text("utf-8")
        text = Template(whole).safe_substitute(words)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        exits.stop(f"`{path}` cannot be written: {error.strerror or error}")
    save(text.encode("utf-8"), path)
    return True


def _commands(module: str) -> list[str]:
    commands = {
        "mlpolicy validate": "is the policy right?",
        f"mlpolicy apply --module {module}": "does it take effect?",
        "mlpolicy test": "does it do what it should?",
        "mlpolicy run -- COMMAND": "serve under it",
    }
    width = max(map(len, commands))
    return [f"  {command:<{width}}  {why}" for command, why in commands.items()]


# --- which module ---------------------------------------------------------------------


def _functions(tree: SourceTree, module: str) -> list[str]:
    """Return the public functions of *module*; end the command where there are none."""
    found = tree.module(module)
    if isinstance(found, NoModule):
        exits.stop(f"there is no module `{found.component}`", meant=found.close)
    if isinstance(found, Opaque):
        exits.stop(f"`{module}` {found.why}")
    looked = {name: tree.look_up(Target(module, name)) for name in tree.functions(module)}
    names = [
        name
        for name, one in looked.items()
        if isinstance(one, Defined) and one.is_function and "." not in name
    ]
    if not names:
        other = _fullest(tree, tree.modules_below(module))
        hint = f"; `{other}` does" if other else ""
        exits.stop(f"`{module}` defines no public function{hint}")
    return names


def _fullest(tree: SourceTree, modules: Iterable[str]) -> str | None:
    """Return the module with the most public functions."""
    counted = {name: len(tree.functions(name)) for name in modules}
    best = max(counted, key=lambda name: (counted[name], -len(name)), default=None)
    return best if best is not None and counted[best] else None


def _modules(root: Path, tree: SourceTree) -> Iterator[str]:
    for folder in (root, root / "src"):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name.startswith((".", "_")) or path.stem in SKIPPED:
                continue
            if path.suffix == ".py" and path.stem.isidentifier():
                yield path.stem
            elif (path / "__init__.py").is_file():
                yield from (path.name, *tree.modules_below(path.name))
