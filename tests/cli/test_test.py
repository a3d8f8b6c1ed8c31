"""`mlpolicy test`: the policy does what its tests say, or it does not."""

from __future__ import annotations

from textwrap import dedent
from xml.etree import ElementTree as Xml

import pytest

SERVICE = """
    def predict(x, user=None):
        return x
"""
POLICY = """
    version: 1
    policies:
      serve:predict:
        retry: {max_attempts: 3, initial_delay: 50ms, retry_on: [TimeoutError]}
        cache: {ttl: 30s, max_entries: 10}
"""
TESTS = """
    version: 1
    policies: [a.yaml]
    tests:
      - name: kept
        resolve: serve:predict
        expect: {cache.ttl: 30s}
      - name: tried again
        call: serve:predict
        args: {x: 1}
        behaviour: [{raise: TimeoutError}, {return: 2}]
        expect: {returns: 2, attempts: 2}
"""


@pytest.fixture
def service(project):
    project.write(serve=SERVICE, policies__a=POLICY)
    write_tests(project, TESTS)
    return project


def write_tests(project, text, name="a.test.yaml"):
    path = project.folder / "policies" / name
    path.write_text(dedent(text).lstrip("\n"))


def test_all_pass(service):
    ended = service.run("test")

    assert (ended.code, ended.out, ended.err) == (0, "2 passed in 1 file\n", "")


def test_a_test_that_fails_shows_what_differs_and_where_it_was_set(service):
    write_tests(
        service,
        TESTS.replace("cache.ttl: 30s", "cache.ttl: 1m").replace("attempts: 2", "attempts: 3"),
    )
    ended = service.run("test")

    assert ended.code == 1
    assert ended.out.splitlines() == [
        "FAILED policies/a.test.yaml:4 kept",
        "  cache.ttl  expected 1m",
        "             found    30s",
        "             set at   policies/a.yaml:5:18 policies.serve:predict",
        "",
        "FAILED policies/a.test.yaml:7 tried again",
        "  attempts  expected 3",
        "            found    2",
        "            set at   policies/a.yaml:4",
        "",
        "2 failed in 1 file".replace("2 failed", "0 passed, 2 failed"),
    ]


def test_a_workflow_of_github_gets_what_failed_at_its_line(service):
    workflow = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": ""}
    assert "::" not in service.run("test", **workflow).out

    write_tests(
        service,
        TESTS.replace("cache.ttl: 30s", "cache.ttl: 1m").replace("attempts: 2", "atempts: 2"),
    )
    ended = service.run("test", **workflow)

    finding, failure = [line for line in ended.out.splitlines() if line.startswith("::")]
    assert finding.startswith("::error file=policies/a.test.yaml,line=11,col=26,")
    assert failure.startswith("::error file=policies/a.test.yaml,line=4,")
    assert "title=mlpolicy test::FAILED policies/a.test.yaml:4 kept%0A  cache.ttl  exp" in failure


def test_a_finding_is_shown_with_its_place_and_the_other_tests_run(service):
    write_tests(service, TESTS.replace("attempts: 2", "atempts: 2"))
    ended = service.run("test")

    assert ended.code == 1
    assert "error[MP005] unknown key `atempts` in `expect` of a call" in ended.out
    assert "--> policies/a.test.yaml:11:26" in ended.out
    assert "did you mean `attempts`?" in ended.out
    assert ended.out.splitlines()[-1] == "1 passed, 1 finding in 1 file"


def test_json_tells_the_same_to_programs(service):
    write_tests(service, TESTS.replace("cache.ttl: 30s", "cache.ttl: 1m"))
    ended = service.run("test", "--format", "json")

    assert ended.code == 1
    content = ended.content
    assert content["schema"] == "mlpolicy.tests/1"
    assert content["summary"] == {"files": 1, "passed": 1, "failed": 1, "findings": 0}
    assert [(one["name"], one["line"], one["outcome"]) for one in content["tests"]] == [
        ("kept", 4, "failed"),
        ("tried again", 7, "passed"),
    ]
    [difference] = content["tests"][0]["differences"]
    assert (difference["field"], difference["expected"], difference["found"]) == (
        "cache.ttl",
        "1m",
        "30s",
    )
    assert difference["set_at"].startswith("policies/a.yaml:5")


@pytest.mark.parametrize(
    ("wanted", "code", "last"),
    [
        ("kept", 0, "1 passed in 1 file"),
        ("a.test.yaml::TRIED", 0, "1 passed in 1 file"),
        ("nothing", 5, None),
    ],
)
def test_k_chooses(service, wanted, code, last):
    ended = service.run("test", "-k", wanted)

    assert ended.code == code
    if last:
        assert ended.out.splitlines()[-1] == last


