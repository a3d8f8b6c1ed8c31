"""Right files with one slip each: one finding, at the slip, whose repair gives the file back."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlpolicy.cli.fix import fixed
from mlpolicy.cli.render.report import Report
from mlpolicy.cli.resolve import resolved
from mlpolicy.plan.load import load_every

SERVE = """
class Overload(Exception): ...
def predict(features, user): return features
def fetch(query): return query
def fence(query): return query
def rank(query): return query
"""
RIGHT = """\
version: 1
name: shop
vars:
  pause: 100ms
settings:
  require: [owner]
  allow_call: ["serve:*"]
  lint: {ignore: {MP906: somebody looks at the logs}}
defaults:
  mode: enforce
profiles:
  calm:
    retry: {max_delay: 2s}
  calmer:
    extends: [calm]
policies:
  serve:predict:
    owner: us
    retry:
      max_attempts: 4
      retry_on:
        - transient
        - "http:503"
        - serve.Overload
      give_up_on:
        - ValueError
      initial_delay: ${vars.pause}
      idempotent: true
      max_elapsed: 3s
      retry_after:
        max: 10s
    cache:
      ttl: 5m
      max_entries: 20k
      max_bytes: 256MiB
      ttl_jitter: 10%
      stale_if_error: 2m
      key:
        - user.id
        - features
      rollout: {percent: 25%, by: user.id}
    memory: {act_at: 80%, relieve: [gc, trim, {call: serve:fence}]}
    monitor:
      buckets: [5ms, 25ms, 100ms]
      labels: {team: ranking}
      sinks: [prometheus, log]
      slo: {p99: 50ms}
      log: {sample: 5%, redact: [user.email]}
    validate:
      on_fail: warn
      args:
        features:
          type: ndarray
          dtype: [float32, float64]
          range: [0, null]
          max_len: 10
        user: {type: mapping, required: [id], fields: {id: {pattern: "^u_"}}}
      returns: {columns: {amount: {categories: [web, app]}}}
  serve:rank:
    owner: us
    retry: 2
  fetching:
    match: {target: "serve:fe*", kind: [function]}
    exclude: ["serve:fence"]
    use: [calmer]
    owner: us
    labels: {tier: gold}
environments:
  prod:
    policies:
      serve:predict:
        cache: {ttl: 2m}
      serve:rank: {retry: {max_attempts: 3, give_up_on: [serve.Overload]}}
    profiles:
      calm: {retry: {max_delay: 3s}}
