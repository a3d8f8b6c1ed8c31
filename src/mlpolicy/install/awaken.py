"""From paths to an engine: by the plan cache where it holds, else by reading the files."""

from __future__ import annotations

from pathlib import Path

from mlpolicy.core.report import say_once
from mlpolicy.errors import PolicyError
from mlpolicy.install.engine import Engine
from mlpolicy.plan import cache
from mlpolicy.plan.pack import pack, unpack
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.rules import KINDS


def awaken(paths: tuple[str, ...], held: cache.Held | None, environment: str = "") -> Engine:
    """Return the engine for the policy at *paths*, not yet started.

    Raises:
        PolicyError: The files are wrong.
    """
    if held is not None and all(map(KINDS.look_for, held.kinds)):
        return Engine(Rulebook(unpack(held.files)))
    from mlpolicy.plan.load import Terms, load  # (reads YAML: what is held needs no part of it)

    before = cache.stamps_of(paths)
    loaded = load([Path(path) for path in paths], Terms(environment=environment or None))
    refused = loaded.refused
    if loaded.unknown is not None:
        if loaded.misnamed:
            refused = (loaded.unknown, *refused)
        else:
            say_once(f"environment:{environment}", str(loaded.unknown))
    if refused:
        raise PolicyError(refused)
    rulebook = loaded.rulebook
    new = cache.Held(
        rulebook.tops,
        pack(rulebook),
        kinds=frozenset(rule.kind for one in rulebook.policies for rule in one.rules),
        inputs=tuple(map(str, loaded.inputs)),
        variables=dict(loaded.variables),
    )
    cache.write(paths, new, environment, before=before)
    return Engine(rulebook)
