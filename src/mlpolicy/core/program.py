"""The running program: what it is called, what is installed, who tells what holds for functions.

Policies name the functions of what runs as `__main__` by either name.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any
else:
    ModuleType = type(sys)


MAIN = "__main__"
_SPAWNED = "__mp_main__"
"""What calls itself so where `multiprocessing` has spawned a process."""
SCRIPT = "MLPOLICY_SCRIPT"
"""Set by a script that the policy speaks of, for processes that it spawns: they run it again."""
DISABLED = "MLPOLICY_DISABLE_PLUGINS"
"""A variable that, when it says anything, leaves all plugins out."""
METADATA = (".dist-info", ".egg-info")
NO_POLICY = "no policy is in force: call mlpolicy.install(policy=...) first"
plan_in_force: Callable[[Any], Any] | None = None
"""Gives the plan of a function by the policy that is in force, if one is."""
plan_in_code: Callable[[Any], Any] | None = None
"""Gives the plan that decorators make, once there are any."""


def names() -> tuple[str, ...]:
    """Return the names under which others would import what runs as `__main__`."""
    main = sys.modules.get(MAIN)
    name = getattr(getattr(main, "__spec__", None), "name", None)
    if name is not None:
        return (name,) if name != MAIN else ()
    return names_of_script(getattr(main, "__file__", None) or "")


def names_of(module: str) -> tuple[str, ...]:
    """Return every name of the module that calls itself *module*: two or more of the program."""
    return (MAIN, *names()) if module in (MAIN, _SPAWNED) else (module,)


def names_of_script(path: str) -> tuple[str, ...]:
    """Return the names that the script at *path* may have: `job`, `svc.job` and so on.

    They are its own whether it can be imported by them or not.
    """
    stem, ending = os.path.splitext(os.path.abspath(path))
    parts = stem.split(os.sep) if ending == ".py" else []
    return tuple(".".join(parts[at:]) for at in range(len(parts) - 1, 0, -1))


def module_to_run() -> str:
    """Return the module that `python -m` is about to run; nothing where it is none, or ours."""
    if sys.argv[:1] != ["-m"]:
        return ""
    name = sys.orig_argv[-len(sys.argv)].removeprefix("-m")
    return "" if name.startswith("mlpolicy.") else name


def stamps() -> tuple[tuple[str, int], ...]:
    """Return what changes when a distribution is installed, replaced or removed.

    It is the folders of `sys.path` that hold distributions, and when each was changed.
    """
    found: list[tuple[str, int]] = []
    for folder in () if os.environ.get(DISABLED) else dict.fromkeys(sys.path):
        try:
            with os.scandir(folder or ".") as entries:
                if any(entry.name.endswith(METADATA) for entry in entries):
                    found.append((folder, os.stat(folder or ".").st_mtime_ns))
        except OSError:
            continue
    return tuple(found)


class CallablePackage(ModuleType):
    """A package that is also a function: `mlpolicy.install(...)`, and `mlpolicy.install.engine`."""

    def _function(self) -> Callable[..., Any]:
        module, name = self.__dict__["stands_for"]
        __import__(module)  # `importlib` would cost a millisecond
        function: Callable[..., Any] = getattr(sys.modules[module], name)
        return function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function that the package stands for."""
        return self._function()(*args, **kwargs)

    @property
    def __signature__(self) -> Any:
        import inspect

        return inspect.signature(self._function())


def make_callable(package: str, module: str, function: str) -> None:
    """Let *package* be called as that function of *module*, which is imported at the call."""
    found = sys.modules[package]
    found.__class__ = CallablePackage
    found.__dict__["stands_for"] = (module, function)
