"""`mlpolicy events`: from the id that a client was given to the input that failed."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import select
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).parents[2] / "src")
SERVICE = """
from dataclasses import dataclass
from datetime import date

@dataclass
class User:
    country: str
    born: date

class Strict(ValueError):
    def __setattr__(self, name, value): raise RuntimeError("nothing is set")

def score(user: User, rows: list[tuple[int, float]], *more: float, scale: float = 1.0, **named):
    if user.country == "XX": raise Strict("no such country")
    return born(user), rows, more, scale, named

def born(user):
    if user.country == "YY": raise KeyError("unborn")
    return user.born.year

async def wait(seconds: float): raise TimeoutError("too long")

def hidden(token): raise ValueError("hidden")

def free(x): raise ValueError("free")

async def endless():
    number = 0
    while True:
        yield number
        number += 1
        if number > 2000: raise ValueError("all of it")

async def counted(start: int):
    yield start
    raise ValueError("counted")

class Model:
    users: list[User]
    def __init__(self, scale, users): self.scale, self.users = scale, users
    def score(self, x: int): raise ValueError(f"{self.scale} {self.users[0].born.year} {x}")
    async def wait(self, x: int): raise ValueError(f"wait {self.scale} {x}")
    @classmethod
    def named(cls, x: int): raise ValueError(f"{cls.__name__} {x}")
    @staticmethod
    def plain(x: int): raise ValueError(f"plain {x}")

class Bare:
    def score(self, x: int): raise ValueError(f"bare {x}")

class Hidden:
    def __init__(self): self._scale = 1
    def score(self, x: int): raise ValueError(f"{self._scale}")

class Tight:
    __slots__ = ("scale",)
    def score(self, x: int): raise ValueError("tight")
"""
POLICY = """
version: 1
policies:
  all:
    match: ["svc:*", "svc:*.*"]
    monitor:
      log: {sample: 100%, inputs: full, redact: [user.name]}
      sinks: [{record: {path: events.db}}]
  bounded:
    match: ["svc:score"]
    validate: {args: {scale: {range: [0, 10]}}}
"""
CALLS = """
import asyncio, datetime, mlpolicy
mlpolicy.install(policy="policy.yaml")
import svc
de, xx, yy = (svc.User(one, datetime.date(2000, 1, 2)) for one in ("DE", "XX", "YY"))
calls = {
    "fine": lambda: svc.score(de, [(1, 2.0)], 3.0, kind="a"),
    "failed": lambda: svc.score(xx, [(1, 2.0), (2, 3.0)], 3.0, kind="a"),
    "deep": lambda: svc.score(yy, []),
    "refused": lambda: svc.score(de, [], scale=20.0),
    "nan": lambda: svc.score(de, [], scale=float("nan")),
    "async": lambda: asyncio.run(svc.wait(0.5)),
    "hidden": lambda: svc.hidden("t0ps3cret"),
    "free": lambda: svc.free(float("nan")),
    "summary": lambda: svc.free(object()),
    "large": lambda: svc.free("x" * 20000),
    "endless": lambda: asyncio.run(listed(svc.endless())),
    "many": lambda: asyncio.run(listed(svc.counted(7))),
    "method": lambda: svc.Model(1.5, [de]).score(3),
    "coroutine": lambda: asyncio.run(svc.Model(1.5, []).wait(3)),
    "class": lambda: svc.Model.named(3),
    "static": lambda: svc.Model.plain(3),
    "bare": lambda: svc.Bare().score(3),
    "private": lambda: svc.Hidden().score(3),
    "slots": lambda: svc.Tight().score(3),
}
async def listed(items): return [item async for item in items]
for name, call in calls.items():
    try:
        call()
    except Exception as error:
        own = getattr(error, "call_id", "")
        print(name, own or error.__notes__[0].partition("mlpolicy call id: ")[2])
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder in which a service has run, and the ids that its callers were given."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "svc.py").write_text(SERVICE)
    (folder / "policy.yaml").write_text(POLICY)
    done = subprocess.run(
        [sys.executable, "-c", CALLS],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": SOURCE, "MLPOLICY_CACHE_DIR": str(folder / "plans")},
        capture_output=True,
        text=True,
        check=True,
    )
    return folder, dict(line.split() for line in done.stdout.splitlines())


@pytest.fixture
def events(recorded, project, monkeypatch):
    """`mlpolicy events` where the service has run; the ids as an attribute."""
    folder, ids = recorded
    monkeypatch.chdir(folder)

    def run(*arguments, **environment):
        return project.run("events", "--policy", "policy.yaml", *arguments, **environment)

    project.folder, run.ids, run.folder = folder, ids, folder
    return run


