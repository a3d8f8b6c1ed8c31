"""The plan cache among neighbours: what they put, swap or leave in its folder is never a plan."""

from __future__ import annotations

import marshal
import os
import shutil
import tempfile
import threading
from hashlib import blake2b
from pathlib import Path

import pytest

import mlpolicy
from mlpolicy.core.program import private_folder, read_private, write_private
from mlpolicy.install import bootstrap
from mlpolicy.plan import cache

NOBODY = 65534
of_root = pytest.mark.skipif(os.geteuid() != 0, reason="files are given to somebody else")
POLICY = (
    "version: 1\npolicies: {nowhere.cached:f: {retry: {max_attempts: 4, initial_delay: 1ms}}}\n"
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home" / "plans"
    monkeypatch.setenv("MLPOLICY_CACHE_DIR", str(folder))
    yield folder
    mlpolicy.uninstall()


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def hold(path):
    """Put *path* in force from its text, so that an entry is written, if one can be."""
    mlpolicy.install(policy=path)
    bootstrap.engine()
    mlpolicy.uninstall()


def entry(path):
    return cache.read((str(path),), os.environ.get("MLPOLICY_ENV", ""))


def test_a_plan_is_held_in_a_folder_and_files_of_ours_alone(home, policy):
    hold(policy)

    assert entry(policy) is not None
    assert home.stat().st_mode & 0o777 == 0o700
    assert {path.suffix: path.stat().st_mode & 0o777 for path in home.iterdir()} == {
        "": 0o600,
        ".plan": 0o600,
    }


def linked(folder):
    folder.rename(folder.parent / "real")
    folder.symlink_to("real")


def others_write_here(folder):
    folder.chmod(0o777)


def others_write_above(folder):
    folder.parent.chmod(0o777)


def a_group_writes_above(folder):
    folder.parent.chmod(0o775)


def somebodys(folder):
    os.chown(folder, NOBODY, NOBODY)


def somebodys_above(folder):
    os.chown(folder.parent, NOBODY, NOBODY)


def in_place_of_all(act):
    def harm(folder):
        for path in folder.glob("*.plan"):
            act(path)

    harm.__name__ = act.__name__
    return harm


@in_place_of_all
def linked_entry(path):
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


@in_place_of_all
def pipe(path):
    path.unlink()
    os.mkfifo(path, 0o600)


@in_place_of_all
def folder_of_that_name(path):
    path.unlink()
    path.mkdir(mode=0o700)


@in_place_of_all
def entry_of_somebody(path):
    os.chown(path, NOBODY, NOBODY)


@in_place_of_all
def entry_that_others_write(path):
    path.chmod(0o666)


@in_place_of_all
def cut_short(path):
    path.write_bytes(path.read_bytes()[:40])


@in_place_of_all
def well_formed_with_other_content(path):
    *rest, _ = marshal.loads(path.read_bytes()[16:])
    body = marshal.dumps((*rest, b"cos\nsystem\n(S'true'\ntR."))
    path.write_bytes(blake2b(body, digest_size=16).digest() + body)


def other_key(folder):
    (folder / "key").write_bytes(b"k" * 32)


def no_key(folder):
    (folder / "key").unlink()


def empty_key(folder):
    (folder / "key").write_bytes(b"")


def linked_key(folder):
    (folder / "key").rename(folder / "k")
    (folder / "key").symlink_to("k")


@pytest.mark.parametrize(
    "harm",
    [
        *(linked, others_write_here, linked_entry, pipe, folder_of_that_name),
        *(
            pytest.param(one, marks=of_root)
            for one in (
                others_write_above,
                a_group_writes_above,
                somebodys,
                somebodys_above,
                entry_of_somebody,
            )
        ),
        *(entry_that_others_write, cut_short, well_formed_with_other_content, other_key, no_key),
        *(empty_key, linked_key),
    ],
)
def test_what_others_could_have_put_there_is_not_read(home, policy, harm):
    home.parent.mkdir(mode=0o755)
    hold(policy)
    assert entry(policy) is not None
    harm(home)

    assert entry(policy) is None
    mlpolicy.install(policy=policy)
    assert mlpolicy.plan("nowhere.cached:f").rule("retry").rule.max_attempts == 4


@of_root
@pytest.mark.parametrize(
    "harm", [linked, others_write_here, others_write_above, a_group_writes_above, somebodys]
)
def test_nothing_is_written_where_others_could_swap_it(home, policy, harm):
    home.mkdir(parents=True)
    harm(home)

    hold(policy)

    assert list(home.iterdir()) == []


def test_a_link_at_the_place_of_an_entry_is_replaced_not_followed(home, policy, tmp_path):
    hold(policy)
    [held] = home.glob("*.plan")
    precious = tmp_path / "precious"
    precious.write_text("mine")
    held.unlink()
    held.symlink_to(precious)

    hold(policy)

    assert precious.read_text() == "mine"
    assert not held.is_symlink()


@of_root
def test_below_a_folder_that_nobody_else_can_enter_modes_do_not_matter(monkeypatch):
    """As under a home of mode 0700 where files are writable by a group of one; root is stricter."""
    with tempfile.TemporaryDirectory() as made:
        middle = Path(made) / "middle"
        (middle / "plans").mkdir(parents=True)
        middle.chmod(0o775)
        for path in (made, middle, middle / "plans"):
            os.chown(path, NOBODY, NOBODY)
        with pytest.raises(PermissionError):
            private_folder(str(middle / "plans"))
        monkeypatch.setattr(os, "geteuid", lambda: NOBODY)

        os.close(private_folder(str(middle / "plans")))

        os.chmod(made, 0o755)
        with pytest.raises(PermissionError):
            private_folder(str(middle / "plans"))


def test_an_entry_is_none_elsewhere_or_under_another_name(home, policy, tmp_path, monkeypatch):
    other = tmp_path / "other.yaml"
    other.write_text(POLICY.replace("4", "9"))
    hold(policy)
    [of_policy] = home.glob("*.plan")
    hold(other)
    [of_other] = set(home.glob("*.plan")) - {of_policy}
    monkeypatch.setenv("MLPOLICY_CACHE_DIR", str(tmp_path / "second"))
    hold(policy)
    shutil.copy(of_policy, tmp_path / "second")

    assert entry(policy) is None
    monkeypatch.setenv("MLPOLICY_CACHE_DIR", str(home))
    shutil.copy(of_other, of_policy)
    assert entry(policy) is None


def test_a_way_that_is_swapped_meanwhile_leads_nowhere(home, policy, tmp_path, monkeypatch):
    """Between the look at the way and its last step it becomes a link to a folder like ours."""
    hold(policy)
    shutil.copytree(home.parent, tmp_path / "evil")
    opened, moved = os.open, []

    def swapping(path, *args, **named):
        if path == "home" and not moved:
            moved.append(True)
            home.parent.rename(tmp_path / "away")
            home.parent.symlink_to(tmp_path / "evil")
        return opened(path, *args, **named)

    monkeypatch.setattr(os, "open", swapping)
    assert entry(policy) is None
    assert moved


def test_what_is_sealed_and_no_plan_is_read_from_its_files(home, policy, monkeypatch):
    hold(policy)

    def fails(_):
        raise AttributeError("a class that has moved")

    monkeypatch.setattr(cache, "unpack", fails)
    mlpolicy.install(policy=policy)

    assert mlpolicy.plan("nowhere.cached:f").rule("retry").rule.max_attempts == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STORE_TOKEN", "s3cr3t-in-a-label"),
        ("STORE_URL", "redis://user:s3cr3t-in-a-label@store"),
    ],
)
def test_the_value_of_a_secret_variable_lies_in_no_entry(home, policy, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    hold(policy)
    held = entry(policy).files
    labels = "monitor: {labels: {a: '${env:%s}'}}" % name
    policy.write_text(POLICY.replace("retry:", f"{labels}, retry:"))
    hold(policy)

    assert held
    assert entry(policy) is None
    assert not any(b"s3cr3t" in path.read_bytes() for path in home.iterdir())
    assert list(home.glob("*.plan")) == []  # (nor the one of an mlpolicy that held it)


def test_processes_that_start_together_agree_on_a_key(home):
    """Each writes under the key that is there in the end."""
    home.mkdir(parents=True)
    home.chmod(0o700)
    keys = []

    def start():
        folder = private_folder(str(home))
        cache._key_in(folder, make=True)
        keys.append(folder)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({cache._key_in(folder) for folder in keys}) == 1
    assert [path.name for path in home.iterdir()] == ["key"]
    for folder in keys:
        os.close(folder)


def test_a_file_is_there_whole_or_not_at_all(home, monkeypatch):
    folder = private_folder(str(home), make=True)
    write_private(folder, "one", b"first")

    def full(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="space"):
        write_private(folder, "one", b"second")

    assert read_private(folder, "one") == b"first"
    assert os.listdir(folder) == ["one"]
    os.close(folder)
