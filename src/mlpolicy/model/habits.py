"""Words that people type from habit, and the keys of a policy file that they mean."""

from __future__ import annotations

from collections.abc import Mapping

from mlpolicy.core.kind import Synonym


def _all(words: Mapping[str, str]) -> dict[str, Synonym]:
    """Return the synonyms that *words* lists: under each key those that mean it."""
    return {word: Synonym(key) for key, typed in words.items() for word in typed.split()}


_SWITCH = "where `disabled` switches the rules off"

OF_KINDS = _all(
    {
        "retry": "retries retrying tenacity",
        "validate": "validation validator validations",
        "cache": "caching caches memoize memoise lru_cache",
        "memory": "memory_limit ram rss",
        "monitor": "monitoring metrics metric observability telemetry",
    }
)
"""Of rules, wherever one may stand."""

OF_POLICY = OF_KINDS | {
    **_all(
        {
            "match": "target targets function functions path paths selector select applies_to",
            "exclude": "except excludes ignore unless",
            "use": "profiles",
            "expires": "expiry expire expires_at expires_on valid_until until",
            "reason": "description comment why",
            "owner": "team owners maintainer",
            "ticket": "issue jira",
            "runbook": "docs",
            "priority": "weight precedence",
        }
    ),
    **dict.fromkeys(("profile", "extends", "inherits"), Synonym("use", "which takes a list")),
    "enabled": Synonym("mode", _SWITCH),
    "disabled": Synonym("mode", _SWITCH),
    "dry_run": Synonym("mode", "where `shadow` decides and reports only"),
}
"""Of a policy."""

OF_FILE = _all(
    {
        "policies": "rules",
        "imports": "include includes",
        "vars": "variables var",
        "environments": "env envs",
        "version": "apiVersion api_version schema_version",
        "profiles": "templates",
    }
)
"""Of a file."""

OF_TESTS = _all(
    {
        "env": "environment",
        "env_vars": "environ environment_variables variables vars",
        "tests": "cases",
        "clock": "now time",
    }
)
"""Of a file of policy tests."""

OF_VALUES = {
    "disabled": frozenset({"off", "no", "false", "none", "inactive"}),
    "shadow": frozenset({"dry-run", "dry_run", "dryrun", "audit", "observe", "warn", "report"}),
    "enforce": frozenset({"on", "yes", "true", "enabled", "active", "block", "deny"}),
    "constant": frozenset({"fixed"}),
    "full": frozenset({"random", "true", "yes", "on"}),
    "none": frozenset({"off", "no", "false"}),
    "warn": frozenset({"ignore", "log", "report"}),
    "coroutine": frozenset({"async", "asynchronous"}),
    "function": frozenset({"sync", "synchronous"}),
}
"""Of values that are words, under the word that is meant."""
