"""What the decorators take is written down for type checkers as it is for the rules."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import pytest

from mlpolicy import plan
from mlpolicy.install.decorate import typed
from mlpolicy.model.grammar import RuleCommon
from mlpolicy.rules import KINDS

BY_KIND = {
    "retry": typed.Retry,
    "cache": typed.Cache,
    "memory": typed.Memory,
    "monitor": typed.Monitor,
}
INSIDE = [
    (KINDS["retry"], "retry_after", typed.RetryAfter),
    (KINDS["retry"], "on_result", typed.UnwantedResult),
    (KINDS["monitor"], "log", typed.Log),
    (KINDS["monitor"], "slo", typed.Slo),
]


@pytest.fixture(scope="module")
def decorated():
    path = Path(__file__).with_name("decorated.py")
    spec = importlib.util.spec_from_file_location("typed_sample", path)
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["typed_sample"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["typed_sample"]


@pytest.mark.parametrize("kind", BY_KIND)
def test_every_field_has_its_type_and_every_other_word_means_one(kind):
    """Editors offer all that a rule takes, and nothing that it does not."""
    fields = {*KINDS[kind].rule_model().model_fields, *RuleCommon.model_fields}
    words = {
        word for word, one in KINDS[kind].synonyms.items() if one.shift or one.form or not one.note
    }

    known = set(BY_KIND[kind].__annotations__)

    assert known >= fields
    assert known - fields <= words


@pytest.mark.parametrize(("kind", "field", "typed_dict"), INSIDE)
def test_blocks_have_the_fields_of_the_rules(kind, field, typed_dict):
    from mlpolicy.core.model import models_in

    [model] = models_in(kind.rule_model().model_fields[field].annotation)

    assert set(typed_dict.__annotations__) == set(model.model_fields)


def test_what_type_checkers_accept_runs(decorated):
    """The file that checkers look at does what it says."""
    decorated.check()
    asyncio.run(decorated.check_later())

    assert plan(decorated.stacked).rule("cache").rule.ttl == 30


def test_what_type_checkers_refuse_is_refused(decorated):
    from mlpolicy import PolicyError

    with pytest.raises(PolicyError, match="max_atempts"):
        decorated.check_mistakes()
