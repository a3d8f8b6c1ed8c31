"""`mlpolicy apply` on real modules."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import SOURCE, Project

SERVICE = """
    import functools
    import inspect

    def predict(x):
        return x

    def caller():
        return inspect.stack()[1].function

    class Model:
        def score(self, x):
            return x

    power = pow
"""


@pytest.fixture
def service(project):
    project.write(serve=SERVICE)
    return project


def applied(project, policy, *more, module="serve"):
    project.write(policy="version: 1\n" + policy)
    return project.run("apply", "--module", module, "--policy", "policy.yaml", *more)


def test_every_target_is_shown_with_what_became_of_it(service):
    """Inner, outer, skipped, excluded, missing, pending: with rules, mode and place."""
    service.write(other__jobs="def nightly(): ...")

    ended = applied(
        service,
        """policies:
  all:
    match: ["serve:*", "serve:*.*"]
    exclude: ["serve:Model.*"]
    monitor: true
  serve:predict: {retry: {mode: shadow, max_attempts: 2}}
  serve:power: {retry: 3}
  serve:nothing: {retry: 3}
  other.jobs:nightly: {retry: 3}
""",
        "--format",
        "json",
    )

    rows = {row["target"]: row for row in ended.content["targets"]}
    assert ended.code == 1
    assert {name: (row["status"], row["placement"]) for name, row in rows.items()} == {
        "serve:predict": ("applied", "inner"),
        "serve:power": ("applied", "outer"),
        "serve:caller": ("skipped", "-"),
        "serve:Model.score": ("excluded", "-"),
        "serve:nothing": ("missing", "-"),
        "other.jobs:nightly": ("pending", "-"),
    }
    assert rows["serve:predict"]["rules"] == ["monitor", "retry"]
    assert rows["serve:predict"]["source"] == "policy.yaml:7, policy.yaml:3"
    found = [one["code"] for one in ended.content["diagnostics"] if one["severity"] == "error"]
    assert found == ["MP301"]


def test_a_policy_that_takes_effect_is_exit_0_and_a_table(service):
    """The table has one line a target."""
    ended = applied(service, "policies:\n  serve:predict: {retry: 3}\n")

    assert ended.code == 0
    assert [line.split() for line in ended.out.splitlines()][1] == [
        "serve:predict", "retry", "enforce", "policy.yaml:3", "inner", "applied",
    ]  # fmt: skip
    assert "mlpolicy run" in ended.err


def test_errors_in_the_file_stop_before_any_user_code_runs(service):
    """The module is not imported."""
    (service.folder / "serve.py").write_text("open('ran', 'w')\ndef predict(): ...\n")

    ended = applied(service, "policies:\n  serve:predict: {rety: 3}\n")

    assert (ended.code, (service.folder / "ran").exists()) == (1, False)


def test_settings_that_the_function_contradicts_stop_before_any_user_code_runs(service):
    """The source tells it, so nothing is imported: one finding, at the setting."""
    service.write(serve='open("ran", "w")\ndef predict(x):\n    return x\n')

    ended = applied(service, "policies:\n  serve:predict: {cache: {ttl: 30s, key: [y]}}\n")

    assert ended.code == 1
    assert "policy.yaml:3:43" in ended.out
    assert "its arguments: x" in ended.out
    assert ended.out.count("error[") == 1
    assert not (service.folder / "ran").exists()


def test_modules_that_are_not_asked_for_are_not_judged(service):
    """A repository of forty services is applied one at a time."""
    service.write(other="def f(x):\n    return x\n")
    policy = """policies:
  serve:predict: {retry: 3}
  other:f: {cache: {ttl: 30s, key: [y]}}
