"""Each kind is one folder of one shape: who knows one knows them all."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import mlpolicy.rules
from mlpolicy.core.kind import load
from mlpolicy.core.model import RuleModel, docstrings
from mlpolicy.core.step import Step
from mlpolicy.rules import KINDS

ROOT = Path(__file__).parents[2]
OURS = sorted(mlpolicy.rules._BUILT_IN)


@pytest.fixture(params=OURS)
def kind(request):
    return KINDS[request.param]


def test_every_folder_is_a_kind_that_is_listed():
    folders = (ROOT / "src" / "mlpolicy" / "rules").glob("*/__init__.py")

    assert sorted(path.parent.name for path in folders) == OURS


def test_a_kind_has_its_rule_step_check_docs_example_and_tests(kind):
    folder = ROOT / "src" / "mlpolicy" / "rules" / kind.name

    assert {"rule.py", "step.py", "check.py"} <= {path.name for path in folder.glob("*.py")}
    assert (ROOT / "docs" / "rules" / f"{kind.name}.md").is_file()
    assert (ROOT / "policies" / "examples" / f"{kind.name}.yaml").is_file()
    assert list((ROOT / "tests" / "rules" / kind.name).glob("test_*.py"))


def test_all_that_a_kind_names_is_in_its_own_folder(kind):
    paths = [
        value
        for field in dataclasses.fields(kind)
        if isinstance(value := getattr(kind, field.name), str) and ":" in value
    ]

    assert len(paths) >= 3
    for path in paths:
        assert path.startswith(f"mlpolicy.rules.{kind.name}.")
        assert load(path) is not None


def test_its_rule_and_its_step_are_what_they_should_be(kind):
    assert issubclass(kind.rule_model(), RuleModel)
    assert issubclass(kind.step_class(), Step)
    assert kind.step_class().kind == kind.name
    described = docstrings(kind.rule_model())
    own = set(kind.rule_model().model_fields) - set(RuleModel.model_fields)
    assert own <= described.keys()


def test_what_people_type_leads_to_fields_that_there_are(kind):
    fields = kind.rule_model().model_fields
    known = {*fields, *(name for field in fields.values() for name in inner(field.annotation))}

    for word, synonym in kind.synonyms.items():
        assert synonym.field.partition(".")[0] in known, word
        assert word not in fields, word


def inner(annotation):
    """Yield the names of the fields of the models in an annotation."""
    waiting, seen = [annotation], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        waiting += getattr(one, "__args__", ())
        for name, field in getattr(one, "model_fields", {}).items():
            yield name
            waiting.append(field.annotation)
