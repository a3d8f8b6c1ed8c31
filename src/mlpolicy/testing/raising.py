"""Classes of errors by their names, and errors of those classes."""

from __future__ import annotations

import re
import sys
from dataclasses import field
from typing import Any

import mlpolicy
from mlpolicy import errors
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.rules.retry.exceptions import BUILTINS
from mlpolicy.rules.retry.statuses import http_status
from mlpolicy.runtime.assemble import resolve
from mlpolicy.testing.grammar import RaiseBlock

_HTTP = re.compile(r"http:([1-5]\d\d)")


class HttpError(Exception):
    """An answer with a status that is an error: `raise: http:503`."""

    def __init__(self, message: str = "", status_code: int = 500) -> None:
        self.status_code = status_code
        super().__init__(message or f"HTTP {status_code}")


def error_class(name: str, span: Span, found: list[Diagnostic]) -> type[BaseException] | None:
    """Return the class of errors of that name; what is wrong with it goes to *found*."""
    if name in BUILTINS:
        return BUILTINS[name]
    if _HTTP.fullmatch(name):
        return HttpError
    made, wrong = _imported(name, span) if "." in name else (None, _no_builtin(name, span))
    if wrong is not None:
        found.append(wrong)
    return made


def is_one(error: BaseException, cls: type[BaseException], name: str) -> bool:
    """Whether *error* is what `raises: name` says, *cls* being the class of that name."""
    http = _HTTP.fullmatch(name)
    return http_status(error) == int(http[1]) if http else isinstance(error, cls)


def _no_builtin(name: str, span: Span) -> Diagnostic:
    ours = [one for one in mlpolicy.__all__ if hasattr(errors, one)]
    near = closest(name, [*BUILTINS, *ours])
    path = f"mlpolicy.{near}" if near in ours else near
    help = did_you_mean(path, "write a class that is no builtin by its path")
    return Diagnostic("MP603", f"there is no builtin exception `{name}`", span, help=help)


def _imported(name: str, span: Span) -> tuple[type[BaseException] | None, Diagnostic | None]:
    try:
        cls = resolve(name)
    except Exception as error:  # noqa: BLE001 (an import may raise anything)
        text = f"`{name}` cannot be imported: {type(error).__name__}: {error}"
        module, _, last = name.rpartition(".")
        near = closest(last, dir(sys.modules.get(module)))
        help = did_you_mean(near and f"{module}.{near}")
        return None, Diagnostic("MP603", text, span, help=help)
    if isinstance(cls, type) and issubclass(cls, BaseException):
        return cls, None
    return None, Diagnostic("MP604", f"`{name}` is no exception", span)


@frozen()
class Raising:
    """An error that a stub raises, made anew each time."""

    cls: type[BaseException]
    message: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, made: type[BaseException], block: RaiseBlock | str) -> Raising:
        """Return what *block* says, of the class *made*."""
        if isinstance(block, str):
            block = RaiseBlock(error=block)
        http = _HTTP.fullmatch(block.error)
        facts: dict[str, Any] = {"status_code": int(http[1])} if http else {}
        if block.status is not None:
            facts["status_code"] = block.status
        if block.retry_after is not None:
            facts["retry_after"] = float(block.retry_after)
        return cls(made, block.message, facts)

    def error(self) -> BaseException:
        """Return a new error."""
        given: tuple[Any, ...] = (self.message,) if self.message else ()
        if self.cls is HttpError:
            given = (self.message or f"HTTP {self.facts['status_code']}",)
        try:
            error = self.cls(*given)
        except Exception:  # noqa: BLE001 (a class of the user's that wants more than a message)
            error = self.cls.__new__(self.cls)
            error.args = given
        for name, value in self.facts.items():
            setattr(error, name, value)
        return error
