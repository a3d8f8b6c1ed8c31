"""The garbage collector while much is made that stays."""

from __future__ import annotations

import gc
from weakref import ref

import pytest

from mlpolicy.install.hooks import uncollected


class Node:
    """What may lead to itself."""


@pytest.fixture
def started():
    """Yield the generations of the collections that start on their own."""
    found: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            found.append(info["generation"])

    gc.collect()
    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)


def test_what_is_made_has_no_collection_come_due(started):
    """Neither while it is made, nor at the next object after that."""
    with uncollected():
        made = [Node() for _ in range(50 * gc.get_threshold()[0])]
    after = [Node() for _ in range(10)]

    assert not started
    assert made and after


def test_garbage_from_before_is_found_by_the_next_full_collection():
    """Young objects of the program go with what is made, and are not kept for ever."""
    node = Node()
    node.itself = node
    gone = ref(node)
    del node
    with uncollected():
        made = [Node() for _ in range(2 * gc.get_threshold()[0])]

    gc.collect()

    assert gone() is None
    assert made


def test_what_a_server_has_frozen_stays_frozen():
    """A server freezes its heap before it forks, for the children to share its pages."""
    gc.freeze()
    try:
        with uncollected():
            made = [Node() for _ in range(2 * gc.get_threshold()[0])]

        assert gc.get_freeze_count() > len(made)
    finally:
        gc.unfreeze()


def test_a_collector_that_was_off_stays_off():
    """The program may have switched it off for good."""
    gc.disable()
    try:
        with uncollected():
            assert not gc.isenabled()

        assert not gc.isenabled()
    finally:
        gc.enable()