"""

    assert applied(service, policy, "--check").code == 0
    assert service.run("apply", "--all", "--policy", "policy.yaml").code == 1


@pytest.mark.parametrize(
    ("renamed", "help"),
    [
        ("predicted", "did you mean `serve:predicted`?"),
        ("rank", "`serve` has `rank`, `caller`, `Model.score`"),
    ],
)
def test_a_renamed_function_is_one_finding_with_what_it_may_be_now(service, renamed, help):
    """The name that is near, or else all that the module has."""
    service.write(serve=SERVICE.replace("def predict", f"def {renamed}"))

    ended = applied(service, "policies:\n  serve:predict: {retry: 3}\n", "--check")

    assert ended.code == 1
    assert ended.out.count("error[") == 1
    assert "error[MP301] target not found\n --> policy.yaml:3:3" in ended.out
    assert help in ended.out


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import does_not_exist\n", "No module named 'does_not_exist'"),
        ("def f(:\n", "SyntaxError"),
        ("import sys; sys.exit(4)\n", "SystemExit"),
        ("import os; os._exit(9)\n", "ended with code 9"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n", "was ended by SIGSEGV"),
        ("import time; time.sleep(60)\n", "not imported within 2s"),
    ],
)
def test_a_module_that_cannot_be_imported_is_exit_3(service, source, words):
    """With what went wrong, and no frames of ours."""
    (service.folder / "serve.py").write_text(source)

    patience = "2s" if "sleep" in source else "60s"

    ended = applied(service, "policies:\n  serve:predict: {retry: 3}\n", "--timeout", patience)

    assert ended.code == 3
    assert words in ended.err
    assert "mlpolicy/install" not in ended.err


def test_a_folder_inside_of_a_project_is_part_of_it(service):
    """Policies, and the code that they are for, are found from there as from its root."""
    service.write(src__shop="def sell(x): ...\n")
    service.write(policies__a="version: 1\npolicies:\n  shop:sell: {retry: 3}\n")
    (service.folder / "pyproject.toml").write_text("[tool.mlpolicy]\npolicy = ['policies']\n")
    below = Project(service.folder / "docs" / "deep")
    below.folder.mkdir(parents=True)

    assert below.run("validate").code == 0
    assert below.run("apply", "--module", "shop", "--check").code == 0


@pytest.mark.parametrize(("lenient", "codes"), [("ignore", (0, 0, 0)), ("warn", (0, 0, 1))])
@pytest.mark.parametrize("target", ["serve:nope", "gone.deep:f"])
def test_a_module_that_is_gone_is_judged_as_a_function_that_is(service, lenient, codes, target):
    """By every command; one that is asked for by its name is an error all the same."""
    service.write(
        policy=f"""
            version: 1
            settings: {{on_missing_target: {lenient}}}
            policies:
              serve:predict: {{retry: 3}}
              {target}: {{retry: 3}}
            """
    )
    commands = ("validate",), ("apply", "--all"), ("apply", "--all", "--check")

    ended = [service.run(*one, "--policy", "policy.yaml").code for one in commands]
    run = service.run("run", "--require-all", "--policy", "policy.yaml", "--", "true")

    assert (tuple(ended), run.code) == (codes, codes[-1])
    if "gone" in target:
        assert service.run("apply", "--module", "gone", "--policy", "policy.yaml").code == 3


def test_missing_targets_are_forgiven_where_the_policy_says_so(service):
    """`on_missing_target: warn`, but not under `--check`."""
    policy = "settings: {on_missing_target: warn}\npolicies:\n  serve:nope: {retry: 3}\n"

    codes = [applied(service, policy, *more).code for more in ((), ("--check",))]

    assert codes == [0, 1]


@pytest.mark.parametrize(
    ("target", "code", "meant"),
    [
        ("serve:predct", "MP301", "serve:predict"),
        ("serve:Model.scor", "MP301", "serve:Model.score"),
        ("srve:predict", "MP303", "serve:predict"),
    ],
)
def test_what_is_not_there_is_one_finding_with_the_target_that_was_meant(
    service, target, code, meant
):
    """As `validate` says it; a module that nothing can import is not merely pending."""
    ended = applied(
        service, f"policies:\n  {target}: {{monitor: true}}\n", "--check", "--format", "json"
    )

    assert ended.code == 1
    (found,) = ended.content["diagnostics"]
    assert (found["code"], found["help"]) == (code, f"did you mean `{meant}`?")


def test_a_reference_that_bypasses_outer_placement_is_found(service):
    """A builtin has no code to swap; who took it before calls it bare."""
    (service.folder / "early.py").write_text("from serve import power\n")
    (service.folder / "serve.py").write_text("power = pow\nimport early\n")

    ended = applied(service, "policies:\n  serve:power: {retry: 3}\n", "--check")

    assert ended.code == 1
    assert "bypassed" in ended.out
    assert "early.power" in ended.out


def test_another_name_for_a_function_of_a_library_bypasses_nothing(service):
    """Other modules took it from the library, as the library itself has it."""
    (service.folder / "other.py").write_text("import serve\nfrom math import sqrt as root\n")
    (service.folder / "serve.py").write_text("from math import sqrt\nimport random, other\n")

    ended = applied(service, "policies:\n  serve:sqrt: {retry: 3}\n", "--check")

    assert (ended.code, "applied" in ended.out, "bypassed" in ended.out) == (0, True, False)


def test_a_module_under_src_is_found_as_validate_finds_it(service):
    """In the proof, and by the program that runs after it."""
    (service.folder / "src").mkdir()
    (service.folder / "src/inner.py").write_text("def f(): ...\nprint('said')\n")

    ended = applied(service, "policies:\n  inner:f: {monitor: {}}\n", "--", "-x", module="inner")

    assert (ended.code, ended.out.splitlines()[-1]) == (0, "said"), ended


def test_after_a_clean_check_the_module_runs_under_the_policy(service):
    """`-- ARGS` makes it the program."""
    (service.folder / "serve.py").write_text(
        "import sys\ncalls = []\n"
        "def flaky():\n    calls.append(1)\n    if len(calls) < 3: raise ConnectionError\n    return len(calls)\n"
        "if __name__ == '__main__': print('said', flaky(), sys.argv[1:])\n"
    )

    ended = applied(
        service, "policies:\n  serve:flaky: {retry: {initial_delay: 1ms}}\n", "--", "a", "-b"
    )

    assert (ended.code, ended.out.splitlines()[-1]) == (0, "said 3 ['a', '-b']")


def test_no_module_is_a_usage_error(service):
    """Something must be imported."""
    assert service.run("apply").code == 2


@pytest.mark.parametrize("command", ["apply", "doctor"])
def test_a_module_that_is_misspelt_is_told_with_the_one_that_was_meant(service, command):
    """And the code is 3, whichever command imports."""
    service.write(policy="version: 1\npolicies:\n  serve:predict: {retry: 3}\n")

    ended = service.run(command, "--module", "serv", "--policy", "policy.yaml")

    assert ended.code == 3
    assert command == "doctor" or "did you mean `serve`?" in ended.err


def test_arguments_need_one_module(service):
    """Which of many would run?"""
    ended = applied(service, "policies:\n  serve:predict: {retry: 3}\n", "--all", "--", "x")
    both = service.run("apply", "--all", "--policy", "policy.yaml", "--", "x")

    assert (ended.code, both.code) == (0, 2)


def test_garbage_is_collected_while_code_of_the_users_runs(service):
    """What only reads files collects none; what calls a service must not let it grow."""
    service.write(
        seen="""
            import gc
            open("seen.txt", "w").write(str(gc.isenabled()))

            def predict(x):
                return x
        """,
        policy="version: 1\npolicies:\n  seen:predict: {retry: 3}\n",
    )

    ended = service.run("apply", "--in-process", "--module", "seen", "--policy", "policy.yaml")

    assert ended.code == 0
    assert (service.folder / "seen.txt").read_text() == "True"


def test_the_time_of_an_import_is_no_less_than_nothing(service):
    """What is placed before or after it is not taken off."""
    many = "".join(f"  json:{name}: {{monitor: {{}}}}\n" for name in ("dumps", "loads", "load"))

    ended = applied(
        service, f"policies:\n{many}  serve:predict: {{monitor: {{}}}}\n", module="json"
    )

    assert "import 0.0" in ended.out, ended.out


def test_a_client_with_retries_of_its_own_is_a_warning(service):
    """With the product of both; the source alone tells nothing of it."""
    service.write(
        client="""
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=2))

    def fetch(url):
        return session.get(url)