def test_every_error_bears_the_id_of_its_call(events):
    """Also one whose class lets nobody set anything."""
    assert len(set(events.ids.values())) == len(events.ids) == 18
    assert "fine" not in events.ids


def test_what_is_asked_for_is_listed(events):
    """By function, outcome, time and content; the record is found by the policy."""
    asked = ("--function", "svc:s*", "--since", "1h", "--where", 'input.user.country = "XX"')
    as_json = events("--format", "json", *asked, "--outcome", "error,refused").content
    ended = events("--format", "csv", *asked)
    [row] = csv.DictReader(io.StringIO(ended.out))
    table = events(*asked).out.splitlines()

    assert as_json["schema"] == "mlpolicy.events/1"
    assert [one["call_id"] for one in as_json["events"]] == [events.ids["failed"]]
    assert (row["call_id"], row["function"]) == (events.ids["failed"], "svc:score")
    assert row["error"] == "Strict: no such country"
    assert table[0].split() == ["TIME", "FUNCTION", "OUTCOME", "DURATION_S", "ERROR", "CALL_ID"]
    assert table[1].endswith(f"Strict: no such country  {events.ids['failed']}")
    assert events("--function", "none:*").out == ""
    assert len(events("--limit", "3").out.splitlines()) == 4


@pytest.mark.parametrize("digits", [32, 12])
def test_a_call_is_shown_with_all_that_was_made_in_it(events, digits):
    """By its id, or the beginning of it; also by the id of a part of it."""
    text = events("show", events.ids["deep"][:digits]).out
    inner = events("show", events.ids["deep"], "--format", "json").content["events"][0]

    lines = text.splitlines()
    assert lines[0].startswith("svc:score  error  ")
    assert '  input.user: {"country": "YY", "born": "2000-01-02"}' in lines
    assert any(line.startswith("  svc:born  error  ") for line in lines)
    assert '    error.type: "KeyError"' in lines
    assert inner["function"] == "svc:born"
    assert events("show", inner["own_id"]).out == text


def test_what_fails_most_comes_first(events):
    """Each with an example."""
    first, *others = events("top", "--format", "json", "--function", "svc:free").content["top"]

    assert others == []
    assert first["example"] == events.ids["large"]
    assert (first["function"], first["error_type"]) == ("svc:free", "ValueError")
    assert (first["calls"], first["events"]) == (3, 3)


def test_what_comes_is_followed(recorded):
    """Until it is interrupted, while a service writes."""
    folder, _ = recorded
    environment = os.environ | {"PYTHONPATH": SOURCE, "MLPOLICY_CACHE_DIR": str(folder / "plans")}
    terms = {"cwd": folder, "env": environment, "text": True, "stdout": subprocess.PIPE}
    # (a shell lets what it runs in the background ignore the signal, and children inherit that)
    terms["preexec_fn"] = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    asked = ["events", "tail", "-f", "--record", "events.db", "--limit", "1", "--format", "json"]
    with subprocess.Popen([sys.executable, "-m", "mlpolicy", *asked], **terms) as tail:
        last = json.loads(tail.stdout.readline())
        program = "import time, mlpolicy; mlpolicy.install('policy.yaml'); import svc; "
        program += "svc.born(svc.User('IT', svc.date(1, 1, 1))); time.sleep(2)"
        subprocess.run([sys.executable, "-c", program], check=True, **terms)
        came, _, _ = select.select([tail.stdout], [], [], 30)
        line = json.loads(tail.stdout.readline() if came else "{}")
        tail.send_signal(signal.SIGINT)
        try:
            code = tail.wait(20)
        finally:
            tail.kill()

    assert last["id"] < line["id"]
    assert (line["function"], line["outcome"], code) == ("svc:born", "ok", 130)


