"""Misconfigurations that bit users of other tools: here each is one finding, at its place."""

from __future__ import annotations

import pytest

SERVICE = """
    def predict(x):
        return x

    def charge(card):
        return card

    def _hidden(x):
        return x
"""


@pytest.fixture
def service(project):
    project.write(serve=SERVICE)
    return project


def found(service, text, *more):
    """Return (code, line, column, words) of each finding of a policy."""
    service.write(policy="version: 1\n" + text)
    content = service.run("validate", "policy.yaml", "--format", "json", *more).content
    return [
        (
            one["code"],
            one["range"]["start"]["line"],
            one["range"]["start"]["col"],
            one["help"] or "",
        )
        for one in content["diagnostics"]
        if one["severity"] != "info"
    ]


MISTAKES = {
    # A key that nobody reads is dropped, and the default holds.
    "litellm: num_retries under the wrong name": (
        "policies:\n  serve:predict: {retry: {num_retry: 3}}\n",
        ("MP005", 3, 27),
        "max_attempts",
    ),
    "litellm: a setting one level too high": (
        "max_attempts: 3\npolicies:\n  serve:predict: {retry: 3}\n",
        ("MP005", 2, 1),
        "known here",
    ),
    "litellm: a cache ttl without a unit is taken for what it is not": (
        "policies:\n  serve:predict: {cache: {ttl: 300}}\n",
        ("MP101", 3, 32),
        "",
    ),
    # A property for an annotation that is not there must be ignored, says its specification.
    "microprofile: a value for a rule that nothing has": (
        "defaults: {cache: {ttl: 5m}}\npolicies:\n  serve:predict: {retry: 3}\n",
        ("MP408", 2, 12),
        "never switch a rule on",
    ),
    "microprofile: a value for a method that was renamed": (
        "policies:\n  serve:predct: {retry: 3}\n",
        ("MP301", 3, 3),
        "serve:predict",
    ),
    # An instance of that name does not exist, so another one with defaults is made.
    "resilience4j: a misspelt instance name": (
        "profiles:\n  http: {retry: 5}\npolicies:\n  serve:predict: {use: [htpp]}\n"
        "  serve:charge: {use: [http], retry: {idempotent: true}}\n",
        ("MP406", 5, 25),
        "did you mean `http`",
    ),
    "resilience4j: an interval longer than the longest": (
        "policies:\n  serve:predict: {retry: {initial_delay: 20s}}\n",
        ("MP602", 3, 42),
        "",
    ),
    "resilience4j: a base of all exceptions ends every retry": (
        "policies:\n  serve:predict: {retry: {retry_on: [ConnectionError], give_up_on: [Exception]}}\n",
        ("MP610", 3, 69),
        "",
    ),
    # A selector that takes nothing is no error, and the policy is never enforced.
    "kyverno: a wildcard that matches nothing": (
        'policies:\n  all: {match: "serve:pred_*", retry: 3}\n',
        ("MP302", 3, 16),
        "",
    ),
    "kyverno: everything that is matched is excluded": (
        'policies:\n  all: {match: "serve:pr*", exclude: ["serve:pr*"], retry: 3}\n',
        ("MP405", 3, 39),
        "",
    ),
    "kyverno: enforcement that was meant for a trial": (
        "policies:\n  serve:predict: {retry: {mode: audit}}\n",
        ("MP010", 3, 33),
        "",
    ),
    # A rule that is wrong is dropped, and the resource is without protection.
    "sentinel: one rule of a policy is wrong": (
        "policies:\n  serve:predict: {memory: {act_at: 95%, reject_at: 90%}, retry: 3}\n",
        ("MP801", 3, 36),
        "",
    ),
    # Two rules of one name: the later one wins in silence.
    "promtool: the same rule twice": (
        "policies:\n  serve:predict: {retry: 3}\n  serve:predict: {retry: 5}\n",
        ("MP004", 4, 3),
        "",
    ),
    "promtool: a group without a rule": (
        "policies:\n  serve:predict: {owner: me}\n",
        ("MP408", 3, 3),
        "",
    ),
    # Fields that the schema does not know are skipped.
    "grpc: an unknown field within a block": (
        "policies:\n  serve:predict: {retry: {retry_after: {maximum: 3s}}}\n",
        ("MP005", 3, 41),
        "`max`",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_it_is_one_finding_at_its_place(service, name):
    text, place, words = MISTAKES[name]

    [(code, line, column, help)] = found(service, text)

    assert (code, line, column) == place
    assert words in help


def test_sentinel_and_polly_keep_half_of_a_broken_policy(service):
    """Here none of it: what was in force stays in force, whole."""
    service.write(
        p1="version: 1\npolicies:\n  serve:predict: {cache: 1h}\n",
        p2="version: 1\npolicies:\n  serve:predict: {cache: 2h}\n  serve:charge: {retry: {tries_: 3}}\n",
        main="""
            import mlpolicy
            mlpolicy.install(policy="p1.yaml")
            try:
                mlpolicy.install(policy="p2.yaml")
            except mlpolicy.PolicyError as error:
                print(error.diagnostics[0].code)
            print(mlpolicy.plan("serve:predict").rule("cache").rule.ttl, mlpolicy.plan("serve:charge"))
        """,
    )

    out = service.python("main.py").out

    assert out.split() == ["MP005", "1h", "None"]


def test_retries_is_not_attempts(service):
    """`max_retries: 2` is three calls; the remedy says so and writes it."""
    service.write(policy="version: 1\npolicies:\n  serve:predict: {retry: {max_retries: 2}}\n")

    ended = service.run("validate", "policy.yaml")
    service.run("validate", "policy.yaml", "--fix")

    assert "counts every call, the first one too" in ended.out
    assert "max_attempts: 3" in (service.folder / "policy.yaml").read_text()
