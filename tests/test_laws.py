"""What holds for every policy, right or wrong."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mlpolicy
from mlpolicy.errors import PolicyError
from mlpolicy.plan.load import Terms, load, load_every
from mlpolicy.plan.show import compiled

NAMES = ("alpha", "delta", "gamma")
RENAMED = {"alpha": "omega", "delta": "theta", "gamma": "kappa"}
TARGETS = ("nowhere.laws:f", "nowhere.laws:g", "nowhere.laws:C.m", "nowhere.other:f")
GLOBS = ("nowhere.laws:*", "nowhere.**:f")
ENVIRONMENTS = ("prod", "test")

laws = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def pick(*values):
    return st.sampled_from(values)


def some(**fields):
    """Return a mapping with any of *fields*."""
    return st.fixed_dictionaries({}, optional=fields)


COMMON = {
    "mode": pick("enforce", "shadow", "disabled", "shadwo"),
    "expires": pick("2020-01-01", "2999-01-01"),
}
RETRY = some(
    max_attempts=pick(1, 3, 20, -1, "many"),
    initial_delay=pick("10ms", "2s", "30", "100s"),
    max_delay=pick("1s", "1m"),
    attemps=pick(3),
    final=pick(True),
    **COMMON,
)
CACHE = some(ttl=pick("1s", "1h", "soon"), max_entries=pick(10, 0), key=pick(["user"]), **COMMON)
MEMORY = some(limit=pick("1GiB", "lots"), wait=pick("1s", "1m"), act_at=pick("80%", "180%"))
MONITOR = some(log=pick({}, {"sample": "5%"}, {"sample": 7}), mode=pick("shadow"))
RULES = {"retry": RETRY, "cache": CACHE, "memory": MEMORY, "monitor": MONITOR}
OWN = {
    "owner": pick("team"),
    "deadline": pick("1s", "1h"),
    "priority": pick(0, 5),
    "use": pick(["usual"], ["usul"]),
    "mode": pick("shadow", "disabled"),
}


@st.composite
def policies(draw):
    """Return a policy file as plain values; much of it is wrong."""
    gone = {kind: st.none() | rule for kind, rule in RULES.items()}
    matches = some(target=pick(*TARGETS, *GLOBS), kind=pick(["function"]))
    body = some(**OWN, **RULES)
    made = {}
    for name in draw(st.lists(pick(*NAMES), max_size=3, unique=True)):
        made[name] = {"match": draw(matches), **draw(body)}
    for target in draw(st.lists(pick(*TARGETS), max_size=2, unique=True)):
        made[target] = draw(body)
    file = {"version": 1, "policies": made}
    optional = {
        "settings": some(require=pick(["owner"])),
        "defaults": some(retry=RETRY, monitor=MONITOR),
        "profiles": some(usual=some(**RULES)),
        "vars": some(size=pick(3)),
    }
    file |= draw(some(**optional))
    over = some(**OWN, **gone, match=matches)
    changed = st.dictionaries(pick(*NAMES, *TARGETS, "alhpa"), over, max_size=2)
    sections = some(policies=changed, defaults=some(retry=RETRY))
    environments = draw(st.dictionaries(pick(*ENVIRONMENTS), sections, max_size=2))
    return file | ({"environments": environments} if environments else {})


class _Plain(yaml.SafeDumper):
    """Writes what is the same twice as often as it stands there."""

    def ignore_aliases(self, data):
        return True


@contextmanager
def written(*files):
    """Write *files*, plain values each; give their paths."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.yaml" for number in range(len(files))]
        for path, file in zip(paths, files, strict=True):
            path.write_text(yaml.dump(file, Dumper=_Plain, sort_keys=False))
        with patch.dict(os.environ, {"MLPOLICY_CACHE_DIR": str(Path(folder) / "plans")}):
            yield paths


def shown(loaded, *, place=True):
    """Return what tells the findings of *loaded* apart."""
    names = {document.file: Path(document.file).name for document in loaded.documents}
    return sorted(
        (one.code, one.severity, one.message, *((names[one.span.file], one.span.line) * place))
        for one in loaded.diagnostics
    )