def test_nothing_to_do_is_5_and_a_path_that_is_not_there_2(project):
    assert project.run("test").code == 5
    project.write(serve=SERVICE, policies__a=POLICY)
    assert project.run("test").code == 5
    assert project.run("test", "nowhere").code == 2


def test_paths_are_files_or_folders(service):
    write_tests(service, TESTS, "b.test.yaml")

    assert service.run("test", "policies/a.test.yaml").out == "2 passed in 1 file\n"
    assert service.run("test", "policies").out == "4 passed in 2 files\n"
    assert service.run("test", "policies", "policies/a.test.yaml").out == "4 passed in 2 files\n"


def test_junit_is_written(service):
    write_tests(service, TESTS.replace("cache.ttl: 30s", "cache.ttl: 1m"))
    write_tests(service, "version: 1\npolicies: [a.yaml]\ntests: [{name: a}]\n", "broken.test.yaml")
    ended = service.run("test", "--junit", "report.xml")

    assert ended.code == 1
    suite = Xml.parse(service.folder / "report.xml").getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    [failure] = suite.iter("failure")
    assert failure.get("message") == "cache.ttl: expected 1m, found 30s"


def test_the_real_function_and_errors_of_the_project_are_found(project):
    project.write(
        serve="""
            class Busy(Exception): ...
            left = [1, 2]
            def predict(x):
                if left:
                    left.pop()
                    raise Busy
                return x
        """,
        policies__a="""
            version: 1
            policies:
              serve:predict: {retry: {max_attempts: 3, retry_on: [serve.Busy]}}
        """,
    )
    write_tests(
        project,
        """
        version: 1
        policies: [a.yaml]
        tests:
          - {name: stub, call: serve:predict, args: {x: 1}, behaviour: [{raise: serve.Busy}], expect: {raises: serve.Busy, attempts: 3}}
          - {name: real, call: serve:predict, real: true, args: {x: 1}, expect: {returns: 1, attempts: 3}}
        """,
    )
    ended = project.run("test", "--allow-real")

    assert (ended.code, ended.out) == (0, "2 passed in 1 file\n")


def test_without_leave_nothing_of_the_project_is_imported(project):
    """A real call is a finding; a class of the project's errors is known from its source."""
    project.write(
        serve="""
            open("ran", "w").close()
            class Busy(Exception): ...
            def predict(x): return x
        """,
        policies__a="""
            version: 1
            policies:
              serve:predict:
                retry: {max_attempts: 3, retry_on: [serve.Busy]}
                memory: {relieve: [{call: serve:predict}]}
        """,
    )
    write_tests(
        project,
        """
        version: 1
        policies: [a.yaml]
        tests:
          - {name: stub, call: serve:predict, args: {x: 1}, world: {memory: 99%}, behaviour: [{raise: serve.Busy}], expect: {called: false, raises: mlpolicy.MemoryPressure}}
          - {name: more, call: serve:predict, args: {x: 1}, behaviour: [{raise: serve.Busy}], expect: {raises: serve.Busy, attempts: 3}}
          - {name: real, call: serve:predict, real: true, args: {x: 1}, expect: {returns: 1}}
        """,
    )
    ended = project.run("test")

    assert ended.code == 1
    assert "error[MP010] `real: true` runs code of the service" in ended.out
    assert "--> policies/a.test.yaml:6:" in ended.out
    assert "help: run `mlpolicy test --allow-real`" in ended.out
    assert ended.out.splitlines()[-1] == "2 passed, 1 finding in 1 file"
    assert not (project.folder / "ran").exists()


def test_what_init_writes_passes(project):
    project.write(serve=SERVICE)
    project.run("init", "--module", "serve")
    ended = project.run("test")

    assert (ended.code, ended.out) == (0, "1 passed in 1 file\n")


def test_a_monitored_call_writes_no_event(project):
    project.write(
        serve=SERVICE, policies__a=POLICY.replace("cache:", "monitor: true\n        cache:")
    )
    write_tests(
        project,
        TESTS.replace("attempts: 2", "attempts: 2")
        .replace("{return: 2}", "{raise: KeyError}")
        .replace("returns: 2", "raises: KeyError"),
    )
    ended = project.run("test")

    assert (ended.code, ended.out, ended.err) == (0, "2 passed in 1 file\n", "")
