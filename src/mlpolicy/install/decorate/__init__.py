"""The rules as decorators, from the same models, for people who prefer code.

Several of them on one function make one driver, in the fixed order, however they are stacked.
A policy that names the function wins over them, kind by kind.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, Protocol, TypeVar, cast, overload

from mlpolicy.core.kind import Kind
from mlpolicy.core.order import rank
from mlpolicy.core.site import Mode
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.install import registry
from mlpolicy.install.placing import Placing
from mlpolicy.install.seek import Found
from mlpolicy.plan.plan import Plan, PlannedRule, Value
from mlpolicy.plan.ranking import position_of
from mlpolicy.rules import KINDS
from mlpolicy.runtime.driver import Driver, twin_of

F = TypeVar("F", bound=Callable[..., Any])


class Decorator(Protocol):
    """What gives a function back as the object that it is."""

    def __call__(self, function: F, /) -> F:
        """Return *function*."""
        ...


class _Rule:
    """One decorator: `@mlpolicy.retry`, or `@mlpolicy.retry(max_attempts=5)`."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    @overload
    def __call__(self, function: F, /) -> F: ...

    @overload
    def __call__(self, /, *, mode: Mode = "enforce", **settings: Any) -> Decorator: ...

    def __call__(
        self, function: F | None = None, /, *, mode: Mode = "enforce", **settings: Any
    ) -> Any:
        """Put the rule around a function; it stays the object that it is.

        Args:
            function: The function, where the decorator is used without settings.
            mode: `enforce`, `shadow` or `disabled`.
            settings: The fields of the rule, as in a policy file; a bare number is in the
                base unit (seconds, bytes), and habitual names (`max_retries`) are understood.

        Raises:
            pydantic.ValidationError: A setting is unknown, or of the wrong type.
            TypeError: What is decorated is no function.
        """
        rule = _model(KINDS[self._kind], settings)

        def decorate(function: F) -> F:
            return cast("F", _decorate(function, self._kind, rule, mode))

        return decorate if function is None else decorate(function)


def _model(kind: Kind, settings: dict[str, Any]) -> Any:
    fields: dict[str, Any] = {}
    for name, value in settings.items():
        synonym = kind.synonyms.get(name)
        if synonym is None:
            fields[name] = value
        else:
            fields[synonym.field] = value + synonym.shift if synonym.shift else value
    return kind.rule_model().model_validate(fields, context={"python": True})


def _decorate(decorated: Any, kind: str, rule: Any, mode: Mode) -> Any:
    raw = decorated.__func__ if isinstance(decorated, staticmethod | classmethod) else decorated
    if not isinstance(raw, FunctionType):
        from mlpolicy.install.outer import stand_in

        raw, original = stand_in(Found(None, getattr(raw, "__name__", repr(raw)), raw, ()))
        _put(raw, kind, rule, mode, twin=original)
        return raw
    _put(raw, kind, rule, mode)
    return decorated


def _put(function: FunctionType, kind: str, rule: Any, mode: Mode, *, twin: Any = None) -> None:
    entry = registry.record(function)
    if twin is not None:
        entry.outer = twin
    code = entry.own
    span = Span(code.co_filename, code.co_firstlineno)
    values = {
        name: Value(getattr(rule, name), span, "decorator") for name in type(rule).model_fields
    }
    entry.decorated[kind] = PlannedRule(kind, mode, rule, values, span, "decorator")
    earlier, entry.decorator = entry.decorator, driver_of(function)
    registry.swap(function, entry.decorator)
    if earlier is not None:
        earlier.close()


def driver_of(function: FunctionType) -> Driver:
    """Return the driver of all rules that decorators put on *function*."""
    entry = registry.record(function)
    target = Target(function.__module__ or "__main__", function.__qualname__)
    rules = sorted(entry.decorated.values(), key=lambda rule: rank(position_of(rule.kind)))
    plan = Plan(target, "enforce", tuple(rules))
    twin = entry.outer or twin_of(function, entry.base)
    return Placing(closed=False).driver(plan, entry.own, function, twin=twin)


retry = _Rule("retry")
validate_input = _Rule("validate")
cache_result = _Rule("cache")
memory_guard = _Rule("memory")
monitor = _Rule("monitor")
