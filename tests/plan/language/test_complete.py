"""The complete example of the language: right in every environment, and one mistake is one finding."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlpolicy.core.target import Target
from mlpolicy.plan.load import Terms, load, load_every

HERE = Path(__file__).parents[1] / "complete"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
TEXT = (HERE / "policy.yaml").read_text()
KEY = re.compile(r"(?<![\w$.\"'-])([a-z_]{4,}):(?=\s)")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    package = tmp_path / "lib" / "acme_policies"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('no code of a package is run')\n")
    (package / "base.yaml").write_text("version: 1\nprofiles: {acme: {retry: {max_attempts: 2}}}\n")
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    made = tmp_path / "policies"
    (made / "common").mkdir(parents=True)
    (made / "common" / "http.yaml").write_text((HERE / "common" / "http.yaml").read_text())
    (made / "policy.yaml").write_text(TEXT)
    return made


def found(folder, text=TEXT):
    (folder / "policy.yaml").write_text(text)
    loaded = load_every([folder / "policy.yaml"], Terms(now=NOW, environ={}))
    return loaded.shown(level="none").diagnostics


def test_it_is_right_in_every_environment(folder):
    assert found(folder) == ()


@pytest.mark.parametrize(
    ("environment", "ttl", "mode", "retried"),
    [
        (None, "30s", "enforce", True),
        ("prod", "2m", "enforce", False),
        ("staging", "30s", "shadow", True),
    ],
)
def test_each_environment_is_what_it_says(folder, environment, ttl, mode, retried):
    from mlpolicy.core.site import Facts

    loaded = load([folder / "policy.yaml"], Terms(environment, {}, now=NOW))
    plan = loaded.rulebook.plan(Target("recsys.serve", "predict"))
    remote = Facts(tags=("remote",))
    embed = loaded.rulebook.plan(Target("recsys.embed", "encode"), remote)

    assert str(plan.rule("cache").rule.ttl) == ttl
    assert (plan.rule("cache").mode, plan.rule("monitor").mode) == (mode, "enforce")
    assert (embed.rule("retry") is not None) == retried
    assert plan.rule("cache").rule.version == "dev"


def slips():
    """Give every key of the example, one after the other, without its last letter but one."""
    for match in KEY.finditer(TEXT):
        start = TEXT.rfind("\n", 0, match.start()) + 1
        if "#" in TEXT[start : match.start()]:
            continue
        word = match[1]
        line, column = TEXT.count("\n", 0, match.start()) + 1, match.start() - start + 1
        yield pytest.param(match.start(), word, (line, column), id=f"{line}-{word}")


NAMES = {"model", "predict", "features", "user", "embeddings", "staging", "prod", "call"}
"""Names of the author's own: no slip of the language."""


@pytest.mark.parametrize(("at", "word", "place"), list(slips()))
def test_a_misspelt_key_is_one_finding_with_the_right_word(folder, at, word, place):
    if word in NAMES:
        return
    wrong = word[:-2] + word[-1]

    [one] = found(folder, TEXT[:at] + wrong + TEXT[at + len(word) :])

    assert (one.span.line, one.span.column) == place
    assert one.code == "MP005"
    assert one.help == f"did you mean `{word}`?"


MISTAKES = [
    ("ttl: 30s", "ttl: 30", "MP101", "30s"),
    ("ttl: 5m", "ttl: 5min", "MP101", "not a unit"),
    ("max_delay: 2s", "max_delay: 2sec", "MP101", "not a unit"),
    ("act_at: 85%", "act_at: 85", "MP101", "85%"),
    ("percent: 25%", "percent: 25", "MP101", "25%"),
    ("max_bytes: 512MiB", "max_bytes: 512M", "MP101", "not a unit"),
    ("use: [feature-store]", "use: [feature-stor]", "MP406", "feature-store"),
    ("extends: [http-call]", "extends: [http-cal]", "MP406", "http-call"),
    ("on_fail: default", "on_fail: defualt", "MP010", "default"),
    ("on_expiry: disable", "on_expiry: disabled", "MP010", "disable"),
    ("otherwise: shadow", "otherwise: shaddow", "MP010", "shadow"),
    ("defaults: {mode: shadow}", "defaults: {mode: shadwo}", "MP010", "shadow"),
    ("${vars.slo}", "${vars.sla}", "MP110", "vars.slo"),
    ("kind: [function, coroutine]", "kind: [function, corutine]", "MP010", "coroutine"),
    ("expires: 2027-03-31", "expires: 31.3.2027", "MP010", "2027-03-31"),
    ("./common/http.yaml", "./common/htpp.yaml", "MP120", "http.yaml"),
    ("require: [owner, reason]", "require: [owner, raeson]", "MP010", "reason"),
    ("dtype: [float32, float64]", "dtype: [flaot32, float64]", "MP204", "float32"),
    ("retry_on: [transient,", "retry_on: [tranisent,", "MP603", "transient"),
    ("give_up_on: [ValueError]", "give_up_on: [ValuError]", "MP603", "ValueError"),
    ("range: [0, 1]", "range: [1, 0]", "MP201", ""),
    ("reject_at: 92%", "reject_at: 80%", "MP801", ""),
    ("      embeddings: {retry", "      embedings: {retry", "MP407", "embeddings"),
    ("level: INFO", "level: info", "MP010", "INFO"),
]


@pytest.mark.parametrize(
    ("right", "wrong", "code", "words"), MISTAKES, ids=[m[1] for m in MISTAKES]
)
def test_a_single_mistake_is_one_finding(folder, right, wrong, code, words):
    assert TEXT.count(right) >= 1
    at = TEXT.index(right)

    [one] = found(folder, TEXT[:at] + wrong + TEXT[at + len(right) :])

    assert one.code == code
    assert words in f"{one.message} {one.help}"
    assert one.span.line == TEXT.count("\n", 0, at) + 1
