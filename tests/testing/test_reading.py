"""What is wrong with a file of tests: one finding for each mistake, at its place."""

from __future__ import annotations

import sys

import pytest


def found(prepared):
    return [(one.code, one.span.line, one.message) for one in prepared.diagnostics]


CALL = "call: shop.embed:encode, args: {text: a}"

IN_A_TEST = {
    "an unknown key": (
        f"{{name: a, {CALL}, expct: {{called: true}}, expect: {{called: true}}}}",
        "MP005",
        "`expct`",
    ),
    "no name": (f"{{{CALL}, expect: {{called: true}}}}", "MP011", "a test needs `name`"),
    "nothing to do": ("{name: a, expect: {called: true}}", "MP011", "one of `resolve`"),
    "two things to do": (
        f"{{name: a, {CALL}, resolve: shop.embed:encode, expect: {{called: true}}}}",
        "MP010",
        "`resolve` and `call`",
    ),
    "no expect": (f"{{name: a, {CALL}}}", "MP011", "expects nothing"),
    "an empty expect": (f"{{name: a, {CALL}, expect: {{}}}}", "MP010", "empty `expect`"),
    "an unknown expectation": (
        f"{{name: a, {CALL}, expect: {{atempts: 3}}}}",
        "MP005",
        "unknown key `atempts`",
    ),
    "an expectation in the test": (
        f"{{name: a, {CALL}, attempts: 3, expect: {{called: true}}}}",
        "MP005",
        "unknown key `attempts`",
    ),
    "an unknown rule": (
        "{name: a, resolve: shop.embed:encode, expect: {rety: absent}}",
        "MP005",
        "unknown key `rety`",
    ),
    "an unknown setting": (
        "{name: a, resolve: shop.embed:encode, expect: {retry.max_atempts: 3}}",
        "MP005",
        "`max_atempts` in rule `retry`",
    ),
    "an unknown setting within": (
        "{name: a, resolve: shop.embed:encode, expect: {retry.retry_after.most: 3s}}",
        "MP005",
        "`most` in `retry.retry_after`",
    ),
    "a setting below a value": (
        "{name: a, resolve: shop.embed:encode, expect: {retry.jitter.kind: full}}",
        "MP005",
        "`kind` in `retry.jitter`",
    ),
    "an unknown setting in from": (
        "{name: a, resolve: shop.embed:encode, expect: {from: {retry.tries: policy.yaml}}}",
        "MP005",
        "`tries`",
    ),
    "a comparison with nothing": (
        f'{{name: a, {CALL}, expect: {{slept: "<= 300"}}}}',
        "MP101",
        "`300` has no unit",
    ),
    "an unknown event": (
        f"{{name: a, {CALL}, expect: {{events: [rety]}}}}",
        "MP010",
        "no event `rety`",
    ),
    "an unknown way": (f"{{name: a, {CALL}, expect: {{via: cach}}}}", "MP010", "`cach`"),
    "an unknown builtin error": (
        f"{{name: a, {CALL}, behaviour: [{{raise: TimeotError}}], expect: {{called: true}}}}",
        "MP603",
        "`TimeotError`",
    ),
    "an error that cannot be imported": (
        f"{{name: a, {CALL}, expect: {{raises: no.such.Error}}}}",
        "MP603",
        "cannot be imported",
    ),
    "an error that is none": (
        f"{{name: a, {CALL}, expect: {{raises: json.dumps}}}}",
        "MP604",
        "is not an exception",
    ),
    "returns and raises": (
        f"{{name: a, {CALL}, expect: {{returns: 1, raises: KeyError}}}}",
        "MP010",
        "returns or raises",
    ),
    "a behaviour that does both": (
        f"{{name: a, {CALL}, behaviour: [{{return: 1, raise: KeyError}}], expect: {{called: true}}}}",
        "MP010",
        "one of `return` and `raise`",
    ),
    "an unknown behaviour": (
        f"{{name: a, {CALL}, behaviour: [{{returns: 1}}], expect: {{called: true}}}}",
        "MP005",
        "unknown key `returns`",
    ),
    "a behaviour of the real function": (
        f"{{name: a, {CALL}, real: true, behaviour: [{{return: 1}}], expect: {{called: true}}}}",
        "MP010",
        "that of a stub",
    ),
    "arguments of a plan": (
        "{name: a, resolve: shop.embed:encode, args: {text: a}, expect: {retry: present}}",
        "MP010",
        "`args` belongs to a `call`",
    ),
    "an unknown argument": (
        "{name: a, call: shop.embed:encode, args: {txt: a}, expect: {called: true}}",
        "MP010",
        "no argument `txt`",
    ),
    "a missing argument": (
        "{name: a, call: shop.embed:encode, expect: {called: true}}",
        "MP010",
        "needs the argument `text`",
    ),
    "an unknown function": (
        "{name: a, resolve: shop.embed:encde, expect: {retry: present}}",
        "MP301",
        "nothing is known of `shop.embed:encde`",
    ),
    "no function path": (
        "{name: a, resolve: shop.embed.encode, expect: {retry: present}}",
        "MP010",
        "names no function",
    ),
    "an unknown environment": (
        "{name: a, resolve: shop.embed:encode, env: prd, expect: {retry: present}}",
        "MP010",
        "no policy file names an environment `prd`",
    ),
    "a moment that is none": (
        "{name: a, resolve: shop.embed:encode, clock: soon, expect: {retry: present}}",
        "MP010",
        "expected a moment",
    ),
    "an unknown part of the world": (
        f"{{name: a, {CALL}, world: {{memry: 94%}}, expect: {{called: true}}}}",
        "MP005",
        "unknown key `memry`",
    ),
    "steps that expect nothing": (
        f"{{name: a, steps: [{{{CALL}}}]}}",
        "MP011",
        "the steps expect nothing",
    ),
    "a step that does both": (
        f"{{name: a, steps: [{{{CALL}, advance: 3s, expect: {{called: true}}}}]}}",
        "MP010",
        "one of `call` and `advance`",
    ),
    "an expectation beside steps": (
        f"{{name: a, expect: {{called: true}}, steps: [{{{CALL}, expect: {{called: true}}}}]}}",
        "MP010",
        "`expect` belongs to a step",
    ),
    "an array of no such type": (
        "{name: a, call: shop.embed:encode, args: {text: {ndarray: {shape: [1], dtype: float31}}},"
        " expect: {called: true}}",
        "MP204",
        "no such array",
    ),
    "an array without a size": (
        "{name: a, call: shop.embed:encode, args: {text: {ndarray: {fill: 1}}}, expect: {called: true}}",
        "MP204",
        "`shape`",
    ),
    "no mapping": ("just text", "MP010", "expected a mapping"),
    "an empty name": (
        f"{{name: ' ', {CALL}, expect: {{called: true}}}}",
        "MP010",
        "text that matches",
    ),
    "a null expect": (f"{{name: a, {CALL}, expect: null}}", "MP010", "expected a mapping"),
    "a null call": ("{name: a, call: null, expect: {called: true}}", "MP010", "found nothing"),
    "a null function": ("{name: a, resolve: null, expect: {retry: absent}}", "MP010", "nothing"),
    "null steps": ("{name: a, steps: null}", "MP010", "expected a list"),
    "a null time": ("{name: a, steps: [{advance: null}]}", "MP010", "found nothing"),
    "a null error": (f"{{name: a, {CALL}, expect: {{raises: null}}}}", "MP010", "found nothing"),
    "a null wait": (f"{{name: a, {CALL}, expect: {{slept: null}}}}", "MP010", "found nothing"),
    "null events": (f"{{name: a, {CALL}, expect: {{events: null}}}}", "MP010", "found nothing"),
    "a null error of a stub": (
        f"{{name: a, {CALL}, behaviour: [{{raise: null}}], expect: {{called: true}}}}",
        "MP010",
        "found nothing",
    ),
    "a wait without a unit": (
        f"{{name: a, {CALL}, expect: {{slept: 0.3}}}}",
        "MP101",
        "did you mean `0.3s`?",
    ),
    "one behaviour and no list": (
        f"{{name: a, {CALL}, behaviour: {{return: 1}}, expect: {{returns: 1}}}}",
        "MP010",
        "expected a list",
    ),
    "an unknown part of an error": (
        f"{{name: a, {CALL}, behaviour: [{{raise: {{eror: KeyError}}}}], expect: {{called: true}}}}",
        "MP005",
        "`eror` in `behaviour[0].raise`: did you mean `error`?",
    ),
    "an error of ours without its path": (
        f"{{name: a, {CALL}, expect: {{raises: MemoryPresure}}}}",
        "MP603",
        "did you mean `mlpolicy.MemoryPressure`?",
    ),
    "an expectation of time that passes": (
        f"{{name: a, steps: [{{advance: 3s, expect: {{called: true}}}}, {{{CALL}, expect: {{called: true}}}}]}}",
        "MP010",
        "`expect` belongs to a step with a `call`",
    ),
    "a step that is no mapping": ("{name: a, steps: [advance]}", "MP010", "expected a mapping"),
    "no place in from": (
        "{name: a, resolve: shop.embed:encode, expect: {from: {}}}",
        "MP010",
        "fields with their places",
    ),
    "a place within a rule": (
        "{name: a, resolve: shop.embed:encode, expect: {cache: {from: policy.yaml}}}",
        "MP005",
        "unknown key `from` in rule `cache`",
    ),
    "a place of the whole plan": (
        "{name: a, resolve: shop.embed:encode, expect: {from: {mode: policy.yaml}}}",
        "MP005",
        "unknown key `mode` in `from`",
    ),
    "an array that is too large": (
        "{name: a, call: shop.embed:encode, args: {text: {ndarray: {shape: [100000, 100000]}}},"
        " expect: {called: true}}",
        "MP204",
        "more than",
    ),
    "a number that an array cannot hold": (
        "{name: a, call: shop.embed:encode,"
        " args: {text: {ndarray: {values: [99999999999999999999], dtype: int8}}},"
        " expect: {called: true}}",
        "MP204",
        "no such array",
    ),
}