"""
    )
    policy = "policies:\n  client:fetch: {retry: 3}\n"

    ended = applied(service, policy, "--format", "json", module="client")

    said = [(one["code"], one["severity"]) for one in ended.content["diagnostics"]]
    assert (ended.code, said) == (0, [("MP311", "warning")])
    assert (
        "3 attempts x 3 of requests's own = 9 calls" in ended.content["diagnostics"][0]["message"]
    )
    assert "MP311" not in service.run("validate", "policy.yaml").out


ODD = """
    class Everything:
        def __getattr__(self, name):
            return self

        def __call__(self):
            raise RuntimeError

    def before(x):
        return x

    request = Everything()

    def after(x):
        return x
"""


def test_an_odd_object_beside_the_functions_hides_none(service):
    """All are placed, and proved."""
    service.write(serve=ODD)

    ended = applied(service, 'policies:\n  all: {match: "serve:*", monitor: true}\n', "--check")

    assert (ended.code, ended.out.partition(" ·")[0]) == (0, "2 applied")


POLICIES = {
    "a pattern that takes nothing": 'p: {match: "serve:nothing*", monitor: true}',
    "one of a package that is not listed": 'p: {match: "yaml:*", monitor: true}',
    "one that takes what is skipped alone": 'p: {match: "serve:peek*", monitor: true}',
    "an odd object": "serve:request.get: {retry: 2}",
    "a value": "serve:NUMBER: {retry: 2}",
    "what is not there": "serve:gone: {retry: 2}",
    "a module that is no module": "odd:f: {retry: 2}",
    "a module that cannot be looked through": 'p: {match: "nameless:*", monitor: true}',
}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("command", ["apply", "run"])
def test_what_is_governed_and_not_in_place_is_exit_1(service, policy, command):
    """Whatever the reason; `run --require-all` starts nothing."""
    text = (
        ODD
        + """
    import sys, yaml, odd, nameless

    NUMBER = 3

    def peeks():
        return sys._getframe(1)
