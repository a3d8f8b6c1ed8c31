"""One policy takes the place of another, and leaves: no call goes bare, and nothing stays."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

import mlpolicy
from mlpolicy.core.metrics import METERS
from mlpolicy.install import bootstrap

TEXT = """
    import functools
    import math

    class Scale:
        def __init__(self, by): self.by = by
        def __call__(self, x): return x * self.by

    triple = Scale(3)
    root = math.sqrt

    def inner(x): return x

    def factory(n):
        def made(x): return x + n
        return made

    add5 = factory(5)

    @functools.singledispatch
    def show(x): return "any"

    @show.register
    def _(x: int): return "int"

    class Base:
        def scale(self, x): return x

    class Model(Base): ...
"""
TARGETS = "inner", "triple", "root", "add5", "factory.<locals>.made", "show", "Model.scale"


def policy(service, rule):
    return service.policy("\n" + "".join(f'    "svc:{one}": {rule}\n' for one in TARGETS))


def test_no_call_goes_bare_while_policies_are_installed_anew(service):
    """Each call is refused, whichever of the policies it meets; by attribute and by code alike."""
    refuse = "{validate: {args: {x: {range: [100, null]}}}}"
    module = service.start("late", "svc", TEXT, "{'svc:inner': {retry: 3}}")
    path = policy(service, refuse)
    mlpolicy.install(policy=path)
    done, through = threading.Event(), []

    def call():
        while not done.is_set():
            for name in ("inner", "triple", "root"):
                try:
                    through.append((name, getattr(module, name)(1)))
                except mlpolicy.ValidationFailed:
                    pass

    threads = [threading.Thread(target=call, daemon=True) for _ in range(2)]
    for one in threads:
        one.start()
    try:
        for _ in range(20):
            mlpolicy.install(policy=path)
    finally:
        done.set()
    for one in threads:
        one.join(30)

    assert through == []
    mlpolicy.uninstall()
    assert (type(module.triple), module.triple(1)) == (module.Scale, 3)


def test_what_the_next_policy_does_not_name_is_given_back(service):
    module = service.start("late", "svc", TEXT, "{'svc:inner': {retry: 3}}")
    own = module.inner.__code__
    mlpolicy.install(policy=policy(service, "{retry: 3}"))
    assert type(module.triple) is not module.Scale

    mlpolicy.install(policy=service.policy("{'svc:show': {retry: 3}}"))

    assert type(module.triple) is module.Scale
    assert "scale" not in vars(module.Model)
    assert module.inner.__code__ is not own
    mlpolicy.uninstall()
    assert module.root is __import__("math").sqrt


@pytest.mark.parametrize("when", ["early", "late"])
def test_rounds_of_install_and_uninstall_keep_nothing(service, when):
    """Neither functions, codes nor engines stay, however a target was placed."""
    module = service.start(when, "svc", TEXT, "{'svc:inner': {retry: 3}}")
    path = policy(service, "{retry: 3, cache: 1h, memory: true, monitor: {log: false}}")

    def round_trip():
        mlpolicy.install(policy=path)
        assert (module.inner(1), module.triple(1), module.add5(1), module.show(1)) == (
            1,
            3,
            6,
            "int",
        )
        engine = weakref.ref(bootstrap.engine())
        mlpolicy.uninstall()
        return engine

    for _ in range(3):
        round_trip()
    gc.collect()
    before = len(gc.get_objects())
    engines = [round_trip() for _ in range(12)]
    gc.collect()

    assert [one() for one in engines] == [None] * 12
    # One target of one round is more than five objects; a few come and go by themselves.
    assert len(gc.get_objects()) - before < 5 * 12


def test_the_number_of_targets_ends_with_the_policy(service):
    """`mlpolicy_targets` holds no engine, and shows none that is gone."""
    service.start("late", "svc", TEXT, "{'svc:inner': {retry: 3}, 'svc:none': {retry: 3}}")
    assert METERS.value("mlpolicy_targets", state="applied") == 1
    assert METERS.value("mlpolicy_targets", state="missing") == 1
    engine = weakref.ref(bootstrap.engine())

    mlpolicy.uninstall()
    gc.collect()

    assert METERS.value("mlpolicy_targets", state="applied") == 0
    assert engine() is None
    assert not [one for one in METERS.collect() if one.name == "mlpolicy_targets" and one.samples]


def test_targets_are_counted_before_anything_is_placed(service):
    """Where numbers can be looked at, a policy sleeps no longer: it has them from the start."""
    import prometheus_client  # noqa: F401

    path = service.policy("{'later:f': {retry: 3}, 'later:g': {retry: 3}}")
    mlpolicy.install(policy=path)  # (a plan is in the cache from then on)
    mlpolicy.uninstall()
    METERS.clear()

    mlpolicy.install(policy=path)

    (family,) = [one for one in METERS.collect() if one.name == "mlpolicy_targets"]
    shown = {dict(one.labels)["state"]: one.value for one in family.samples}
    assert (shown["pending"], shown["missing"], shown["applied"]) == (2, 0, 0)


def test_placing_waits_for_no_import_of_another_thread_that_waits_for_it(service):
    """No lock is held while the user's code is looked at, which may import."""
    service.write(
        "gate", "import threading\nentered, asked = threading.Event(), threading.Event()\n"
    )
    service.write(
        "slow", "import gate\ngate.entered.set()\nassert gate.asked.wait(30)\nimport late\n"
    )
    service.write("late", "def f(): return 1\n")
    service.write(
        "svc",
        "def __getattr__(name):\n    import gate\n    gate.asked.set()\n    import slow\n"
        "    raise AttributeError(name)\n",
    )
    import gate
    import svc  # noqa: F401

    importing = threading.Thread(target=__import__, args=("slow",), daemon=True)
    importing.start()
    assert gate.entered.wait(30)
    path = service.policy("{'svc:f': {retry: 3}, 'late:f': {retry: 3}}")
    installing = threading.Thread(target=mlpolicy.install, kwargs={"policy": path}, daemon=True)
    installing.start()
    installing.join(20)
    importing.join(20)

    assert (installing.is_alive(), importing.is_alive()) == (False, False)
    assert service.states()["late:f"] == "applied"


def test_a_module_whose_attributes_raise_stops_no_install(service, caplog):
    """What cannot be looked at is said; everything else is placed."""
    text = "def __getattr__(name):\n    raise RuntimeError('not here')\ndef g(): return 1\n"
    module = service.start("late", "svc", text, "{'svc:f': {retry: 3}, 'svc:g': {retry: 3}}")

    assert service.states() == {"svc:f": "error", "svc:g": "applied"}
    assert "not here" in caplog.text
    assert module.g() == 1