@pytest.mark.parametrize("name", IN_A_TEST)
def test_a_mistake_in_a_test_is_found_once_where_it_stands(bench, name):
    text, code, said = IN_A_TEST[name]
    prepared = bench.tests(
        f"- {text}\n- {{name: b, resolve: shop.embed:encode, expect: {{retry: present}}}}"
    )

    assert [(one[0], one[1]) for one in found(prepared)] == [(code, 7)], found(prepared)
    [one] = prepared.diagnostics
    assert said in f"{one.message}: {one.help}"
    assert [case.name for case in prepared.cases] == ["b"]


GOOD = "  - {name: a, resolve: shop.embed:encode, expect: {retry: present}}\n"

IN_A_FILE = {
    "no version": ("policies: [policy.yaml]\ntests:\n" + GOOD, "MP003", 1),
    "another version": ("version: 2\npolicies: [policy.yaml]\ntests:\n" + GOOD, "MP003", 1),
    "an unknown key": (
        "version: 1\npolicies: [policy.yaml]\nenvv: prod\ntests:\n" + GOOD,
        "MP005",
        3,
    ),
    "no policies": ("version: 1\ntests:\n" + GOOD, "MP011", 1),
    "an empty list of policies": ("version: 1\npolicies: []\ntests:\n" + GOOD, "MP010", 2),
    "no tests": ("version: 1\npolicies: [policy.yaml]\n", "MP011", 1),
    "an empty list of tests": ("version: 1\npolicies: [policy.yaml]\ntests: []\n", "MP010", 3),
    "a policy that is not there": (
        "version: 1\npolicies: [polcy.yaml]\ntests:\n" + GOOD,
        "MP001",
        2,
    ),
    "an unknown environment": (
        "version: 1\npolicies: [policy.yaml]\nenv: prd\ntests:\n" + GOOD,
        "MP010",
        3,
    ),
    "a stub without a signature": (
        "version: 1\npolicies: [policy.yaml]\nstubs: {'a:b': {kind: coroutine}}\ntests:\n" + GOOD,
        "MP011",
        3,
    ),
    "a name twice": ("version: 1\npolicies: [policy.yaml]\ntests:\n" + GOOD + GOOD, "MP403", 5),
    "no mapping": ("- 1\n", "MP010", 1),
    "nothing": ("", "MP003", 1),
    "a policy file": ("version: 1\npolicies: {a.b:c: {retry: 3}}\nvars: {}\n", "MP010", 1),
    "a stub that no test is about": (
        "version: 1\npolicies: [policy.yaml]\nstubs:\n  shop.embed:encod: {signature: '()'}\ntests:\n"
        + GOOD,
        "MP111",
        4,
    ),
    "a signature that no call needs": (
        "version: 1\npolicies: [policy.yaml]\nstubs: {'shop.embed:encode': {signature: x y}}\ntests:\n"
        + GOOD,
        "MP010",
        3,
    ),
    "an empty setting": (
        "version: 1\npolicies: [policy.yaml]\ntests:\n  - name: a\n    resolve: shop.embed:encode\n"
        "    expect:\n      retry:\n      cache: absent\n",
        "MP009",
        7,
    ),
    "a comparison that YAML reads as text": (
        "version: 1\npolicies: [policy.yaml]\ntests:\n  - name: a\n    call: shop.embed:encode\n"
        "    expect:\n      slept: > 1s\n",
        "MP002",
        7,
    ),
    "no YAML": ("version: [\n", "MP002", 1),
}


