"""The running program: its names, its private files, what is installed, who tells what holds.

Policies name the functions of what runs as `__main__` by either name.
"""

from __future__ import annotations

import os
import stat
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


# --- what is its own alone ------------------------------------------------------------

_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_STEP_BY_STEP = os.open in os.supports_dir_fd


def private_folder(path: str, *, make: bool = False) -> int:
    """Return a descriptor of the folder at *path*, in which nobody else can put or swap anything.

    It is reached step by step from the root, so that nobody can swap a part of the way meanwhile.
    Each folder on the way must belong to us or to root, and others must not be able to write in it:
    but for a sticky one such as `/tmp`, and, unless we are root, what lies below one that they
    cannot enter.

    Raises:
        OSError: There is none, it is a link, or others could change it; with *make* it is made.
    """
    if not _STEP_BY_STEP:
        raise OSError("this system opens no files by the descriptor of a folder")
    above, name = os.path.split(os.path.abspath(path))
    here, enclosed = os.open(os.sep, os.O_RDONLY | _FOLDER), False
    try:
        for part in (*filter(None, os.path.realpath(above).split(os.sep)), name):
            enclosed = _vet_folder(here, enclosed=enclosed)
            try:
                below = os.open(part, os.O_RDONLY | _FOLDER, dir_fd=here)
            except FileNotFoundError:
                if not make:
                    raise
                os.mkdir(part, 0o700, dir_fd=here)
                below = os.open(part, os.O_RDONLY | _FOLDER, dir_fd=here)
            os.close(here)
            here = below
        _vet_file(here)
    except BaseException:
        os.close(here)
        raise
    return here


def read_private(folder: int, name: str) -> bytes:
    """Return what is in a file of ours in a private *folder*; OSError where it is none."""
    descriptor = os.open(name, os.O_RDONLY | _FILE, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(_vet_file(descriptor)):
            raise PermissionError(f"{name} is no file")
        return file.read()


def write_private(folder: int, name: str, content: bytes) -> None:
    """Put a file into a private *folder*, at once and whole, in place of any other of its name."""
    draft = f"{name}.{os.getpid()}.{os.urandom(4).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE
    descriptor = os.open(draft, flags, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(draft, dir_fd=folder)
        raise


def _vet_file(descriptor: int) -> int:
    """Return the mode of a file or folder that is ours, and that others cannot write."""
    state = os.fstat(descriptor)
    if state.st_uid != os.geteuid() or state.st_mode & _OTHERS:
        raise PermissionError("it is not ours alone")
    return state.st_mode


def _vet_folder(descriptor: int, *, enclosed: bool) -> bool:
    """Return whether others cannot even enter; PermissionError where they could swap what is in it."""
    state = os.fstat(descriptor)
    if state.st_uid not in (0, os.geteuid()):
        raise PermissionError("a folder on the way belongs to somebody else")
    if state.st_mode & _OTHERS and not state.st_mode & stat.S_ISVTX and not enclosed:
        raise PermissionError("others can write in a folder on the way")
    is_closed = not state.st_mode & (stat.S_IXGRP | stat.S_IXOTH)
    return enclosed or (is_closed and os.geteuid() != 0)
