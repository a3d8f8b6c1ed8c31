"""Plugins: found by the metadata of distributions, refused with the name of whose they are."""

from __future__ import annotations

import sys

import pytest

from mlpolicy.core import plugins
from mlpolicy.core.kind import part
from mlpolicy.core.plugins import PluginError, find, installed
from mlpolicy.core.target import Target
from mlpolicy.plan.load import load_every
from mlpolicy.rules import KINDS
from mlpolicy.rules.monitor.sinks import SINKS

QUARANTINE = """
from mlpolicy.plugin import Kind, RuleModel, Step

KIND = Kind("quarantine", "acme_q:Rule", "acme_q:Quarantine", shorthand="after", api=1)
class Rule(RuleModel):
    after: int = 3
    '''How many failures are enough.'''
class Quarantine(Step):
    kind = "quarantine"
"""
POLICY = "version: 1\npolicies:\n  m:f:\n    quarantine: 3\n"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install distributions as `pip` would: their metadata, and modules of these sources."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)

    def put(name, group, points, /, version="1.0", **modules):
        metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        lines = "\n".join(f"{key} = {value}" for key, value in points.items())
        (metadata / "entry_points.txt").write_text(f"[mlpolicy.{group}]\n{lines}\n")
        for module, source in modules.items():
            (folder / f"{module}.py").write_text(source)
        plugins.forget()

    plugins.forget()
    yield put
    for extensions in (KINDS, SINKS):
        for name in (*extensions, *extensions.refused):
            if name not in extensions._own:
                extensions.remove(name)
            extensions.refused.pop(name, None)
    for name in set(sys.modules) - before:
        if name.startswith("acme"):
            del sys.modules[name]
    plugins.forget()
    part.cache_clear()


@pytest.fixture
def found(tmp_path):
    """Give the findings of a policy."""

    def of(text=POLICY):
        path = tmp_path / "policy.yaml"
        path.write_text(text)
        return load_every([path]).shown(level="none").diagnostics

    return of


def test_a_kind_of_rule_is_found_when_a_policy_names_it(install, found):
    install("acme-q", "kinds", {"quarantine": "acme_q:KIND"}, acme_q=QUARANTINE)

    assert "acme_q" not in sys.modules
    assert found() == ()
    assert KINDS["quarantine"].name == "quarantine"


def test_nothing_is_scanned_for_a_policy_of_our_own_words(install, found, monkeypatch):
    install("acme-q", "kinds", {"quarantine": "acme_q:KIND"}, acme_q=QUARANTINE)
    asked = []
    real = KINDS.look_for
    monkeypatch.setattr(KINDS, "look_for", lambda name: asked.append(name) or real(name))

    assert found("version: 1\npolicies:\n  m:f: {retry: 3, owner: me, use: []}\n") == ()

    assert asked == []
    assert "acme_q" not in sys.modules


def test_its_settings_are_checked_like_ours(install, found):
    install("acme-q", "kinds", {"quarantine": "acme_q:KIND"}, acme_q=QUARANTINE)

    [wrong] = found("version: 1\npolicies:\n  m:f:\n    quarantine: {aftr: 3}\n")

    assert (wrong.code, wrong.span.line, wrong.span.column) == ("MP005", 4, 18)
    assert wrong.help == "did you mean `after`?"


def test_its_misspelt_name_is_one_finding(install, found):
    install("acme-q", "kinds", {"quarantine": "acme_q:KIND"}, acme_q=QUARANTINE)

    [wrong] = found(POLICY.replace("quarantine", "quarantin"))

    assert (wrong.code, wrong.help) == ("MP005", "did you mean `quarantine`?")


@pytest.mark.parametrize(
    "where",
    [
        "profiles:\n  p:\n    quarantine: 3\npolicies:\n  m:f: {use: [p]}\n",
        "defaults:\n  quarantine: {after: 3}\npolicies:\n  m:f: {quarantine: {}}\n",
        "policies:\n  m:f: {retry: 3}\n"
        "environments:\n  prod:\n    policies:\n      m:f:\n        quarantine: 3\n",
    ],
)
def test_wherever_it_is_written(install, found, where):
    install("acme-q", "kinds", {"quarantine": "acme_q:KIND"}, acme_q=QUARANTINE)

    assert found(f"version: 1\n{where}") == ()


