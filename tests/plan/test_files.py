"""Which files of a folder are policies, while others write there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mlpolicy.document import parse
from mlpolicy.plan import gather
from mlpolicy.plan.gather import policy_files
from mlpolicy.plan.load import load

POLICY = "version: 1\npolicies:\n  serve:NAME: {retry: 3}\n"


def mount(folder, generation, *names):
    """Write what Kubernetes mounts: a folder of this generation, a link to it, links to files."""
    made = folder / f"..2026_{generation}"
    made.mkdir(parents=True)
    for name in names:
        (made / name).write_text(POLICY.replace("NAME", Path(name).stem + generation))
        if not os.path.lexists(folder / name):
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data_tmp").symlink_to(made.name)
    os.replace(folder / "..data_tmp", folder / "..data")


def targets(loaded):
    return [str(one) for one in loaded.rulebook.exact]


@pytest.mark.parametrize(
    "name",
    [".ipynb_checkpoints/a.yaml", ".git/a.yaml", "below/.x/y/a.yaml", ".a.yaml", ".#a.yaml"],
)
def test_names_with_a_dot_are_passed_over(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("no: policy")
    (tmp_path / "a.yaml").write_text(POLICY)

    assert policy_files(tmp_path) == [tmp_path / "a.yaml"]
    assert load([tmp_path]).refused == ()


def test_what_is_named_may_have_dots_in_its_path(tmp_path):
    """A folder in a dotted one, a dotted folder, a link through one, a file by its name."""
    folder = tmp_path / ".mlpolicy/.policies"
    folder.mkdir(parents=True)
    (folder / ".a.yaml").write_text(POLICY)
    (folder / "b.yaml").write_text(POLICY)
    (tmp_path / "link").symlink_to(folder)

    found = [policy_files(one) for one in (folder, tmp_path / "link", folder / ".a.yaml")]

    assert found == [[folder / "b.yaml"], [tmp_path / "link/b.yaml"], [folder / ".a.yaml"]]
    assert [len(load(one).files) for one in found] == [1, 1, 1]


def test_a_mounted_config_map_is_read_once(tmp_path):
    """Through its links, folders of it too, and imports from one file to another."""
    mount(tmp_path, "1", "a.yaml", "b.yaml")
    (tmp_path / "..data/team").mkdir()
    (tmp_path / "..data/team/c.yaml").write_text("version: 1\nimports: [../a.yaml]\n")
    (tmp_path / "team").symlink_to("..data/team")

    loaded = load([tmp_path])

    assert (len(loaded.files), loaded.diagnostics) == (3, ())
    assert sorted(targets(loaded)) == ["serve:a1", "serve:b1"]


def test_a_link_that_its_volume_has_yet_to_take_away_is_passed_over(tmp_path):
    """The new generation lacks the file; its link goes a moment later."""
    mount(tmp_path, "1", "a.yaml", "b.yaml")
    mount(tmp_path, "2", "a.yaml")

    loaded = load([tmp_path])

    assert (targets(loaded), loaded.diagnostics) == (["serve:a2"], ())


@pytest.mark.parametrize("moment", ["listed", "read"])
def test_a_file_that_vanishes_is_passed_over(tmp_path, monkeypatch, moment):
    """Between the listing and the reading, or while it is read."""
    (tmp_path / "a.yaml").write_text(POLICY)
    (tmp_path / "b.yaml").write_text(POLICY)
    read = parse.read

    def late(path):
        if path.name == "b.yaml":
            path.unlink()
        return read(path)

    def listing(path):
        found = policy_files(path)
        (tmp_path / "b.yaml").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(
        gather, *(("read", late) if moment == "read" else ("policy_files", listing))
    )

    loaded = load([tmp_path])

    assert (len(loaded.files), loaded.diagnostics) == (1, ())


def test_files_of_two_generations_are_not_mixed(tmp_path, monkeypatch):
    """A swap in the middle of the reading has all of it read again."""
    mount(tmp_path, "1", "a.yaml", "b.yaml")
    read, seen = parse.read, []

    def swapping(path):
        seen.append(path.name)
        document = read(path)
        if len(seen) == 1:
            mount(tmp_path, "2", "a.yaml", "b.yaml")
            shutil.rmtree(tmp_path / "..2026_1")
        return document

    monkeypatch.setattr(gather, "read", swapping)

    loaded = load([tmp_path])

    assert (sorted(targets(loaded)), loaded.diagnostics) == (["serve:a2", "serve:b2"], ())


def test_a_swap_between_two_files_has_both_read_again(tmp_path, monkeypatch):
    mount(tmp_path, "1", "a.yaml", "b.yaml")
    add, seen = gather.Gathered.add, []

    def swapping(gathered, path, **rest):
        seen.append(path.name)
        if len(seen) == 2:
            mount(tmp_path, "2", "a.yaml", "b.yaml")
        return add(gathered, path, **rest)

    monkeypatch.setattr(gather.Gathered, "add", swapping)

    loaded = load([tmp_path])

    assert (sorted(targets(loaded)), loaded.diagnostics) == (["serve:a2", "serve:b2"], ())
