"""The keys of a policy file outside its rules."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from mlpolicy.core.address import PATTERN, Address
from mlpolicy.core.kind import Synonym, habits
from mlpolicy.core.model import GLOB, Argument, Day, Many, RuleModel, finding
from mlpolicy.core.quantity import Duration, Ratio, Usual
from mlpolicy.core.site import FunctionKind, Mode, OnExpiry, Otherwise
from mlpolicy.core.target import Glob, TargetError
from mlpolicy.model.policy import SHIPPED, OnEngineError, OnMissing, OnUnknown, Placement

Words = str | Many[str]
Scalar = str | int | float | bool
META = ("owner", "reason", "ticket", "labels", "runbook")
Required = Literal["owner", "reason", "ticket", "labels", "runbook", "expires"]


def _pattern(text: str) -> str:
    try:
        return str(Glob.parse(text))
    except TargetError as error:
        raise finding("MP010", error.message, meant=error.meant) from None


_GLOB = Field(json_schema_extra={"pattern": GLOB})
PatternText = Annotated[str, AfterValidator(_pattern), _GLOB]
"""A function path, or a pattern of them."""
Written = Annotated[str, _GLOB]
"""The same, to be read later on."""
Globs = Written | Many[Written]


class LintBlock(RuleModel):
    """What is not reported."""

    ignore: dict[str, str] = {}
    """Codes of findings that are not shown, each with the reason."""


def _address(text: str) -> str:
    try:
        return str(Address.parse(text))
    except ValueError as error:
        raise finding("MP010", str(error)) from None


class OpsBlock(RuleModel):
    """A port to look at a running service."""

    listen: (
        Annotated[
            str,
            AfterValidator(_address),
            Field(json_schema_extra={"pattern": PATTERN}, examples=["127.0.0.1:9464", ":0"]),
        ]
        | None
    ) = None
    """Where it listens: `127.0.0.1:9464`, or `:0` for any port that is free. Without it there is
    none; `mlpolicy run --ops` and `MLPOLICY_OPS` say otherwise."""


class SettingsBlock(RuleModel):
    """What holds for the whole file."""

    require: Many[Required] = ()
    """What every policy must say of itself."""
    on_missing_target: OnMissing = "error"
    """Whether a target that does not exist fails `validate` and `apply`; a running process warns."""
    on_unknown_environment: OnUnknown = "error"
    """What becomes of an environment that no file names, where a file names others: `base` warns
    and goes on without one; written in one file, it holds for all, unless another says `error`."""
    on_engine_error: OnEngineError = "open"
    """What becomes of a call when a rule fails by itself: `open` lets it go on."""
    expiry_warning: Annotated[Duration, Usual("1h", "1000d", "14d")] = Duration.of("14d")
    """How long before it expires a policy is reported."""
    packages: Many[str] = ()
    """Packages of site-packages whose functions globs may take."""
    allow_call: Many[Literal["*"] | PatternText] | None = None
    """Patterns of the functions and classes that rules may import (`call`, `model`); `*` is all.
    Without it, those of the function's own package."""
    ops: OpsBlock = OpsBlock()
    """A port to look at a running service."""
    lint: LintBlock = LintBlock()
    """What is not reported."""


class FileBlock(RuleModel):
    """A policy file."""

    version: Literal[1]
    """The version of the policy language."""
    name: str = ""
    """A name for people; it appears in reports."""
    imports: Many[str] = ()
    """Files whose profiles, variables and policies lie under this one: `./common.yaml`, or
    `pkg:package/file.yaml` of an installed package."""
    vars: dict[str, Scalar] = {}
    """Values by name, for `${vars.name}`."""
    settings: SettingsBlock = SettingsBlock()
    """What holds for the whole file."""
    defaults: dict[str, Any] = {}
    """Values for fields of rules that policies use; they never switch a rule on."""
    resources: dict[str, Any] = {}
    """State and limits by name, for functions that share them."""
    profiles: dict[str, Any] = {}
    """Rules by name, for policies to `use`."""
    policies: dict[str, Any] = {}
    """The policies by name; a key with a colon is its own exact target."""
    environments: dict[str, Any] = {}
    """What is otherwise in each environment, merged over all of the above (RFC 7396)."""


