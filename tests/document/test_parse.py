"""Files that are wrong as YAML, each with its place."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.document.parse import parse, read

NUMBERS_OF_1_2 = re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+|0o[0-7]+")
"""Numbers that are text in YAML 1.1, so that PyYAML leaves such texts unquoted."""

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp", "Zs"))
    ).filter(lambda text: not NUMBERS_OF_1_2.fullmatch(text)),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4)
    ),
    max_leaves=20,
)


def places(text):
    return [(d.code, d.span.line, d.span.column) for d in parse(text, file="f").diagnostics]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a:\n\tb: 1\n", ("MP002", 2, 1), "spaces, not tabs"),
        ("a: *.x\n", ("MP002", 1, 4), "starts with `*`"),
        ("a: @x\n", ("MP002", 1, 4), "starts with `@`"),
        ("a: `x\n", ("MP002", 1, 4), "starts with ``"),
        ("a: {b: ${x}}\n", ("MP002", 1, 9), "${...}"),
        ('a: "😀" b\n', ("MP002", 1, 8), ""),
        ("a: [1\n", ("MP002", 1, 4), ""),
        ('a:\n  b: "x\nc: 1\n', ("MP002", 2, 6), ""),
        ("a: 1\nb: 2\na: 3\n", ("MP004", 3, 1), "first here"),
        ("a: 1\n---\nb: 2\n", ("MP006", 2, 1), "one YAML document"),
        ("a: !!python/object:os.system x\n", ("MP002", 1, 4), "leave it out"),
        ("a: *b\n", ("MP002", 1, 4), "no anchor"),
        ("a: &a [*a]\n", ("MP007", 1, 8), "what it stands in"),
        ("a:\nb: 1\n", ("MP009", 1, 1), "write a value"),
        ("a: {b: 'x', y, z, c: 1}\n", ("MP009", 1, 13), ""),
        ("a: {b: [x], y}\n", ("MP009", 1, 13), ""),
        ("a: {x, y}\n", ("MP009", 1, 5), ""),
        ("a: [1, ]\nb: [- ]\n", ("MP002", 2, 5), ""),
        ("1: a\n", ("MP010", 1, 1), "quote it"),
        ("? [x]\n: 1\n", ("MP010", 1, 3), "must be text"),
        ("a: \x00\n", ("MP001", 1, 4), "no text"),
        ("a: \x07\n", ("MP001", 1, 4), "U+0007"),
        ("a: b\x83\n", ("MP001", 1, 5), "U+0083"),
        ("a: b\u2028c: 1\n", ("MP001", 1, 5), "LINE SEPARATOR"),
        ("# b\x85c: 1\n", ("MP001", 1, 4), "U+0085"),
        ("a: b\n\ufeffc: 1\n", ("MP001", 2, 1), "U+FEFF"),
        ("# \u202e\na: 1\n", ("MP001", 1, 3), "RIGHT-TO-LEFT OVERRIDE"),
        ("a:\n \xa0b: 1\n", ("MP001", 2, 2), "NO-BREAK SPACE"),
        ("a:\n  b:\xa01\n", ("MP001", 2, 5), "write a space"),
        ("a:\n  b:1\n  c: 2\n", ("MP002", 2, 3), ""),
        ("a:\n  - b:1\n    c: 2\n", ("MP002", 2, 5), ""),
        ("a:\n  b\n  # why\n\n  c: 2\n", ("MP002", 2, 3), "`b` lacks a colon"),
        ("a:\n  b:\n    d: 1\n  c\n", ("MP002", 4, 3), "`c` lacks a colon"),
        ("a:\n  b.c:d\n    e: 2\n", ("MP002", 2, 3), "`b.c` lacks a colon"),
        ("a: 1\nb\n", ("MP002", 2, 1), "`b` lacks a colon"),
        ("a:\n  b: 1\n    c: 2\n", ("MP002", 3, 6), ""),
        ("a: b: c\n", ("MP002", 1, 5), "quote a value"),
        ("a:\n  b 1\n  c: 2\n", ("MP002", 2, 3), ""),
        ("a:\n  d: 0\n  b = 1\n  c: 2\n", ("MP002", 3, 3), ""),
        ("a:\n  b {c: 1, d: 2}\n", ("MP002", 2, 13), ""),
        ("a:\n  b:{c: 1, e: 3}\n  d: 2\n", ("MP002", 2, 13), ""),
        ("a:\n  d: 1\n  b.c:e\n    f: 2\n", ("MP002", 3, 3), "`b.c` lacks a colon"),
        ("a:\n  * b\n", ("MP002", 2, 3), ""),
        ("a: & b\n", ("MP002", 1, 4), "starts with `&`"),
        ("a: {\n  b: 1\n  c: 2\n}\n", ("MP002", 3, 4), "commas"),
        ("a: [\n  - b\n  c: 2\n]\n", ("MP002", 2, 3), ""),
        ("a:\n  - b\n - c\n", ("MP002", 3, 2), "indentation"),
        ("a: {b: 1\nc: 2\n", ("MP002", 1, 4), ""),
        ("a: {b: 1}}\n", ("MP002", 1, 10), ""),
        ("a: 'b' c\n", ("MP002", 1, 8), ""),
        ('a: "b\n---\n', ("MP002", 1, 4), "not closed"),
        ("<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> b\n", ("MP002", 1, 1), "merge conflict"),
        ("{% if a %}\n", ("MP002", 1, 2), ""),
        ("%FOO b\n---\na: 1\n", ("MP002", 1, 5), ""),
        ("[a]\nb = 1\n", ("MP002", 2, 1), ""),
        ('a: "\\xZZ"\n', ("MP002", 1, 7), "single quotes"),
        ("a: |x\n  b\n", ("MP002", 1, 5), ""),
        ("a: !!set {b, c}\n", ("MP002", 1, 4), "leave it out"),
        ("a: !!int [1]\n", ("MP002", 1, 4), "leave it out"),
        ("a: !!map [1]\n", ("MP002", 1, 4), "leave it out"),
        ("a: !!null ''\n", ("MP009", 1, 1), "write a value"),
        ("a: &x 1\nb: &x 2\n", ("MP004", 2, 4), "twice"),
        ("a: &b &c 1\n", ("MP002", 1, 7), "quotes and brackets"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", ("MP008", 2, 5), "anchor"),
    ],
)
def test_a_mistake_is_one_finding_at_its_place(text, place, words):
    [finding] = parse(text, file="f").diagnostics

    related = " ".join(one.message for one in finding.related)
    assert (finding.code, finding.span.line, finding.span.column) == place
    assert words in f"{finding.message} {finding.help} {related}"


def test_the_core_schema_of_yaml_1_2():
    """What YAML 1.1 turns into truth values, octal numbers and times is text, or ten."""
    text = "[NO, on, yes, 010, 1:30, 0x1f, 0o17, 1e3, .inf, ~, true, 2026-01-01, '3', 1_000]\n"

    assert parse(f"a: {text}", file="f").root.plain()["a"] == [
        "NO", "on", "yes", 10, "1:30", 31, 15, 1000.0, float("inf"), None, True, "2026-01-01",
        "3", "1_000",
    ]  # fmt: skip


def test_tags_that_say_what_stands_there():
    text = "[!!str 1, !!int '2', !!float 3, !!bool true, !!map {b: 1}, !!seq [1], ! 4, ! '5']\n"
    document = parse(f"a: {text}", file="f")

    assert document.diagnostics == ()
    assert document.root.plain()["a"] == ["1", 2, 3, True, {"b": 1}, [1], 4, "5"]


@pytest.mark.parametrize("between", [":", "=", " = ", " "])
def test_a_key_between_braces_that_lacks_its_colon_has_its_value(between):
    document = parse(f"a: {{b: 1, ttl{between}3s}}\n", file="f")

    assert document.root.plain() == {"a": {"b": 1, "ttl": "3s"}}
    [finding] = document.diagnostics
    assert (finding.code, finding.span.column, finding.help) == ("MP002", 11, "write `ttl: 3s`")


@pytest.mark.parametrize(
    "items", ["TimeoutError, http:503", "http:503, TimeoutError", "X, grpc:OK, http:5xx"]
)
def test_a_list_between_braces_that_lacks_its_brackets_may_have_statuses(items):
    [finding] = parse(f"a: {{b: 1, on: {items}}}\n", file="f").diagnostics

    assert finding.code == "MP009"
    assert "brackets around a list" in finding.help


def test_what_could_not_be_read_says_so_once():
    """A key that is an alias is where it is used; an alias of nothing is no empty value."""
    document = parse("a: &x b\n*x : 1\nc: *y\n", file="f")

    assert [one.key_span.line for one in document.root.entries] == [1, 2, 3]
    assert [one.code for one in document.diagnostics] == ["MP002"]


def test_merged_values_give_way_to_own_ones():
    """And of several mappings the first wins."""
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\n"

    assert parse(text, file="f").root.plain()["c"] == {"x": 3, "y": 1, "z": 2}


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", b"a: 1\nb: 2\n"])
def test_utf_8_with_or_without_a_mark_and_either_line_end(content):
    document = parse(content, file="f")

    assert (document.root.plain(), document.diagnostics) == ({"a": 1, "b": 2}, ())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: 1".encode("utf-16"), "UTF-16"),
        ("a: 1".encode("utf-32"), "UTF-32"),
        ("a: 1".encode("utf-16-le"), "UTF-16 or UTF-32"),
        (b"a: \xff\n", "not UTF-8"),
        (bytes(range(256)), "not UTF-8"),
        (b"a: 1\n" * 300_000, "larger than 1 MiB"),
        (b"\x7fELF\x02\x01", "U+007F"),
    ],
)
def test_what_is_no_text_is_unreadable(content, words):
    [finding] = parse(content, file="f").diagnostics

    assert (finding.code, words in finding.message) == ("MP001", True)


def test_files_that_cannot_be_read(tmp_path):
    """A folder, and a file that is not there."""
    found = [read(path).diagnostics[0].message for path in (tmp_path, tmp_path / "no.yaml")]

    assert ["not a file" in found[0], "does not exist" in found[1]] == [True, True]


def test_depth_is_counted_through_aliases():
    """Lists in lists in lists, each the alias of the one before."""
    lines = ["x-a0: [1]", "x-a1: &a1 [[[1]]]"]
    lines += [f"x-a{at}: &a{at} {'[' * 10}*a{at - 1}{']' * 10}" for at in range(2, 30)]

    [finding] = parse("\n".join(lines), file="f").diagnostics
    within = parse("\n".join(lines[:7]), file="f")

    assert (finding.code, finding.span.line) == ("MP001", 8)
    assert within.diagnostics == ()


BOMBS = {
    "brackets": "[" * 100_000,
    "braces": "{" * 100_000,
    "items": "- " * 100_000,
    "keys": "? " * 100_000,
    "indented": "\n".join(" " * at + "a:" for at in range(700)),
    "laughs": "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{chr(98 + at)}: &{chr(98 + at)} [{','.join([f'*{chr(97 + at)}'] * 10)}]\n"
        for at in range(9)
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_finding_within_a_second(name, tmp_path):
    """In a process of its own: a crash would take the tests with it."""
    (tmp_path / "bomb.yaml").write_text(BOMBS[name])
    text = (
        "import time\nfrom pathlib import Path\n"
        "from mlpolicy.document.parse import read\nbegan = time.perf_counter()\n"
        "found = read(Path('bomb.yaml')).diagnostics\n"
        "took = time.perf_counter() - began\n"
        # The peak of this program alone: that of `getrusage` counts what stood here before it.
        "status = Path('/proc/self/status')\n"
        "lines = status.read_text().splitlines() if status.exists() else ['VmHWM: 0']\n"
        "peak = next(int(line.split()[1]) for line in lines if line.startswith('VmHWM'))\n"
        "print(found[-1].code, took < 1, peak < 200_000)"
    )

    done = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
    )  # fmt: skip

    assert done.stdout.split() in (["MP001", "True", "True"], ["MP007", "True", "True"])


@given(JSON)
def test_what_is_dumped_is_read_back(data):
    """Of anything that JSON can say."""
    text = yaml.safe_dump({"data": data}, allow_unicode=True)
    document = parse(text, file="f")

    assert document.root.plain() == {"data": data}


@given(st.text() | st.binary())
def test_no_content_raises(content):
    """Whatever stands in a file, reading it gives a document."""
    began = time.monotonic()

    assert parse(content, file="f").file == "f"
    assert time.monotonic() - began < 1
