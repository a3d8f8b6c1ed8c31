"""`python -m mlpolicy` is the command line."""

from __future__ import annotations

from mlpolicy.cli.main import main

main()
