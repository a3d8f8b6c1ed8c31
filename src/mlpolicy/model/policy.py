"""A policy file as a value: what was written, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Span
from mlpolicy.core.site import Mode, Where
from mlpolicy.core.target import Glob, Target, TargetError

Placement = Literal["auto", "inner", "outer"]
OnMissing = Literal["error", "warn", "ignore"]
OnEngineError = Literal["open", "closed"]
OnUnknown = Literal["error", "base"]

COMMON = ("mode", "expires", "on_expiry", "rollout")
"""Settings that every rule has, whatever its kind."""
SHIPPED = ("encoder", "fastapi", "httpx", "openai", "requests", "sklearn")
"""The profiles that come with mlpolicy."""
CODE = "code"
"""The layer of what decorators say, below every policy."""


@frozen()
class Setting:
    """One value that was written."""

    value: Any
    span: Span
    key: Span
    """Where its key stands."""
    layer: str = ""
    """The part of its file where it stands: `policies.NAME`, `environments.prod`."""
    written: str = ""
    """The text that variables were put into, where there were any."""
    secret: bool = False
    """Whether a variable in it holds what must not be shown."""
    places: Mapping[str, Span] = field(default_factory=dict)
    """Where what is inside of it stands: `1` of a list, `call` of a mapping, `1.call` of both."""


@frozen()
class Block:
    """A block of settings that merges key by key."""

    settings: Tree
    key: Span
    """Where its key stands."""


Tree = Mapping[str, "Setting | Block"]
"""Settings by key."""


@frozen()
class RuleBlock:
    """One rule as one policy (or the defaults) wrote it: perhaps only a part of it."""

    kind: str
    span: Span
    """Where its key stands."""
    settings: Tree = field(default_factory=dict)
    """The settings of the kind, and those of `COMMON`."""
    inherit: bool = True
    final: bool = False
    removed: bool = False
    """Whether an environment took the rule away: `retry: null`."""
    only_below: str = ""
    """The environment that took it away where nothing but a profile can have it."""

    @property
    def mode(self) -> Mode | None:
        """The mode, where the rule itself writes one."""
        written = one(self.settings, "mode")
        return written.value if written else None


def is_name(text: str) -> bool:
    """Whether *text* can name a policy, a profile or a variable."""
    return text[:1].isalpha() and all(one.isalnum() or one in "-_" for one in text)


@frozen()
class Name:
    """A word that refers to something, and where it stands."""

    text: str
    span: Span


@frozen()
class Pattern:
    """One pattern of a selector, and where it stands."""

    glob: Glob
    span: Span


@frozen()
class Profile:
    """Rules by name, for policies to use."""

    name: str
    span: Span
    extends: tuple[Name, ...] = ()
    rules: tuple[RuleBlock, ...] = ()


@frozen()
class Policy:
    """One entry of a file: a selector and its rules."""

    name: str
    span: Span
    match: tuple[Pattern, ...]
    exclude: tuple[Pattern, ...] = ()
    where: Where = Where()
    rules: Sequence[RuleBlock] = ()
    use: tuple[Name, ...] = ()
    resource: Name | None = None
    controls: Tree = field(default_factory=dict)
    """`mode`, `expires`, `on_expiry` and `deadline` of all its rules."""
    priority: int = 0
    final: bool = False
    placement: Placement = "auto"
    meta: Mapping[str, Any] = field(default_factory=dict)
    """`owner`, `reason`, `ticket`, `labels`, `runbook`."""
    depth: int = 0
    """How far its file is from those given: 0, or the number of imports between."""
    places: Mapping[tuple[str, str], Span] = field(default_factory=dict)
    """Where each word of `where` stands, by its key and itself."""

    def rule(self, kind: str) -> RuleBlock | None:
        """Return what it says of rules of that kind."""
        for rule in self.rules:
            if rule.kind == kind:
                return rule
        return None


@frozen()
class Settings:
    """The `settings` of a file."""

    on_missing_target: OnMissing = "error"
    on_engine_error: OnEngineError = "open"
    packages: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    expiry_warning: float = 14 * 86400.0
    """Seconds."""
    allow_call: tuple[tuple[Pattern, ...], ...] = ()
    """Lists of patterns; a rule may call what each of them has."""
    ignore: tuple[tuple[Name, str], ...] = ()
    """Codes of findings that are not shown, each with its reason."""
    on_unknown_environment: OnUnknown = "error"

    def allows(self, call: str) -> bool:
        """Whether rules may call the function `call` names."""
        if not self.allow_call:
            return True
        try:
            target = Target.parse(call)
        except TargetError:  # of a plugin's kind, which need not check it
            return False
        return all(any(one.glob.matches(target) for one in allowed) for allowed in self.allow_call)


@frozen()
class PolicyFile:
    """One file, read and checked by itself, for one environment."""

    file: str
    name: str = ""
    depth: int = 0
    """How far it is from the files given: 0, or the number of imports between."""
    settings: Settings = Settings()
    mode: Setting | None = None
    """The default mode."""
    defaults: tuple[RuleBlock, ...] = ()
    profiles: tuple[Profile, ...] = ()
    resources: tuple[Name, ...] = ()
    policies: tuple[Policy, ...] = ()
    removed: Mapping[tuple[str, str], Span] = field(default_factory=dict)
    """Where its environment takes a key out of a policy, by the name of that and the key."""


def one(tree: Tree, key: str) -> Setting | None:
    """Return the setting at *key*, where it is one."""
    found = tree.get(key)
    return found if isinstance(found, Setting) else None


def leaves(tree: Tree, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Setting]]:
    """Yield the path and the setting of every value in *tree*."""
    for key, held in tree.items():
        path = (*above, key)
        if isinstance(held, Setting):
            yield path, held
        else:
            yield from leaves(held.settings, path)


def blocks(tree: Tree, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Block]]:
    """Yield the path and the block of every block in *tree*."""
    for key, held in tree.items():
        if isinstance(held, Block):
            yield (*above, key), held
            yield from blocks(held.settings, (*above, key))


def laid_over(low: Tree, high: Tree) -> Tree:
    """Return *low* with *high* over it, key by key; blocks merge, values replace."""
    made: dict[str, Setting | Block] = dict(low)
    for key, upper in high.items():
        lower = made.get(key)
        if isinstance(lower, Block) and isinstance(upper, Block):
            made[key] = Block(laid_over(lower.settings, upper.settings), upper.key)
        else:
            made[key] = upper
    return made
