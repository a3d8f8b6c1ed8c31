"""A policy file as a value: what was written, and where; profiles, under what uses them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Literal

from mlpolicy.core.address import Address
from mlpolicy.core.allowed import OWN
from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import (
    Diagnostic,
    Suggestion,
    closest,
    did_you_mean,
    repair,
    there_are,
)
from mlpolicy.core.site import Mode, Where
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob

if TYPE_CHECKING:
    from mlpolicy.document.parse import Document

Placement = Literal["auto", "inner", "outer"]
OnMissing = Literal["error", "warn", "ignore"]
OnEngineError = Literal["open", "closed"]
OnUnknown = Literal["error", "base"]
_BY_CARE: tuple[OnMissing, ...] = ("error", "warn", "ignore")

COMMON = ("mode", "expires", "on_expiry", "rollout")
"""Settings that every rule has, whatever its kind."""
SHIPPED = ("encoder", "fastapi", "httpx", "openai", "requests", "sklearn")
"""The profiles that come with mlpolicy."""
DEEPEST = 32
"""How many profiles may extend one another in a chain."""
DEPTH = 1000
"""How deep below all files that were given those of packages lie."""
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


class _Shaped:
    """What has a shape, which is worked out when somebody asks."""

    __slots__ = ("shape",)
    shape: str

    def __getattr__(self, name: str) -> Any:
        if name != "shape":
            raise AttributeError(f"{type(self).__name__} has no {name}")
        self.shape = shape_of(self)  # type: ignore[arg-type]  # (it is a block)
        return self.shape


@frozen()
class RuleBlock(_Shaped):
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
    """Lists of patterns; a rule may name what each of them has. Without any: its own package."""
    ignore: tuple[tuple[Name, str], ...] = ()
    """Codes of findings that are not shown, each with its reason."""
    on_unknown_environment: OnUnknown | None = None
    """None where the file does not say."""
    ops: Address | None = None
    """Where a port to look at listens."""

    @property
    def allowed(self) -> tuple[tuple[Glob, ...], ...]:
        """The lists of `allow_call`, without their places."""
        return tuple(tuple(one.glob for one in each) for each in self.allow_call)


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
    policies: Sequence[Policy] = ()
    removed: Mapping[tuple[str, str], Span] = field(default_factory=dict)
    """Where its environment takes a key out of a policy, by the name of that and the key."""


def joined(files: Sequence[PolicyFile]) -> Settings:
    """Return the settings that hold for all *files*: the most careful of what each says.

    Which environment is asked for is no matter of one file: any of them may let go of it,
    where none says that it is an error. Where only packages have lists of `allow_call`, these
    allow no more than what holds without any.
    """
    each = [file.settings for file in files] or [Settings()]
    said = {one.on_unknown_environment for one in each}

    def all_of(name: str) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(item for one in each for item in getattr(one, name)))

    lists = all_of("allow_call")
    if lists and not any(file.settings.allow_call for file in files if file.depth < DEPTH):
        lists = ((Pattern(OWN, Span("")),), *lists)
    return Settings(
        _BY_CARE[min(_BY_CARE.index(one.on_missing_target) for one in each)],
        # (of two words of one setting, the more careful is the first in the alphabet, too)
        min(one.on_engine_error for one in each),
        packages=all_of("packages"),
        require=all_of("require"),
        expiry_warning=max(one.expiry_warning for one in each),
        allow_call=lists,
        ignore=all_of("ignore"),
        ops=min(filter(None, (one.ops for one in each)), key=_exposure, default=None),
        on_unknown_environment="base" if said - {None} == {"base"} else "error",
    )


def _exposure(address: Address) -> tuple[bool, str]:
    return not address.is_loopback, str(address)


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


def shape_of(block: RuleBlock) -> str:
    """Return all that *block* says, but for the names and places of who says it."""
    said = [
        (path, one.value, one.layer.startswith("environments."), one.secret, bool(one.written))
        for path, one in leaves(block.settings)
    ]
    empty = [path for path, _ in blocks(block.settings)]
    return repr((block.kind, block.inherit, block.final, block.removed, said, empty))


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


# --- profiles under the policies that use them ----------------------------------------

Rules = Mapping[str, RuleBlock]


class Profiles:
    """The profiles of a set of files, each with those that it extends under it.

    One of mlpolicy itself is *read* by its name. A profile is missing only where all are *named*,
    and a rule of one where the *whole* was read.
    """

    def __init__(
        self,
        files: Iterable[PolicyFile],
        read: Callable[[str], tuple[Profile, Document]],
        *,
        named: bool = True,
        whole: bool = True,
    ) -> None:
        deepest_first = sorted(files, key=lambda file: (-file.depth, file.file))
        self.known = {profile.name: profile for file in deepest_first for profile in file.profiles}
        self._read = read
        self._named, self._whole = named and all(map(is_name, self.known)), whole
        self.shipped: dict[str, Profile] = {}
        """Those of mlpolicy that are used, where no file has one of that name."""
        self.documents: list[Document] = []
        """The files of these."""
        self.used: set[str] = set()
        """The names of those that policies use, and of those that these extend."""
        self.missing: set[str] = set()
        """The names of those that policies and profiles ask for, and nobody defines."""
        self.diagnostics: list[Diagnostic] = []
        """What is wrong with profiles and their names."""
        self._rules: dict[str, Rules] = {}
        for profile in self.known.values():
            self._flat(profile, ())

    def under(self, policy: Policy) -> Policy:
        """Return *policy* with the rules of its profiles under its own."""
        if not policy.use:
            return policy
        below = self._joined(policy.use, ())
        self._use(policy.use)
        if self._whole and all(self.named(name.text) for name in policy.use):  # (else who knows)
            for rule in policy.rules:
                if rule.only_below and rule.kind not in below:
                    removed = f"removes `policies.{policy.name}.{rule.kind}`, which does not exist"
                    text = f"environment `{rule.only_below}` {removed}"
                    self.diagnostics.append(Diagnostic("MP407", text, rule.span, "warning"))
        return replace(policy, rules=tuple(_over(below, policy.rules).values()))

    def named(self, name: str) -> Profile | None:
        """Return the profile *name*: that of the files, else that of mlpolicy."""
        if name not in self.known and name in SHIPPED and name not in self.shipped:
            self.shipped[name], document = self._read(name)
            self.documents.append(document)
        return self.known.get(name) or self.shipped.get(name)

    def _use(self, names: Iterable[Name]) -> None:
        left = list(names)
        while left:  # (a file may have a chain of thousands, of which it is told)
            name = left.pop()
            profile = self.named(name.text)
            if profile is not None and name.text not in self.used:
                self.used.add(name.text)
                left += profile.extends

    def _joined(self, names: Iterable[Name], chain: tuple[str, ...]) -> Rules:
        """Return the rules of the profiles *names*, one over the other, at the end of a *chain*."""
        made: Rules = {}
        for name in names:
            profile = self.named(name.text)
            if profile is None:
                self._unknown(name)
            elif name.text in chain:
                circle = " → ".join([*chain[chain.index(name.text) :], name.text])
                self._refuse(name, f"profiles extend each other in a circle: {circle}")
            elif len(chain) >= DEEPEST and name.text not in self._rules:
                self._refuse(name, f"profiles extend each other more than {DEEPEST} deep")
            else:
                rules = self._flat(profile, chain)
                if name.text in self.shipped:
                    # Found where it is used: there it can be put right, or be suppressed.
                    rules = {kind: replace(rule, span=name.span) for kind, rule in rules.items()}
                made = _over(made, rules.values())
        return made

    def _flat(self, profile: Profile, chain: tuple[str, ...]) -> Rules:
        """Return the rules of *profile*, those of the profiles that it extends under them."""
        if profile.name not in self._rules:
            below = self._joined(profile.extends, (*chain, profile.name))
            self._rules[profile.name] = _over(below, profile.rules)
        return self._rules[profile.name]

    def _unknown(self, name: Name) -> None:
        if self._named and "${" not in name.text:  # (that a variable is no name, was said)
            self.missing.add(name.text)
            names = dict.fromkeys((*self.known, *SHIPPED))
            near = closest(name.text, names)
            help, edits = did_you_mean(near, there_are(names)), repair(name.span, near)
            self._refuse(name, f"there is no profile `{name.text}`", help, edits)

    def _refuse(
        self, name: Name, text: str, help: str = "", edits: tuple[Suggestion, ...] = ()
    ) -> None:
        self.diagnostics.append(Diagnostic("MP406", text, name.span, help=help, suggestions=edits))


def _over(low: Rules, high: Iterable[RuleBlock]) -> dict[str, RuleBlock]:
    """Return the rules of *low* with those of *high* over them."""
    made = dict(low)
    for upper in high:
        lower = made.get(upper.kind)
        if upper.removed:
            made.pop(upper.kind, None)
        elif lower is None or not upper.inherit:
            made[upper.kind] = upper
        else:
            settings = laid_over(lower.settings, upper.settings)
            made[upper.kind] = replace(upper, settings=settings, final=upper.final or lower.final)
    return made
