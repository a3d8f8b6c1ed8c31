"""Policy files in their one layout."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.document.parse import parse
from mlpolicy.model.layout import laid_out
from mlpolicy.model.read import read_text

ROOT = Path(__file__).parents[2]
OURS = [file for file in sorted((ROOT / "policies").rglob("*.yaml")) if ".test" not in file.name]
FILES = [*OURS, ROOT / "tests/plan/complete/policy.yaml"]


def text(lines):
    return dedent(lines).lstrip("\n")


def test_keys_stand_in_order_with_their_comments():
    """What stands at the head of the file stays there; the policies keep the author's order."""
    assert laid_out(
        text("""
        # yaml-language-server: $schema=./mlpolicy.schema.json

        # what it is for
        policies:
          # the second of the alphabet
          b:g:
            cache:
              max_entries: 20 k
              ttl: 1m 30 s   # not for long


            # who
            owner: me
            retry: {max_delay: 2 s}
          a:f: {retry: 3}
        version: 1
        """)
    ) == text("""
        # yaml-language-server: $schema=./mlpolicy.schema.json

        version: 1
        # what it is for
        policies:
          # the second of the alphabet
          b:g:
            # who
            owner: me
            retry: {max_delay: 2s}
            cache:
              ttl: 1m30s   # not for long
              max_entries: 20k
          a:f: {retry: 3}
        """)


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_our_own_files_are_laid_out(file):
    assert laid_out(file.read_text()) == file.read_text()


def plain(text):
    return parse(text, file="x").root.plain()


def comments(text):
    return Counter(re.findall(r"#.*$", text, re.M))


def shuffled(text, seed):
    """Return *text* with the entries of its block mappings in another order."""
    chance = random.Random(seed)
    chunks, head = [], []
    for line in text.splitlines(keepends=True):
        if line[:1] not in (" ", "#", "\n"):
            chunks.append([*head, line])
            head = []
        elif line[0] == "#" or not chunks:
            head.append(line)
        else:
            chunks[-1].append(line)
    chance.shuffle(chunks)
    return "".join(line for chunk in chunks for line in chunk) + "".join(head)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_lost(file, seed):
    """The same meaning, the same comments; laid out twice is laid out once."""
    before = shuffled(file.read_text(), seed)

    after = laid_out(before)

    assert plain(after) == plain(before)
    assert comments(after) == comments(before)
    assert laid_out(after) == after


@given(st.text("ab:#-[]{}&*|> \n\"'12%s", max_size=80))
def test_whatever_is_written_means_the_same(body):
    """What is no policy is returned as it was, or refused."""
    try:
        made = laid_out(body)
    except ValueError:
        return
    assert laid_out(made) == made
    if not parse(body, file="x").diagnostics:
        assert plain(made) == plain(body)


@pytest.mark.parametrize(
    "kept",
    [
        "version: 1\npolicies: {z:f: {retry: 3}, a:f: {cache: 30s}}\n",
        "x-text: |\n  a  \n\n\n  b\nversion: 1\n",
        "policies:\n  a:f: &one {retry: 3}\n  b:f: *one\nversion: 1\n",
        'version: 1\nx-a: "30 s"\n',
    ],
)
def test_the_meaning_stays(kept):
    assert plain(laid_out(kept)) == plain(kept)


def test_a_home_of_anchors_keeps_no_key_from_its_order():
    """What is merged from elsewhere stays as it is; everything else is put in order."""
    before = (
        "x-a: &a {ttl: 1m}\nversion: 1\npolicies:\n  a:f:\n    monitor: {}\n"
        "    cache:\n      <<: *a\n      copy: deep\n    owner: me\n"
    )

    after = laid_out(before)

    assert after == (
        "x-a: &a {ttl: 1m}\nversion: 1\npolicies:\n  a:f:\n    owner: me\n"
        "    cache:\n      <<: *a\n      copy: deep\n    monitor: {}\n"
    )
    assert plain(after) == plain(before)


def test_an_anchor_stays_before_its_alias():
    """Where order would break it, the order stays as it was."""
    given = "policies:\n  a:f: {retry: &r {max_attempts: 3}}\ndefaults:\n  retry: *r\nversion: 1\n"

    assert laid_out(given) == given


def test_line_ends_stay():
    made = laid_out("policies:\r\n  a:f: {retry: 3}\r\nversion: 1\r\n")

    assert made == "version: 1\r\npolicies:\r\n  a:f: {retry: 3}\r\n"


def test_laid_out_files_are_read_alike():
    before = "policies:\n  a:f:\n    retry: {max_delay: 2 s}\nversion: 1\n"

    one, other = (read_text(each).file.policies[0] for each in (before, laid_out(before)))

    assert one.name == other.name


def test_what_is_no_yaml_is_refused():
    with pytest.raises(ValueError, match="MP002"):
        laid_out("version: [1\n")
