"""The gate: who is let in, who waits, in which order, and for how long."""

from __future__ import annotations

import pytest

from mlpolicy.core.step import Wait
from mlpolicy.rules.memory.gate import MemoryTicket
from mlpolicy.rules.memory.levels import Levels

# Of 1,000 MiB: a warning at 750, calls wait at 900 (for 100 are kept free), and no more at 800.


class Caller:
    """One call at a gate."""

    def __init__(self, gate) -> None:
        self.gate = gate
        self.ticket = MemoryTicket()

    def ask(self):
        answer = self.gate.ask(self.ticket)
        return "waits" if isinstance(answer, Wait) else answer

    def called(self) -> bool:
        return self.ticket.waiter.woken


def callers(gate, count):
    line = [Caller(gate) for _ in range(count)]
    assert [one.ask() for one in line] == ["waits"] * count
    return line


def test_a_gate_is_shut_until_something_was_read(yard):
    """The first call asks, and by that starts everything."""
    gate = yard.gate()
    shut = gate.shut

    answer = Caller(gate).ask()

    assert (shut, answer, gate.shut) == (True, "in", False)


@pytest.mark.parametrize(
    ("used", "answer"), [(0, "in"), (899, "in"), (900, "waits"), (990, "waits")]
)
def test_a_call_waits_where_too_little_is_left(yard, used, answer):
    """`reject_at` or `min_free`, whichever is reached first."""
    gate = yard.gate()
    yard.use(used)

    assert Caller(gate).ask() == answer
    assert gate.shut == (answer == "waits")


def test_a_call_waits_no_longer_than_it_may(yard):
    """The driver is told how long, and at the end the call is out."""
    gate = yard.gate(wait=5.0)
    yard.use(950)
    one = Caller(gate)

    first = gate.ask(one.ticket)
    yard.time.advance(4.9)
    second = gate.ask(one.ticket)
    yard.time.advance(0.1)
    last = gate.ask(one.ticket)

    assert first == Wait(one.ticket.waiter, 2 * yard.gauge.poll)
    assert second == Wait(one.ticket.waiter, pytest.approx(0.1))
    assert last == "out"


def test_a_long_line_looks_no_more_often_than_a_short_one(yard):
    """Each waits two milliseconds for each that waits, so that a thousand are no load."""
    gate = yard.gate()
    yard.use(950)
    callers(gate, 999)

    assert gate.ask(Caller(gate).ticket).at_most == pytest.approx(2.0)


def test_without_patience_a_call_is_out_at_once(yard):
    """`wait: 0s` waits for nothing."""
    gate = yard.gate(wait=0.0)
    yard.use(950)

    assert Caller(gate).ask() == "out"


def test_who_waits_is_called_when_enough_is_free(yard):
    """Not below `reject_at` already, but at `resume_at`."""
    gate = yard.gate()
    yard.use(950)
    [one] = callers(gate, 1)

    calls = []
    for used in (899, 850, 801, 800):
        yard.use(used)
        calls.append(one.called())

    assert calls == [False, False, False, True]
    assert one.ask() == "in"
    assert not gate.shut


def test_who_waits_is_called_in_order_and_not_all_at_once(yard):
    """One, then two, then four: all on one reading would fill the memory again."""
    gate = yard.gate()
    yard.use(950)
    line = callers(gate, 8)

    calls = []
    for _ in range(4):
        yard.use(700)
        calls.append([one.called() for one in line].count(True))
        assert [one.called() for one in line] == sorted([one.called() for one in line])[::-1]

    assert calls == [1, 3, 7, 8]


def test_calling_begins_slowly_again_after_pressure(yard):
    """Who was called has filled the memory: again one by one."""
    gate = yard.gate()
    yard.use(950)
    line = callers(gate, 8)

    for used in (700, 700, 950, 700):
        yard.use(used)

    assert [one.called() for one in line].count(True) == 1 + 2 + 1


def test_calling_goes_on_while_there_is_room(yard):
    """Those let in use memory, of course: only `reject_at` stops it."""
    gate = yard.gate()
    yard.use(950)
    line = callers(gate, 7)

    for used in (800, 850, 890):
        yard.use(used)

    assert all(one.called() for one in line)


def test_who_comes_late_lines_up(yard):
    """A new call does not overtake those who wait, even if there is room for it by now."""
    gate = yard.gate()
    yard.use(950)
    [first] = callers(gate, 1)
    yard.use(850)
    late = Caller(gate)

    assert late.ask() == "waits"
    yard.use(800)
    assert (first.called(), late.called()) == (True, False)
    yard.use(800)
    assert late.called()


