"""Where an import leads: a file below the root of the policy, or one of an installed package."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from mlpolicy.core.words import closest, did_you_mean

_PACKAGE = re.compile(r"pkg:(?P<package>[^\W\d]\w*(?:\.[^\W\d]\w*)*)/(?P<path>.+)")
_SCHEME = re.compile(r"[a-zA-Z][\w+.-]+:")


class ImportRefused(Exception):
    """An import leads nowhere, or where it must not."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


def located(reference: str, *, importer: Path, root: Path) -> tuple[Path, Path]:
    """Return the file that *reference* names, and the root that it may not leave.

    Raises:
        ImportRefused: There is no such file, or it lies outside.
    """
    package = _PACKAGE.fullmatch(reference)
    if package is not None:
        folder = folder_of(package["package"])
        return _below(folder / package["path"], folder, reference), folder
    if _SCHEME.match(reference):
        raise ImportRefused(
            f"`{reference}` is no import",
            "write a relative path (`./common.yaml`) or `pkg:package/file.yaml`; nothing is fetched",
        )
    if Path(reference).is_absolute():
        raise ImportRefused(f"`{reference}` is an absolute path", "write it relative to this file")
    return _below(importer.parent / reference, root, reference, but=importer.resolve()), root


def _below(path: Path, root: Path, reference: str, *, but: Path | None = None) -> Path:
    try:
        real = path.resolve()
        is_directory, is_file = real.is_dir(), real.is_file()
    except (OSError, RuntimeError, ValueError) as error:  # no permission, links in a circle, a null
        reason = getattr(error, "strerror", None) or "it is no path"
        raise ImportRefused(f"`{reference}` cannot be read: {reason}") from None
    if not real.is_relative_to(root.resolve()):
        raise ImportRefused(
            f"`{reference}` lies outside of `{root}`",
            "keep what is imported below the policy's own folder, or ship it in a package (`pkg:`)",
        )
    if is_directory:
        raise ImportRefused(f"`{reference}` is a directory", "name a file in it")
    if not is_file:
        raise ImportRefused(f"`{reference}` does not exist", _near(real, but))
    return path


def _near(path: Path, importer: Path | None) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder `{folder.name}`"
    near = closest(
        path.name, [one.name for one in folder.iterdir() if one.is_file() and one != importer]
    )
    return did_you_mean(near)


def folder_of(package: str) -> Path:
    """Return the folder of a package; none of its code is run.

    Raises:
        ImportRefused: There is no such package.
    """
    top, *below = package.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    for place in (spec.submodule_search_locations if spec else None) or ():
        folder = Path(place, *below)
        if folder.is_dir():
            return folder
    raise ImportRefused(f"there is no package `{package}`", "install it, or correct the name")
