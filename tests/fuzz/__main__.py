"""Fuzzing guided by coverage: `python -m tests.fuzz TARGET [options of libFuzzer]`."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mlpolicy"]):
    from tests.fuzz.seeds import mutated, seeds
    from tests.fuzz.targets import TARGETS


def _mutated(data: bytes, most: int, seed: int) -> bytes:
    chance = random.Random(seed)
    if chance.random() < 0.1:
        return bytes(atheris.Mutate(data, most))
    text = data.decode("utf-8", "replace") if data.strip() else chance.choice(seeds())
    return mutated(text, chance).encode("utf-8", "replace")[:most]


def main(name: str, *options: str) -> None:
    """Run the target of that name until it fails, or as *options* say."""
    target = TARGETS[name]
    corpus = Path(tempfile.mkdtemp(prefix="mlpolicy-seeds-"))
    for at, text in enumerate(seeds()):
        (corpus / str(at)).write_text(text, encoding="utf-8")
    defaults = ("-max_len=4096", "-timeout=5", "-rss_limit_mb=2048")
    atheris.Setup(
        [sys.argv[0], *defaults, *options, str(corpus)],
        lambda data: target(data.decode("utf-8", "replace")),
        custom_mutator=_mutated,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
