"""The gauge: how old a reading may be, and who is told of it."""

from __future__ import annotations

import logging

import pytest

from mlpolicy.rules.memory.levels import Levels


def test_a_fresh_reading_is_not_read_again(yard):
    """Two polls is the age at which the sampler must be late."""
    yard.gate()
    yard.use(100)

    for _ in range(2):
        yard.time.advance(0.09)
        yard.gauge.refresh(yard.time())

    assert yard.stock.read_so_far == 1


def test_an_old_reading_is_read_by_the_call_that_needs_it(yard):
    """A sampler that is held up does not make calls decide on the past."""
    gate = yard.gate()
    yard.gauge.refresh(yard.time())
    yard.stock.used = 950
    yard.time.advance(0.21)

    assert gate.look() is True
    assert yard.stock.read_so_far == 2


def test_all_gates_of_a_gauge_share_one_reading(yard):
    """A hundred functions read no more often than one."""
    gates = [yard.gate() for _ in range(100)]

    yard.use(950)

    assert yard.stock.read_so_far == 1
    assert all(gate.shut for gate in gates)


def test_a_gate_that_is_new_knows_what_others_were_told(yard):
    """A function that is guarded later does not let its first call in where there is no room."""
    yard.gate()
    yard.use(950)

    late = yard.gate()

    assert late.look() is True
    assert yard.stock.read_so_far == 1


def test_gates_are_shut_while_the_sampler_is_busy(yard):
    """Calls ask; an answer that is fresh enough lets them in, an old one is read anew."""
    gate = yard.gate()
    yard.gauge.refresh(yard.time())
    assert not gate.shut

    yard.gauge.attended = False
    yard.gauge.settle()
    shut = gate.shut
    yard.gauge.sample()
    still = gate.shut
    yard.gauge.sample(attended=True)

    assert (shut, still, gate.shut) == (True, True, False)


def test_a_gauge_does_not_keep_gates_alive(yard):
    """A driver that is gone takes its gate with it."""
    import gc

    yard.gate()
    gc.collect()

    assert yard.gauge.gates() == ()


def test_a_probe_that_fails_is_reported_once(yard, caplog):
    """Whatever the system comes up with: said once, and the rule stands aside."""
    gate = yard.gate()
    yard.stock.broken = True

    with caplog.at_level(logging.WARNING, "mlpolicy"):
        for _ in range(3):
            yard.use(0)

    assert [record.message for record in caplog.records] == [
        "memory cannot be read (RuntimeError: broken): its rules stand aside"
    ]
    assert not gate.look()


def test_a_machine_that_tells_nothing_is_reported_once(yard, caplog):
    """No cgroup, no psutil."""
    gate = yard.gate()

    with caplog.at_level(logging.WARNING, "mlpolicy"):
        for _ in range(3):
            yard.use(None)

    assert len(caplog.records) == 1
    assert not gate.look()


def warnings(caplog):
    return [record.message for record in caplog.records]


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.WARNING, "mlpolicy")
    return lambda: warnings(caplog)


def crossings(yard):
    labels = {"function": "shop:predict", "decision": "warn"}
    return yard.meters.value("mlpolicy_memory_decisions_total", **labels)


def test_crossing_warn_at_is_told_once(yard, told):
    """It says how much of what, and for whom."""
    gate = yard.gate()

    for used in (700, 751, 800, 760):
        yard.use(used)

    assert told() == [
        "memory: 75% of 1000 MiB (a test) is in use, above warn_at 75% of shop:predict"
    ]
    assert crossings(yard) == 1
    assert gate.warned


def test_crossing_it_again_is_told_again(yard, told):
    """But not where usage only trembles around it."""
    gate = yard.gate()

    for used in (760, 745, 760, 731, 760, 729, 760):
        yard.use(used)

    assert len(told()) == crossings(yard) == 2
    assert gate.warned


def test_functions_of_one_threshold_are_told_in_one_line(yard, told):
    """Twenty functions cross it at the same moment."""
    gates = [yard.gate() for _ in range(3)] + [yard.gate(levels=Levels(warn_at=0.5))]

    yard.use(760)

    assert sorted(told()) == [
        "memory: 76% of 1000 MiB (a test) is in use, above warn_at 50% of shop:predict",
        "memory: 76% of 1000 MiB (a test) is in use, above warn_at 75% of shop:predict and 2 more",
    ]
    assert crossings(yard) == len(gates) == 4


def test_a_log_handler_that_fails_stops_nothing(yard):
    """The sampler's thread must not end of it."""

    class Broken(logging.Handler):
        def emit(self, record):
            raise RuntimeError("full disk")

    gate, handler = yard.gate(), Broken()
    logger = logging.getLogger("mlpolicy")
    logger.addHandler(handler)
    try:
        yard.use(950)
    finally:
        logger.removeHandler(handler)

    assert gate.shut
    assert crossings(yard) == 1