@pytest.mark.parametrize("name", IN_A_FILE)
def test_a_mistake_in_a_file_is_found_once_where_it_stands(bench, name):
    text, code, line = IN_A_FILE[name]

    assert [one[:2] for one in found(bench.prepare(text))] == [(code, line)], found(
        bench.prepare(text)
    )


def test_a_finding_of_the_policy_is_told_and_nothing_runs(bench):
    bench.policy("version: 1\npolicies:\n  shop.embed:encode: {retry: {max_atempts: 3}}\n")
    prepared = bench.tests("- {name: a, resolve: shop.embed:encode, expect: {retry: present}}")

    assert [(one.code, one.span.file) for one in prepared.diagnostics] == [("MP005", "policy.yaml")]
    assert prepared.cases == ()


def test_a_signature_that_is_none_is_found_at_the_stub(bench):
    head = (
        "version: 1\npolicies: [policy.yaml]\nstubs:\n  shop.embed:encode: {signature: 'text, ('}\n"
    )
    prepared = bench.tests(f"- {{name: a, {CALL}, expect: {{called: true}}}}", head=head)

    assert [one[:2] for one in found(prepared)] == [("MP010", 4)]


@pytest.mark.parametrize(
    "default", ["print('ran')", "[].append(1)", "x", "{[]: 1}", "-" * 3000 + "1"]
)
def test_a_signature_runs_no_code(bench, capsys, default):
    head = (
        "version: 1\npolicies: [policy.yaml]\nstubs:\n"
        f'  shop.embed:encode: {{signature: "(text, x={default})"}}\n'
    )
    prepared = bench.tests(f"- {{name: a, {CALL}, expect: {{called: true}}}}", head=head)

    assert [one.code for one in prepared.diagnostics] == ["MP010"]
    assert capsys.readouterr().out == ""


