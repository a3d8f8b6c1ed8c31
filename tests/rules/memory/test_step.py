"""The step: verdicts, counters and notes."""

from __future__ import annotations

import pytest

from mlpolicy.core.metrics import Meters
from mlpolicy.core.report import forget
from mlpolicy.core.site import Notes, Site
from mlpolicy.core.step import Answer, Do, Refuse, Wait
from mlpolicy.errors import MemoryPressure
from mlpolicy.rules.memory.gate import DECISIONS, MemoryTicket
from mlpolicy.rules.memory.rule import MemoryRule
from mlpolicy.rules.memory.sampler import Sampler
from mlpolicy.rules.memory.step import MemoryStep

MIB = 1024**2


class Shop:
    """Steps by a sampler that starts no thread, and a probe to order."""

    def __init__(self, stock) -> None:
        self.stock = stock
        self.meters = Meters()
        self.notes = Notes()
        self.sampler = Sampler(lambda limit, measure: stock)
        self.sampler.attend = lambda gauge: setattr(gauge, "attended", True)
        self.steps = []

    def step(self, *, mode="enforce", resolve=None, **fields):
        site = Site(
            "shop:predict", mode=mode, source="shop.yaml:4", notes=self.notes,
            meters=self.meters, resolve=resolve,
        )  # fmt: skip
        fields = {"wait": "0s", **fields}
        step = MemoryStep(MemoryRule.model_validate(fields), site, sampler=self.sampler)
        self.steps.append(step)
        return step

    def counted(self, *more):
        found = {
            one: self.meters.value(
                "mlpolicy_memory_decisions_total", function="shop:predict", decision=one
            )
            for one in DECISIONS
        }
        return {one: count for one, count in found.items() if count and one != "warn"}

    def refusals(self):
        return self.meters.value("mlpolicy_refusals_total", function="shop:predict", kind="memory")


@pytest.fixture
def shop(stock):
    return Shop(stock)


def test_a_call_goes_on_while_there_is_memory(shop):
    """Nothing is counted of it."""
    step = shop.step()

    assert step.admit(MemoryTicket(), 1) is None
    assert (shop.counted(), shop.refusals(), shop.notes) == ({}, 0, {})


def test_a_refused_call_is_told_how_much_was_in_use(shop):
    """The error carries its facts, and when to try again."""
    step = shop.step(wait="0s")
    shop.stock.used = 950

    verdict = step.admit(MemoryTicket(), 7)

    assert isinstance(verdict, Refuse)
    error = verdict.error
    assert isinstance(error, MemoryPressure)
    facts = (error.target, error.used, error.limit, error.needed, error.retry_after)
    assert facts == ("shop:predict", 950 * MIB, 1000 * MIB, 0, 1.0)
    assert str(error) == "shop:predict refused: 95% of 1000 MiB memory is in use"
    assert (shop.counted(), shop.refusals()) == ({"reject": 1}, 1)
    rejected = {"kind": "memory", "decision": "reject", "source": "shop.yaml:4"}
    assert shop.notes == {7: {"rules": [rejected]}}


def test_a_call_that_waits_is_counted_once(shop):
    """However often it is asked again."""
    step = shop.step(wait="5s")
    shop.stock.used = 950
    ticket = MemoryTicket()

    verdicts = [step.admit(ticket, 7) for _ in range(3)]

    assert all(isinstance(one, Wait) for one in verdicts)
    assert verdicts[0].at_most == 2 * step.gauge.poll
    assert shop.counted() == {"wait": 1}
    waited = {"kind": "memory", "decision": "wait", "source": "shop.yaml:4"}
    assert shop.notes == {7: {"rules": [waited]}}


def test_who_is_refused_after_waiting_may_come_back_after_as_long(shop):
    """It is no use to come back sooner."""
    step = shop.step(wait="20s")
    ticket = MemoryTicket()
    ticket.ends = 1.0  # its patience is over
    shop.stock.used = 950

    assert step.admit(ticket, 7).error.retry_after == 20.0


def test_pressure_may_be_watched_only(shop):
    """`proceed` counts, and lets the call go on."""
    step = shop.step(on_pressure="proceed")
    shop.stock.used = 950

    assert step.admit(MemoryTicket(), 7) is None
    assert (shop.counted(), shop.refusals()) == ({"proceed": 1}, 0)


def test_a_default_is_given_as_a_fresh_copy(shop):
    """Who changes it changes it for nobody else."""
    step = shop.step(on_pressure="default", default={"items": []})
    shop.stock.used = 950

    answers = [step.admit(MemoryTicket(), 7) for _ in range(2)]

    assert answers == [Answer({"items": []})] * 2
    assert answers[0].value["items"] is not answers[1].value["items"]
    assert (shop.counted(), shop.refusals()) == ({"default": 2}, 0)
    assert shop.notes[7]["outcome"] == "fallback"


