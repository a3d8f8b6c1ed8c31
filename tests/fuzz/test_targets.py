"""What the fuzzer tries for hours, for a moment: `python -m tests.fuzz` does more."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import mutated, seeds
from tests.fuzz.targets import TARGETS

TEXTS = st.text(max_size=200) | st.builds(
    lambda text, seed: mutated(text, random.Random(seed)), st.sampled_from(seeds()), st.integers()
)


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_is_written_breaks_a_promise(name):
    """Of any text, and of our own ones with a few words changed."""

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(TEXTS)
    def holds(text):
        TARGETS[name](text)

    holds()
