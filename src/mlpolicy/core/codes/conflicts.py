"""MP4xx and MP5xx: what is wrong between policies, and with their modes."""

from __future__ import annotations

from mlpolicy.core.codes import Code

CODES = (
    Code(
        "MP401",
        "error",
        "policies disagree",
        "Two policies of equal rank set one field of one function to different values.",
        "Which of them held would depend on the order of files; here no order matters.",
        "version: 1\npolicies:\n  one: {match: 'mypkg:f*', retry: 3}\n"
        "  two: {match: 'mypkg:f*', retry: 4}\n",
        "version: 1\npolicies:\n  one: {match: 'mypkg:f*', retry: 3}\n"
        "  two: {match: 'mypkg:f*', retry: 4, priority: 1}\n",
    ),
    Code(
        "MP403",
        "error",
        "the same thing in two files",
        "A policy name or an exact target stands in two files.",
        "Nobody who reads one of them knows what holds.",
        "",
        "",
    ),
    Code(
        "MP408",
        "warning",
        "nothing that takes effect",
        "A policy has no rules, or `defaults` fills in a kind of rule that no policy uses.",
        "Defaults never switch a rule on; what was meant to hold does not.",
        "version: 1\ndefaults: {retry: {jitter: equal}}\npolicies:\n  mypkg:f: {monitor: true}\n",
        "version: 1\ndefaults: {retry: {jitter: equal}}\npolicies:\n  mypkg:f: {retry: 3}\n",
    ),
    Code(
        "MP503",
        "error",
        "shadow on monitor",
        "`mode: shadow` is written on a rule `monitor`.",
        "Watching changes nothing, so there is nothing to try out.",
        "version: 1\npolicies:\n  mypkg:f:\n    monitor: {mode: shadow}\n",
        "version: 1\npolicies:\n  mypkg:f:\n    monitor: {}\n",
    ),
)
