"""Functions that rules call themselves: whether they are there, and take what they are given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.target import Target, TargetError
from mlpolicy.plan.against.about import About
from mlpolicy.plan.against.targets import absent
from mlpolicy.plan.references import called
from mlpolicy.plan.survey import Answer, Defined, Missing


def look(about: About) -> Iterator[Diagnostic]:
    """Yield what no call of a rule will find: a function that is missing, or no function."""
    for rule in about.plan.rules:
        for text, span in called(rule):
            if not about.rulebook.settings.allows(text):
                continue  # (that is said, whether it is there or not)
            try:
                target = Target.parse(text)
            except TargetError:
                continue  # (the model has said so)
            looked = _called(about.survey.look_up(target))
            yield from absent(target, looked, span)
            if isinstance(looked, Defined) and looked.constant:
                message = f"`{target}` is a value, and a rule can only call a function"
                yield Diagnostic("MP320", message, span)


def _called(looked: Answer) -> Answer:
    """Return *looked* for what is called: a class, too."""
    if not isinstance(looked, Missing):
        return looked
    return replace(looked, close=(*looked.close, *((name, 0) for name in looked.classes)))
