"""Synonyms: words that people type, and the keys of a policy file that they mean."""

from __future__ import annotations

from mlpolicy.core.kind import Synonym, habits

_MODES = {
    **dict.fromkeys(("enabled", "disabled"), Synonym("mode", "`disabled` switches off")),
    "dry_run": Synonym("mode", "`shadow` decides and reports only"),
}

OF_KINDS = habits(
    {
        "retry": "retries retrying tenacity",
        "validate": "validation validator validations",
        "cache": "caching caches memoize memoise lru_cache",
        "memory": "memory_limit ram rss",
        "monitor": "monitoring metrics metric observability telemetry",
    }
)
"""Of rules, wherever one may stand."""

OF_PROFILE = OF_KINDS | habits({"extends": "use inherit inherits parent parents base profiles"})
"""Of a profile."""

OF_POLICY = OF_KINDS | {
    **habits(
        {
            "match": "target targets function functions path paths selector select applies_to",
            "exclude": "except excludes ignore unless",
            "use": "profiles",
            "expires": "expiry expire expires_at expires_on valid_until until",
            "reason": "description comment why",
            "owner": "team owners maintainer",
            "ticket": "issue jira",
            "runbook": "docs",
            "priority": "weight precedence order rank",
            "labels": "annotations",
            "target": "match.name match.function match.functions match.path match.module",
            "kind": "match.type",
            "decorated_by": "match.decorator match.decorators",
            "has_param": "match.param match.params match.parameter match.has_arg match.arg",
        }
    ),
    "tags": Synonym("labels", "what `@mlpolicy.tag` says is asked for by `match: {tag: [...]}`"),
    **dict.fromkeys(
        ("profile", "extends", "inherits"), Synonym("use", "it takes a list", form="[{}]")
    ),
    **_MODES,
}
"""Of a policy."""

OF_RULES = _MODES | habits(
    {
        "expires": "expires_at expires_on expiry valid_until until",
        "rollout": "canary percent percentage",
        "percent": "rollout.ratio rollout.weight rollout.fraction rollout.share rollout.value",
        "by": "rollout.key rollout.sticky rollout.hash rollout.hash_by rollout.on",
        "otherwise": "rollout.else rollout.rest rollout.default rollout.fallback",
        "call": "relieve.function relieve.func relieve.fn default.function default.func",
    }
)
"""Of every rule."""

OF_FILE = habits(
    {
        "policies": "rules",
        "imports": "include includes",
        "vars": "variables var",
        "environments": "env envs",
        "version": "apiVersion api_version schema_version",
        "profiles": "templates",
        "settings": "config configuration options",
    }
)
"""Of a file."""

OF_TESTS = habits(
    {
        "env": "environment",
        "env_vars": "environ environment_variables variables vars",
        "tests": "cases",
        "clock": "now time",
    }
)
"""Of a file of policy tests."""
