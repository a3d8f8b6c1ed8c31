"""The files that a project begins with."""

from __future__ import annotations

import re
from collections.abc import Sequence

_REMOTE = re.compile(
    r"(?:^|_)(?:fetch|get|load|read|download|query|search|request|call|lookup)", re.I
)
_MODEL = re.compile(r"(?:^|_)(?:predict|score|rank|infer|classify|embed|encode|recommend)", re.I)


def files(module: str, functions: Sequence[str]) -> dict[str, str]:
    """Return the text of each file by its path, for a module with those public functions."""
    name = module.rpartition(".")[2].replace("_", "-")
    made = {
        f"policies/{name}.yaml": policy(module, functions, name),
        f"policies/{name}.test.yaml": test(module, functions, name),
        "mlpolicy.schema.json": schema(),
        ".github/workflows/policy.yaml": workflow(module),
    }
    return {path: text for path, text in made.items() if text}


def policy(module: str, functions: Sequence[str], name: str) -> str:
    """Return a policy that watches, with what else it could do as comments."""
    remote, model = _one(functions, _REMOTE), _one(functions, _MODEL)
    return f"""\
# yaml-language-server: $schema=../mlpolicy.schema.json
# What holds for the functions of {module}, without a change to their code.
#
#   mlpolicy validate                            is it right?
#   mlpolicy apply --module {module}    does it take effect?
#   mlpolicy test                                does it do what it should?
#   mlpolicy run -- COMMAND                      serve under it

version: 1
policies:
  # Latency, errors and calls in flight of every public function.
  {name}-observed:
    match: "{module}:*"
    reason: see what is slow and what fails
    monitor: {{}}

  # Errors that pass by themselves are tried again: time-outs, resets, 429 and 503.
  # {module}:{remote}:
  #   reason: the network fails now and then
  #   retry: {{max_attempts: 3, max_elapsed: 5s}}

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


def workflow(module: str) -> str:
    """Return a job of GitHub Actions that checks the policy at every push."""
    return f"""\
# Checks the policy at every push: findings are shown beside the lines of a pull request.
name: policy
on: [push, pull_request]
jobs:
  policy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {{fetch-depth: 0}}
      - uses: actions/setup-python@v5
        with: {{python-version: "3.12"}}
      - run: pip install mlpolicy
      # Add what `{module}` needs: pip install -r requirements.txt
      - run: mlpolicy fmt --check
      - run: mlpolicy validate
      - run: mlpolicy test
      - run: mlpolicy apply --module {module} --check
      - if: github.event_name == 'pull_request'
        run: mlpolicy diff --against git:origin/${{{{ github.base_ref }}}} --format markdown >> "$GITHUB_STEP_SUMMARY"
"""


def next_steps(module: str) -> str:
    """Return what to do now."""
    steps = {
        "mlpolicy validate": "is the policy right?",
        f"mlpolicy apply --module {module}": "does it take effect?",
        "mlpolicy test": "does it do what it should?",
    }
    wide = max(map(len, steps))
    return "\n".join(["Next:", *(f"  {step:<{wide}}   {why}" for step, why in steps.items())])
