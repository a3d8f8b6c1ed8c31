"""What the `.pth` files of an installation add to the path, as far as it can be read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from mlpolicy.core.frozen import frozen

_SITES = ("site-packages", "dist-packages")
_LARGEST = 1 << 20
_IMPORT = re.compile(r"import\s+(\w+)")


@frozen()
class Editable:
    """What one `.pth` file adds."""

    folders: tuple[Path, ...] = ()
    mapping: Mapping[str, Path] = field(default_factory=dict)
    """Dotted names of modules, and where each is."""
    spaces: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    text: str = ""
    """The finder that it installs, where its mapping cannot be read off."""

    def mentions(self, name: str) -> bool:
        """Whether the finder may be the one that provides the module *name*."""
        return re.search(rf"\b{re.escape(name)}\b", self.text) is not None


def is_site(folder: Path) -> bool:
    """Whether *folder* is one of those whose `.pth` files Python obeys."""
    return folder.name in _SITES


def is_installed(file: Path) -> bool:
    """Whether *file* belongs to an installed package."""
    return any(part in _SITES for part in file.parts)


def editables(site: Path) -> Iterator[Editable]:
    """Yield what each `.pth` file in *site* adds."""
    try:
        files = sorted(site.glob("*.pth"))
    except OSError:
        return
    for file in files:
        yield _read(site, _text(file))


def _read(site: Path, text: str) -> Editable:
    folders: list[Path] = []
    finders: list[Editable] = []
    for line in (one.strip() for one in text.splitlines()):
        if line.startswith(("import ", "import\t")):
            imported = _IMPORT.match(line)
            if imported is not None:
                finders.append(_finder(_text(site / f"{imported[1]}.py")))
        elif line and not line.startswith("#") and (site / line).is_dir():
            folders.append(site / line)
    return Editable(
        tuple(folders),
        {name: path for one in finders for name, path in one.mapping.items()},
        {name: paths for one in finders for name, paths in one.spaces.items()},
        "\n".join(one.text for one in finders),
    )


def _finder(text: str) -> Editable:
    """Return the mapping in the source of a finder; its text where it has none."""
    tables = _tables(text)
    try:
        mapping = {str(name): Path(path) for name, path in tables.get("MAPPING", {}).items()}
        spaces = {
            str(name): tuple(Path(path) for path in paths)
            for name, paths in tables.get("NAMESPACES", {}).items()
        }
    except (TypeError, AttributeError):
        return Editable(text=text)
    return Editable(mapping=mapping, spaces=spaces, text="" if mapping or spaces else text)


def _tables(text: str) -> dict[str, dict[object, str]]:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return {}
    found = {}
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, ast.Dict):
                try:
                    found[target.id] = ast.literal_eval(value)
                except (ValueError, TypeError):
                    continue
    return found


def _text(file: Path) -> str:
    try:
        if file.stat().st_size <= _LARGEST:
            return file.read_text("utf-8", "replace")
    except OSError:
        pass
    return ""
