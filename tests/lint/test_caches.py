"""Caches on functions whose source speaks against them."""

from __future__ import annotations

import pytest

CACHE = "cache: 30s"
RIGHT = {
    "an async function": "async def f(x): return x",
    "a function that awaits": "async def g(): ...\nasync def f(x): return await g()",
    "a function that only starts a coroutine": (
        "import asyncio\nasync def g(): ...\ndef f(x): asyncio.run(g()); return x"
    ),
    "durations": (
        "import time\ndef f(x):\n start = time.time()\n y = x + 1\n"
        " print(time.time() - start)\n return y"
    ),
    "monotonic time": "import time\ndef f(x):\n t = time.perf_counter()\n return x",
    "a time that is given": "import time\ndef f(x): return time.gmtime(x)",
    "waiting until": (
        "import time\ndef f(x):\n end = time.time() + 5\n while time.time() < end: x.poll()\n"
        " return x"
    ),
    "a sampled log": ("import random\ndef f(x):\n if random.random() < 0.01: print(x)\n return x"),
    "a logged time": "import time\ndef f(x):\n print(time.time())\n return x",
    "seeded chance": "import random\ndef f(x):\n random.seed(x)\n return random.random()",
    "a generator of its own": "import random\ndef f(x): return random.Random(x).random()",
    "someone else's random": "from shop2 import random\ndef f(x): return random.random()",
    "a constant of the module": "LIMIT = 3\ndef f(x): return x > LIMIT",
    "a model by its name": "def f(model, x): return call(model.lower(), x)",
    "a request that is a dict": "def f(request): return request['id'], request.get('x')",
    "a session by its id": "def f(session: str): return session.strip()",
    "a model with a default name": "def f(x, model='gpt'): return model.name",
    "a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n x: int\ndef f(p: P): return p.x"
    ),
    "a class that compares": (
        "class P:\n def __init__(self, x): ...\n def __eq__(self, other): return True\n"
        "def f(p: P): return 1"
    ),
    "an enum": "import enum\nclass E(enum.Enum):\n A = 1\ndef f(e: E): return 1",
    "an unknown class": "from elsewhere import P\ndef f(p: P): return 1",
    "a protocol": (
        "from typing import Protocol\nclass P(Protocol):\n def __init__(self): ...\n"
        "def f(p: P): return 1"
    ),
}
WRONG = {
    "a generator": ("def f(x): yield x", "MP304"),
    "a hidden coroutine": ("async def g(x): ...\ndef f(x): return g(x)", "MP306"),
    "the clock": ("import time\ndef f(x): return x, time.time()", "MP704"),
    "today": ("from datetime import date\ndef f(x): return date.today()", "MP704"),
    "chance": ("import random\ndef f(x): return random.choice(x)", "MP704"),
    "numpy's chance": ("import numpy as np\ndef f(n): return np.random.rand(n)", "MP704"),
    "a session": ("def f(session, x): return session.get(x)", "MP703"),
    "a model": ("def f(model, x): return model.predict(x)", "MP703"),
    "a model that is called": ("def f(model, x): return model(x)", "MP703"),
    "an annotated client": ("import httpx\ndef f(c: httpx.Client): ...", "MP703"),
    "an optional one": ("import requests\ndef f(c: requests.Session | None): ...", "MP703"),
    "a random generator": (
        "import numpy as np\ndef f(rng: 'np.random.Generator'): return rng.normal()",
        "MP703",
    ),
    "a plain object": (
        "class P:\n def __init__(self, x): ...\ndef f(p: P): return 1",
        "MP703",
    ),
}


@pytest.mark.parametrize("source", RIGHT.values(), ids=RIGHT)
def test_nothing_is_said_of(on, source):
    assert on(CACHE, source) == []


@pytest.mark.parametrize(("source", "code"), WRONG.values(), ids=WRONG)
def test_one_finding_for(on, source, code):
    assert on(CACHE, source) == [code]


@pytest.mark.parametrize("cache", ["key: [x]", "ignore: [session]"])
def test_a_key_settles_it(on, cache):
    source = "def f(session, x): return session.get(x)"

    assert on(f"cache: {{ttl: 30s, {cache}}}", source) == []


def test_several_arguments_are_one_finding(findings):
    [one] = findings(
        "policies:\n  'shop:f': {cache: 30s}\n",
        shop="def f(session, model): return model(session.get(1))",
    )

    assert "`session`, `model`" in one.message


def test_a_key_that_is_no_argument_says_nothing_more_of_it(on):
    source = "def f(session, x): return session.get(x)"

    assert on("cache: {ttl: 30s, key: [sesion]}", source) == ["MP702"]


def test_a_cache_that_is_off_is_left_alone(on):
    source = "import time\ndef f(x): return time.time()"

    assert on("cache: {ttl: 30s, mode: disabled}", source) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f() -> list[int]: ...", ["MP701"]),
        ("from typing import Dict\ndef f() -> Dict: ...", ["MP701"]),
        ("import numpy as np\ndef f() -> 'np.ndarray | None': ...", ["MP701"]),
        ("def f(): return {'a': 1}", ["MP701"]),
        ("def f() -> int: ...", []),
        ("def f() -> tuple[int, int]: ...", []),
        ("def f() -> 'list[int] | int': ...", []),
        ("def f(): return (1, 2)", []),
        ("def f():\n def g(): return []\n return 1", []),
        ("class list: ...\ndef f() -> list: ...", []),
    ],
)
def test_what_can_be_changed_is_shared(on, source, expected):
    assert on("cache: {ttl: 30s, copy: none}", source) == expected
    assert on("cache: 30s", source) == []
