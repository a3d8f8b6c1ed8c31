"""Function paths, and patterns of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from mlpolicy.core.classes import frozen

LOCALS = "<locals>"
_IDENTIFIER = r"[^\W\d]\w*"
_PART = rf"(?:{_IDENTIFIER}|{LOCALS})"
_PATH = re.compile(rf"({_IDENTIFIER}(?:\.{_IDENTIFIER})*):({_PART}(?:\.{_PART})*)")


class TargetError(ValueError):
    """A text is no function path, or no pattern of one; *meant* is what was meant, if known."""

    def __init__(self, message: str, meant: str = "") -> None:
        super().__init__(f"{message}; did you mean `{meant}`?" if meant else message)
        self.message = message
        self.meant = meant


@frozen(order=True)
class Target:
    """One function path: `package.module:Qual.name`."""

    module: str
    qualname: str

    def __str__(self) -> str:
        """Return it as a policy file writes it."""
        return f"{self.module}:{self.qualname}"

    @property
    def top(self) -> str:
        """The top-level package that it is of."""
        return self.module.partition(".")[0]

    def __hash__(self) -> int:
        """Return the hash of both parts: targets are looked up more than anything else."""
        return hash((self.module, self.qualname))

    @staticmethod
    @lru_cache(4096)  # the same one is asked for at every stage
    def parse(text: str) -> Target:
        """Return the path that *text* writes, or raise a `TargetError`."""
        found = _PATH.fullmatch(text)
        if found is None:
            what = f"`{text}` names no function: write `package.module:function`"
            raise TargetError(what, _meant(text))
        return Target(*found.groups())


def _meant(text: str) -> str:
    """Return the function path that *text* was probably meant to be; nothing if none is near.

    Known are a file's path, `module::function` as pytest writes it, a call's brackets, a dash
    for an underscore, and a dot for the colon: a class begins with a capital.
    """
    plain = text.strip().removesuffix("()").replace("::", ":")
    if ".py:" in plain:
        module, colon, name = plain.partition(".py:")
    else:
        module, colon, name = plain.removesuffix(".py").rpartition(":")
    if not colon:
        parts = name.split(".")
        capital = (at for at, part in enumerate(parts) if at and part[:1].isupper())
        split = next(capital, len(parts) - 1)
        module, name = ".".join(parts[:split]), ".".join(parts[split:])
    module = module.strip("./").replace("/", ".").replace("-", "_")
    found = f"{module.replace(':', '.')}:{name.replace(':', '.')}"
    return found if found != text and _PATH.fullmatch(found) else ""


@dataclass(frozen=True)
class Glob:
    """A pattern of function paths.

    `*` stands for any run inside one component, `**` for any number of module components.
    """

    text: str

    def __str__(self) -> str:
        """Return it as a policy file writes it."""
        return self.text

    @property
    def module(self) -> str:
        """The part before the colon."""
        return self.text.partition(":")[0]

    @property
    def qualname(self) -> str:
        """The part after the colon."""
        return self.text.partition(":")[2]

    @property
    def top(self) -> str:
        """The top-level package that it is confined to."""
        return self.module.partition(".")[0]

    @property
    def exact(self) -> bool:
        """Whether it names one function and no more."""
        return "*" not in self.text

    @cached_property
    def literal(self) -> tuple[int, int]:
        """How specific it is: components without a wildcard, and characters besides wildcards."""
        parts = self.text.replace(":", ".", 1).split(".")
        if self.exact:
            return len(parts), sum(map(len, parts))
        whole = sum("*" not in part for part in parts)
        return whole, sum(len(part) - part.count("*") for part in parts)

    def covers_module(self, module: str) -> bool:
        """Whether a function of *module* may match."""
        return self._modules.fullmatch(module) is not None

    def takes(self, qualname: str) -> bool:
        """Whether a function of that name matches, in a module that is covered."""
        return self._qualnames.fullmatch(qualname) is not None

    def matches(self, target: Target) -> bool:
        """Whether *target* is one of the functions meant."""
        if self.exact:
            return self.text == f"{target.module}:{target.qualname}"
        return self.covers_module(target.module) and self.takes(target.qualname)

    @cached_property
    def _modules(self) -> re.Pattern[str]:
        return _expression(self.module, "module")

    @cached_property
    def _qualnames(self) -> re.Pattern[str]:
        return _expression(self.qualname, "qualname")

    @classmethod
    def parse(cls, text: str) -> Glob:
        """Return the pattern, or the exact path, that *text* writes, or raise a `TargetError`."""
        if "*" not in text:
            Target.parse(text)
            return cls(text)
        module, colon, qualname = text.partition(":")
        if not colon:
            raise TargetError(f"`{text}` names no function: write `package.module:*`")
        if module.startswith("*"):
            what = f"`{text}` would look at every module: begin with the name of a package"
            raise TargetError(what)
        for part in module.split("."):
            if part != "**" and ("**" in part or not re.fullmatch(r"[\w*]+", part)):
                raise TargetError(f"`{module}` is no pattern of modules; `**` stands between dots")
        for part in qualname.split("."):
            if "**" in part or (part != LOCALS and not re.fullmatch(r"[\w*]+", part)):
                what = f"`{qualname}` is no pattern of functions; `*` is one component"
                raise TargetError(what)
        return cls(text)


def _expression(pattern: str, what: str) -> re.Pattern[str]:
    """Return a regular expression for one side of a pattern.

    `a.**` covers `a` and everything below it. What stands between two wildcards is looked for
    once, as far left as it goes: a pattern of many wildcards would else take for ever.
    """
    groups: list[list[str]] = [[]]
    for part in pattern.split("."):
        if part == "**" and what == "module":
            groups.append([])
        else:
            groups[-1].append(_component(part))
    first, *others = groups
    text = r"\.".join(first)
    for group in filter(None, others[:-1]):
        inner = "".join(rf"\.{part}" for part in group)
        text += rf"(?>(?:\.\w++)*?{inner})"
    for group in others[-1:]:
        text += r"(?:\.\w++)*" + "".join(rf"\.{part}" for part in group)
    return re.compile(text)


def _component(part: str) -> str:
    first, *others = map(re.escape, part.split("*"))
    if not others:
        return rf"{first}(?!\w)"
    between = "".join(rf"(?>\w*?{piece})" for piece in others[:-1] if piece)
    return rf"{first}{between}\w*{others[-1]}(?!\w)"


def modules_below(targets: Iterable[Target]) -> dict[str, tuple[str, ...]]:
    """Return the modules of *targets*, by each package that they are below."""
    found: dict[str, tuple[str, ...]] = {}
    for module in dict.fromkeys(target.module for target in targets):
        package = module.rpartition(".")[0]
        while package:
            found[package] = (*found.get(package, ()), module)
            package = package.rpartition(".")[0]
    return found


class Given(str):
    """The path of an object, as a policy file would write it, with the object itself.

    So a class of a function's own, which no path leads to, is found like any other.
    """

    __slots__ = ("held",)

    held: Any

    @classmethod
    def of(cls, held: Any) -> Given:
        """Return what stands for *held*."""
        made = cls(path_of(held))
        made.held = held
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Given) and self.held is other.held

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(self.held)

    def __reduce__(self) -> tuple[Any, tuple[Any]]:
        """Travel with the object."""
        return Given.of, (self.held,)


def path_of(held: Any) -> str:
    """Return the path of a class (`package.module.Class`) or a function (`package.module:name`).

    Of any other object it is that of its class: what it holds is nobody's concern. Several classes
    are shown as one type of them.
    """
    if isinstance(held, tuple):
        return " | ".join(map(path_of, held))
    named = held if isinstance(getattr(held, "__qualname__", None), str) else type(held)
    module = getattr(named, "__module__", None)
    if not isinstance(module, str) or module == "builtins":
        return str(named.__qualname__)
    return f"{module}{'.' if isinstance(named, type) else ':'}{named.__qualname__}"


def function_of(default: Any) -> str:
    """Return the function that a default in a policy file names, or nothing if it is a value."""
    match default:
        case {"call": str() as path} if len(default) == 1:
            return path
    return ""
