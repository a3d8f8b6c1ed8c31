"""What mlpolicy raises."""

from __future__ import annotations

import pickle

from mlpolicy.errors import Failure, MemoryPressure, ValidationFailed


def test_the_public_message_of_a_refusal_has_no_value_of_the_call():
    """Logs get `what` of each failure; the caller gets what was found too, here and unpickled."""
    failure = Failure("user", "user", "type", "str 's3cret'", "int", what="user fails type")
    error = ValidationFailed("m:f", [failure, Failure("n", "n", "range", "7", "at most 5")])

    for one in (error, pickle.loads(pickle.dumps(error))):
        assert "s3cret" in str(one)
        assert one.public == "m:f refused: user fails type; n fails range"


def test_other_refusals_are_public_as_they_are():
    """A message that holds no value of the call is the same to everybody."""
    error = MemoryPressure("m:f", used=9, limit=10)

    assert error.public == str(error)