def test_who_was_called_in_vain_keeps_its_place(yard):
    """Others were quicker: it waits on, before everybody who came later."""
    gate = yard.gate()
    yard.use(950)
    line = callers(gate, 7)
    for _ in range(2):
        yard.use(700)
    yard.use(950)

    # Called were three; they come back in any order.
    assert [line[at].ask() for at in (1, 2, 0)] == ["waits"] * 3

    yard.use(700)
    assert [one.called() for one in line] == [True] + [False] * 6


def test_patience_is_not_renewed_by_a_call_in_vain(yard):
    """Five seconds are five seconds from the first question."""
    gate = yard.gate(wait=5.0)
    yard.use(950)
    [one] = callers(gate, 1)
    yard.time.advance(4.7)
    yard.use(700)
    yard.use(950)

    assert gate.ask(one.ticket).at_most == pytest.approx(0.1)


def test_usage_that_stays_between_is_taken_for_usual(yard):
    """Who waited in full with room for it goes on, and those behind need not wait as long."""
    gate = yard.gate(wait=5.0)
    yard.use(950)
    [first] = callers(gate, 1)
    yard.use(850)
    yard.time.advance(4.0)
    [second] = callers(gate, 1)
    yard.time.advance(1.0)

    answer = first.ask()
    yard.use(850)

    assert (answer, second.called()) == ("in", True)
    assert second.ask() == "in"
    assert Caller(gate).ask() == "in"


def test_a_task_that_was_cancelled_holds_nobody_up(yard):
    """It never says so; once its patience would have ended, it is no longer in line."""
    gate = yard.gate(wait=1.0)
    yard.use(950)
    callers(gate, 1)
    yard.use(850)
    yard.time.advance(1.0)

    yard.use(850)

    assert not gate.shut
    assert Caller(gate).ask() == "in"


def test_where_nobody_looks_calls_look_themselves(make_yard):
    """No thread can be started: the gate stays shut, and a poll later the next call reads."""
    yard = make_yard(attended=False)
    gate = yard.gate()

    answers = []
    for used in (100, 950, 950, 100):
        yard.stock.used = used
        yard.time.advance(0.11)
        answers.append(Caller(gate).ask())
        assert gate.shut

    assert answers[:3] == ["in", "waits", "waits"]
    assert yard.stock.read_so_far == 4


def test_where_nobody_looks_who_waits_looks_too(make_yard):
    """It is told to come back after a poll, and not at the end of its patience."""
    yard = make_yard(attended=False)
    gate = yard.gate(wait=5.0)
    yard.stock.used = 950
    one = Caller(gate)

    wait = gate.ask(one.ticket)
    yard.stock.used = 100
    yard.time.advance(0.11)

    assert wait.at_most == yard.gauge.poll
    assert one.ask() == "in"


def test_where_nothing_can_be_read_calls_go_on(yard):
    """The rule stands aside, and those who wait are let in."""
    gate = yard.gate()
    yard.use(950)
    [one] = callers(gate, 1)

    yard.stock.broken = True
    yard.use(950)

    assert (one.called(), one.ask(), Caller(gate).ask(), gate.shut) == (True, "in", "in", False)


def test_a_closed_gate_lets_new_calls_in(yard):
    """The rule was taken away; whoever waits already is called as before."""
    gate = yard.gate()
    yard.use(950)
    [one] = callers(gate, 1)

    gate.close()

    assert Caller(gate).ask() == "in"
    assert yard.gauge.gates() == (gate,)
    yard.use(700)
    assert one.called()
    assert yard.gauge.gates() == ()


def test_a_closed_gate_without_a_line_leaves_its_gauge(yard):
    """Nothing is read for the sake of a rule that was taken away."""
    gate = yard.gate()

    gate.close()

    assert yard.gauge.gates() == ()


def test_a_limit_that_rises_opens_the_gate(yard, stock):
    """The thresholds are shares of the limit of this moment."""
    from mlpolicy.rules.memory.limits import MemoryReading

    gate = yard.gate(levels=Levels())
    gate.update(MemoryReading(950, 1000, "a test"), 0.0)
    shut = gate.shut
    yard.gauge.attended = True
    gate.update(MemoryReading(950, 2000, "a test"), 0.1)

    assert (shut, gate.shut) == (True, False)


def test_a_stand_in_lets_every_call_in():
    """A driver that was carried to another process has a gate without a gauge."""
    from mlpolicy.rules.memory.gate import Gate

    assert Gate.__new__(Gate).shut is False
