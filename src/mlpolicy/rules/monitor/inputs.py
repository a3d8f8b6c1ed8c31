"""What events say of the arguments, the results and the errors of one function."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from mlpolicy.rules.monitor.event import SEVERITY, said_of
from mlpolicy.rules.monitor.rule import LogBlock, MonitorRule
from mlpolicy.rules.monitor.summary import REDACTED, Seen, described, seen

if TYPE_CHECKING:
    from mlpolicy.core.site import Site

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
Values = Mapping[str, Any] | None
"""The arguments of a call, by name."""


def _searched(pattern: str) -> tuple[re.Pattern[str], float]:
    """Return *pattern* and how long a text may be for it."""
    from mlpolicy.core.backtracking import longest

    return re.compile(pattern), longest(pattern)


class Inputs:
    """Says of values what `inputs` asks for, less what `redact` and `redact_patterns` name."""

    def __init__(self, log: LogBlock, site: Site) -> None:
        self._site = site
        self._content: Any = None
        self._statistics: Any = None
        self._patterns = list(map(_searched, log.redact_patterns))
        if log.inputs == "full":
            from mlpolicy.rules.monitor.content import content

            self._content = content
        elif log.inputs == "statistics":
            from mlpolicy.rules.monitor.statistics import statistics

            self._statistics = statistics

    def of_arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was seen of each argument; no number of one that is private, even in part."""
        if self._statistics is None:
            return {name: seen(value) for name, value in arguments.items()}
        return {
            name: seen(value)
            if self._site.is_private((name,))
            else self._statistics(value, self._hide)
            for name, value in arguments.items()
        }

    def of_result(self, result: object, arguments: Mapping[str, Any]) -> Seen | dict[str, Any]:
        """Return what was seen of a result; no number of one that may be made of what is private."""
        if self._statistics is None or any(self._site.is_private((one,)) for one in arguments):
            return seen(result)
        said: dict[str, Any] = self._statistics(result, self._hide, result=True)
        return said

    def of_failure(self, error: BaseException, arguments: Values) -> dict[str, Any]:
        """Return what is said of *error*, and with `inputs: full` what was in the arguments.

        A message may hold any of them, or what was made of them.
        """
        if arguments is None:
            return {"error": said_of(error, whole=False, hide=self._hide)}
        if self._content is None:
            given = {name: described(one) for name, one in self.of_arguments(arguments).items()}
            return {"input": given, "error": said_of(error, whole=False, hide=self._hide)}
        shown = self._content(arguments, self._site.private, self._hide)
        whole = not self._site.private and REDACTED not in str(shown)
        return {"input": shown, "error": said_of(error, whole=whole, hide=self._hide)}

    def _hide(self, text: str) -> str:
        """Return *text* without what a pattern finds; nothing of one too long to be searched."""
        for pattern, most in self._patterns:
            text = pattern.sub(REDACTED, text) if len(text) <= most else REDACTED
        return text


def log_of(rule: MonitorRule) -> LogBlock | None:
    """Return what is logged; None where nothing is."""
    return LogBlock() if rule.log is True else rule.log or None


def logged(log: LogBlock | None) -> set[str]:
    """Return the outcomes that are logged."""
    levels = LEVELS[LEVELS.index(log.level) :] if log is not None else ()
    return {outcome for outcome, level in SEVERITY.items() if level in levels}
