"""`mlpolicy profile`: the same profile of every kind of file; what is wrong with data and profiles."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

SERVICE = """
    def predict(features):
        return features
"""
POLICY = """
    version: 1
    policies:
      serve:predict:
        monitor: {drift: {profile: p.json, signals: [SIGNALS]}}
"""
ROWS = 3000
MADE = ("--target", "serve:predict", "--signals", "features.*, !id, result.score=y")


@pytest.fixture
def service(project):
    draw = random.Random(3)
    rows = [
        {"id": n, "age": draw.gauss(40, 9), "town": draw.choice("abc"), "y": draw.random()}
        for n in range(ROWS)
    ]
    for row in rows[::10]:
        row["age"] = None
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    with open("data.csv", "w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    pa.parquet.write_table(pa.table(columns), "data.parquet")
    nested = (
        {"features": {key: row[key] for key in ("id", "age", "town")}, "y": row["y"]}
        for row in rows
    )
    with open("data.jsonl", "w") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in nested)
    ages = np.array([np.nan if age is None else age for age in columns["age"]])
    np.savez("data.npz", age=ages, town=np.array(columns["town"]), y=np.array(columns["y"]))
    project.write(serve=SERVICE, policies__a=POLICY.replace("SIGNALS", "'features.*'"))
    return project


def test_every_kind_of_file_gives_the_same_profile(service):
    """Columns find their signals by name, nested or not; identifiers are left out."""
    found = []
    for kind in ("csv", "parquet", "jsonl", "npz"):
        signals = MADE[3].replace("!id", "!features.id") if kind == "jsonl" else MADE[3]
        ended = service.run("profile", "--data", f"data.{kind}", *MADE[:3], signals)
        assert ended.code == 0, ended.err
        made = json.loads(ended.out)
        assert made.pop("made")
        found.append(made)

    assert found[1:] == found[:1] * 3
    assert list(found[0]["signals"]) == ["features.age", "features.town", "result.score"]
    age, town = found[0]["signals"]["features.age"], found[0]["signals"]["features.town"]
    assert (age["count"], age["nulls"], len(age["edges"])) == (2700, 300, 9)
    assert age["mean"] == pytest.approx(40, abs=1)
    assert sum(town["counts"]) == ROWS
    assert not set(town["labels"]) & set("abc")  # (keyed hashes)


def _make(service, path, *more):
    ended = service.run("profile", "--data", "data.csv", *MADE, "-o", path, *more)
    assert ended.code == 0, ended.err


def test_profiles_are_shown_compared_and_merged(service):
    """Two halves are the whole again; a category that is new is a drift."""
    lines = Path("data.csv").read_text().splitlines()
    for name, part in (("a", lines[1:1501]), ("b", lines[1501:])):
        Path(f"{name}.csv").write_text("\n".join([lines[0], *part]))
        assert (
            service.run("profile", "--data", f"{name}.csv", *MADE, "-o", f"{name}.json").code == 0
        )
    _make(service, "whole.json")
    assert service.run("profile", "merge", "a.json", "b.json", "-o", "both.json").code == 0
    whole, both = (
        json.loads(Path(f"{name}.json").read_text())["signals"] for name in ("whole", "both")
    )
    shown = service.run("profile", "show", "both.json")
    same = service.run("profile", "diff", "a.json", "b.json", "--format", "json").content
    Path("c.csv").write_text("\n".join([lines[0], *lines[1501:]]).replace(",a,", ",new,"))
    service.run("profile", "--data", "c.csv", *MADE, "-o", "c.json")
    other = service.run("profile", "diff", "a.json", "c.json", "--format", "json").content

    assert sorted(both["features.town"]["counts"]) == sorted(whole["features.town"]["counts"])
    assert both["features.age"]["mean"] == pytest.approx(whole["features.age"]["mean"])
    assert both["features.age"]["std"] == pytest.approx(whole["features.age"]["std"])
    assert sum(both["features.age"]["counts"]) == 2700
    assert [one["verdict"] for one in same["signals"]] == ["ok"] * 3
    assert [one["verdict"] for one in other["signals"]] == ["ok", "drift", "ok"]
    assert "█" in shown.out and "features.age" in shown.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data", "data.csv", "--target", "serve:predict"), "--target and --signals are needed"),
        (
            ("--data", "data.csv", *MADE[:3], "result.loss"),
            "no column is `result.loss`; there are `id`",
        ),
        (("--data", "data.csv", *MADE[:3], "a..b"), "`a..b` is not a path"),
        (("--data", "text.csv", *MADE[:3], "features.*"), "neither numeric nor a category"),
        (("--data", "torn.parquet", *MADE[:3], "features.*"), "cannot be read"),
        (("show", "data.csv"), "it is not JSON"),
        (("show", "none.json"), "there is no profile `none.json`"),
        (("shew", "p.json"), "did you mean `show`?"),
    ],
)
def test_what_cannot_be_done_is_said(service, arguments, said):
    Path("torn.parquet").write_text("no")
    Path("text.csv").write_text("x\n" + "\n".join(f"text {n}" for n in range(500)))
    ended = service.run("profile", *arguments)

    assert ended.code == 2
    assert said in ended.err


@pytest.mark.parametrize(
    ("change", "signals", "said"),
    [
        (None, "'features.*'", None),
        (None, "'features.agee'", "has no signal `features.agee`; did you mean `features.age`?"),
        (
            ("serve:predict", "serve:other"),
            "'features.*'",
            "is of `serve:other`, this is `serve:predict`",
        ),
        (("profile/1", "profile/2"), "'features.*'", "expected `mlpolicy.profile/1`"),
        (("features.age", "feature.age"), "feature.age", "has no argument `feature`"),
        (('"counts": [', '"counts": [7, '), "'features.*'", "is damaged"),
        ("none", "'features.*'", "there is no profile"),
    ],
)
def test_a_profile_that_is_not_right_is_a_finding(service, change, signals, said):
    """The path is from the policy file."""
    if change != "none":
        _make(service, "policies/p.json")
    if change and change != "none":
        text = Path("policies/p.json").read_text()
        assert change[0] in text
        Path("policies/p.json").write_text(text.replace(*change))
    service.write(policies__a=POLICY.replace("SIGNALS", signals))
    ended = service.run("validate")

    assert ended.code == (1 if said else 0), ended.out
    if said:
        assert "MP904" in ended.out
        assert said in " ".join(ended.out.split())


def test_categories_may_be_keyed_by_a_secret_of_the_service(service):
    """Without it the profile cannot be used, and that is said."""
    variable = {"MLPOLICY_PROFILE_KEY": "k" * 32}
    ended = service.run("profile", "--data", "data.csv", *MADE, "-o", "policies/p.json", **variable)

    assert ended.code == 0
    assert service.run("validate", **variable).code == 0
    assert "MLPOLICY_PROFILE_KEY, which is not set" in " ".join(service.run("validate").out.split())