@pytest.mark.parametrize(
    ("which", "bare", "code", "said"),
    [
        ("failed", False, 1, "Strict: no such country"),
        ("deep", False, 1, "KeyError: 'unborn'"),
        ("refused", False, 1, "scale is 20.0, expected between 0 and 10"),
        ("refused", True, 0, "(2000, [], (), 20.0, {})"),
        ("nan", True, 0, "(2000, [], (), nan, {})"),
        ("async", True, 1, "TimeoutError: too long"),
        ("hidden", True, 5, "values of its input are redacted"),
        ("free", True, 5, "its annotation does not say float"),
        ("summary", True, 5, "of `x` only a summary was recorded"),
        ("large", True, 5, "its input was too large"),
        ("large", True, 5, "\n  what was recorded: mlpolicy events show {own_id}"),
        ("endless", True, 0, ", 998, 999]\n"),
        ("many", False, 1, "ValueError: counted"),
        ("method", False, 1, "ValueError: 1.5 2000 3"),
        ("method", True, 1, "made without `__init__`, as a Model"),
        ("coroutine", False, 1, "ValueError: wait 1.5 3"),
        ("class", False, 1, "ValueError: Model 3"),
        ("static", False, 1, "ValueError: plain 3"),
        ("bare", True, 1, "ValueError: bare 3"),
        ("private", False, 5, "it reads the attribute `_scale`, which was not recorded"),
        ("slots", True, 5, 'of `self` only a summary was recorded, {"type": "Tight"}'),
    ],
)
def test_a_call_is_made_again(events, which, bare, code, said):
    """With what it was given, as its annotations say; what is not whole is not played."""
    before = events("--format", "json", "--limit", "999").content
    options = ["--no-policy"] if bare else []
    ended = events("replay", events.ids[which], "--module", "svc", *options)

    said = said.replace("{own_id}", events.ids[which])
    assert (ended.code, said in ended.out + ended.err) == (code, True), ended.out + ended.err
    assert events("--format", "json", "--limit", "999").content == before


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (["show"], 2, "name a call: mlpolicy events show CALL_ID"),
        (["show", "zz"], 5, "no event of the call `zz`"),
        (["top", "-f"], 2, "--follow goes with tail, not with top"),
        (["list", "aa"], 2, "an id goes with show, replay, not with list"),
        (["replay", "aa"], 2, "name the module that imports the function"),
        (["--outcome", "bad"], 2, "`bad` is none of ok, error, refused, fallback"),
        (["--since", "25:00"], 2, "`25:00` is no time: write 03:00"),
        (["--record", "none.db"], 2, "there is no record `none.db`"),
        (["--record", "svc.py"], 2, "`svc.py` is no record: file is not a database"),
        (["--where", "input.x = DE"], 2, "            ^\n  = a text stands in quotes"),
    ],
)
def test_what_cannot_be_done_is_said(events, asked, code, said):
    """With what to write instead."""
    ended = events(*asked)

    assert (ended.code, said in ended.err) == (code, True), ended.err


def test_a_policy_without_a_record_is_said(project):
    """And one with several."""
    project.write(policy="version: 1\npolicies: {'a:f': {monitor: true}}")
    none = project.run("events", "--policy", "policy.yaml")
    sinks = "[{record: {path: a.db}}, {record: {path: b.db}}]"
    project.write(policy=f"version: 1\ndefaults: {{monitor: {{sinks: {sinks}}}}}\npolicies: {{}}")
    several = project.run("events", "--policy", "policy.yaml")

    assert (none.code, "the policy names no record" in none.err) == (5, True)
    assert (several.code, "one of a.db, b.db" in several.err) == (2, True)


def test_a_client_of_fastapi_is_given_the_id(project, monkeypatch):
    """And with it, one command shows the input that was refused."""
    project.write(
        policy="""
            version: 1
            policies:
              web:predict:
                monitor:
                  log: {inputs: full, redact: [x.name]}
                  sinks: [{record: {path: events.db}}]
                validate: {args: {x: {range: [0, 1]}}}
        """,
        web="""
            import mlpolicy
            mlpolicy.install(policy="policy.yaml")
            from fastapi import FastAPI
            from fastapi.responses import JSONResponse
            from mlpolicy.errors import CallRefused

            app = FastAPI()

            @app.exception_handler(CallRefused)
            def refused(request, error):
                return JSONResponse({"call_id": error.call_id}, status_code=422)

            def predict(x: float): return x

            @app.get("/predict")
            def route(x: float): return predict(x)
        """,
    )
    program = (
        "import web\nfrom fastapi.testclient import TestClient\n"
        "print(TestClient(web.app).get('/predict?x=7.5').json()['call_id'])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        check=False,
    )
    ended = project.run("events", "show", done.stdout.strip(), "--policy", "policy.yaml")

    assert "  input.x: 7.5\n" in ended.out, done.stderr + ended.err


def test_a_refusal_keeps_its_id_between_processes():
    """It travels with it."""
    from mlpolicy.errors import MemoryPressure, ValidationFailed

    for error in (MemoryPressure("a:f", used=1, limit=2), ValidationFailed("a:f", ())):
        error.call_id = "abc"
        assert pickle.loads(pickle.dumps(error)).call_id == "abc"
