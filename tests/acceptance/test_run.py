"""`mlpolicy run`: real processes under a policy."""

from __future__ import annotations

import sys

import pytest

FLAKY = """
    import sys

    calls = []

    def flaky():
        calls.append(1)
        if len(calls) < 3:
            raise ConnectionError("down")
        return len(calls)

    if __name__ == "__main__":
        print(flaky(), sys.argv[1:], __name__)
"""
POLICY = """
    version: 1
    policies:
      serve:flaky: {retry: {initial_delay: 1ms}}
      __main__:flaky: {retry: {initial_delay: 1ms}}
"""


@pytest.fixture
def service(project):
    project.write(serve=FLAKY, policy=POLICY)
    return project


@pytest.mark.parametrize(
    "command",
    [
        ("serve.py", "x", "-y"),
        ("-m", "serve", "x", "-y"),
        ("--", sys.executable, "serve.py", "x", "-y"),
        ("--", sys.executable, "-m", "serve", "x", "-y"),
    ],
)
def test_a_program_obeys_however_it_is_started(service, command):
    """A script, a module, by this Python or another."""
    ended = service.run("run", "--policy", "policy.yaml", *command)

    assert (ended.code, ended.out, ended.err) == (0, "3 ['x', '-y'] __main__\n", "")


def test_children_obey_too(service):
    """The policy goes with the environment."""
    (service.folder / "parent.py").write_text(
        "import subprocess, sys\n"
        "print(subprocess.check_output([sys.executable, '-c', 'import serve; print(serve.flaky())']))\n"
    )

    ended = service.run("run", "--policy", "policy.yaml", "parent.py")

    assert ended.out == "b'3\\n'\n"


def test_the_next_sitecustomize_runs_as_well(service):
    """Ours stands in front of it, and does not hide it."""
    (service.folder / "site").mkdir()
    (service.folder / "site" / "sitecustomize.py").write_text("print('theirs')\n")
    path = f"{service.folder / 'site'}"

    ended = service.python(
        "-c",
        "import os, subprocess, sys\n"
        f"os.environ['PYTHONPATH'] += os.pathsep + {path!r}\n"
        "sys.exit(subprocess.call([sys.executable, '-m', 'mlpolicy', 'run', '--policy', 'policy.yaml', 'serve.py']))",
    )

    assert ended.out.splitlines()[-2:] == ["theirs", "3 [] __main__"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ((sys.executable, "-c", "raise SystemExit(7)"), 7),
        ((sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"), 137),
        (("no-such-command-at-all",), 127),
        (("./policy.yaml",), 126),
        (("absent.py",), 127),
    ],
)
def test_the_exit_code_is_that_of_the_command(service, command, code):
    """128 and the number for a signal, 126 and 127 where it could not be started."""
    assert service.run("run", "--policy", "policy.yaml", "--", *command).code == code


def test_a_broken_policy_stops_before_the_command(service):
    """Exit 1, with the findings, and nothing ran."""
    service.write(policy="version: 1\npolicies: {serve:flaky: {rety: 3}}\n")

    ended = service.run("run", "--policy", "policy.yaml", "serve.py")

    assert (ended.code, "MP005" in ended.out) == (1, True)


def test_what_follows_a_module_is_the_modules(service):
    """As with `python -m`, options that we have too among it."""
    service.write(shown="import sys\nprint(sys.argv[1:])\n")

    ended = service.run("run", "--policy", "policy.yaml", "-m", "shown", "--policy", "x", "-m", "y")

    assert ended.out == "['--policy', 'x', '-m', 'y']\n"


def test_an_option_that_is_none_is_no_command(service):
    """127 is for commands that are not there."""
    ended = service.run("run", "--polcy", "policy.yaml", "--", "true")

    assert (ended.code, "Did you mean '--policy'?" in ended.err) == (2, True)


def test_a_service_starts_only_if_every_target_takes_effect(service):
    """Where that is required; a module that cannot be imported is 3, as everywhere."""
    (service.folder / "other.yaml").write_text("version: 1\npolicies: {serve:gone: {retry: 3}}\n")
    (service.folder / "well.yaml").write_text("version: 1\npolicies: {serve:flaky: {retry: 3}}\n")
    command = ("run", "--require-all", "--policy")

    well = service.run(*command, "well.yaml", "--", sys.executable, "-c", "print('ran')")
    gone = service.run(*command, "other.yaml", "--", sys.executable, "-c", "print('ran')")
    service.write(serve="import does_not_exist\n")
    broken = service.run(*command, "well.yaml", "--", sys.executable, "-c", "print('ran')")

    assert (well.code, well.out) == (0, "ran\n"), well.err
    assert (gone.code, "MP301" in gone.out, "ran" in gone.out) == (1, True, False)
    assert (broken.code, broken.out) == (3, "")


def test_nothing_to_run_is_a_usage_error(service):
    """A command must be named."""
    assert service.run("run", "--policy", "policy.yaml").code == 2
