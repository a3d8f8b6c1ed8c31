"""Texts to begin with, and how they are changed: by the words of the language, not bytes alone."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

from mlpolicy.model import grammar
from mlpolicy.plan.codes import codes
from mlpolicy.rules import KINDS
from tests.corpus.cases import CASES, MARK

ROOT = Path(__file__).parents[2]
_TOKEN = re.compile(r"\s+|[\w.%-]+|\$\{[^}]*\}?|.", re.S)
SIGNS = (
    *("- ", ": ", ", ", "{", "}", "[", "]", "#", " # x\n", "&a ", "*a", "<<: ", "? ", "|\n", ">-\n"),
    *("'", '"', "!!str ", "!x ", "---\n", "...\n", "\t", "\n", "\r\n", "  ", "\ufeff", "\u2028", "\x85"),
    *("\u200b", "\u202e", "\u0661", "\u00a0", "\x00", "\x07", "%YAML 1.1\n", '"\\0"', '"\\u2028"', "null", "~"),
    *("1", "0", "-1", "1.5", "1e400", ".nan", "0x1f", "010", "1_000", "yes", "true", "30s", "1h 30m", "5 %"),
    *("150%", "20k", "1MiB", "2027-03-31", "9999-99-99", "1:30", "''", "${vars.a}", "${env:A}", "${env:A:-1}"),
    *("$${", "${", "m.serve:predict", "m.*:*", "m.**:f*", "rows[*].id", "transient", "http:429", "grpc:X"),
    *("builtins.OSError", "ConnectionError", "# mlpolicy: ignore[MP603] so\n", "# mlpolicy: ignore[MP1,]\n"),
)  # fmt: skip


@cache
def seeds() -> tuple[str, ...]:
    """Return our own policies, the examples of all findings, and the malformed files."""
    files = sorted([*(ROOT / "policies").rglob("*.yaml"), *(ROOT / "tests").rglob("*.yaml")])
    texts = [file.read_text("utf-8") for file in files]
    texts += [text.replace(MARK, "", 1) for _, text in CASES]
    texts += [text for code in codes().values() for text in (code.before, code.after) if text]
    return tuple(dict.fromkeys(texts))


@cache
def vocabulary() -> tuple[str, ...]:
    """Return every key of the language, every value in the seeds, and signs of YAML."""
    blocks = [one for one in vars(grammar).values() if hasattr(one, "model_fields")]
    keys = {name for block in blocks for name in block.model_fields}
    keys |= {name for kind in KINDS for name in KINDS[kind].rule_model().model_fields}
    found = {word for text in seeds() for word in _TOKEN.findall(text) if len(word) > 2}
    return (*SIGNS, *sorted(keys | set(KINDS)), *sorted(found))


def mutated(text: str, chance: random.Random) -> str:
    """Return *text* with a few of its words and lines changed."""
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        text = chance.choice(_CHANGES)(text, chance)
    return text


def _word(text: str, chance: random.Random) -> str:
    """Put another word in place of one, or before it; or leave one out."""
    words = _TOKEN.findall(text)
    if not words:
        return chance.choice(vocabulary())
    at = chance.randrange(len(words))
    source = SIGNS if chance.random() < 0.4 else vocabulary()
    new = chance.choice((chance.choice(source), chance.choice(words), ""))
    words[at : at + chance.choice((0, 1))] = [new]
    return "".join(words)


def _line(text: str, chance: random.Random) -> str:
    """Repeat, move or indent a line, or take one from another text."""
    lines = text.splitlines(keepends=True) or [""]
    others = chance.choice(seeds()).splitlines(keepends=True) or [""]
    at, to = chance.randrange(len(lines)), chance.randrange(len(lines) + 1)
    new = chance.choice((lines[at], chance.choice(others), " " * chance.randrange(5) + lines[at]))
    lines.insert(to, new)
    if chance.random() < 0.4:
        del lines[at]
    return "".join(lines)


def _letter(text: str, chance: random.Random) -> str:
    """Change one character."""
    at = chance.randrange(len(text) + 1)
    new = chance.choice(
        ("", chance.choice(":,-#{}[]&*'\"|>%@`!? \n"), chr(chance.randrange(0x3000)))
    )
    return text[:at] + new + text[at + chance.choice((0, 1)) :]


_CHANGES = (_word, _word, _word, _line, _letter)
