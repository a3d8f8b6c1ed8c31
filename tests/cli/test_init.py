"""`mlpolicy init` in projects of different shapes."""

from __future__ import annotations

import pytest

SERVE = "def fetch_rows(q): return q\n\n\nasync def predict(x): return x\n\n\ndef _private(): ...\n"
WRITTEN = [
    "policies/serve.yaml",
    "policies/serve.test.yaml",
    "mlpolicy.schema.json",
    ".github/workflows/policy.yaml",
]


@pytest.fixture(params=["", "src"], ids=["flat", "src"])
def shop(project, request):
    """A package in the folder itself, or in `src`."""
    package = project.folder / request.param / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "serve.py").write_text(SERVE)
    return project


def test_what_is_written_is_right(shop):
    """It validates, is tested, and takes effect; names in comments are real ones."""
    ended = shop.run("init", "--module", "shop.serve")

    made = [line.split()[1] for line in ended.out.splitlines() if line.startswith("wrote")]
    policy = (shop.folder / "policies/serve.yaml").read_text()
    assert (ended.code, made) == (0, WRITTEN)
    assert "# shop.serve:fetch_rows:" in policy
    for command in (
        ["validate", "--fail-on", "info"],
        ["test"],
        ["apply", "--module", "shop.serve", "--check"],
        ["schema", "--write", "mlpolicy.schema.json", "--check"],
    ):
        assert shop.run(*command).code == 0, command


def test_the_comments_are_right_once_they_are_none(shop):
    """Whoever takes the marks away has a valid policy."""
    shop.run("init", "--module", "shop.serve")
    path = shop.folder / "policies/serve.yaml"
    lines = path.read_text().splitlines()
    rules = [
        line.replace("  # ", "  ", 1) if line.startswith(("  # shop", "  #   ")) else line
        for line in lines
    ]
    path.write_text("\n".join(rules) + "\n")

    ended = shop.run("validate", "--fail-on", "info")

    assert ended.code == 0, ended.out
    assert "2 policies" in ended.out


def test_no_file_is_touched(shop):
    shop.run("init", "--module", "shop.serve")
    path = shop.folder / "policies/serve.yaml"
    path.write_text("version: 1\n")

    again = shop.run("init", "--module", "shop.serve")

    assert (again.code, path.read_text()) == (0, "version: 1\n")
    assert again.out.count("kept") == 4


def test_a_module_is_found_where_none_is_named(shop):
    """The one with the most public functions."""
    assert "policies/serve.yaml" in shop.run("init").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--module", "shop.srve"], "did you mean `shop.serve`"),
        (["--module", "nothing"], "no module `nothing`"),
        (["--module", "broken"], "`broken` cannot be parsed"),
        (["--module", "shop"], "no public function; `shop.serve` does"),
    ],
)
def test_what_cannot_be_begun_with(shop, arguments, words):
    (shop.folder / "broken.py").write_text("def f(:")

    ended = shop.run("init", *arguments)

    assert (ended.code, words in ended.err) == (2, True), ended.err
    assert not (shop.folder / "policies").exists()


def test_an_empty_folder(project):
    ended = project.run("init")

    assert (ended.code, "no module with a function" in ended.err) == (2, True)
