"""From paths to an engine: by the plan cache where it holds, else by reading the files."""

from __future__ import annotations

from pathlib import Path

from mlpolicy.errors import PolicyError
from mlpolicy.install.engine import Engine
from mlpolicy.plan import cache
from mlpolicy.plan.load import Terms, load
from mlpolicy.plan.pack import pack, unpack
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.rules import KINDS


def awaken(paths: tuple[str, ...], held: cache.Held | None, environment: str = "") -> Engine:
    """Return the engine for the policy at *paths*, not yet started.

    Raises:
        PolicyError: The files are wrong.
    """
    if held is not None:
        rulebook = Rulebook(unpack(one) for one in held.files)
        if all(map(KINDS.look_for, rulebook.kinds)):
            return Engine(rulebook)
    loaded = load([Path(path) for path in paths], Terms(environment=environment or None))
    if loaded.refused:
        raise PolicyError(loaded.refused)
    rulebook = loaded.rulebook
    new = cache.Held(
        rulebook.tops,
        tuple(pack(file) for file in rulebook.complete()),
        inputs=tuple(map(str, loaded.inputs)),
        variables=dict(loaded.variables),
    )
    cache.write(paths, new, environment)
    return Engine(rulebook)
