"""What is found in a folder of policies stays in it, whatever links say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlpolicy.document import parse
from mlpolicy.plan import cache, gather
from mlpolicy.plan.load import load

POLICY = "version: 1\npolicies:\n  serve:f: {retry: 3}\n"


@pytest.fixture
def folder(tmp_path):
    """A folder of policies, and things outside of it."""
    made = tmp_path / "policies"
    made.mkdir()
    (made / "own.yaml").write_text(POLICY)
    (tmp_path / "secret.yaml").write_text(POLICY.replace("serve", "hunter2"))
    (tmp_path / "hop.yaml").symlink_to("secret.yaml")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/more.yaml").write_text(POLICY.replace("serve", "hunter2"))
    os.mkfifo(tmp_path / "pipe")
    return made


@pytest.mark.parametrize(
    ("name", "leads_to"),
    [
        ("a.yaml", "../secret.yaml"),
        ("a.yaml", "../hop.yaml"),
        ("a.yaml", "../nowhere.yaml"),
        ("a.yaml", "../pipe"),
        ("a.yaml", "/dev/zero"),
        ("a.yaml", "/proc/self/environ"),
        ("a.yaml", "/proc/self/fd/0"),
        ("a.yml", "/proc/self/cwd/../secret.yaml"),
        ("shared", "../shared"),
        ("up", ".."),
        ("root", "/"),
    ],
)
def test_a_link_out_of_the_folder_is_refused_unread(folder, monkeypatch, name, leads_to):
    """As an import is that leads there; nobody waits for a pipe, or looks through the machine."""
    monkeypatch.chdir(folder)
    (folder / name).symlink_to(leads_to)
    read = []
    monkeypatch.setattr(gather, "read", lambda path: read.append(path.name) or parse.read(path))

    loaded = load([folder])

    [found] = loaded.refused
    assert (found.code, found.span.file) == ("MP120", str(folder / name))
    assert found.message == f"`{folder / name}` is a link that leads outside of `{folder}`"
    assert "name it by itself" in found.help
    assert read == ["own.yaml"]


def test_a_link_in_a_folder_below_leads_out_by_the_folder_that_was_given(folder):
    (folder / "team").mkdir()
    (folder / "team/a.yaml").symlink_to("../own.yaml")
    (folder / "team/b.yaml").symlink_to("../../secret.yaml")

    assert [(one.code, Path(one.span.file).name) for one in load([folder]).refused] == [
        ("MP120", "b.yaml")
    ]


def test_what_is_named_by_itself_may_be_a_link(folder, tmp_path):
    """A file, and the folder too: whoever names it has chosen it."""
    (folder / "a.yaml").symlink_to("../secret.yaml")
    (tmp_path / "shared/more.yaml").write_text(POLICY)
    (tmp_path / "link").symlink_to("shared")

    loaded = load([folder / "a.yaml", tmp_path / "link"])

    assert (len(loaded.files), loaded.refused) == (2, ())


def without_proc(monkeypatch, meanwhile):
    """Let nothing tell where an open file lies, as on other systems than Linux."""
    readlink = os.readlink

    def told(path, **rest):
        if str(path).startswith("/proc/self/fd/"):
            meanwhile()
            raise FileNotFoundError(path)
        return readlink(path, **rest)

    monkeypatch.setattr(os, "readlink", told)


@pytest.mark.parametrize("as_linux", [True, False])
def test_a_link_that_is_turned_while_it_is_looked_at_is_refused(folder, monkeypatch, as_linux):
    """The file that was opened counts, not what the name led to before."""
    lies_in = gather.lies_in

    def turning(path, root):
        answer = lies_in(path, root)
        if path == folder / "own.yaml":
            path.unlink()
            path.symlink_to("../secret.yaml")
        return answer

    monkeypatch.setattr(gather, "lies_in", turning)
    if not as_linux:
        without_proc(monkeypatch, lambda: None)

    assert [(one.code, one.span.line) for one in load([folder]).refused] == [("MP120", 1)]


def test_without_proc_a_file_that_is_swapped_while_it_is_opened_is_refused(folder, monkeypatch):
    """Its name leads to another file than the one that is open."""

    def swap():
        (folder / "own.yaml").unlink()
        (folder / "own.yaml").write_text(POLICY)

    (folder / "own.yaml").unlink()
    (folder / "own.yaml").symlink_to("../secret.yaml")
    monkeypatch.setattr(gather, "lies_in", lambda *_: True)
    without_proc(monkeypatch, swap)

    assert [one.code for one in load([folder]).refused] == ["MP120"]


@pytest.mark.parametrize("what", ["pipe", "device"])
def test_what_becomes_a_pipe_or_device_before_it_is_opened_is_not_read(tmp_path, monkeypatch, what):
    path = tmp_path / "a.yaml"
    os.mkfifo(path) if what == "pipe" else path.symlink_to("/dev/zero")
    monkeypatch.setattr(Path, "is_file", lambda _: True)

    [found] = parse.read(path).diagnostics

    assert (found.code, found.message) == ("MP001", f"`{path}`: not a file")


@pytest.mark.parametrize("leads_to", ["pipe", "/dev/zero"])
def test_a_service_that_starts_does_not_wait_for_them_either(folder, leads_to):
    """The plan cache asks what files are before anything is read."""
    (folder / "a.yaml").symlink_to(f"../{leads_to}" if leads_to == "pipe" else leads_to)

    assert cache.stamps_of((str(folder),)) == ()


def test_an_import_that_is_turned_is_refused(folder, monkeypatch):
    """Between the look at where it leads and the reading."""
    (folder / "own.yaml").write_text("version: 1\nimports: [./base.yaml]\n")
    (folder / "base.yaml").write_text(POLICY)
    add = gather.Gathered.add

    def turning(gathered, path, **rest):
        if path.name == "base.yaml":
            path.unlink()
            path.symlink_to("../secret.yaml")
        return add(gathered, path, **rest)

    monkeypatch.setattr(gather.Gathered, "add", turning)

    found = load([folder / "own.yaml"]).refused

    assert "MP120" in [one.code for one in found]