"""

REPAIRED = [
    # Keys of blocks at every depth, by spelling and by habit.
    ("MP005", "name: shop", "§nmae: shop"),
    ("MP005", "settings:", "§configuration:"),
    ("MP005", "  mode: enforce", "  §mdoe: enforce"),
    ("MP005", "extends: [calm]", "§inherits: [calm]"),
    ("MP005", "    retry: {max_delay", "    §retires: {max_delay"),
    ("MP005", "match: {target:", "match: {§function:"),
    ("MP005", "kind: [function]", "§type: [function]"),
    ("MP005", "max_attempts: 4", "§maxAttempts: 4"),
    ("MP005", "max_attempts: 4", "§MaxRetryAttempts: 3"),
    ("MP005", "max_attempts: 4", "§numRetries: 3"),
    ("MP005", "initial_delay: ", "§waitDuration: "),
    ("MP005", "        max: 10s", "        §maximum: 10s"),
    ("MP005", "ttl: 5m", "§time_to_live: 5m"),
    ("MP005", "max_entries: 20k", "§max_items: 20k"),
    ("MP005", "{percent: 25%", "{§ratio: 25%"),
    ("MP005", "max_len: 10", "§maxItems: 10"),
    ("MP005", "range: [0, null]", "§minimum: 0"),
    ("MP005", 'pattern: "^u_"', '§match: "^u_"'),
    ("MP005", "categories: [web", "§isin: [web"),
    ("MP005", "sample: 5%", "§rate: 5%"),
    ("MP005", "p99: 50ms", "§latency: 50ms"),
    ("MP005", "cache: {ttl: 2m}", "§cahe: {ttl: 2m}"),
    # What an environment says, against the functions too.
    ("MP005", "serve:rank: {retry:", "serve:rank: {§rety:"),
    ("MP005", "{max_attempts: 3,", "{§max_atempts: 3,"),
    ("MP301", "serve:rank: {retry:", "§serve:rnk: {retry:"),
    ("MP407", "calm: {retry: {max_delay: 3s}}", "§clam: {retry: {max_delay: 3s}}"),
    ("MP603", "[serve.Overload]", "[§serve.Overlaod]"),
    # Values.
    ("MP101", "ttl_jitter: 10%", "ttl_jitter: §10 percent"),
    ("MP010", "max_entries: 20k", "max_entries: §20K"),
    ("MP010", "max_entries: 20k", "max_entries: §20kB"),
    ("MP010", "max_entries: 20k", "max_entries: §20,000"),
    ("MP010", "max_attempts: 4", "max_attempts: §4.0"),
    ("MP010", "idempotent: true", "idempotent: §yes"),
    ("MP010", "idempotent: true", "idempotent: §ture"),
    ("MP010", "type: ndarray", "type: §ndaray"),
    ("MP010", "type: mapping", "type: §Mapping"),
    ("MP010", "[gc, trim,", "[gc, §malloc_trim,"),
    ("MP010", "{call: serve:fence}]", "§serve:fence]"),
    ("MP130", "[prometheus, log]", "[§promtheus, log]"),
    # Lists without brackets between braces, and in braces.
    ("MP009", "categories: [web, app]", "categories: web, §app"),
    ("MP009", "required: [id]", "required: {§id}"),
    ("MP009", "extends: [calm]", "extends: {§calm}"),
    # Variables: the value at the variable, a reference where it is used.
    ("MP101", "pause: 100ms", "pause: §100msecs"),
    *(
        ("MP110", "${vars.pause}", f"§{written}")
        for written in (
            *("${var.pause}", "$vars.pause", "$(vars.pause)", "${pause}", "${vars.pause"),
            *("${vars:pause}", "${ vars.pause }"),
        )
    ),
    # Items of lists, and the functions that rules call.
    ("MP301", "{call: serve:fence}", "{call: §serve:fenc}"),
    ("MP010", "{call: serve:fence}", "{call: §serve.fence}"),
    ("MP010", 'exclude: ["serve:fence"]', "exclude: [§serve.fence]"),
    ("MP204", "[float32, float64]", "[float32, §flaot64]"),
    ("MP603", "- transient", "- §trasient"),
    ("MP603", "- serve.Overload", "- §serve.Overlaod"),
    *(
        ("MP603", '- "http:503"', f"- §{written}")
        for written in ('"HTTP:503"', '"503"', "HTTP 503")
    ),
    ("MP010", '- "http:503"', "- §503"),
    ("MP010", '- "http:503"', "- §{http: 503}"),
    ("MP702", "- features", "- §featurs"),
    ("MP702", "- user.id", "- §usr.id"),
    ("MP507", "by: user.id", "by: §usr.id"),
]
SHOWN = [
    # What only the author can put right.
    ("MP005", "max_attempts: 4", "max_attempts: 4\n      §max_atempts: 4"),
    ("MP005", "p99: 50ms", "§p95: 50ms"),
    ("MP005", "range: [0, null]", "§gt: 0"),
    ("MP005", "categories: [web, app]", "§not_null: true"),
    ("MP005", "{percent: 25%", "{§quota: 25%"),
    ("MP005", "kind: [function]", "§exclude: [serve:predict]"),
    ("MP103", "10%", "§-10%"),
    ("MP010", "ttl: 5m\n", "ttl: §.inf\n"),
    ("MP010", "categories: [web, app]", "categories: §[]"),
    ("MP010", "range: [0, null]", "range: §0"),
    ("MP010", "required: [id]", "required: §true"),
    ("MP010", "redact: [user.email]", "redact: [user.name, §user..email]"),
    ("MP010", "- features", "- §'features '"),
    ("MP010", "team: ranking", "§le: ranking"),
    ("MP010", "${vars.pause}", "§{vars.pause}"),
    ("MP009", "- transient", "-§"),
    ("MP602", "max_elapsed: 3s", "max_elapsed: §3ms"),
    ("MP102", "ttl: 5m\n", "ttl: §5ms\n"),
    ("MP605", "- transient", "- §KeyError"),
    ("MP010", '- "http:503"', "- §http: 503"),
    ("MP610", "- ValueError", "- §Exception"),
    ("MP902", "[5ms, 25ms, 100ms]", "[5ms, 25ms, §10ms]"),
    ("MP110", "${vars.pause}", "§${env:MY-PAUSE:-${vars.pause}}"),
    ("MP010", "pause: 100ms", "pause: §soon"),
    ("MP002", "{percent: 25%,", "{§percent:25%,"),
    ("MP002", "{percent: 25%,", "{percent: §*share,"),
    # Braces where others belong.
    ("MP010", "${vars.pause}", "§{vars.pause}"),
    ("MP009", "kind: [function]}", "kind: function, §method}"),
    ("MP009", '{target: "serve:fe*", kind: [function]}', '{target: "serve:fe*", §"serve:rank"}'),
    ("MP002", '{target: "serve:fe*", kind: [function]}', '{target: "serve:fe*", §serve:rank}'),
    # What belongs further in.
    (
        "MP009",
        "    memory: {act_at: 80%, relieve: [gc, trim, {call: serve:fence}]}",
        "    §memory:\n    act_at: 80%",
    ),
    ("MP009", "log: {sample: 5%, redact: [user.email]}", "§log:\n      sample: 5%"),
    ("MP005", "    retry: 2", "    retry: 2\n  §cache: {ttl: 5m}"),
    ("MP005", "environments:", "§cache: {ttl: 5m}\nenvironments:"),
    # One thing said twice, a name that is none, a code near no other.
    (
        "MP010",
        "  serve:rank:\n    owner: us",
        "  serve:rank:\n    §target: serve:rank\n    owner: us",
    ),
    ("MP010", "  calm:\n    retry: {max_delay: 2s}", "  §calm!:\n    retry: {max_delay: 2s}"),
    # What a policy is for: nothing that follows is said besides.
    ("MP302", '"serve:fe*"', '§"serve:ef*"'),
    ("MP010", '"serve:fe*"', '§"serve.fe*"'),
    ("MP011", "  serve:predict:\n    owner", "  §predict:\n    owner"),
    ("MP320", "  serve:predict:\n    owner", "  §serve:Overload:\n    owner"),
]


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Return a function that writes a policy and gives the report of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "serve.py").write_text(SERVE)
    path = tmp_path / "policy.yaml"

    def report(text=None):
        if text is not None:
            path.write_text(text)
        loaded = load_every([path.relative_to(tmp_path)])
        return Report.of(resolved(loaded, [path], (), level="ast"))

    return report


def slipped(old, new):
    """Return the text with one slip, and where that is."""
    assert RIGHT.count(old) == 1, old
    text = RIGHT.replace(old, new)
    at = text.index("§")
    return text.replace("§", ""), (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def test_without_a_slip_there_is_nothing_to_find(found):
    assert found(RIGHT).diagnostics == ()


@pytest.mark.parametrize(("code", "old", "new"), [*REPAIRED, *SHOWN])
def test_a_slip_is_one_finding_at_its_place(found, code, old, new):
    """What follows from it is no finding of its own."""
    text, place = slipped(old, new)

    [one] = found(text).diagnostics

    assert (one.code, one.span.line, one.span.column) == (code, *place)


@pytest.mark.parametrize(("code", "old", "new"), REPAIRED)
def test_the_repair_gives_back_what_was_meant(found, code, old, new):
    """All else stays as it is."""
    text, _ = slipped(old, new)

    fixed(found(text))

    assert found().diagnostics == ()
    assert Path("policy.yaml").read_text().replace('"', "") == RIGHT.replace('"', "")


@pytest.mark.parametrize(("code", "old", "new"), SHOWN)
def test_what_only_the_author_knows_is_left_alone(found, code, old, new):
    """No edit is offered that would be wrong."""
    text, _ = slipped(old, new)

    fixed(found(text))

    assert Path("policy.yaml").read_text() == text


def test_a_rule_calls_what_is_allowed_alone(found):
    """In a list too."""
    [one] = found(RIGHT.replace('allow_call: ["serve:*"]', 'allow_call: ["other:*"]')).diagnostics

    assert (one.code, "serve:fence" in one.message) == ("MP010", True)


def test_an_import_is_relative_to_its_file_and_a_day_is_a_day(tmp_path):
    """What was meant is offered: the file above, and the unit that is usual there."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "calm.yaml").write_text("version: 1\n")
    (tmp_path / "teams").mkdir()
    (tmp_path / "teams" / "a.yaml").write_text(
        "version: 1\nimports: [shared/calm.yaml]\nsettings: {expiry_warning: 7}\n"
    )

    got = load_every([tmp_path]).diagnostics

    assert [one.code for one in got] == ["MP120", "MP101"]
    assert got[0].help == "did you mean `../shared/calm.yaml`?"
    assert [repair.text for repair in got[1].suggestions] == ["7d"]


