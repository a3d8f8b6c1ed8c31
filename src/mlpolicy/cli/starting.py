"""The files that a project begins with."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from mlpolicy import __version__
from mlpolicy.cli.project import Project

_REMOTE = re.compile(
    r"(?:^|_)(?:fetch|get|load|read|download|query|search|request|call|lookup)", re.I
)
_MODEL = re.compile(r"(?:^|_)(?:predict|score|rank|infer|classify|embed|encode|recommend)", re.I)


def files(module: str, functions: Sequence[str], project: Project) -> dict[str, str]:
    """Return the text of each file by its path, for a module with those public functions."""
    name = module.rpartition(".")[2].replace("_", "-")
    return {
        f"policies/{name}.yaml": policy(module, functions, name),
        f"policies/{name}.test.yaml": test(module, functions, name),
        "mlpolicy.schema.json": schema(),
        _workflow_path(project): workflow(module, project),
    }


def _workflow_path(project: Project) -> str:
    """Return where GitHub looks for a workflow: in the root of the repository, nowhere below."""
    part = "" if project.within == "." else "-" + re.sub(r"\W+", "-", project.within)
    file = project.repository / ".github/workflows" / f"policy{part}.yaml"
    return Path(os.path.relpath(file, project.folder.resolve())).as_posix()


def policy(module: str, functions: Sequence[str], name: str) -> str:
    """Return a policy that watches, with what else it could do as comments."""
    remote, model = _one(functions, _REMOTE), _one(functions, _MODEL)
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


def _one(functions: Sequence[str], words: re.Pattern[str]) -> str:
    return next((name for name in functions if words.search(name)), functions[0])


def test(module: str, functions: Sequence[str], name: str) -> str:
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


def schema() -> str:
    """Return the schema that editors complete and check by."""
    from mlpolicy.model.schema import published

    return published()


def workflow(module: str, project: Project) -> str:
    """Return a job of GitHub Actions that checks the policy at every push."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    release = ".".join(__version__.split(".")[:2])
    below = f"defaults: {{run: {{working-directory: {project.within}}}}}\n"
    what = f"What `{module}` needs, too" if project.needs else f"Add what `{module}` needs"
    return f"""\
# Checks the policy at every push: findings are shown beside the lines of a pull request.
name: policy
on: [push, pull_request]
{"" if project.within == "." else below}jobs:
  policy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {{fetch-depth: 0}}
      - uses: actions/setup-python@v5
        with: {{python-version: "{python}"}}
      # {what}, since `apply` imports it.
      # Another release may find more: raise its number when you mean to.
      - run: pip install "mlpolicy=={release}.*"{project.needs}
      - run: mlpolicy validate
      - run: mlpolicy test
      - run: mlpolicy apply --module {module} --check
      - if: github.event_name == 'pull_request'
        run: mlpolicy diff --against git:origin/${{{{ github.base_ref }}}} --format markdown >> "$GITHUB_STEP_SUMMARY"
"""


def next_steps(module: str, project: Project) -> str:
    """Return what to do now."""
    told = [f"  cd {project.folder}"] if project.folder != Path() else []
    told += _commands(module)[:3]
    hint = project.packaging_hint(module)
    if hint:
        told += [
            "",
            "setuptools takes the folder policies for a package, too, unless",
            "pyproject.toml says which is yours:",
        ]
        told += [f"  {line}" for line in hint.splitlines()]
    return "\n".join(["Next:", *told])


def _commands(module: str) -> list[str]:
    each = {
        "mlpolicy validate": "is the policy right?",
        f"mlpolicy apply --module {module}": "does it take effect?",
        "mlpolicy test": "does it do what it should?",
        "mlpolicy run -- COMMAND": "serve under it",
    }
    wide = max(map(len, each))
    return [f"  {command:<{wide}}  {why}" for command, why in each.items()]
