"""What goes out of commands, and what is at the other end of their streams."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlpolicy.cli.main import program
from tests.acceptance.conftest import SOURCE

POLICY = """\
    version: 1
    policies:
      serve:predict:
        reason: Ü → ∞
        retry: 3
        cache: 30s
    environments: {prod: {policies: {serve:predict: {cache: {ttl: 1m}}}}}
    """
WRONG = POLICY.replace("retry: 3", "retyr: 3")
ROOT = Path(__file__).parents[2]

COMMANDS = {
    "mlpolicy.apply/1": ("apply", "--module", "serve"),
    "mlpolicy.diagnostics/1": ("validate",),
    "mlpolicy.diff/1": ("diff", "policies", "other.yaml"),
    "mlpolicy.doctor/1": ("doctor",),
    "mlpolicy.explain/1": ("explain", "serve:predict"),
    "mlpolicy.init/1": ("init", "new", "--module", "serve"),
    "mlpolicy.list/1": ("list",),
    "mlpolicy.plan/1": ("compile",),
    "mlpolicy.tests/1": ("test",),
}
NEED_A_SOUND_POLICY = ("apply", "explain", "compile", "diff")


@pytest.fixture
def service(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.write(serve="def predict(x):\n    return x\n", policies__main=POLICY)
    (project.folder / "policies" / "main.test.yaml").write_text(
        "version: 1\npolicies: [./main.yaml]\ntests:\n"
        "  - {name: one, resolve: serve:predict, expect: {cache.ttl: 30s}}\n"
    )
    text = (project.folder / "policies" / "main.yaml").read_text("utf-8")
    (project.folder / "other.yaml").write_text(text.replace("retry: 3", "retry: 5"), "utf-8")
    return project


def invoke(*arguments):
    return CliRunner().invoke(program, arguments)


# --- JSON of every command ------------------------------------------------------------


@pytest.mark.parametrize("schema", list(COMMANDS))
def test_every_command_has_json_that_names_its_schema_and_writes_it_to_a_file(service, schema):
    printed = invoke(*COMMANDS[schema], "--format", "json")
    shutil.rmtree(service.folder / "new", ignore_errors=True)

    ended = invoke(*COMMANDS[schema], "--format", "json", "-o", "report.json")

    content = json.loads(printed.stdout)
    written = json.loads((service.folder / "report.json").read_text("utf-8"))
    assert (ended.exit_code, ended.stdout) == (printed.exit_code, "")
    assert next(iter(content.items())) == ("schema", schema)
    assert list(written) == list(content)


@pytest.mark.parametrize("schema", list(COMMANDS))
def test_the_page_tells_of_every_schema(schema):
    page = ROOT.joinpath("docs/reference/cli.md").read_text("utf-8")

    assert f"`{schema}`" in page


@pytest.mark.parametrize("command", NEED_A_SOUND_POLICY)
def test_a_wrong_policy_is_told_of_in_the_same_format_and_touches_no_file(service, command):
    service.write(policies__main=WRONG)
    (service.folder / "kept.json").write_text("kept")
    given = next(one for one in COMMANDS.values() if one[0] == command)

    ended = invoke(*given, "--format", "json", "--output", "kept.json")

    assert json.loads(ended.stdout)["schema"] == "mlpolicy.diagnostics/1"
    assert (ended.exit_code, (service.folder / "kept.json").read_text()) == (1, "kept")


def test_what_user_code_prints_is_no_data(service):
    service.write(serve="print('loud')\ndef predict(x):\n    return x\n")

    ended = service.run("apply", "--module", "serve", "--in-process", "--format", "json")

    assert (ended.content["summary"], ended.err) == ({"applied": 1}, "loud\n")


def test_quiet_leaves_the_data_alone(service):
    for given in COMMANDS.values():
        assert invoke(*given, "--quiet").stderr == ""


def test_verbose_says_what_was_read(service):
    assert "read policies/main.yaml: 1 policy" in invoke("validate", "-v").stderr


# --- options before the command -------------------------------------------------------


def test_options_that_commands_share_may_stand_before_the_command(service):
    after = invoke("explain", "serve:predict", "--env", "prod", "--set=retry.max_attempts=5")

    before = invoke("--env", "prod", "--set=retry.max_attempts=5", "explain", "serve:predict")

    assert (before.stdout, before.exit_code) == (after.stdout, 0)
    assert "1m" in before.stdout


def test_an_option_that_a_command_does_not_take_is_refused_before_it_too(service):
    ended = invoke("--env", "prod", "schema")

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "--env" in ended.stderr


# --- environments ---------------------------------------------------------------------


@pytest.mark.parametrize("command", ["list", "explain serve:predict", "compile", "doctor", "diff"])
def test_only_validate_looks_at_all_environments(service, command):
    given = command.split() + (["policies", "other.yaml"] if command == "diff" else [])

    ended = invoke(*given, "--env", "all")

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "--env all is for `validate`" in ended.stderr


def test_an_environment_that_neither_side_knows_is_a_mistake(service):
    ended = invoke("diff", "policies", "other.yaml", "--env", "prd")

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "did you mean `prod`" in ended.stderr


# --- the other end --------------------------------------------------------------------


def run(service, *arguments, **options):
    environment = os.environ | {"PYTHONPATH": str(SOURCE)} | options.pop("env", {})
    return subprocess.run(
        [sys.executable, "-m", "mlpolicy", *arguments],
        cwd=service.folder,
        env=environment,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
        **options,
    )


@pytest.mark.parametrize(("policy", "code", "both"), [(POLICY, 0, False), (WRONG, 1, True)])
def test_a_reader_that_goes_changes_no_exit_code(service, policy, code, both):
    service.write(policies__main=policy)
    reader, writer = os.pipe()
    os.close(reader)

    out = subprocess.STDOUT if both else subprocess.PIPE
    ended = subprocess.run(
        [sys.executable, "-m", "mlpolicy", "validate"],
        cwd=service.folder,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        stdout=writer,
        stderr=out,
        timeout=60,
        check=False,
    )

    os.close(writer)
    assert (ended.returncode, ended.stderr or b"") == (code, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
@pytest.mark.parametrize("command", ["validate", "--help"])
def test_a_full_disk_is_said_in_a_line(service, command):
    with open("/dev/full", "w") as full:
        ended = run(service, command, stdout=full)

    told = "mlpolicy: the output cannot be written: No space left on device\n"
    assert (ended.returncode, ended.stderr.decode()) == (2, told)


@pytest.mark.parametrize("command", ["list", "apply --module serve"])
def test_a_closed_output_is_no_bug(service, command):
    line = f"{sys.executable} -m mlpolicy {command} >&-"

    ended = subprocess.run(
        ["sh", "-c", line],
        cwd=service.folder,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False)


def test_a_terminal_without_unicode_gets_what_it_can_show(service):
    schema = "mlpolicy.explain/1"
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}

    plain = run(service, *COMMANDS[schema], stdout=subprocess.PIPE, env=env)
    data = run(service, *COMMANDS[schema], "--format", "json", stdout=subprocess.PIPE, env=env)

    assert plain.stdout.isascii()
    assert json.loads(data.stdout.decode("utf-8"))["schema"] == schema
    assert b"Traceback" not in plain.stderr + data.stderr


@pytest.fixture
def interruptible():
    """A background job of a shell without job control ignores interrupts, and its children do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("more", [[], ["--in-process"]])
def test_an_interrupt_is_130_without_a_traceback(service, more):
    service.write(
        serve="""\
        import pathlib, time
        pathlib.Path("begun").touch()
        time.sleep(60)
        def predict(x): return x
        """
    )
    command = subprocess.Popen(
        [sys.executable, "-m", "mlpolicy", "apply", "--module", "serve", *more],
        cwd=service.folder,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while not (service.folder / "begun").exists():
        time.sleep(0.02)

    os.killpg(command.pid, signal.SIGINT)
    out, err = command.communicate(timeout=30)

    assert (command.returncode, out, err.strip()) == (130, b"", b"")
