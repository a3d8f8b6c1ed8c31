"""The kinds of rule, each a folder of one shape, and the order in which a call meets them."""

from __future__ import annotations

from typing import Any, Final

from mlpolicy.core.kind import Kind
from mlpolicy.core.plugins import Extensions

_BUILT_IN = ("retry", "validate", "cache", "memory", "monitor")
_OURS = "MP"

FUNCTION: Final = "FUNCTION"

ORDER: Final = (
    "monitor",
    "fallback",
    "validate input",
    "timeout total",
    "cache",
    "retry",
    "circuit_breaker",
    "rate_limit",
    "timeout attempt",
    "concurrency",
    "memory",
    FUNCTION,
    "validate output",
)
"""Positions where a rule of ours may stand; the kind of a plugin stands just inside of one."""

INNERMOST: Final = "validate output"
STARTED: Final = "retry"
"""What stands here or within sees a generator start, what stands outside sees all of it."""

_BETWEEN: Final[dict[str, float]] = {}
"""Where the kinds of plugins stand."""


def _vet(name: str, kind: Any) -> str | None:
    """Say why a plugin is no kind of rule that can be used; its step is not imported."""
    if not isinstance(kind, Kind):
        return f"it is no `Kind`, but {type(kind).__name__}"
    if kind.name != name:
        return f"its kind is named `{kind.name}`"
    if kind.inside not in ORDER:
        return f"`inside` is `{kind.inside}`, which is no position in the order of the rules"
    return _vet_rule(kind)


def _vet_rule(kind: Kind) -> str | None:
    from mlpolicy.core.model import RuleModel

    model = kind.rule_model()
    if not (isinstance(model, type) and issubclass(model, RuleModel)):
        return f"`{kind.rule}` is no `RuleModel`"
    if kind.shorthand is not None and kind.shorthand not in model.model_fields:
        return f"the rule has no field `{kind.shorthand}` for a bare value"
    taken = next((one.code for one in kind.finding_codes() if one.code.startswith(_OURS)), None)
    return f"the code `{taken}` is of a form that is mlpolicy's own" if taken else None


def _joined(kind: Kind) -> None:
    """Give a plugin's *kind* its place: just inside of the position that it names."""
    _BETWEEN[kind.name] = min(ORDER.index(kind.inside), ORDER.index("memory")) + 0.5


KINDS: Extensions[Kind] = Extensions(
    "kinds", {name: f"mlpolicy.rules.{name}:KIND" for name in _BUILT_IN}, _vet, joined=_joined
)
"""Every kind that a policy may use."""


def rank(position: str) -> float:
    """Return where *position* stands, outermost 0; an unknown one stands just around the function."""
    if position in ORDER:
        return ORDER.index(position)
    return _BETWEEN.get(position, ORDER.index("memory") + 0.5)


def inside_out(position: str) -> tuple[float, str]:
    """Sort key for weaving: what is woven first stands nearest to the function."""
    return (0 if position == INNERMOST else len(ORDER) - rank(position), position)


def kind_of_decorator(name: str) -> Kind:
    """Return the kind whose decorator has that name."""
    return next(kind for kind in map(KINDS.__getitem__, _BUILT_IN) if kind.decorator == name)


def show() -> None:
    """Let the numbers of the rules be seen where those of the process are; asked at each import.

    A rule has numbers whether or not a function is monitored.
    """
    from mlpolicy.core.report import interrupts, say_once
    from mlpolicy.rules.monitor.prometheus import expose

    try:
        expose(client=False)
    except Exception as error:  # (the edge to a library, in the user's import)
        if interrupts(error):
            raise
        say_once("show", f"metrics cannot be shown: {error}", error=error)
