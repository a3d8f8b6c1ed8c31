"""Everything that mlpolicy raises.

MlpolicyError
├── PolicyError            the files, or a decorator, are wrong, before any call
└── CallRefused            a rule stopped one call
    ├── ValidationFailed   (also a ValueError)
    └── MemoryPressure
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mlpolicy.core.diagnostic import Diagnostic


class MlpolicyError(Exception):
    """The root of what mlpolicy raises by itself."""


class PolicyError(MlpolicyError):
    """The policy files, or what a decorator says, are wrong; nothing was changed.

    Attributes:
        diagnostics: The findings, as `mlpolicy validate` shows them.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(str(one) for one in self.diagnostics))

    def __reduce__(self) -> tuple[type[PolicyError], tuple[tuple[Diagnostic, ...]]]:
        """Travel between processes with the findings."""
        return type(self), (self.diagnostics,)


class CallRefused(MlpolicyError):
    """A rule stopped this call.

    Attributes:
        target: The function path.
        call_id: What `mlpolicy events show` finds the call by, where an event of it was written.
    """

    call_id: str = ""

    def __init__(self, target: str, message: str) -> None:
        self.target = target
        super().__init__(f"{target} {message}")

    @property
    def public(self) -> str:
        """The message as logs may have it: with no value out of the call."""
        return str(self)


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing wrong with one argument or the result."""

    argument: str
    """The argument, or `returns`."""
    where: str
    """The path in the value: `features[17, 3]`."""
    check: str
    """The setting that failed: `range`."""
    found: str
    expected: str
    what: str = field(default="", compare=False)
    """The same with no value out of the call: place, check, type and bounds."""
    asked: str = field(default="", compare=False)
    """What was asked of which place: the same for all values that fail it."""

    def __str__(self) -> str:
        """Return what was found and what was expected."""
        return f"{self.where} is {self.found}, expected {self.expected}"


class ValidationFailed(CallRefused, ValueError):
    """An argument or a result is not what the policy says it must be.

    Attributes:
        target: The function path.
        failures: Everything that is wrong, not only the first thing.
    """

    def __init__(self, target: str, failures: Iterable[Failure]) -> None:
        self.failures = tuple(failures)
        super().__init__(target, "refused: " + "; ".join(str(one) for one in self.failures))

    @property
    def public(self) -> str:
        """The message as logs may have it: places, checks, types and bounds alone."""
        whats = (one.what or f"{one.argument} fails {one.check}" for one in self.failures)
        return f"{self.target} refused: " + "; ".join(whats)

    def __reduce__(
        self,
    ) -> tuple[type[ValidationFailed], tuple[str, tuple[Failure, ...]], dict[str, object]]:
        """Travel between processes with the failures."""
        return type(self), (self.target, self.failures), {"call_id": self.call_id}


class MemoryPressure(CallRefused):
    """Too much memory is in use to begin this call.

    Attributes:
        target: The function path.
        used: Bytes in use.
        limit: Bytes that there are.
        needed: Bytes that the call would add, 0 where nobody knows.
        retry_after: Seconds after which another try makes sense.
    """

    def __init__(
        self, target: str, *, used: int, limit: int, needed: int = 0, retry_after: float = 1.0
    ) -> None:
        self.used, self.limit, self.needed, self.retry_after = used, limit, needed, retry_after
        share = f"{used / limit:.0%}" if limit else "all"
        super().__init__(target, f"refused: {share} of {_size(limit)} memory is in use")

    def __reduce__(self) -> tuple[Callable[[], MemoryPressure], tuple[()], dict[str, object]]:
        """Travel between processes with the figures."""
        names = ("used", "limit", "needed", "retry_after")
        made = partial(type(self), self.target, **{name: getattr(self, name) for name in names})
        return made, (), {"call_id": self.call_id}


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