"""
    )
    service.write(
        serve=text,
        odd="import sys\nsys.modules[__name__] = object()\n",
        nameless="def f(x): return x\ndel __name__\n",
        policy=f"version: 1\npolicies:\n  serve:before: {{retry: 2}}\n  {policy}\n",
    )
    words = ("apply", "--module", "serve", "--check")
    if command == "run":
        words = ("run", "--require-all", "--", "echo", "ran")

    ended = service.run(words[0], "--policy", "policy.yaml", *words[1:])

    assert (ended.code, "ran\n" in ended.out) == (1, False), ended.out
    assert "error[MP3" in ended.out


def test_a_pattern_beside_one_that_takes_functions_may_take_none(service):
    """The methods of a module without classes: a warning, as the policy holds."""
    service.write(serve="def f(x): return x\n")

    ended = applied(
        service, 'policies:\n  all: {match: ["serve:*", "serve:*.*"], monitor: true}\n', "--check"
    )

    assert (ended.code, "warning[MP302]" in ended.out) == (0, True), ended.out


def test_all_imports_what_patterns_name(service):
    """A module named in full, and those of the project that a pattern of modules covers."""
    service.write(shop__a="def f(x): return x\n")
    (service.folder / "shop/__main__.py").write_text("raise SystemExit(5)\ndef g(): ...\n")
    policy = """policies:
  one: {match: "serve:pred*", monitor: true}
  many: {match: "shop.*:*", monitor: true}
"""

    ended = applied(service, policy, "--all", "--check", module="serve")

    assert (ended.code, ended.out.partition(" ·")[0]) == (0, "2 applied"), ended.out


# --- the command that serves ----------------------------------------------------------

PROGRAMS = {
    "an application of FastAPI": (
        "from fastapi import FastAPI\nclass Own(FastAPI): ...\napi = Own()\n",
        "-- uvicorn svc.app:api",
    ),
    "an application of Starlette behind others": (
        "from starlette.applications import Starlette\ninner = Starlette()\napp = Starlette()\n",
        "-- uvicorn svc.app:app",
    ),
    "an application of Flask that may also be run": (
        'import flask\napp = flask.Flask(__name__)\nif __name__ == "__main__":\n    app.run()\n',
        "-- gunicorn svc.app:app",
    ),
    "a factory of FastAPI": (
        "from fastapi import FastAPI\ndef create_app(debug=False): return FastAPI()\n",
        "-- uvicorn --factory svc.app:create_app",
    ),
    "a factory of Flask": (
        "from flask import Flask\ndef make_app(): return Flask(__name__)\n",
        "-- gunicorn 'svc.app:make_app()'",
    ),
    "a factory that takes what nobody knows": (
        "from flask import Flask\ndef create_app(config): return Flask(__name__)\n",
        "-- COMMAND",
    ),
    "a class alone": ("from fastapi import FastAPI\n", "-- COMMAND"),
    "a program by its guard, the other way round": (
        "if '__main__' == __name__:\n    f()\n",
        "-m svc.app",
    ),
    "a program by its guard": ('if __name__ == "__main__":\n    f()\n', "-m svc.app"),
    "objects that answer to anything": (
        "class Any:\n"
        "    def __getattr__(self, name): raise SystemExit(name)\n"
        "    __class__ = property(lambda self: 1 / 0)\n"
        "app = Any()\n",
        "-- COMMAND",
    ),
}


def serving(ended):
    return ended.err.strip().splitlines()[-1].rpartition("under this policy: ")[2]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_command_that_serves_is_told_whole(project, program):
    """With the policy and the environment that were proved, and the server that it takes."""
    text, told = PROGRAMS[program]
    policy = 'version: 1\npolicies: {"svc.app:f": {retry: 3}}\nenvironments: {prod: {}}\n'
    (project.folder / "svc").mkdir()
    (project.folder / "svc/app.py").write_text(f"def f(): ...\n{text}")
    (project.folder / "my policy.yaml").write_text(policy)

    ended = project.run(
        "apply", "--module", "svc.app", "--policy", "my policy.yaml", "--env", "prod"
    )

    assert (ended.code, serving(ended)) == (
        0,
        f"mlpolicy run --policy 'my policy.yaml' --env prod {told}",
    )


@pytest.mark.parametrize("more", [(), ("--in-process",)])
def test_the_command_that_serves_finds_the_module(project, more):
    """From the folder where `apply` found it; a package runs by its `__main__`."""
    project.write(
        policies__a='version: 1\npolicies: {"svc:f": {retry: 3}}\n',
    )
    (project.folder / "lib/svc").mkdir(parents=True)
    (project.folder / "lib/svc/__init__.py").write_text("def f(): ...\n")
    (project.folder / "lib/svc/__main__.py").write_text("import svc\nprint(svc.f())\n")

    ended = project.run("apply", "--module", "svc", "--src", "lib", *more, MLPOLICY_ENV="")

    assert serving(ended) == f"PYTHONPATH=lib:{SOURCE} mlpolicy run -m svc"
