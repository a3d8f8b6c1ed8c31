"""Malformed policy files: a finding at its place, quickly, within bounds, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from time import process_time

import pytest

from mlpolicy.plan.load import load_every
from tests.corpus.cases import CASES, MARK

SOURCE = Path(__file__).parents[2] / "src"
SLOWEST = 1.0
"""Seconds."""
MOST = 200 * 1024**2
"""Bytes."""


@pytest.fixture
def policy(tmp_path):
    """Give the findings of a file of that content, which take that long."""

    def found(content, slowest=SLOWEST):
        path = tmp_path / "policies" / "policy.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        began = process_time()
        diagnostics = load_every([path]).shown(level="none").diagnostics
        assert process_time() - began < slowest
        return diagnostics

    return found


def test_there_are_many():
    assert len({text for _, text in CASES}) >= 200


@pytest.mark.parametrize(("code", "text"), CASES, ids=[text[-40:].strip() for _, text in CASES])
def test_a_mistake_is_found_at_its_place(policy, code, text):
    at = text.index(MARK)
    place = (code, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))

    found = policy(text.replace(MARK, "", 1))

    assert place in [(one.code, one.span.line, one.span.column) for one in found]


@pytest.mark.parametrize(
    ("code", "text"), CASES[::4], ids=[text[-40:].strip() for _, text in CASES[::4]]
)
def test_it_is_the_only_one(policy, code, text):
    """One mistake is one finding."""
    found = policy(text.replace(MARK, "", 1))

    assert len([one for one in found if one.severity == "error"]) == 1, [str(one) for one in found]


BOMB = "x-a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"x-{b}: &{b} [{','.join(f'*{a}' for _ in range(9))}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE = {
    "ten megabytes": (b"version: 1\n# " + b"x" * 10 * 1024**2, "MP001"),
    "binary": (bytes(range(256)) * 20, "MP001"),
    "utf-16": ("version: 1\n".encode("utf-16"), "MP001"),
    "latin-1": ("version: 1\nname: é\n".encode("latin-1"), "MP001"),
    "a null byte": (b"version: 1\nname: a\x00b\n", "MP001"),
    "deep brackets": (b"version: 1\nx-a: " + b"[" * 50_000, "MP001"),
    "deep mappings": (b"version: 1\nx-a: " + b"{a: " * 50_000, "MP001"),
    "deep indentation": (b"version: 1\n" + b"".join(b" " * n + b"a:\n" for n in range(1, 400)), "MP002"),
    "a bomb of aliases": (b"version: 1\n" + BOMB.encode(), "MP007"),
    "an alias of itself": (b"version: 1\nx-a: &a [*a]\n", "MP007"),
    "many nodes": (b"version: 1\nx-a: [" + b"1," * 60_000 + b"1]\n", "MP001"),
    "merge keys of merge keys": (
        b"version: 1\n" + b"".join(b"x-m%d: &m%d {<<: [%s]}\n" % (n, n, b",".join(b"*m%d" % (n - 1) for _ in range(9)) if n else b"{a: 1}") for n in range(9)),
        "MP008",
    ),
    "two documents": (b"version: 1\n---\nversion: 1\n", "MP006"),
    "nothing": (b"", "MP003"),
    "a byte order mark alone": (b"\xef\xbb\xbf", "MP003"),
    "spaces": (b"   \n\n", "MP003"),
    "a long line": (b"version: 1\nname: " + b"a" * 900_000 + b"\nx: 1\n", "MP005"),
    "many keys": (b"version: 1\npolicies:\n" + b"".join(b"  k%d: {retry: 3}\n" % n for n in range(3000)), "MP011"),
    "a number of a million digits": (b"version: " + b"9" * 1_000_000, "MP010"),
    "a regular expression that never ends": (
        b"version: 1\npolicies:\n  m:f: {validate: {args: {x: {type: str, pattern: '(a+)+$'}}}}\n",
        "MP203",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_hostile_people_write(policy, name):
    """In less than a second, and in less than 200 MB more."""
    content, code = HOSTILE[name]

    assert code in [one.code for one in policy(content)]
    tracemalloc.start()
    try:
        policy(content, slowest=30)  # counting makes it several times slower
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST


def test_files_that_are_none(tmp_path):
    """A folder, a pipe, a link that leads nowhere or outside, a file that may not be read."""
    from mlpolicy.plan.load import load

    (tmp_path / "secret.yaml").write_text("version: 1\n")
    root = tmp_path / "policies"
    root.mkdir()
    (root / "folder.yaml").mkdir()
    os.mkfifo(root / "pipe.yaml")
    (root / "gone.yaml").symlink_to("nowhere.yaml")
    (root / "out.yaml").symlink_to(tmp_path / "secret.yaml")
    text = "version: 1\nimports: [./folder.yaml, ./pipe.yaml, ./gone.yaml, ./out.yaml]\n"
    (root / "a.yaml").write_text(text)

    found = load([root / "a.yaml"]).diagnostics

    assert [one.code for one in found] == ["MP120"] * 4


@pytest.mark.parametrize(
    "name", ["'./a\\0b.yaml'", '"./a\\0b.yaml"', f"./{'a' * 5000}.yaml", "./circle.yaml", "''"]
)
def test_imports_that_are_no_path(tmp_path, name):
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    (tmp_path / "a.yaml").write_text(f"version: 1\nimports: [{name}]\n")

    [found] = load_every([tmp_path / "a.yaml"]).diagnostics

    assert (found.code, found.span.line, found.span.column) == ("MP120", 2, 11)


def test_a_policy_of_a_folder_is_not_missed_in_silence(tmp_path):
    """Links that lead nowhere or in a circle, a pipe; but not the locks of editors."""
    (tmp_path / "gone.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / ".#a.yaml").symlink_to("me@host.4711")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "b.yaml").write_text("no")

    found = load_every([tmp_path]).diagnostics

    assert [(one.code, Path(one.span.file).name) for one in found] == [
        ("MP001", "circle.yaml"),
        ("MP001", "gone.yaml"),
        ("MP001", "pipe.yaml"),
    ]


def test_policies_behind_links_to_folders_are_read_once(tmp_path):
    """Those of the folder itself; links in a circle lead nowhere, and none leads outside."""
    root = tmp_path / "policies"
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "a.yaml").write_text("no")
    (root / "own").mkdir(parents=True)
    (root / "..data").mkdir()
    (root / "..data" / "b.yaml").write_text("no")
    links = [("linked", "../shared"), ("up", ".."), ("own/again", "../own"), ("inside", "..data")]
    for name, leads_to in links:
        (root / name).symlink_to(leads_to)

    found = load_every([root]).diagnostics

    assert [(one.code, str(Path(one.span.file).relative_to(root))) for one in found] == [
        ("MP010", "inside/b.yaml"),
        ("MP120", "linked"),
        ("MP120", "up"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{mode: enforce, expires: LONG, retry: 3}",
        "{match: 'm*LONG', retry: 3}",
        "{match: LONG, retry: 3}",
        "{retry: {max_attempts: LONG}}",
        "{retry: {LONG: 3}}",
        "{retry: {retry_on: [LONG]}}",
        "{use: [LONG], retry: 3}",
        "{deadline: '${vars.LONG}', retry: 3}",
    ],
)
def test_no_message_repeats_a_long_text(policy, text):
    """It says how it begins."""
    found = policy(f"version: 1\npolicies:\n  m:f: {text}\n".replace("LONG", "x" * 100_000))

    assert found
    assert all(len(one.message) + len(one.help) < 1000 for one in found)


@pytest.mark.parametrize("name", ["deep brackets", "a bomb of aliases", "binary", "ten megabytes"])
def test_the_command_survives_them(tmp_path, name):
    """As a process, with 500 MB of addresses beyond what Python and its libraries take."""
    content, code = HOSTILE[name]
    (tmp_path / "policy.yaml").write_bytes(content)
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000,) * 2);"
        "from mlpolicy.cli.main import main; sys.argv = ['mlpolicy', 'validate', 'policy.yaml']; main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", limited],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (done.returncode, code in done.stdout, "Traceback" in done.stderr) == (1, True, False)
