"""The order of files, keys and policies never changes a plan."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mlpolicy.core.target import Target
from mlpolicy.plan.load import Terms, load, load_every

TARGETS = [Target("m.a", "f"), Target("m.a", "g"), Target("m.b", "f"), Target("m.b", "h")]
MATCHES = ["m.a:f", "m.a:*", "m.**:*", "m.b:f", "m.*:f", "m.b:*", "m.a:g"]
RULES = st.fixed_dictionaries(
    {},
    optional={
        "retry": st.fixed_dictionaries(
            {},
            optional={
                "max_attempts": st.integers(2, 6),
                "jitter": st.sampled_from(["full", "equal"]),
                "max_delay": st.sampled_from(["3s", "9s"]),
                "inherit": st.booleans(),
                "final": st.booleans(),
                "mode": st.sampled_from(["enforce", "shadow", "disabled"]),
            },
        ),
        "memory": st.fixed_dictionaries({}, optional={"wait": st.sampled_from(["0s", "1s"])}),
        "monitor": st.just({}),
    },
)
PROFILES = st.dictionaries(st.sampled_from(["p", "q"]), RULES, max_size=2)
POLICY = st.tuples(
    st.sampled_from(MATCHES),
    RULES,
    st.fixed_dictionaries(
        {},
        optional={
            "priority": st.integers(-1, 1),
            "final": st.booleans(),
            "exclude": st.just(["m.b:h"]),
        },
    ),
    st.lists(st.sampled_from(["p", "q"]), max_size=2, unique=True),
)


def written(value, chance):
    """Return *value* as YAML of flow style, its keys in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        return "{" + ", ".join(f'"{key}": {written(one, chance)}' for key, one in items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(one, chance) for one in value) + "]"
    return (
        {True: "true", False: "false"}.get(value, str(value))
        if isinstance(value, bool)
        else f"{value}"
        if isinstance(value, int)
        else f'"{value}"'
    )


def plans(policies, profiles, defaults, seed):
    """Return what holds for each target when the files were written in that order."""
    chance = random.Random(seed)
    files = {"a.yaml": {}, "b.yaml": {}}
    order = list(enumerate(policies))
    chance.shuffle(order)
    for at, (match, rules, more, use) in order:
        known = [name for name in use if name in profiles]
        home = files["a.yaml" if at % 2 else "b.yaml"]
        home[f"policy{at}"] = {
            "match": [match],
            **rules,
            **more,
            **({"use": known} if known else {}),
        }
    with tempfile.TemporaryDirectory() as folder:
        names = list(files)
        for name in names:
            whole = {"version": 1, "policies": files[name]}
            if name == "a.yaml":
                whole |= {"profiles": profiles, "defaults": defaults}
            path = Path(folder, name if seed % 2 else f"z{name}")
            path.write_text(written(whole, chance))
        rulebook = load([Path(folder)], Terms(environ={})).rulebook
    return [shown(rulebook.plan(target)) for target in TARGETS]


def shown(plan):
    """Return a plan without its places; of equal rank and equal values either may have won."""
    if plan is None:
        return None
    return plan.placement, [
        (
            rule.kind,
            rule.mode,
            sorted((path, str(value.value)) for path, value in rule.values.items()),
        )
        for rule in plan.rules
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(POLICY, max_size=5), PROFILES, RULES, st.integers(0, 1000))
def test_no_order_matters(policies, profiles, defaults, seed):
    """Where two of equal rank disagree, that is an error, and no plan is promised."""
    defaults = {
        kind: {k: v for k, v in of.items() if k not in ("inherit", "final")}
        for kind, of in defaults.items()
    }
    if conflicting(policies, profiles, defaults):
        return
    assert plans(policies, profiles, defaults, 0) == plans(policies, profiles, defaults, seed)


def conflicting(policies, profiles, defaults):
    chance = random.Random(0)
    whole = {
        f"policy{at}": {
            "match": [match],
            **rules,
            **more,
            **(
                {"use": [n for n in use if n in profiles]}
                if any(n in profiles for n in use)
                else {}
            ),
        }
        for at, (match, rules, more, use) in enumerate(policies)
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.yaml")
        path.write_text(
            written(
                {"version": 1, "policies": whole, "profiles": profiles, "defaults": defaults},
                chance,
            )
        )
        loaded = load([path], Terms(environ={}))
        found = [one for target in TARGETS for one in loaded.rulebook.resolve(target)[1]]
    return any(one.code == "MP401" for one in found)


def test_equal_rank_and_different_values_name_both_places():
    """Between policies of one pattern, of two, and between the defaults of two files."""
    from policies import loaded

    for texts in (
        ("policies: {a: {match: 'm:f*', retry: 2}, b: {match: 'm:f*', retry: 3}}",),
        (
            "policies: {a: {match: 'm:fa*', retry: 2}, b: {match: 'm:*ab', retry: 3}, m:fab: {monitor: {}}}",
        ),
        (
            "defaults: {retry: {jitter: equal}}\npolicies: {m:f: {retry: 3}}",
            "defaults: {retry: {jitter: full}}\npolicies: {m:g: {retry: 3}}",
        ),
    ):
        [one] = [each for each in loaded(*texts).diagnostics if each.code == "MP401"]
        assert len({one.span, *(other.span for other in one.related)}) == 2


def test_every_environment_is_judged_as_it_would_be_alone(tmp_path):
    """What it changes beside a policy, defaults and profiles, is seen in plans that it leaves."""
    (tmp_path / "a.yaml").write_text("""
version: 1
profiles:
  slow: {retry: {max_attempts: 3}}
policies:
  m:f: {deadline: 1s, retry: {max_attempts: 3}, monitor: {}}
  m:g: {deadline: 1s, use: [slow], monitor: {}}
environments:
  same: {vars: {}}
  defaults: {defaults: {retry: {initial_delay: 9s}}}
  profiles: {profiles: {slow: {retry: {max_attempts: 9}}}}
  policies: {policies: {m:f: {retry: {initial_delay: 8s}}}}
""")

    found = load_every([tmp_path], Terms(environ={})).diagnostics

    assert sorted((one.environment, one.span.line) for one in found if one.code == "MP601") == [
        ("defaults", 10),  # (once, for both policies)
        ("policies", 12),
        ("profiles", 11),
    ]
