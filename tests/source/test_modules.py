"""Modules are found as the interpreter would find them, and nothing is run."""

from __future__ import annotations

import os
import sys
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES

import pytest

from mlpolicy.core.target import Target
from mlpolicy.source import (
    Defined,
    Dynamic,
    Missing,
    Module,
    NoModule,
    Opaque,
    SourceTree,
    Space,
    roots,
)

BOMB = "raise SystemExit('imported')\n"


def test_no_code_is_run(written):
    """Neither the module nor the packages around it."""
    written(
        {
            "pkg/__init__.py": BOMB,
            "pkg/sub/__init__.py": BOMB,
            "pkg/sub/m.py": BOMB + "def f(): ...",
        }
    )
    before = set(sys.modules)

    assert written.defined("pkg.sub.m:f").line == 2
    assert not {one for one in set(sys.modules) - before if one.startswith("pkg")}


def test_a_package_wins_over_a_module_and_a_module_over_a_folder(written):
    """As for the path finder of the interpreter."""
    written(
        {
            "a/__init__.py": "def f(x): ...",
            "a.py": "def f(y): ...",
            "b/c.py": "",
            "b.py": "def f(z): ...",
        }
    )

    assert written.names("a:f") == ["x"]
    assert written.names("b:f") == ["z"]


def test_namespace_packages_have_portions_in_every_root(tmp_path):
    """Folders without `__init__.py` are put together; a package further on wins over them."""
    for name in ("one/ns/a.py", "two/ns/b.py", "three/whole/__init__.py", "one/whole/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("def f(): ...")
    source = SourceTree([tmp_path / "one", tmp_path / "two", tmp_path / "three"])

    assert isinstance(source.look_up(Target("ns.a", "f")), Defined)
    assert isinstance(source.look_up(Target("ns.b", "f")), Defined)
    assert isinstance(source.module("ns"), Space)
    assert isinstance(source.look_up(Target("ns", "f")), Missing)
    assert isinstance(source.look_up(Target("whole", "f")), Defined)
    assert source.modules_below("ns") == ["ns.a", "ns.b"]


def test_the_missing_part_of_a_name_is_told(written):
    """Up to the first component that does not exist, with what was probably meant."""
    written({"recsys/__init__.py": "", "recsys/serve/__init__.py": "", "recsys/serve/api.py": ""})

    assert written.look_up("recsys.srve.api:f") == NoModule("recsys.srve", "recsys.serve")
    assert written.look_up("recsis:f") == NoModule("recsis", "recsys")
    assert written.look_up("qqqqqq.x:f") == NoModule("qqqqqq")


def test_the_folders_that_are_looked_in(tmp_path, monkeypatch):
    """Those asked for, this folder, `src` in it, and the path of the interpreter."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "/lib/python"])
    assert [one.as_posix() for one in roots()] == [".", "/lib/python"]

    (tmp_path / "src").mkdir()
    assert [one.as_posix() for one in roots(["x"])] == ["x", ".", "src", "/lib/python"]


def test_this_folder_and_src_are_looked_in_without_being_told(written):
    """And files in them are shown as seen from here."""
    written({"here.py": "def f(): ...", "src/shop/__init__.py": "def f(): ..."})
    source = SourceTree()

    assert source.look_up(Target("here", "f")).file == "here.py"
    assert source.look_up(Target("shop", "f")).file == os.path.join("src", "shop", "__init__.py")
    assert source.look_up(Target("textwrap", "indent")).kind == "function"


@pytest.mark.parametrize("module", ["sys", "math", "__main__", "_pickle"])
def test_what_has_no_source(module):
    """The interpreter's own modules are there and cannot be read."""
    assert isinstance(SourceTree().look_up(Target(module, "f")), Dynamic)


def test_the_standard_library_is_known_even_out_of_the_roots(written):
    """It is never taken for a slip."""
    assert isinstance(written.look_up("math:sqrt"), Dynamic)


@pytest.mark.parametrize("suffix", [EXTENSION_SUFFIXES[0], ".cpython-39-other.so", ".pyd"])
def test_compiled_modules_are_opaque(written, tmp_path, suffix):
    """Those for another interpreter too: the code may be meant for that one."""
    written({"pkg/__init__.py": "from .fast import f\nfrom .fast import *"})
    (tmp_path / "pkg" / f"fast{suffix}").write_bytes(b"\x7fELF")

    assert written.source.module("pkg.fast") == Opaque("is compiled")
    assert written.look_up("pkg.fast:f") == Dynamic()
    assert isinstance(written.look_up("pkg:f"), Dynamic)
    assert isinstance(written.look_up("pkg:g"), Dynamic)


def test_byte_code_alone_is_opaque(written, tmp_path):
    """A module that was shipped without source is there."""
    (tmp_path / "m.pyc").write_bytes(b"")

    assert isinstance(written.source.module("m"), Opaque)


def test_archives_are_opaque(tmp_path):
    """What is in a zip on the path is not known."""
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("inside/__init__.py", "")
    (tmp_path / "broken.zip").write_text("no archive")
    source = SourceTree([tmp_path / "broken.zip", archive])

    assert isinstance(source.look_up(Target("inside.deep", "f")), Dynamic)


def test_packages_that_make_modules(written):
    """A submodule that has no file may be made by the package."""
    written(
        {
            "six.py": "import sys\nsys.modules[__name__ + '.moves'] = object()",
            "grown/__init__.py": "__path__.append('elsewhere')",
            "plain/__init__.py": "",
        }
    )

    assert isinstance(written.look_up("six.moves:f"), Dynamic)
    assert isinstance(written.look_up("grown.more:f"), Dynamic)
    assert isinstance(written.look_up("plain.more:f"), NoModule)


# --- files that cannot be read --------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (b"def f(:\n", "cannot be parsed: invalid syntax in line 1"),
        (b"x = 1\0\n", "cannot be parsed"),
        (b"# coding: nonsense\n", "cannot be parsed"),
        (b"x = '\xff'\n", "cannot be parsed"),
        (b"(" * 5000 + b"\n", "cannot be parsed"),
        (b"x = " + b"-" * 100_000 + b"1\n", "cannot be parsed"),
        (b"#" * (5 << 20) + b"\n", "is not parsed: its file has 5242881 bytes"),
    ],
)
def test_what_cannot_be_parsed_is_left_open(written, tmp_path, source, why):
    """The reason is told, nothing is raised."""
    (tmp_path / "m.py").write_bytes(source)

    assert isinstance(written.look_up("m:f"), Dynamic)
    assert why in written.source.module("m").why
    assert written.source.functions("m") == ()


