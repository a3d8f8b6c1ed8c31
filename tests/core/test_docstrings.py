"""The texts under the fields of a class."""

from __future__ import annotations

from mlpolicy.core.model import RuleModel, docstrings
from mlpolicy.model.schema import schema
from mlpolicy.rules import KINDS


class Below:
    """Not of a field."""

    first: int = 1
    """The first,
    on two lines."""
    bare: int = 2
    plain = 3
    """Of no annotated field."""


class Above(Below):
    """With a field of its own, and one that is said anew."""

    first: int = 2
    """Said anew."""
    second: str = ""
    """The second."""


def test_each_field_has_the_text_under_it_and_none_of_another() -> None:
    assert docstrings(Below) == {"first": "The first,\non two lines."}


def test_the_fields_of_bases_are_told_and_may_be_told_anew() -> None:
    assert docstrings(Above) == {"first": "Said anew.", "second": "The second."}


def test_a_class_without_source_has_none() -> None:
    assert docstrings(type("Made", (), {})) == {}


def test_the_schema_of_a_plugins_model_describes_its_keys_and_its_blocks() -> None:
    class Inner(RuleModel):
        """A block."""

        depth: int = 0
        """How deep."""

    class Outer(RuleModel):
        """A rule."""

        inner: Inner = Inner()
        """The block."""

    made = Outer.model_json_schema()
    assert made["properties"]["inner"]["description"] == "The block."
    assert made["$defs"]["Inner"]["properties"]["depth"]["description"] == "How deep."


def test_every_key_of_every_kind_is_described() -> None:
    made = schema()["$defs"]
    for name in KINDS:
        for key, of in made[name]["then"]["properties"].items():
            assert of.get("description"), f"{name}.{key}"
