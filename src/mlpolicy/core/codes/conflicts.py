"""MP4xx: what is wrong between policies, profiles and environments."""

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
        "MP402",
        "error",
        "a final policy fixes it",
        "A policy sets a field that a `final` policy, rule or decorator fixes for the same function.",
        "The value has no effect, though it stands there as if it had.",
        "version: 1\npolicies:\n  guard: {match: 'mypkg:f*', final: true, retry: {max_attempts: 2}}\n"
        "  loud: {match: 'mypkg:f*', retry: {max_attempts: 5}}\n",
        "version: 1\npolicies:\n  guard: {match: 'mypkg:f*', final: true, retry: {max_attempts: 2}}\n"
        "  loud: {match: 'mypkg:f*', retry: {max_delay: 5s}}\n",
    ),
    Code(
        "MP403",
        "error",
        "the same thing in two files",
        "The name of a policy, profile or resource, or an exact target, stands in two files.",
        "Nobody who reads one of them knows what holds.",
        "",
        "",
    ),
    Code(
        "MP404",
        "warning",
        "profile never used",
        "No policy uses a profile of its own file.",
        "Somebody believes that it does something.",
        "version: 1\nprofiles:\n  http: {retry: {max_attempts: 4}}\npolicies:\n  mypkg:f: {retry: 3}\n",
        "version: 1\nprofiles:\n  http: {retry: {max_attempts: 4}}\npolicies:\n  mypkg:f: {use: [http]}\n",
    ),
    Code(
        "MP405",
        "warning",
        "policy without effect",
        "Higher policies set every field that a policy sets, or its `exclude` covers its `match`.",
        "It can be edited for hours, and nothing will happen.",
        "version: 1\npolicies:\n  mypkg:f: {retry: {max_attempts: 2}}\n"
        "  loud: {match: 'mypkg:f', priority: 1, retry: {max_attempts: 5}}\n",
        "version: 1\npolicies:\n  mypkg:f: {retry: {max_attempts: 2, max_delay: 5s}}\n"
        "  loud: {match: 'mypkg:f', priority: 1, retry: {max_attempts: 5}}\n",
    ),
    Code(
        "MP406",
        "error",
        "unknown profile or resource",
        "A policy uses a profile or a resource that does not exist, or profiles extend each other "
        "in a circle.",
        "The rules that were meant do not hold.",
        "version: 1\nprofiles:\n  http: {retry: 4}\npolicies:\n  mypkg:f: {use: [http]}\n"
        "  mypkg:g: {use: [htpp], retry: 2}\n",
        "version: 1\nprofiles:\n  http: {retry: 4}\npolicies:\n  mypkg:f: {use: [http]}\n"
        "  mypkg:g: {use: [http], retry: 2}\n",
    ),
    Code(
        "MP407",
        "warning",
        "environment changes what is not there",
        "An environment removes or changes a policy, a rule or a setting that does not exist.",
        "In that environment, what was meant does not happen.",
        "version: 1\npolicies:\n  one: {match: 'mypkg:f', retry: 3}\n"
        "environments:\n  prod:\n    policies:\n      onee: {retry: 5}\n",
        "version: 1\npolicies:\n  one: {match: 'mypkg:f', retry: 3}\n"
        "environments:\n  prod:\n    policies:\n      one: {retry: 5}\n",
    ),
    Code(
        "MP408",
        "warning",
        "nothing that takes effect",
        "A policy has no rules, `defaults` fills in a kind of rule that no policy uses, or `exclude` "
        "names what `match` does not take.",
        "Defaults never switch a rule on, and such an `exclude` spares nothing: what was meant to "
        "hold does not.",
        "version: 1\ndefaults: {retry: {jitter: equal}}\npolicies:\n  mypkg:f: {monitor: true}\n",
        "version: 1\ndefaults: {retry: {jitter: equal}}\npolicies:\n  mypkg:f: {retry: 3}\n",
    ),
    Code(
        "MP410",
        "error",
        "not the plan that was expected",
        "`mlpolicy apply --check --expect FILE` finds other rules in force than FILE says.",
        "What was reviewed is not what would serve.",
        "",
        "",
    ),
)
