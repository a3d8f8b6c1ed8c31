"""The events that a test may name are those that the rules report."""

from __future__ import annotations

from pathlib import Path

from mlpolicy.core.kind import Counted
from mlpolicy.rules import KINDS
from mlpolicy.rules.memory.gate import DECISIONS
from mlpolicy.rules.retry.step import REASONS
from mlpolicy.testing.journal import Journal, events

GUIDE = Path(__file__).parents[2] / "docs/how-to/test-a-policy.md"


def test_every_decision_of_retry_has_its_event():
    assert {f"retry.{one}" for one in REASONS if one != "success"} < set(events())


def test_every_decision_of_memory_has_its_event():
    about_the_machine, told_at_the_end = {"warn", "relieve"}, {"default"}

    assert {f"memory.{one}" for one in set(DECISIONS) - about_the_machine - told_at_the_end} < set(
        events()
    )


def test_the_guide_lists_every_event():
    text = GUIDE.read_text(encoding="utf-8")

    assert [name for name in events() if f"`{name}`" not in text] == []


def test_the_last_failure_is_what_the_decision_is_about():
    journal = Journal()
    for _ in range(2):
        journal.called()
        journal.count(Counted("retry"))
    journal.append(0, "rules", {"kind": "retry", "decision": "deadline"})

    assert journal.events() == ["retry", "retry.deadline"]
    assert journal.attempts == 2


def test_a_miss_is_told_before_what_it_led_to():
    journal = Journal()
    journal.append(0, "rules", {"kind": "validate", "decision": "warn"})
    journal.called()
    journal.count(Counted("retry"))
    journal.called()
    journal.count(Counted("cache.miss", late=True))

    assert journal.events() == ["validate.warn", "cache.miss", "retry"]


def test_notes_reach_the_monitor_as_well():
    journal = Journal()
    journal.append(7, "rules", {"kind": "memory", "decision": "wait"})
    journal.add(7, "outcome", "fallback")

    assert journal[7]["rules"] == [{"kind": "memory", "decision": "wait"}]
    assert journal.fallback
    journal.begin()
    assert journal.events() == [] and not journal.fallback


def test_the_events_of_a_kind_bear_its_name_and_counters_tell_of_those():
    for kind in map(KINDS.__getitem__, KINDS):
        assert all(name.partition(".")[0] == kind.name for name in kind.events)
        assert {counted.event for counted in kind.counted.values()} <= set(kind.events)
