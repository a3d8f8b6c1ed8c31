"""A validate rule in place of an older one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlpolicy.rules.validate.rule import ValidateRule


def risks(old: ValidateRule, new: ValidateRule) -> Iterator[str]:
    """Yield what to look at twice: what is no longer checked, or met otherwise."""
    gone = [name for name in old.args or {} if name not in (new.args or {})]
    if gone:
        yield f"no longer checked: {', '.join(gone)}"
    if old.returns is not None and new.returns is None:
        yield "the result is no longer checked"
    if old.on_fail != new.on_fail:
        yield f"what fails a check is met otherwise: {old.on_fail} → {new.on_fail}"
