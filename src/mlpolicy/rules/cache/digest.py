"""Fingerprints of content: 128 bits, seeded, so that nobody can prepare two that agree.

The one module that imports `xxhash`; it is itself imported by the first cache that takes
effect, never when a policy is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

SEED: Final = int.from_bytes(os.urandom(8), "little")
"""Another one in every process; a fork keeps it, and the keys that were made with it."""

Digest = Callable[[Any, int], bytes]
"""Takes an object whose bytes lie in one row, and the seed."""


def _load() -> Digest:
    try:
        from xxhash import xxh3_128_digest
    except ImportError:
        return _blake2
    return xxh3_128_digest


def _blake2(data: Any, seed: int) -> bytes:
    """Stand in where xxhash is not installed: as good, and ten times slower."""
    import hashlib

    return hashlib.blake2b(data, digest_size=16, key=seed.to_bytes(8, "little")).digest()


digest: Final = _load()
"""`digest(data, SEED)`; raises ValueError, TypeError or BufferError where bytes lie scattered."""