def test_odd_but_valid_source_warns_nobody(written):
    """Warnings about the user's code are for the user's own run."""
    written({"m.py": "def f(): return '\\d' is 3\n"})

    assert written.defined("m:f").kind == "function"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read(written, tmp_path):
    """They are there and left open."""
    written({"m.py": "def f(): ..."})
    (tmp_path / "m.py").chmod(0)

    assert "cannot be read" in written.source.module("m").why


def test_dangling_links_and_folders_with_names_of_files(written, tmp_path):
    """A name alone is no module."""
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "odd.py").mkdir()
    (tmp_path / "pkg" / "__init__.py").mkdir(parents=True)

    assert isinstance(written.source.module("gone"), NoModule)
    assert isinstance(written.source.module("odd"), NoModule)
    assert isinstance(written.source.module("pkg"), Space)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(written, tmp_path):
    """Only regular files are read."""
    os.mkfifo(tmp_path / "m.py")

    assert isinstance(written.source.module("m"), NoModule)


def test_loops_of_links_end(written, tmp_path):
    """A package that contains itself is walked once."""
    written({"pkg/__init__.py": "", "pkg/m.py": ""})
    (tmp_path / "pkg" / "again").symlink_to(tmp_path / "pkg", target_is_directory=True)
    (tmp_path / "pkg" / "self").symlink_to(tmp_path / "pkg" / "self")

    assert written.source.modules_below("pkg") == ["pkg.again", "pkg.m"]


def test_a_source_reads_each_file_once_and_another_one_sees_the_change(written, tmp_path):
    """What one source says is of one moment."""
    written({"m.py": "def f(a): ..."})
    first = written.source.module("m")
    assert written.source.module("m") is first

    (tmp_path / "m.py").write_text("def f(a, b): ...")
    (tmp_path / "n.py").write_text("def g(): ...")

    assert written.source.module("m") is first
    later = SourceTree([tmp_path])
    assert [one.name for one in later.look_up(Target("m", "f")).parameters] == ["a", "b"]
    assert isinstance(later.module("n"), Module)


# --- what is installed ----------------------------------------------------------------


@pytest.fixture
def site(tmp_path):
    """A `site-packages` folder, and code outside of it."""
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    outside = tmp_path / "checkout" / "shop"
    outside.mkdir(parents=True)
    (outside / "__init__.py").write_text("def f(): ...")
    (outside / "sub.py").write_text("def g(): ...")
    return folder


def test_plain_lines_of_pth_files_are_folders(site, tmp_path):
    """Comments, blanks, folders that do not exist and statements are passed over."""
    (site / "x.pth").write_text(
        f"# note\n\n{tmp_path / 'checkout'}\n/no/such\nimport os; os.abort()\n"
    )

    assert isinstance(SourceTree([site]).look_up(Target("shop.sub", "g")), Defined)


def test_the_finder_of_an_editable_installation_leaves_its_package_open(site):
    """Only what it speaks of: other names are as missing as ever."""
    (site / "_editable_loader.py").write_text("install({**loaded}, 'shop')\n")
    (site / "e.pth").write_text("import _editable_loader\n")

    assert isinstance(SourceTree([site]).look_up(Target("shop.sub", "g")), Dynamic)
    assert isinstance(SourceTree([site]).look_up(Target("sop.sub", "g")), NoModule)
