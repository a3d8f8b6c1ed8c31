"""`mlpolicy init` in projects of different shapes."""

from __future__ import annotations

import pytest

import mlpolicy

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
    """It validates, is laid out, tested, and takes effect; names in comments are real ones."""
    ended = shop.run("init", "--module", "shop.serve")

    made = [line.split()[1] for line in ended.out.splitlines() if line.startswith("wrote")]
    policy = (shop.folder / "policies/serve.yaml").read_text()
    assert (ended.code, made) == (0, WRITTEN)
    assert "# shop.serve:fetch_rows:" in policy
    assert "# shop.serve:predict:" in policy
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
    assert "3 policies" in ended.out


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


# --- the job ----------------------------------------------------------------------------


@pytest.fixture
def job(project):
    """Begin in a folder with those files, and give the steps that the job runs."""

    def begin(files, folder="."):
        place = project.folder / folder
        for name, text in {"shop/__init__.py": "", "shop/serve.py": SERVE, **files}.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        ended = project.run("init", folder, "--module", "shop.serve")
        assert ended.code == 0, ended.err
        return ended.out + ended.err

    return begin


@pytest.mark.parametrize(
    ("files", "installed"),
    [
        ({}, "pip install MLPOLICY"),
        ({"requirements.txt": "numpy"}, "pip install MLPOLICY -r requirements.txt"),
        ({"pyproject.toml": "[project]\nname = 'shop'"}, "pip install MLPOLICY ."),
        ({"pyproject.toml": "[tool.ruff]"}, "pip install MLPOLICY"),
        ({"setup.py": "", "requirements.txt": ""}, "pip install MLPOLICY . -r requirements.txt"),
        ({"pyproject.toml": "not = toml = at all"}, "pip install MLPOLICY"),
    ],
)
def test_the_job_installs_what_the_module_needs(job, project, files, installed):
    """Else `apply` could not import it there; and the mlpolicy that wrote it, not a newer one."""
    job(files)

    lines = (project.folder / ".github/workflows/policy.yaml").read_text().splitlines()
    release = ".".join(mlpolicy.__version__.split(".")[:2])
    pinned = installed.replace("MLPOLICY", f'"mlpolicy=={release}.*"')
    assert f"      - run: {pinned}" in lines


def test_the_job_of_a_folder_within_a_repository(job, project):
    """GitHub reads the workflows in the root of the repository alone."""
    (project.folder / ".git").mkdir()

    out = job({}, "services/reco")

    workflow = project.folder / ".github/workflows/policy-services-reco.yaml"
    assert f"wrote  {workflow.relative_to(project.folder)}" in out
    assert "defaults: {run: {working-directory: services/reco}}" in workflow.read_text()
    assert not (project.folder / "services/reco/.github").exists()
    assert "  cd services/reco\n" in out


@pytest.mark.parametrize(
    ("pyproject", "files", "hint"),
    [
        ("[project]\nname = 'shop'", {}, 'include = ["shop*"]'),
        ("[project]\nname = 'shop'", {"shop.py": SERVE}, 'py-modules = ["shop"]'),
        ("[project]\nname = 'shop'\n[tool.setuptools]\npackages = ['shop']", {}, ""),
        ("[build-system]\nbuild-backend = 'hatchling.build'\n[project]\nname = 'shop'", {}, ""),
        ("[tool.ruff]", {}, ""),
    ],
)
def test_a_folder_that_setuptools_would_take_for_a_package(job, pyproject, files, hint):
    """Who lets it guess is told how to say which package is theirs."""
    out = job({"pyproject.toml": pyproject, **files})

    assert ("setuptools" in out, hint in out) == (bool(hint), True)
