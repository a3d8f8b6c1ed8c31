"""Which policy files a command is about."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from mlpolicy.cli import exits
from mlpolicy.cli.streams import VERBOSE, kept
from mlpolicy.cli.terms import EVERY, asked, named_environment
from mlpolicy.cli.wait import waiting
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.core.words import many
from mlpolicy.lint.targets import absent as of_absent
from mlpolicy.plan.files import TESTS
from mlpolicy.plan.load import Loaded, load, load_every, policy_files
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.plan.survey import Missing, NoModule
from mlpolicy.plan.survey.survey import PROJECT, Survey, roots

VARIABLE = "MLPOLICY_POLICY"
FOLDER = "policies"


def paths(given: Sequence[str]) -> tuple[Path, ...]:
    """Return the paths to read: those given, else the environment's, the project's, `policies/`.

    Files of tests are left out: a shell gives them with the policies for `policies/*.yaml`.
    Ends the command with code 2 where a path does not exist, and with 5 where there is none.
    """
    found, by = [Path(one) for one in given], ""
    if not found:
        found, by = _usual()
    for path in found:
        if not os.path.exists(path):
            exits.stop(f"`{shown(path)}`{by} does not exist")
    policies = tuple(path for path in found if os.path.isdir(path) or not path.name.endswith(TESTS))
    if not any(policy_files(path) for path in policies):
        where = ", ".join(f"`{path}`" for path in found) or f"`{FOLDER}/`"
        exits.stop(f"no policy file in {where}", exits.NOTHING_TO_DO)
    return policies


def any_policy() -> bool:
    """Whether a policy is found where none is named."""
    found, _ = _usual()
    return any(os.path.exists(path) and policy_files(path) for path in found)


_SURVEY = "mlpolicy.survey"


def survey(src: Sequence[str]) -> Survey:
    """Return what looks functions up in the source: one for all of a command."""
    context = click.get_current_context(silent=True)
    kept_in = context.meta if context is not None else {}
    found: Survey = kept_in.setdefault(f"{_SURVEY} {tuple(src)}", Survey(roots(src)))
    return found


def read(
    given: Sequence[str],
    *,
    src: Sequence[str] | None = None,
    every: bool = False,
    needed: bool = True,
) -> tuple[tuple[Path, ...], Loaded]:
    """Return the paths, and what their files say in the environment that was asked for.

    With *src*, the source tells which targets are names of one function.
    With *every*, the findings are those of all environments, unless one was asked for.
    Where none is *needed*, there may be no policy at all: decorators stand in the code.
    """
    found = paths(given) if given or needed or any_policy() else ()
    terms = asked().terms()
    if src is not None:
        terms = replace(terms, survey=survey(src))
    files = [shown(path) for path in found]
    with waiting("reading policies"):
        if every and terms.environment in (None, EVERY):
            loaded = load_every(files, replace(terms, environment=None))
        else:
            loaded = load(files, terms)
            named_environment(loaded)
    for file in loaded.files if kept(VERBOSE) else ():
        click.echo(f"read {file.file}: {many(len(file.policies), 'policy', 'policies')}", err=True)
    return found, loaded


def shown(path: Path) -> Path:
    """Return *path* as people would write it: relative where it is below here."""
    try:
        return path.resolve().relative_to(Path.cwd()) if path.is_absolute() else path
    except ValueError:
        return path


def _usual() -> tuple[list[Path], str]:
    """Return the paths where a command names none, and what named them."""
    named = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    if named:
        return named, f", which {VARIABLE} names,"
    here = Path.cwd()
    for folder in (here, *here.parents):
        file = folder / PROJECT
        if file.is_file() and (of_project := _section(file)):
            return [folder / one for one in of_project], f", which `{shown(file)}` names,"
        if file.is_file():
            break
    return ([Path(FOLDER)] if Path(FOLDER).is_dir() else []), ""


def _section(file: Path) -> list[str]:
    name = shown(file)
    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, ValueError) as error:
        exits.stop(f"`{name}` cannot be read: {error}")
    table = tool.get("mlpolicy", {}) if isinstance(tool, dict) else {}
    named = table.get("policy", []) if isinstance(table, dict) else None
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        exits.stop(f'`{name}`: [tool.mlpolicy] takes a list: policy = ["policies"]')
    for key in table:
        if key != "policy":
            text = f"[tool.mlpolicy] takes `policy`, a list of paths, and no `{key}`"
            exits.stop(f"`{name}`: {text}")
    return named


def tell_absent(rulebook: Rulebook, absent: Mapping[Target, Missing | NoModule]) -> None:
    """Say which functions are not there; end the command where the settings take that for an error."""
    for target, looked in absent.items():
        for one in of_absent(target, looked, Span("policy")):
            parts = (one.label, one.help)
            said = "; ".join(part for part in parts if part)
            click.echo(f"mlpolicy: `{target}` is not there: {said}", err=True)
    if absent and rulebook.settings.on_missing_target == "error":
        sys.exit(exits.FINDINGS)


def tell_errors(count: int) -> NoReturn:
    """End a command that has shown what it could of a policy that is wrong."""
    text = f"{many(count, 'error')} in these files: `mlpolicy validate` shows more"
    exits.stop(text, exits.FINDINGS)
