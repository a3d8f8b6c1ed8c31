"""Runs a script under the policy: functions of `job.py` are `__main__:name`, and `job:name` too.

`python script.py` reads the script where no finder sees it, so `mlpolicy run` comes here:
`python -m mlpolicy.install.script SCRIPT ARGUMENTS`.
"""

from __future__ import annotations

import io
import os
import sys
from types import CodeType, ModuleType

from mlpolicy.core.program import MAIN, SCRIPT, names_of_script
from mlpolicy.install import bootstrap


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
    exec(_governed(code, path), module.__dict__)  # nosec B102  # noqa: S102 (what `python script.py` does)


def _governed(code: CodeType, path: str) -> CodeType:
    """Return *code* with drivers in it, where the policy speaks of the script by any name."""
    tops = {name.partition(".")[0] for name in (MAIN, *names_of_script(path))}
    if not any(map(bootstrap.concerns, tops)):
        return code
    os.environ[SCRIPT] = path  # processes that it spawns run it, too
    engine = bootstrap.engine()
    return engine.code(MAIN, code, as_main=True) if engine is not None else code


if __name__ == MAIN:
    main()