def test_what_an_environment_changes_follows_its_policy(found):
    """A policy or a rule that is mistyped, there or in the environment, is one finding."""
    right = """\
version: 1
policies:
  serve:predict:
    validate: {args: {user: {type: str}}, on_fail: default, default: 0}
    retry: {give_up_on: [ValueError]}
    cache: {ttl: 5m}
environments:
  prod:
    policies:
      serve:predict:
        validate: {on_fail: raise, default: null}
        retry: {give_up_on: null}
        cache: null
"""
    assert found(right).diagnostics == ()

    for code, old, new in (
        ("MP301", "  serve:predict:\n    val", "  serve:predit:\n    val"),
        ("MP301", "  serve:predict:\n      ", "  serve:predit:\n      "),
        ("MP303", "  serve:predict:\n    val", "  server:predict:\n    val"),
        ("MP011", "  serve:predict:\n    val", "  serve.predict:\n    val"),
        ("MP005", "    cache: {", "    cach: {"),
        ("MP005", "    retry: {give_up_on: [", "    retry: {giveup_on: ["),
    ):
        assert right.count(old) == 1
        assert [one.code for one in found(right.replace(old, new)).diagnostics] == [code], new


def test_two_keys_that_exclude_each_other_and_a_word_that_is_no_value(found):
    """One finding each, at what was written: it is not besides said to be read otherwise."""
    text = """\
version: 1
policies:
  serve:predict:
    cache: {{ttl: 5m, key: [user], {}}}
    memory: 80%
environments:
  prod:
    policies: {{serve:predict: {{memory: {}}}}}
"""
    assert found(text.format("copy: auto", "70%")).diagnostics == ()

    [memory] = found(text.format("copy: auto", "off")).diagnostics
    [ignored] = found(text.format("ignore: [features]", "70%")).diagnostics

    assert (memory.code, ignored.code, ignored.span.column) == ("MP010", "MP010", 43)
