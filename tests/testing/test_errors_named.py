"""Errors that tests name: of builtins, of libraries that are known, and of the function's package."""

from __future__ import annotations

import sys

import pytest

TEST = (
    "- {name: a, call: shop.embed:encode, args: {text: a}, behaviour: [{raise: ERROR}],"
    " expect: {raises: ERROR}}"
)
POLICY = "version: 1\nSETTINGS\npolicies:\n  shop.embed:encode: {monitor: true}\n"


@pytest.fixture
def said(bench, monkeypatch):
    """What is said of a test that names that error."""
    for name in ("shop", "stranger", "antigravity"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(bench.folder))
    (bench.folder / "shop").mkdir()
    (bench.folder / "shop" / "__init__.py").write_text("from stranger import Odd\n")
    (bench.folder / "shop" / "errors.py").write_text("class Busy(Exception): ...\n")
    (bench.folder / "stranger.py").write_text("class Odd(Exception): ...\n")

    def find(error, settings=""):
        bench.policy(POLICY.replace("SETTINGS", settings))
        found = bench.tests(TEST.replace("ERROR", error)).diagnostics
        return [(one.code, one.span.line, one.message) for one in found]

    yield find
    for name in [name for name in sys.modules if name.partition(".")[0] in ("shop", "stranger")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "error",
    [
        *("KeyError", "http:503", "mlpolicy.MemoryPressure", "shop.errors.Busy"),
        *("json.JSONDecodeError", "subprocess.TimeoutExpired", "urllib.error.URLError"),
    ],
)
def test_errors_that_may_be_named(said, error):
    assert said(error) == []


@pytest.mark.parametrize("error", ["stranger.Odd", "antigravity.Odd", "shop.Odd", "json._odd.Odd"])
def test_an_error_of_another_package_is_not_imported(said, error):
    """It is said where it stands, once for each time that it is named."""
    found = said(error)

    assert [(code, line) for code, line, _ in found] == [("MP603", 7)] * 2
    assert "cannot be imported: NotAllowed" in found[0][2]
    assert "antigravity" not in sys.modules


def test_a_setting_allows_more(said):
    allowed = 'settings: {allow_call: ["stranger:*"]}'

    assert said("stranger.Odd", allowed) == []
    assert said("shop.errors.Busy", allowed) == []
    assert said("stranger.Odd", 'settings: {allow_call: ["*"]}') == []


def test_no_function_of_the_standard_library_is_called(bench):
    """A file of tests is text like a policy."""
    (bench.folder / "kept").mkdir()
    text = (
        "- {name: a, call: 'shutil:rmtree', real: true, args: {path: kept}, expect: {called: true}}"
    )

    [(_, _, found)] = bench.differences(text)

    assert (bench.folder / "kept").is_dir()
    assert found == "`shutil:rmtree` is of the standard library: leave out `real`"
