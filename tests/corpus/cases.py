"""Malformed policy files: what people write by mistake, and what hostile people might.

`§` stands before the place where the finding must be; it is taken out of the file.
"""

from __future__ import annotations

MARK = "§"
HEAD = "version: 1\npolicies:\n"
ONE = HEAD + "  m.serve:predict:\n"


def _rules(code, *rules):
    return [(code, f"{ONE}    {rule}\n") for rule in rules]


def _policies(code, *policies):
    return [(code, f"{HEAD}  {policy}\n") for policy in policies]


def _files(code, *files):
    return [(code, f"{file}\n") for file in files]


SYNTAX = _files(
    "MP002",
    *(
        "version: 1\npolicies: §{m:f: {retry: 3}",
        "version: 1\npolicies:\n  m:f: §[retry",
        "version: §'1",
    ),
    *(
        'version: 1\nname: §"abc',
        "version: 1\npolicies:\n§\tm:f: {}",
        "version: 1\n§: x\n  y: z: w",
    ),
    *(
        "version: 1\nname: a§: b",
        "version: 1\nname: §@x",
        "version: 1\nname: §`x`",
        "version: 1\nname: §%x",
    ),
    *(
        "version: 1\nname: §*nowhere",
        "version: 1\nname: §!!python/object:os.system x",
        "version: 1\n§- a",
    ),
    *("version: 1\nname: §!custom x", "version: 1\n§}", "version: 1\nname: §]"),
    *("version: 1\nname: 'it'§s'", "version: 1\npolicies:\n  m:f:\n    retry: 3\n   §cache: 30s"),
)
KEYS = _rules(
    "MP005",
    *(
        "retry: {§max_atempts: 3}",
        "retry: {§attempts: 3}",
        "retry: {§max_retries: 3}",
        "retry: {§tries: 2}",
    ),
    *(
        "retry: {§on: [TimeoutError]}",
        "retry: {§exceptions: []}",
        "retry: {§abort_on: []}",
        "retry: {§wait: 3s}",
    ),
    *(
        "retry: {§backoff_factor: 2}",
        "retry: {retry_after: {§maximum: 3s}}",
        "retry: {on_result: {§isnone: true}}",
    ),
    *("cache: {ttl: 3s, §maxsize: 3}", "cache: {§ttl_seconds: 3}", "cache: {ttl: 3s, §keys: [a]}"),
    *(
        "cache: {ttl: 3s, rollout: {percent: 5%, §bye: a}}",
        "memory: {§threshold: 80%}",
        "memory: {§act: 80%}",
    ),
    *(
        "monitor: {§bucket: [1s]}",
        "monitor: {log: {§lvl: INFO}}",
        "monitor: {log: {§redacted: [a]}}",
    ),
    *(
        "validate: {§arguments: {x: {type: int}}}",
        "validate: {args: {x: {§typ: int}}}",
        "validate: {§return: {type: int}}",
    ),
    *(
        "validate: {args: {x: {type: mapping, fields: {a: {§patern: x}}}}}",
        "§retyr: 3",
        "§cahce: 30s",
        "§onwer: me",
    ),
    *("§ttl: 30s", "§max_attempts: 3", "§descripton: x", "§expire: 2027-01-01", "§prio: 3"),
)
TOP = _files(
    "MP005",
    *(
        "version: 1\n§policy: {}",
        "version: 1\n§polcies: {}",
        "version: 1\n§settings_: {}",
        "version: 1\n§default: {}",
    ),
    *(
        "version: 1\n§env: {}",
        "version: 1\n§retry: 3",
        "version: 1\n§profile: {}",
        "version: 1\n§import: []",
    ),
    *(
        "version: 1\nsettings: {§on_missing: error}",
        "version: 1\nsettings: {§package: [a]}",
        "version: 1\nsettings: {lint: {§ignored: {}}}",
    ),
    *(
        "version: 1\ndefaults: {§reason: x}",
        "version: 1\nenvironments: {prod: {§policy: {}}}",
        "version: 1\nenvironments: {prod: {§version: 1}}",
    ),
    *("version: 1\nprofiles: {a: {§match: 'm:f'}}", "version: 1\nprofiles: {a: {§extend: [b]}}"),
)
TYPES = _rules(
    "MP010",
    *(
        "retry: §[3]",
        "retry: {max_attempts: §three}",
        "retry: {max_attempts: §'3'}",
        "retry: {max_attempts: §3.5}",
    ),
    *(
        "retry: {max_attempts: §true}",
        "retry: {max_attempts: §0}",
        "retry: {max_attempts: §-1}",
        "retry: {jitter: §some}",
    ),
    *(
        "retry: {backoff: §quadratic}",
        "retry: {multiplier: §two}",
        "retry: {multiplier: §.inf}",
        "retry: {retry_on: §TimeoutError}",
    ),
    *(
        "retry: {retry_on: [§3]}",
        "retry: {initial_delay: §soon}",
        "retry: {max_delay: §-3s}",
        "retry: {on_result: §none}",
    ),
    *(
        "retry: {idempotent: §maybe}",
        "retry: {retry_after: §5}",
        "retry: {final: §on}",
        "retry: {inherit: §1}",
    ),
    *(
        "retry: {mode: §audit}",
        "retry: {mode: §1}",
        "retry: {expires: §tomorrow}",
        "retry: {expires: §2027-02-30}",
    ),
    *(
        "retry: {rollout: {percent: 5%, by: §'user..id'}}",
        "retry: {rollout: {percent: 5%, otherwise: §off}}",
    ),
    *(
        "cache: §[30s]",
        "cache: {ttl: §forever}",
        "cache: {ttl: §[3s]}",
        "cache: {ttl: 3s, key: §user}",
        "cache: {ttl: 3s, key: [§1]}",
    ),
    *(
        "cache: {ttl: 3s, key: [§'a b']}",
        "cache: {ttl: 3s, max_entries: §many}",
        "cache: {ttl: 3s, max_entries: §1.5}",
    ),
    *(
        "cache: {ttl: 3s, copy: §deeply}",
        "cache: {ttl: 3s, single_flight: §1}",
        "cache: {ttl: 3s, version: §[1]}",
    ),
    *(
        "memory: §{}\n    mode: 3",
        "memory: {act_at: §high}",
        "memory: {act_at: §[80%]}",
        "memory: {relieve: §gc}",
        "memory: {relieve: [§flush]}",
    ),
    *(
        "memory: {limit: §lots}",
        "memory: {measure: §virtual}",
        "memory: {on_pressure: §panic}",
        "memory: {wait: §a while}",
    ),
    *(
        "monitor: §3",
        "monitor: {metrics: §1}",
        "monitor: {buckets: §5ms}",
        "monitor: {buckets: [§fast]}",
        "monitor: {log: {level: §loud}}",
    ),
    *(
        "monitor: {labels: §[a]}",
        "monitor: {log: {errors: §often}}",
        "validate: §3",
    ),
    *(
        "validate: {args: §[x]}",
        "validate: {args: {x: §int}}",
        "validate: {args: {x: {type: §number_of}}}",
        "validate: {on_fail: §ignore}",
    ),
    *(
        "validate: {args: {x: {type: int, range: §5}}}",
        "validate: {args: {x: {type: str, min_len: §-1}}}",
        "owner: §[a]",
        "labels: §a",
    ),
    *(
        "labels: {a: §3}",
        "priority: §high",
        "priority: §101",
        "final: §2",
        "placement: §middle",
        "exclude: §3",
        "use: §http",
        "deadline: §late",
    ),
    *("on_expiry: §stop", "mode: §off"),
)[1:]
TYPES = [one for one in TYPES if "memory: §{}" not in one[1]]
UNITS = _rules(
    "MP101",
    *(
        "cache: §30",
        "cache: {ttl: §30}",
        "cache: {ttl: §'30'}",
        "cache: {ttl: §1.5}",
        "cache: {ttl: §30sec}",
        "cache: {ttl: §5 minutes}",
    ),
    *(
        "cache: {ttl: §2hr}",
        "cache: {ttl: §512MB}",
        "retry: {initial_delay: §100}",
        "retry: {max_delay: §10 seconds}",
    ),
    *(
        "memory: §85",
        "memory: {act_at: §85}",
        "memory: {limit: §512}",
        "memory: {limit: §512M}",
        "memory: {limit: §4gb}",
    ),
    *(
        "cache: {ttl: 3s, max_bytes: §1000000}",
        "monitor: {log: {sample: §5}}",
        "retry: {rollout: §25}",
        "deadline: §3",
    ),
)
SHARES = _rules(
    "MP103",
    "memory: §120%",
    "memory: {act_at: §101%}",
    "monitor: {log: {sample: §200%}}",
    "retry: {rollout: §150%}",
)
EMPTY = [
    *_rules(
        "MP009",
        "§retry:",
        "retry: {§max_attempts: }",
        "§owner:",
        "cache: {§ttl: , max_entries: 3}",
        "retry: §null",
        "cache: §~",
    ),
    *_files("MP009", "version: 1\n§policies:", "version: 1\n§vars:", "§version:\npolicies: {}"),
    *_policies("MP009", "§m:f:"),
]
TWICE = [
    *_rules(
        "MP004",
        "retry: 3\n    §retry: 4",
        "retry: {max_attempts: 3, §max_attempts: 4}",
        "owner: a\n    §owner: b",
    ),
    *_files("MP004", "version: 1\n§version: 1", "version: 1\npolicies: {}\n§policies: {}"),
    *_policies(
        "MP004",
        "m:f: {retry: 3}\n  §m:f: {cache: 3s}",
        "a: {match: 'm:f', retry: 3}\n  §'a': {match: 'm:g', retry: 3}",
    ),
]
TARGETS = [
    *_policies(
        "MP010",
        *(
            "a: {match: §m.f, retry: 3}",
            "a: {match: §'*:f', retry: 3}",
            "a: {match: §'m:', retry: 3}",
            "a: {match: §':f', retry: 3}",
        ),
        *(
            "a: {match: ['m:f', §'m f'], retry: 3}",
            "a: {match: §'m:f:g', retry: 3}",
            "a: {match: §'m:**', retry: 3}",
            "§m:f g: {retry: 3}",
        ),
        *(
            "§'1m:f': {retry: 3}",
            "a: {match: §'m.**x:f', retry: 3}",
            "a: {match: §7, retry: 3}",
            "a: {match: {target: §'m'}, retry: 3}",
        ),
        *(
            "a: {match: {target: 'm:f', kind: §method}, retry: 3}",
            "m:g: {§match: 'm:f', retry: 3}",
            "§a b: {match: 'm:f', retry: 3}",
        ),
        *(
            "§3a: {match: 'm:f', retry: 3}",
            "a: {match: 'm:*', exclude: [§'x'], retry: 3}",
            "m:f: §3",
            "m:f: §[retry]",
        ),
    ),
    *_policies("MP011", "§a: {retry: 3}", "§a.b.c: {retry: 3}", "a: {match: §{tag: x}, retry: 3}"),
    *_policies("MP005", "a: {match: {target: 'm:f', §tags: [x]}, retry: 3}"),
]
REFERENCES = [
    *_rules("MP406", "use: [§nothing]", "use: [§http-cal]", "resource: §db\n    retry: 3"),
    *_files(
        "MP406",
        "version: 1\nprofiles: {a: {extends: [§b], retry: 3}}\npolicies: {m:f: {use: [a]}}",
        "version: 1\nprofiles: {a: {extends: [b]}, b: {extends: [§a], retry: 2}}\npolicies: {m:f: {use: [a]}}",
    ),
    *_files(
        "MP120",
        *(
            f"version: 1\nimports: [{MARK}{name}]"
            for name in (
                "./no.yaml",
                "../x.yaml",
                "/etc/passwd",
                "'https://x/y.yaml'",
                ".",
                "'pkg:no_such_pkg/x.yaml'",
            )
        ),
    ),
    *_rules(
        "MP110",
        "owner: §${vars.me}\n    retry: 3",
        'owner: "§${env:NO_SUCH_VARIABLE_HERE}"'.replace('"§', '§"') + "\n    retry: 3",
        "owner: §${me}\n    retry: 3",
        "owner: §${}\n    retry: 3",
    ),
    *_files(
        "MP110",
        "version: 1\nvars: {a: '${vars.b}', b: §'${vars.a}'}\npolicies: {m:f: {owner: '${vars.a}', retry: 3}}",
    ),
    *_policies(
        "MP112",
        "§'m:${env:X}': {retry: 3}",
        "a: {match: §'m:${vars.x}', retry: 3}",
        "m:f: {use: [§'${vars.x}'], retry: 3}",
    ),
    *_rules(
        "MP130",
        "§circuit_breaker: {failure_ratio: 50%}",
        "§timeout: 2s",
        "§quarantine: {after: 3}",
        "monitor: {sinks: [§kafka]}",
        "cache: {ttl: 1m, store: §redis}",
    ),
]
MEANING = [
    *_rules(
        "MP602",
        "retry: {initial_delay: §20s}",
        "retry: {multiplier: §0.5}",
        "retry: {max_elapsed: §10ms}",
    ),
    *_rules(
        "MP603",
        "retry: {retry_on: [§ConectionError]}",
        "retry: {give_up_on: [§Nothing]}",
        "retry: {retry_on: [§'http:999']}",
    ),
    *_rules("MP610", "retry: {retry_on: [TimeoutError], give_up_on: [§OSError]}"),
    *_rules("MP801", "memory: {act_at: §95%, reject_at: 90%}"),
    *_rules("MP902", "monitor: {buckets: [5ms, §1ms]}"),
    *_rules("MP503", "§monitor: {mode: shadow}", "retry: {mode: disabled, §rollout: 5%}"),
    *_rules("MP502", "expires: §2020-01-01\n    retry: 3"),
]
VERSIONS = _files(
    "MP003",
    "version: §2",
    "version: §'1'",
    "version: §one",
    "§policies: {}",
    "§",
    "version: §[1]",
)

CASES = [
    *SYNTAX, *KEYS, *TOP, *TYPES, *UNITS, *SHARES, *EMPTY, *TWICE, *TARGETS, *REFERENCES, *MEANING, *VERSIONS,
]  # fmt: skip
