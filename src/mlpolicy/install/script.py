"""Runs a script under the policy: its own functions are `__main__:name`.

`python script.py` reads the script where no finder sees it, so `mlpolicy run` comes here:
`python -m mlpolicy.install.script SCRIPT ARGUMENTS`.
"""

from __future__ import annotations

import io
import os
import sys
from types import CodeType, ModuleType

from mlpolicy.install import bootstrap

MAIN = "__main__"


def main() -> None:
    """Run the script that the command line names as `__main__`."""
    del sys.argv[0]
    path = sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    with io.open_code(path) as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    module = ModuleType(MAIN)
    module.__dict__.update(__file__=path, __builtins__=__builtins__)
    sys.modules[MAIN] = module
    exec(_governed(code), module.__dict__)  # noqa: S102 (what `python script.py` does)


def _governed(code: CodeType) -> CodeType:
    """Return *code* with drivers in it, where the policy speaks of `__main__`."""
    engine = bootstrap.engine() if bootstrap.concerns(MAIN) else None
    return engine.code(MAIN, code, as_main=True) if engine is not None else code


if __name__ == MAIN:
    main()
