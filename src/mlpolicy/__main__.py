"""`python -m mlpolicy` is the command line."""

from __future__ import annotations

import sys

if not sys.flags.safe_path:
    # The current folder holds what is looked at: a `yaml.py` or a plugin in it must not be run.
    del sys.path[0]

from mlpolicy.cli.main import main

main()