def errors(loaded):
    return {(one.code, one.span, one.message) for one in loaded.errors}


@laws
@given(policies())
def test_the_errors_of_validate_are_those_of_each_environment_alone(file):
    with written(file) as paths:
        each = [load(paths, Terms(environment=name)) for name in (None, *ENVIRONMENTS)]

        assert errors(load_every(paths)) == set().union(*map(errors, each))


@laws
@given(policies())
def test_what_validate_passes_install_accepts(file):
    with written(file) as paths:
        loaded = load_every(paths)
        passes = not loaded.errors
        for name in ("", *loaded.environments) if passes else ():
            try:
                mlpolicy.install(paths[0], env=name)
            except PolicyError as error:  # pragma: no cover (this is the law)
                pytest.fail(f"{name or 'without an environment'}: {error}")
            finally:
                mlpolicy.uninstall()


def renamed(value):
    """Return plain values with the policies by other names, as long as those that they had."""
    if not isinstance(value, dict):
        return value
    return {RENAMED.get(key, key): renamed(inner) for key, inner in value.items()}


@laws
@given(policies())
def test_the_name_of_a_policy_changes_no_finding_but_its_name(file):
    with written(file) as paths:
        before = shown(load_every(paths))
    with written(renamed(file)) as paths:
        after = shown(load_every(paths))

    assert after == sorted((code, grave, _named(text), *at) for code, grave, text, *at in before)


def _named(text):
    for old, new in RENAMED.items():
        text = text.replace(old, new)
    return text


@laws
@given(policies(), policies(), st.randoms(use_true_random=False))
def test_the_order_of_files_and_keys_changes_nothing(one, other, random):
    with written(one, other) as paths:
        loaded, turned = load_every(paths), load_every(reversed(paths))

        assert shown(turned) == shown(loaded)
        before = shown(loaded, place=False)
        plans = held(loaded.rulebook)
    with written(mixed(one, random), mixed(other, random)) as paths:
        loaded = load_every(paths)

        assert shown(loaded, place=False) == before
        assert held(loaded.rulebook) == plans


def held(rulebook):
    """Return a hash of what holds."""
    plans = map(rulebook.plan, rulebook.exact)
    return compiled(plan for plan in plans if plan is not None)["hash"]


def mixed(value, random):
    """Return plain values with the keys of all mappings in another order."""
    if not isinstance(value, dict):
        return value
    keys = list(value)
    random.shuffle(keys)
    return {key: mixed(value[key], random) for key in keys}


def test_an_environment_asks_of_a_policy_that_it_adds_what_it_asks_of_all():
    """Its name looks like that of another, and it is another."""
    file = {
        "version": 1,
        "settings": {"require": ["owner"]},
        "policies": {
            "ranking-model-v1": {"owner": "team", "match": {"target": TARGETS[0]}, "retry": 3}
        },
        "environments": {
            "prod": {
                "policies": {"ranking-model-v2": {"match": {"target": TARGETS[1]}, "retry": 3}}
            }
        },
    }
    with written(file) as paths:
        found = load_every(paths).errors

        assert [(one.code, one.environment) for one in found] == [("MP505", "prod")]
        assert [one.code for one in load(paths, Terms(environment="prod")).errors] == ["MP505"]


def test_a_warning_of_the_file_hides_no_error_of_an_environment():
    """The attempts are many, and more than the deadline of the environment lets be made."""
    file = {
        "version": 1,
        "policies": {TARGETS[0]: {"retry": {"max_attempts": 20}}},
        "environments": {"prod": {"policies": {TARGETS[0]: {"deadline": "1s"}}}},
    }
    with written(file) as paths:
        found = load_every(paths)

        assert [(one.code, one.environment) for one in found.errors] == [("MP601", "prod")]
        assert [one.code for one in found.diagnostics if one.severity == "warning"] == ["MP609"]
