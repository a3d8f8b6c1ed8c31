"""Prints the versions that are installed here, as constraints for pip."""

from __future__ import annotations

import importlib.metadata
import re
import sys

LEFT_OUT = {"mlpolicy", "pip", "setuptools", "wheel"}


def main() -> None:
    """Print one line for each distribution."""
    found = {
        re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(): one.version
        for one in importlib.metadata.distributions()
    }
    sys.stdout.write("# Made by `make lock`; constraints for `pip install -c`.\n")
    for name, version in sorted(found.items()):
        if name not in LEFT_OUT:
            sys.stdout.write(f"{name}=={version}\n")


if __name__ == "__main__":
    main()