def test_a_function_whose_parameters_are_not_known_needs_a_stub(bench):
    head = "version: 1\npolicies: [policy.yaml]\n"
    [one] = bench.tests(f"- {{name: a, {CALL}, expect: {{called: true}}}}", head=head).diagnostics

    assert one.code == "MP301"
    assert "stubs" in one.help and "shop.embed:encode" in one.help


def test_a_name_that_is_nearly_right_is_suggested(bench):
    bench.folder.joinpath("store.py").write_text("def fetch(key): ...\n")
    bench.policy('version: 1\npolicies:\n  all: {match: "store:*", retry: 3}\n')
    head = "version: 1\npolicies: [policy.yaml]\n"
    [one] = bench.tests(
        "- {name: a, resolve: store:fetsh, expect: {retry: present}}", head=head
    ).diagnostics

    assert one.help == "did you mean `store:fetch`?"


def test_an_array_without_numpy_is_a_finding(bench, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    prepared = bench.tests(
        "- {name: a, call: shop.embed:encode, args: {text: {ndarray: {shape: [1]}}},"
        " expect: {called: true}}"
    )

    assert [one[0] for one in found(prepared)] == ["MP010"]
    assert "numpy" in found(prepared)[0][2]


def test_keys_of_the_author_are_free(bench):
    head = (
        "version: 1\npolicies: [policy.yaml]\nx-good: &good {retry: present}\n"
        "stubs: {shop.embed:encode: {signature: (text)}}\n"
    )

    assert (
        bench.differences("- {name: a, resolve: shop.embed:encode, expect: *good}", head=head) == []
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("shop.real:f, args: {txt: 1}, real: true", "`f` takes no argument `txt`"),
        ("shop.real:many, args: {items: 3}", "`*items` is a list"),
        ("shop.real:many, args: {more: 3}", "`**more` is a mapping"),
        (
            "shop.real:Model, args: {}",
            "`shop.real:Model` is a class, and a policy is for a function",
        ),
    ],
)
def test_arguments_that_do_not_fit_a_function_of_the_source(bench, call, said):
    package = bench.folder / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "real.py").write_text(
        "def f(text): ...\ndef many(*items, **more): ...\nclass Model: ...\n"
    )

    prepared = bench.tests(f"- {{name: a, call: {call}, expect: {{called: true}}}}")

    assert [one.message for one in prepared.diagnostics] == [said]


def test_the_policy_that_was_meant_is_suggested(bench):
    prepared = bench.prepare("version: 1\npolicies: [polcy.yaml]\ntests:\n" + GOOD)

    assert [one.help for one in prepared.diagnostics] == ["did you mean `policy.yaml`?"]
