"""Puts what a decorator says on a function, beside what others on it say."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from mlpolicy.core import present
from mlpolicy.core.report import say_once
from mlpolicy.errors import PolicyError
from mlpolicy.install import bootstrap, registry
from mlpolicy.install.lookup import Found
from mlpolicy.install.outer import stand_in
from mlpolicy.install.plans import planned, target_of
from mlpolicy.model.check import shown
from mlpolicy.model.decorated import Decorated
from mlpolicy.model.policy import RuleBlock
from mlpolicy.plan.decorators import of_code, unfit
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import behind, close, from_code
from mlpolicy.runtime.template import shape


class _Code:
    """What decorators say, where no policy is in force."""

    def plan(self, target: Any) -> Any:
        """Return the plan of *target*.

        Raises:
            LookupError: It has no decorator of ours.
        """
        plan = planned(target, None)
        if plan is None:
            raise LookupError(present.NONE)
        return plan


present.lie_beneath(_Code())


def place(
    decorated: Any, written: Decorated, block: RuleBlock | None, settings: dict[str, Any]
) -> Any:
    """Return *decorated* with a rule on it, the same object wherever it has code to swap.

    Args:
        decorated: What stands under the decorator.
        written: The decorator.
        block: What it says, where that does not depend on the function.
        settings: Its arguments.

    Raises:
        PolicyError: What is decorated is no function, or the rule does not fit it.
    """
    raw = check_function(decorated, written)
    block = block or written.read(settings, raw)
    if isinstance(raw, FunctionType):
        _put(raw, block, written)
        return decorated
    forward, original = stand_in(Found(None, getattr(raw, "__name__", type(raw).__name__), raw, ()))
    registry.record(forward).outer = original
    _put(forward, block, written)
    return forward


def check_function(decorated: Any, written: Decorated) -> Any:
    """Return the function that *decorated* is, less what makes a method of it.

    Raises:
        PolicyError: It is not a function.
    """
    raw = decorated.__func__ if isinstance(decorated, staticmethod | classmethod) else decorated
    what, field = shown(raw), written.kind.shorthand
    if isinstance(raw, type):
        what, help = "a class", "put it on `__init__` or on a method"
    elif isinstance(raw, property):
        help = "put the decorator below `@property`"
    elif not callable(raw):
        help = "settings are given by name" + (f": `{field}=...`" if field else "")
    else:
        return raw
    raise PolicyError([written.wrong("MP320", f"expected a function, found {what}", help=help)])


def _put(function: FunctionType, block: RuleBlock, written: Decorated) -> None:
    entry = registry.record(function)
    there = entry.decorated.get(block.kind)
    if there is not None:
        text = f"the function has one already, at {there.span.place}"
        raise PolicyError([written.wrong("MP401", text, help="keep one of them")])
    blocks = {**entry.decorated, block.kind: block}
    target = target_of(function)
    plan, found = of_code(target, blocks)
    rule = plan.rule(block.kind)
    if rule is not None and rule.rule is not None:
        form = shape(entry.own)
        takes_any = form.var_keyword is not None
        found = (*found, *unfit(target, rule, form.names, form.kind, takes_any=takes_any))
    wrong = [finding for finding in found if finding.severity == "error"]
    if wrong:
        raise PolicyError(wrong)
    for finding in found:
        say_once(f"code:{target}:{finding.code}:{finding.span}", str(finding))
    twin = entry.outer or behind(function, entry.base)
    made = steps(plan, entry.own, function)
    driver = from_code(entry.own, made, target=str(target), twin=twin)
    registry.swap(function, driver)
    entry.decorated = blocks
    earlier, entry.decorator = entry.decorator, driver
    close(earlier.steps if earlier else ())
    engine = bootstrap.awake()
    if engine is not None:
        engine.adopt(target, function)
