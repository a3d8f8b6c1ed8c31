"""Shows what a policy does for a service that knows nothing of it.

python examples/digits/demo.py
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run the comparison from any directory."""
    sys.path.insert(0, str(ROOT))
    return int(importlib.import_module("examples.digits.comparison").main())


if __name__ == "__main__":
    sys.exit(main())
