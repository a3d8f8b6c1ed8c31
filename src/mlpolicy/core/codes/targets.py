"""MP3xx: what is wrong with a target, or with a rule on that function.

The examples speak of modules of the standard library, so that they can be tried anywhere.
"""

from __future__ import annotations

from mlpolicy.core.codes import Code


def _policy(target: str, rule: str = "monitor: true") -> str:
    return f'version: 1\npolicies:\n  "{target}":\n    {rule}\n'


CODES = (
    Code(
        "MP202",
        "error",
        "argument not in the signature",
        "A rule names an argument that the function does not have.",
        "The check would never run, and nobody would know.",
        _policy("textwrap:indent", "validate: {args: {txt: {type: str}}}"),
        _policy("textwrap:indent", "validate: {args: {text: {type: str}}}"),
    ),
    Code(
        "MP301",
        "error",
        "target not found",
        "A policy names a function that does not exist.",
        "A renamed function loses its policy in silence otherwise.",
        _policy("textwrap:indnt"),
        _policy("textwrap:indent"),
    ),
    Code(
        "MP302",
        "warning",
        "pattern matches nothing",
        "No function matches a pattern.",
        "A policy that holds for nothing is most often a slip.",
        _policy("mlpolicy.errors:no_such_*"),
        _policy("mlpolicy.core.argpath:pars*"),
    ),
    Code(
        "MP303",
        "error",
        "module not found",
        "A policy names a module that cannot be found, or, as a warning, one that cannot be parsed.",
        "Nothing of the policy will ever hold.",
        _policy("txtwrap:indent"),
        _policy("textwrap:indent"),
    ),
    Code(
        "MP304",
        "error",
        "cache on a generator",
        "A rule `cache` stands on a generator or an async generator.",
        "Its result can be walked through once; the second caller would get nothing. "
        "Cache a function that returns a list instead.",
        _policy("difflib:unified_diff", "cache: 30s"),
        _policy("difflib:get_close_matches", "cache: 30s"),
    ),
    Code(
        "MP320",
        "error",
        "not wrappable",
        "What stands under the target is no function, or cannot be replaced.",
        "The policy cannot hold there.",
        _policy("string:Template"),
        _policy("string:Template.substitute"),
    ),
    Code(
        "MP321",
        "error",
        "a reference bypasses the policy",
        "The target has no Python code and is replaced by attribute, and someone holds the "
        "original already.",
        "Calls through that reference do not obey the policy.",
        "",
        "",
    ),
    Code(
        "MP507",
        "error",
        "rollout by no argument",
        "`rollout.by` names an argument that the function does not have.",
        "Calls would be drawn by chance, and the same user would meet both sides.",
        _policy("textwrap:indent", "retry: {rollout: {percent: 25%, by: txt.user}}"),
        _policy("textwrap:indent", "retry: {rollout: {percent: 25%, by: text}}"),
    ),
    Code(
        "MP702",
        "error",
        "key names no argument",
        "`cache.key` or `cache.ignore` names an argument that the function does not have.",
        "The entries would be told apart by less, or more, than was meant.",
        _policy("textwrap:indent", "cache: {ttl: 30s, key: [txt]}"),
        _policy("textwrap:indent", "cache: {ttl: 30s, key: [text]}"),
    ),
)