def test_without_the_distribution_it_is_not_installed(install, found):
    [wrong] = found(POLICY.replace("quarantine: 3", "quarantine: {after: 3}"))

    assert (wrong.code, wrong.span.line) == ("MP130", 4)


def test_the_switch_leaves_all_plugins_out(install, found, monkeypatch):
    install("acme-q", "kinds", {"quarantine": "acme_q:KIND"}, acme_q=QUARANTINE)
    monkeypatch.setenv("MLPOLICY_DISABLE_PLUGINS", "1")
    plugins.forget()

    assert [one.code for one in found()] == ["MP005"]
    assert installed("kinds") == ()


BROKEN = {
    "its module fails": ("raise RuntimeError('no GPU')", "RuntimeError: no GPU"),
    "its module ends the process": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "there is no such object": ("OTHER = 1", "AttributeError"),
    "it is of another sort": ("KIND = type('K', (), {'api': 1})()", "it is no `Kind`, but K"),
    "it says no version": (QUARANTINE.replace(", api=1", ""), "does not say `api`"),
    "it is for another version": (QUARANTINE.replace("api=1", "api=99"), "for interface 99"),
    "it has another name": (QUARANTINE.replace('Kind("quarantine"', 'Kind("q"'), "is named `q`"),
    "its rule is no model": (
        QUARANTINE.replace("(RuleModel)", ""),
        "`acme_q:Rule` is no `RuleModel`",
    ),
    "its rule is not there": (QUARANTINE.replace("acme_q:Rule", "acme_q:Rul"), "AttributeError"),
    "it stands nowhere": (
        QUARANTINE.replace("api=1", "api=1, inside='the middle'"),
        "no position in the order",
    ),
    "its short form is none": (QUARANTINE.replace('d="after"', 'd="often"'), "no field `often`"),
    "its code is like ours": (
        QUARANTINE.replace("api=1", "api=1, codes='acme_q:CODES'")
        + "from mlpolicy.plugin import Code\nCODES = (Code('MP305', 'error', *'abcde'),)\n",
        "the code `MP305`",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_a_finding_that_names_its_distribution(install, found, name):
    source, reason = BROKEN[name]
    install("acme-q", "kinds", {"quarantine": "acme_q:KIND"}, version="2.5", acme_q=source)

    [wrong] = found()

    assert (wrong.code, wrong.span.line, wrong.span.column) == ("MP133", 4, 5)
    assert "acme-q 2.5" in wrong.message
    assert reason in wrong.message
    assert "acme-q" in wrong.help


def test_a_broken_plugin_that_nobody_asks_for_harms_nobody(install, found):
    install("acme-q", "kinds", {"quarantine": "nowhere:KIND"})

    assert found("version: 1\npolicies:\n  m:f: {retry: 3}\n") == ()


def test_two_distributions_with_one_name(install, found):
    install("acme-q", "kinds", {"quarantine": "acme_q:KIND"}, acme_q=QUARANTINE)
    install("other-q", "kinds", {"quarantine": "acme_q:KIND"}, version="3")

    [wrong] = found()

    assert wrong.code == "MP132"
    assert "acme-q 1.0 and other-q 3" in wrong.message
    with pytest.raises(PluginError):
        find("kinds", "quarantine")


@pytest.mark.parametrize(
    ("group", "source", "rule", "reason"),
    [
        ("sinks", "class THING: api = 1", "monitor: {sinks: [thing]}", "it is no `Sink`"),
        ("sinks", "1/0", "monitor: {sinks: [log, thing]}", "ZeroDivisionError"),
    ],
)
def test_a_sink_is_looked_at_too(install, found, group, source, rule, reason):
    install("acme-t", group, {"thing": "acme_t:THING"}, acme_t=source)

    [wrong] = found(f"version: 1\npolicies:\n  m:f:\n    {rule}\n")

    assert (wrong.code, wrong.span.line) == ("MP133", 4)
    assert "acme-t 1.0" in wrong.message
    assert reason in wrong.message


def test_a_name_of_our_own_is_never_taken(install):
    install("acme-q", "kinds", {"retry": "acme_q:KIND"}, acme_q=QUARANTINE)

    KINDS.look_for_all()

    assert KINDS["retry"].rule == "mlpolicy.rules.retry.rule:RetryRule"
    assert KINDS.refused["retry"].code == "MP132"


# --- policies -------------------------------------------------------------------------


@pytest.fixture
def carry(install, tmp_path):
    """Install a distribution whose package carries these files."""

    def put(**files):
        folder = tmp_path / "site" / "acme_p" / "rules"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").write_text("raise RuntimeError('this is never run')")
        for name, text in files.items():
            (folder / f"{name}.yaml").write_text(f"version: 1\n{text}")
        install("acme-p", "policies", {"acme": "acme_p.rules"})
        return folder

    return put


def loaded(tmp_path, text):
    path = tmp_path / "policy.yaml"
    path.write_text(f"version: 1\n{text}")
    return load_every([path])


def test_what_a_package_carries_lies_under_everything(carry, tmp_path):
    carry(
        base="defaults:\n  retry: {max_attempts: 7, jitter: none}\n"
        "profiles:\n  store: {retry: {max_elapsed: 2s}}\n"
    )

    got = loaded(tmp_path, "policies:\n  m:f: {use: [store], retry: {max_attempts: 2}}\n")

    assert got.diagnostics == ()
    rule = got.rulebook.plan(Target.parse("m:f")).rule("retry").rule
    assert (int(rule.max_attempts), rule.jitter, float(rule.max_elapsed)) == (2, "none", 2.0)


def test_a_policy_of_ours_beats_one_that_is_carried_however_exact_that_is(carry, tmp_path):
    carry(base="policies:\n  m:f:\n    priority: 100\n    retry: 7\n")

    got = loaded(tmp_path, "policies:\n  all:\n    match: 'm:*'\n    retry: 2\n")

    plan = got.rulebook.plan(Target.parse("m:f"))
    assert int(plan.rule("retry").rule.max_attempts) == 2
    assert "MP401" not in {one.code for one in got.diagnostics}


def test_what_is_imported_is_not_carried_once_more(carry, tmp_path):
    carry(base="policies:\n  m:f: {retry: 7}\n")

    got = loaded(tmp_path, "imports: ['pkg:acme_p/rules/base.yaml']\n")

    assert (got.diagnostics, len(got.files)) == ((), 2)
    assert {one.depth for one in got.files} == {0, 1}


def test_mistakes_in_it_are_found_in_its_files(carry, tmp_path):
    folder = carry(base="policies:\n  m:f: {rety: 7}\n")

    [wrong] = loaded(tmp_path, "policies:\n  m:f: {retry: 2}\n").diagnostics

    assert (wrong.code, wrong.span.file) == ("MP005", str(folder / "base.yaml"))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("acme_nowhere", "there is no package `acme_nowhere`"),
        ("acme_p.nowhere", "there is no package `acme_p.nowhere`"),
        ("acme_p.rules:thing", "without `:`"),
        ("acme_p.empty", "there is no policy file"),
    ],
)
def test_a_package_that_carries_nothing(carry, install, tmp_path, value, reason):
    folder = carry(base="")
    (folder.parent / "empty").mkdir()
    install("acme-z", "policies", {"other": value}, version="9")

    [wrong] = loaded(tmp_path, "policies:\n  m:f: {retry: 2}\n").diagnostics

    assert (wrong.code, wrong.span.line) == ("MP133", 1)
    assert "acme-z 9" in wrong.message
    assert reason in wrong.message


def test_one_that_is_broken_is_said_once_where_it_is_asked_for_first(install, found):
    """However many rules ask for it: the cause is one."""
    install("acme-q", "kinds", {"quarantine": "acme_q:KIND"}, acme_q="raise RuntimeError('no')")
    policy = "version: 1\npolicies:\n" + "".join(
        f"  m:{name}:\n    quarantine: 3\n" for name in "fgh"
    )

    [wrong] = found(policy)

    assert (wrong.code, wrong.span.line, "acme-q" in wrong.message) == ("MP133", 4, True)


def test_a_check_that_raises_is_a_finding_of_the_plugin(install, found):
    source = QUARANTINE.replace("api=1", "api=1, check='acme_q:check'")
    install(
        "acme-q",
        "kinds",
        {"quarantine": "acme_q:KIND"},
        acme_q=f"{source}\ndef check(rule): 1 / 0\n",
    )

    [wrong] = found(POLICY)

    assert (wrong.code, wrong.span.line) == ("MP133", 4)
    assert "its check raises ZeroDivisionError" in wrong.message and "acme-q" in wrong.message