class Overlay(RuleModel):
    """What is otherwise in one environment."""

    vars: dict[str, Any] | None = {}
    """Variables that differ."""
    settings: dict[str, Any] | None = {}
    """Settings that differ."""
    defaults: dict[str, Any] | None = {}
    """Defaults that differ."""
    resources: dict[str, Any] | None = {}
    """Resources that differ."""
    profiles: dict[str, Any] | None = {}
    """Profiles that differ."""
    policies: dict[str, Any] | None = {}
    """Policies that differ; `null` removes a rule."""


class MatchBlock(RuleModel):
    """A selector: every key must hold, by any of its words."""

    target: Globs
    """Function paths, or patterns of them."""
    tag: Words = ()
    """What `@mlpolicy.tag(...)` says of the function."""
    kind: FunctionKind | Many[FunctionKind] = ()
    """What sort of function it is."""
    has_param: Words = ()
    """Names of parameters."""
    decorated_by: Words = ()
    """Dotted names of decorators: `functools.lru_cache`, `tenacity.*`."""


class ProfileBlock(RuleModel):
    """A profile, without its rules."""

    extends: Many[Annotated[str, Field(examples=list(SHIPPED))]] = ()
    """Profiles that lie under it, from left to right."""


class PolicyBlock(RuleModel):
    """One policy, without its rules."""

    match: (
        Written | Annotated[tuple[Written, ...], Field(strict=False, min_length=1)] | MatchBlock
    ) = ()
    """The functions that it is for: `package.module:function`, or a pattern, or a list, or a
    mapping of conditions."""
    exclude: Globs = ()
    """Functions that it is not for."""
    use: Many[Annotated[str, Field(examples=list(SHIPPED))]] = ()
    """Profiles that lie under its rules, from left to right: those of the files, else those of
    mlpolicy."""
    resource: str = ""
    """The resource whose state and limits its functions share with others."""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    """Higher wins over lower where two policies meet in one function."""
    final: bool = False
    """Wins over all policies that are not final."""
    owner: str = ""
    """Who answers for it."""
    reason: str = ""
    """Why it exists."""
    ticket: str = ""
    """Where it was decided."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Words of one's own, for reports."""
    runbook: str = ""
    """Where to read what to do."""
    mode: Mode | None = None
    """`enforce`, `shadow` (decide and report only) or `disabled`."""
    expires: Day | None = None
    """The last day on which it holds."""
    on_expiry: OnExpiry = "disable"
    """What becomes of its rules then: `disable`, `shadow`, or `keep` and report."""
    deadline: Annotated[Duration | None, Usual("1ms", "1d", "1s")] = None
    """The longest that a call may take with all that rules add to it: no pause and no wait goes
    beyond it."""
    placement: Placement = "auto"
    """`inner` swaps the function's code, `outer` replaces the attribute that holds it."""


class RolloutBlock(RuleModel):
    """The share of calls that a rule holds for."""

    percent: Ratio
    """How many of a hundred calls."""
    by: Argument | None = None
    """The path to an argument: calls with equal values are decided alike, in every process."""
    otherwise: Otherwise = "disabled"
    """What the rule is for all other calls: `shadow` or `disabled`."""


class RuleCommon(RuleModel):
    """The keys that every rule has."""

    mode: Mode | None = None
    """`enforce`, `shadow` (decide and report only) or `disabled`."""
    expires: Day | None = None
    """The last day on which the rule holds."""
    rollout: RolloutBlock | None = None
    """The share of calls that the rule holds for."""
    inherit: bool = True
    """Whether lower policies fill in what is not said here."""
    final: bool = False
    """Wins over all policies that are not final."""


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
