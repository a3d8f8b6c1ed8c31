"""The profiles that come with mlpolicy: `use: [openai]` needs no import.

Each is a policy file in `mlpolicy/profiles/`, read when a policy first names it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mlpolicy.document.parse import Document, parse
from mlpolicy.model.policy import Profile
from mlpolicy.model.read import read_source, source

FOLDER = "mlpolicy/profiles"
"""What places call the folder, wherever the package is."""


def path(name: str) -> Path:
    """Return the file of the profile *name*."""
    return Path(__file__).parents[1] / "profiles" / f"{name}.yaml"


@cache
def shipped(name: str) -> tuple[Profile, Document]:
    """Return the profile *name*, one of `SHIPPED`, and the file that holds it."""
    document = parse(path(name).read_bytes(), file=f"{FOLDER}/{name}.yaml")
    [profile] = read_source(source(document)).file.profiles
    return profile, document