def test_a_default_may_be_a_function(shop):
    """It is called with the arguments of the call."""

    def cheap(*args, **named):
        return args, named

    step = shop.step(
        on_pressure="default", default={"call": "shop:cheap"}, resolve={"shop:cheap": cheap}.get
    )
    shop.stock.used = 950

    verdict = step.admit(MemoryTicket(), 7, ((1, 2), {"k": 3}))

    assert isinstance(verdict, Do)
    assert verdict.function() == ((1, 2), {"k": 3})


def missing(path):
    raise ImportError(f"no {path}")


@pytest.mark.parametrize(
    ("resolve", "why"),
    [
        (missing, "cannot be imported (ImportError: no shop:gone)"),
        ({"shop:gone": 7}.get, "is no function"),
    ],
)
def test_a_default_that_cannot_be_called_refuses_the_call(shop, caplog, resolve, why):
    """That is what the rule is for; the reason is said once."""
    forget()
    step = shop.step(on_pressure="default", default={"call": "shop:gone"}, resolve=resolve)
    shop.stock.used = 950

    verdicts = [step.admit(MemoryTicket(), 7) for _ in range(2)]

    assert all(isinstance(one, Refuse) for one in verdicts)
    said = [one for one in caplog.messages if "shop:gone" in one]
    assert said == [f"shop:predict: the default shop:gone {why}; calls are refused instead"]


@pytest.mark.parametrize("make", [lambda: (one for one in [1]), lambda: {"a": open(__file__)}])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_default_that_cannot_be_copied_refuses_the_call(shop, caplog, make):
    """Python code may give a stream: there is but one, and many calls."""
    forget()
    step = shop.step(on_pressure="default", default=make())
    shop.stock.used = 950

    verdicts = [step.admit(MemoryTicket(), 7) for _ in range(2)]

    assert all(isinstance(one, Refuse) for one in verdicts)
    said = [one for one in caplog.messages if "cannot be copied" in one]
    assert len(said) == 1
    assert "calls are refused instead" in said[0]


def test_shadow_counts_and_does_nothing(shop):
    """No call waits, nothing is relieved."""
    step = shop.step(mode="shadow")
    would = {"function": "shop:predict", "kind": "memory", "would": "reject"}
    counts = [shop.meters.value("mlpolicy_shadow_total", **would)]

    for used in (100, 950, 950):
        shop.stock.used = used
        step.gauge.sample()
        step.would_reject()
        counts.append(shop.meters.value("mlpolicy_shadow_total", **would))

    assert counts == [0, 0, 1, 2]
    assert step.gate.relief is None


def test_series_are_there_from_the_start(shop):
    """A dashboard shows zero, not nothing."""
    shop.step()
    families = {family.name: family for family in shop.meters.collect()}

    decisions = families["mlpolicy_memory_decisions_total"]
    shown = {dict(one.labels)["decision"]: one.value for one in decisions.samples}
    assert shown == dict.fromkeys(DECISIONS, 0)
    assert [one.value for one in families["mlpolicy_refusals_total"].samples] == [0]


def test_usage_and_limit_are_shown(shop):
    """Read when they are scraped, even before the first call."""
    step = shop.step()
    shop.stock.used = 300

    shown = {
        name: shop.meters.value(f"mlpolicy_memory_{name}_bytes", function="shop:predict")
        for name in ("used", "limit")
    }

    assert shown == {"used": 300 * MIB, "limit": 1000 * MIB}
    assert step.gauge.reading.used == 300 * MIB


def test_metrics_do_not_keep_a_gauge_alive(shop):
    """After the policy has gone they show nothing."""
    import gc

    shop.step()
    shop.steps.clear()
    gc.collect()

    assert shop.meters.value("mlpolicy_memory_limit_bytes", function="shop:predict") == 0


def test_a_reload_does_not_warn_again(shop, caplog):
    """The step that follows knows what was said."""
    first = shop.step()
    shop.stock.used = 800
    first.gauge.sample()
    first.close()
    second = shop.step(reject_at="95%")
    second.inherit(first)

    second.gauge.sample()

    assert len([one for one in caplog.messages if "warn_at" in one]) == 1


def test_functions_with_the_same_settings_share_relief_and_gauge(shop):
    """Memory is the process's."""
    one, two = shop.step(), shop.step()

    assert one.gauge is two.gauge
    assert one.gate.relief is two.gate.relief


def test_relief_may_be_left_out(shop):
    """`relieve: []` does nothing at `act_at`."""
    assert shop.step(relieve=[]).gate.relief is None
