"""What can be told of a retry rule once the modules of its exceptions are imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mlpolicy.core.imported import lacking, near
from mlpolicy.rules.retry.exceptions import Path, parse

if TYPE_CHECKING:
    from mlpolicy.rules.retry.rule import RetryRule


def prove(rule: RetryRule, _: Callable[[str], object]) -> Iterator[tuple[str, str, str, str]]:
    """Yield (code, field, message, remedy) for every exception that its module does not have."""
    for field in ("retry_on", "give_up_on"):
        for number, text in enumerate(getattr(rule, field)):
            absent = lacking(text) if isinstance(parse(text), Path) else None
            if absent:
                message = "`{}` has no exception `{}`".format(*absent)
                yield "MP603", f"{field}.{number}", message, near(text, _is_error)


def _is_error(held: Any) -> bool:
    return issubclass(type(held), type) and issubclass(held, BaseException)
