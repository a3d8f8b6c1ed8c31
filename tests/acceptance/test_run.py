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


def test_nothing_to_run_is_a_usage_error(service):
    """A command must be named."""
    assert service.run("run", "--policy", "policy.yaml").code == 2
