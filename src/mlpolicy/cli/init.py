"""`mlpolicy init`: a first policy that is right, its schema, its test and its CI job."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from mlpolicy import __version__
from mlpolicy.cli import exits
from mlpolicy.cli.context import Context
from mlpolicy.cli.options import pass_context, shown_options, src_option
from mlpolicy.cli.save import save
from mlpolicy.core.target import Target
from mlpolicy.model.schema import published
from mlpolicy.plan.survey import Defined, NoModule, Opaque, Survey, roots

SCHEMA = "mlpolicy.init/1"
SKIPPED = ("tests", "test", "docs", "conftest", "setup", "build", "dist", "venv", "site")
_REMOTE = re.compile(
    r"(?:^|_)(?:fetch|get|load|read|download|query|search|request|call|lookup)", re.I
)
_MODEL = re.compile(r"(?:^|_)(?:predict|score|rank|infer|classify|embed|encode|recommend)", re.I)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False), metavar="[DIR]", default=".")
@click.option(
    "--module", metavar="PKG", help="The module that the policy is for; else one that is found."
)
@src_option
@shown_options("text", "json")
@pass_context
def command(context: Context, *, folder: str, module: str | None) -> None:
    """Write what one begins with into DIR; no file that is there is touched.

    The policy watches the public functions of the module; what else it could do stands in it
    as comments, with names of functions that exist.
    """
    root = Path(folder)
    survey = Survey(roots((*context.src, folder, str(root / "src"))))
    chosen = module or _fullest(survey, _modules(root, survey))
    if chosen is None:
        exits.stop(
            f"no module with a function was found in `{folder}`: name one, --module mypkg.serve"
        )
    functions = _functions(survey, chosen)
    name = chosen.rpartition(".")[2].replace("_", "-")
    texts = {
        f"policies/{name}.yaml": _policy(chosen, functions, name),
        f"policies/{name}.test.yaml": _test(chosen, functions, name),
        "mlpolicy.schema.json": published(),
        ".github/workflows/policy.yaml": _workflow(chosen),
    }
    written = {os.path.normpath(root / file): _write(root / file, texts[file]) for file in texts}
    if context.format == "json":
        rows = [{"file": file, "written": new} for file, new in written.items()]
        context.emit_json(SCHEMA, {"module": chosen, "files": rows})
        return
    context.emit(
        "\n".join(f"{'wrote' if new else 'kept '}  {file}" for file, new in written.items())
    )
    steps = [f"  cd {root}"] if root != Path() else []
    steps += _commands(chosen)[:3]
    told = "\n".join(["", "Next:", *steps])
    context.tell(told if any(written.values()) else "nothing to write")


def _write(path: Path, text: str) -> bool:
    """Write a new file; leave one that is there as it is."""
    if path.exists():
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        exits.stop(f"`{path}` cannot be written: {error.strerror or error}")
    save(text.encode("utf-8"), path)
    return True


# --- which module ---------------------------------------------------------------------


def _functions(survey: Survey, module: str) -> list[str]:
    found = survey.module(module)
    if isinstance(found, NoModule):
        near = f"; did you mean `{found.close[0]}`?" if found.close else ""
        hint = f" ({found.hint})" if found.hint else ""
        exits.stop(f"there is no module `{found.component}`{near}{hint}")
    if isinstance(found, Opaque):
        exits.stop(f"`{module}` {found.why}")
    names = [name for name in survey.functions(module) if _is_function(survey, module, name)]
    if not names:
        other = _fullest(survey, survey.modules_below(module))
        hint = f"; `{other}` does" if other else ""
        exits.stop(f"`{module}` defines no public function{hint}")
    return names


def _is_function(survey: Survey, module: str, name: str) -> bool:
    looked = survey.look_up(Target(module, name))
    return isinstance(looked, Defined) and "." not in name and looked.is_function


def _fullest(survey: Survey, modules: Iterable[str]) -> str | None:
    """Return the module with the most public functions."""
    counted = {name: len(survey.functions(name)) for name in modules}
    best = max(counted, key=lambda name: (counted[name], -len(name)), default=None)
    return best if best is not None and counted[best] else None


def _modules(root: Path, survey: Survey) -> Iterator[str]:
    for folder in (root, root / "src"):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name.startswith((".", "_")) or path.stem in SKIPPED:
                continue
            if path.suffix == ".py" and path.stem.isidentifier():
                yield path.stem
            elif (path / "__init__.py").is_file():
                yield from (path.name, *survey.modules_below(path.name))


# --- the files ------------------------------------------------------------------------


def _policy(module: str, functions: Sequence[str], name: str) -> str:
    """Return a policy that watches, with what else it could do as comments."""
    remote = next((name for name in functions if _REMOTE.search(name)), functions[0])
    model = next((name for name in functions if _MODEL.search(name)), functions[0])
    commands = "\n".join(f"# {line}" for line in _commands(module))
    return f"""\
# yaml-language-server: $schema=../mlpolicy.schema.json
# What holds for the functions of {module}, without a change to their code.
#
{commands}

version: 1
policies:
  # Latency, errors and calls in flight of every public function.
  {name}-observed:
    match: "{module}:*"
    reason: see what is slow and what fails
    monitor: {{}}

  # Errors that pass by themselves are tried again: time-outs, resets, 429 and 502 to 504.
  # {module}:{remote}:
  #   reason: the network fails now and then
  #   retry: {{max_attempts: 3, retry_on: [transient, throttle], max_elapsed: 5s}}

  # Answers are kept for a while, each for its own arguments.
  # {module}:{model}:
  #   reason: the same question comes again
  #   cache: {{ttl: 30s, max_entries: 10k}}
"""


def _test(module: str, functions: Sequence[str], name: str) -> str:
    """Return a test of that policy, which passes."""
    return f"""\
# Tests of the policy: `mlpolicy test`, or `pytest`. The clock is virtual, nothing is called.
version: 1
policies: [./{name}.yaml]
tests:
  - name: {functions[0]} is watched
    resolve: {module}:{functions[0]}
    expect: {{monitor: present}}
"""


def _workflow(module: str) -> str:
    """Return a job of GitHub Actions that checks the policy at every push."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    release = ".".join(__version__.split(".")[:2])
    return f"""\
# Checks the policy at every push: findings are shown beside the lines of a pull request.
# GitHub reads workflows in the root of the repository alone; for a folder within it, move this
# file there and add `defaults: {{run: {{working-directory: FOLDER}}}}`.
name: policy
on: [push, pull_request]
jobs:
  policy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {{fetch-depth: 0}}
      - uses: actions/setup-python@v5
        with: {{python-version: "{python}"}}
      # Another release may find more: raise its number when you mean to.
      - run: pip install "mlpolicy=={release}.*"
      # What else `{module}` needs, too, since `apply` imports it.
      - if: hashFiles('requirements.txt') != ''
        run: pip install -r requirements.txt
      - run: mlpolicy validate
      - run: mlpolicy test
      - run: mlpolicy apply --module {module} --check
      - if: github.event_name == 'pull_request'
        run: mlpolicy diff --against git:origin/${{{{ github.base_ref }}}} --format markdown >> "$GITHUB_STEP_SUMMARY"
"""


def _commands(module: str) -> list[str]:
    commands = {
        "mlpolicy validate": "is the policy right?",
        f"mlpolicy apply --module {module}": "does it take effect?",
        "mlpolicy test": "does it do what it should?",
        "mlpolicy run -- COMMAND": "serve under it",
    }
    width = max(map(len, commands))
    return [f"  {command:<{width}}  {why}" for command, why in commands.items()]
