"""A rule for a share of the calls."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from textwrap import dedent, indent

import pytest

import mlpolicy
from mlpolicy.core.argpath import parse
from mlpolicy.core.metrics import METERS
from mlpolicy.runtime.assemble import Draw, Share, position

CALLS = []


def cached(user, request=None):
    CALLS.append(user)
    return len(CALLS)


async def awaited(user):
    CALLS.append(user)
    return len(CALLS)


@pytest.fixture
def policy(tmp_path):
    def put(text):
        path = tmp_path / "policy.yaml"
        body = indent(dedent(text), "  ").replace("HERE", __name__)
        path.write_text(f"version: 1\npolicies:{body}")
        mlpolicy.install(policy=path)

    CALLS.clear()
    yield put
    mlpolicy.uninstall()


def test_equal_arguments_are_decided_alike(policy):
    """About a quarter of the users is served from the cache, and each of them always."""
    policy("""
      HERE:cached:
        cache: {ttl: 1h, key: [user], rollout: {percent: 25%, by: user}}
    """)

    repeated = [len({cached(f"u{n}") for _ in range(3)}) == 1 for n in range(400)]

    assert 60 < sum(repeated) < 140
    assert len(CALLS) == sum(1 if held else 3 for held in repeated)


def test_the_others_may_be_in_shadow(policy):
    """They call the function, and are counted."""
    policy("""
      HERE:cached:
        cache: {ttl: 1h, key: [user], rollout: {percent: 0%, by: user, otherwise: shadow}}
    """)

    assert [cached("a"), cached("a"), cached("a")] == [1, 2, 3]
    labels = {"function": f"{__name__}:cached", "kind": "cache", "would": "hit"}
    assert METERS.value("mlpolicy_shadow_total", **labels) == 2


def test_it_holds_for_coroutines_too(policy):
    policy("""
      HERE:awaited:
        cache: {ttl: 1h, key: [user], rollout: {percent: 50%, by: user}}
    """)

    async def twice():
        return [await awaited(n) == await awaited(n) for n in range(200)]

    same = asyncio.run(twice())

    assert 60 < sum(same) < 140


def test_chance_decides_without_an_argument(policy):
    policy("""
      HERE:cached:
        cache: {ttl: 1h, key: [user], rollout: 50%}
    """)

    for _ in range(400):
        cached("a")

    assert 140 < len(CALLS) < 260


def test_both_sides_of_a_validation_are_decided_once(policy):
    """The input and the output of one call are checked, or neither."""
    policy("""
      HERE:cached:
        validate:
          args: {user: {type: str}}
          returns: {type: str}
          rollout: {percent: 50%, by: user}
    """)
    refused = 0
    for n in range(300):
        try:
            cached(n)
        except mlpolicy.ValidationFailed:
            refused += 1

    assert len(CALLS) == 300 - refused
    assert 100 < refused < 200


def test_what_cannot_be_read_is_left_out(policy, caplog):
    """The call goes on without the rule."""
    policy("""
      HERE:cached:
        cache: {ttl: 1h, key: [user], rollout: {percent: 99%, by: request.user.id}}
    """)

    assert [cached("a"), cached("a")] == [1, 2]
    assert "request.user.id" in caplog.text


def test_what_a_signal_handler_raises_while_it_is_read_passes():
    """It is meant for the caller, not for the argument that it interrupts."""

    class Late(Exception):
        pass

    class Request:
        @property
        def user(self):
            signal.raise_signal(signal.SIGUSR1)
            return "a"

    def late(number, frame):
        raise Late

    before = signal.signal(signal.SIGUSR1, late)
    try:
        with pytest.raises(Late):
            Share(0.99, parse("request.user"), "salt")(Request())
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_the_place_of_a_value_is_the_same_in_every_process():
    """No seed of the process goes into it."""
    values = ["u_1", 7, 7.5, None, True, (1, "a"), b"x"]
    text = (
        "from mlpolicy.runtime.assemble import position\n"
        f"print([position(v, 'p:cache') for v in {values!r}])"
    )

    run = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == str([position(value, "p:cache") for value in values])


def test_places_are_spread_evenly():
    places = [position(n, "salt") for n in range(10_000)]

    assert all(800 < sum(at / 10 <= p < (at + 1) / 10 for p in places) < 1200 for at in range(10))
    assert position(1, "a") != position(1, "b") != position("1", "b")


def test_an_object_has_no_place():
    with pytest.raises(TypeError, match="not the same in every process"):
        position(object(), "salt")


@pytest.mark.parametrize("share", [Draw(0.0), Share(0.0, parse("x"), "s")])
def test_none_is_none(share):
    assert not any(share(*(() if isinstance(share, Draw) else (n,))) for n in range(100))
