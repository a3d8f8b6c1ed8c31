"""Chance of our own."""

from __future__ import annotations

import os
import random

from mlpolicy.core.chance import draw


def test_what_we_draw_moves_no_generator_of_the_program():
    """A seeded program prints the same numbers under a policy."""
    random.seed(42)
    expected = random.random()

    random.seed(42)
    draw()

    assert random.random() == expected


def test_a_seeded_program_does_not_decide_what_we_draw():
    """Two processes that seed alike do not retry in step."""
    random.seed(42)
    first = draw()
    random.seed(42)

    assert draw() != first


def test_a_forked_child_draws_other_numbers():
    """Or all workers of a pre-forking server would pause alike."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, repr(draw()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    drawn = float(os.read(reading, 100))
    os.close(reading)
    os.close(writing)

    assert drawn != draw()
