"""Which errors a policy means by the names that it writes, and which of them are retried.

A name is a group (`transient`), a builtin (`ValueError`), a dotted path
(`requests.ConnectionError`), or a status (`http:5xx`, `grpc:UNAVAILABLE`).
Nothing is imported: a path is compared with the classes of the error that was raised.
"""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Iterable
from typing import Final, Literal

from mlpolicy.core import program
from mlpolicy.core.frozen import frozen
from mlpolicy.core.live import Table
from mlpolicy.core.spelling import alike
from mlpolicy.core.target import Given
from mlpolicy.errors import CallRefused
from mlpolicy.rules.retry import answers
from mlpolicy.rules.retry.libraries import GROUPS, GRPC_CODES, Group

_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
STATUS = re.compile(r"[1-5](\d\d|xx)")
BUILTINS = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
"""The builtin exceptions by name, aliases such as `IOError` too."""
_OURS = ("CallRefused", "MemoryPressure", "MlpolicyError", "PolicyError", "ValidationFailed")
"""What mlpolicy raises; most of it, a rule that refuses a call."""
_KNOWN = (*BUILTINS, *GROUPS, *(f"mlpolicy.{name}" for name in _OURS))
_EXAMPLES = "`ConnectionError`, `requests.Timeout`, `http:503` or `grpc:UNAVAILABLE`"


class SpellingError(ValueError):
    """A text is not the name of an error."""


@frozen()
class Builtin:
    """An exception that is at hand, a builtin one or a class that was given, and its subclasses."""

    cls: type[BaseException]

    def names(self, cls: type) -> bool:
        """Return whether this is the name of that very class."""
        return cls is self.cls


@frozen()
class Path:
    """A class by its dotted path, and its subclasses."""

    text: str

    def names(self, cls: type) -> bool:
        """Return whether this is the name of that very class.

        It is where it is defined there, where that module has it under this name, or, as long
        as that cannot be seen, where it is defined deeper in that package.
        """
        name, modules = cls.__qualname__, program.names_of(cls.__module__)
        if any(self.text == f"{module}.{name}" for module in modules):
            return True
        resolved = self.resolve()
        if resolved is not None:
            return resolved is cls
        package = self.text.removesuffix(f".{name}")
        return package != self.text and any(module.startswith(f"{package}.") for module in modules)

    def resolve(self) -> type | None:
        """Return the class that an imported module holds under this name."""
        module, _, rest = self.text.rpartition(".")
        while module and module not in sys.modules:
            module, _, name = module.rpartition(".")
            rest = f"{name}.{rest}"
        value: object = sys.modules.get(module)
        for name in rest.split("."):
            value = getattr(value, "__dict__", {}).get(name)
        return value if isinstance(value, type) else None


@frozen()
class Status:
    """An HTTP status (`429`), a hundred of them (`5xx`), or a gRPC code."""

    text: str


Name = Group | Builtin | Path | Status


def parse(text: str) -> Name:
    """Return what *text* names.

    Raises:
        SpellingError: It cannot be the name of an error.
    """
    if isinstance(text, Given):
        return Builtin(text.held)
    builtin = text.removeprefix("builtins.")
    if builtin in BUILTINS:
        return Builtin(BUILTINS[builtin])
    if text in GROUPS:
        return GROUPS[text]
    scheme, _, code = text.partition(":")
    is_code = STATUS.fullmatch(code) if scheme == "http" else code in GRPC_CODES
    if scheme in ("http", "grpc") and is_code:
        return Status(code)
    package, _, name = text.rpartition(".")
    unknown = package == "builtins" or (package == "mlpolicy" and name not in _OURS)
    if _PATH.fullmatch(text) and not unknown:
        return Path(text)
    near = alike(text, _KNOWN, cutoff=0.75)
    meant = f"did you mean `{near}`?" if near else f"expected a name such as {_EXAMPLES}"
    raise SpellingError(f"`{text}` is not an exception: {meant}")


PROGRAMMING: Final = (
    *(TypeError, AttributeError, NameError, AssertionError),
    *(NotImplementedError, SyntaxError, ImportError),
)
"""Errors of the program: it fails the same way the next time."""
_UNLESS_NAMED = (CallRefused, *PROGRAMMING)
"""What no broad name covers: `retry_on` must name them, or a class between them and the error."""
_REMEMBERED = 256
"""Classes; a program that makes classes at run time must not make us grow."""
_CARRIES = frozenset(("__getattr__", "__getattribute__", *answers.STATUS_NAMES))

_Settled = Literal["retry", "give up", "ask", "bare"]
"""What is known by class; of a bare one, to give up unless something was hung on the error."""


class Chosen:
    """A list of names, sorted by what has to be looked at."""

    def __init__(self, texts: Iterable[str]) -> None:
        names = [parse(text) for text in texts]
        self._groups = [name for name in names if isinstance(name, Group)]
        self._classes = [name for name in names if isinstance(name, Builtin | Path)]
        named = frozenset(name.text for name in names if isinstance(name, Status))
        self._statuses = named.union(*(group.statuses for group in self._groups))
        self.named_http = frozenset(filter(STATUS.fullmatch, named))
        self.http = frozenset(filter(STATUS.fullmatch, self._statuses))

    def holds(self, cls: type) -> bool:
        """Return whether an error of that class is meant, whatever its status."""
        return any(group.holds(cls) for group in self._groups) or self.names(cls)

    def names(self, cls: type, within: type | tuple[type, ...] = object) -> bool:
        """Return whether *cls* is meant by a name from *within*, not by a broader one."""
        bases = [base for base in cls.__mro__ if issubclass(base, within)]
        return any(name.names(base) for base in bases for name in self._classes)

    def asks(self, cls: type) -> bool:
        """Return whether the status of an error of that class matters."""
        if self.http or not self._statuses:
            return bool(self.http)
        has_code = callable(answers.reached(cls, "code"))  # (as errors of gRPC have)
        return has_code or answers.reached(cls, "grpc_status_code") is not None

    def holds_status(self, error: BaseException) -> bool:
        """Return whether *error* carries one of the statuses."""
        return bool(self._statuses) and not self._statuses.isdisjoint(answers.statuses_of(error))

    def unseen(self) -> bool:
        """Return whether a path names nothing yet that is imported."""
        return any(isinstance(name, Path) and name.resolve() is None for name in self._classes)


class Choice:
    """Decides for each error; what hangs on the class alone is remembered by class."""

    def __init__(self, retry_on: Iterable[str], give_up_on: Iterable[str]) -> None:
        self.retry = Chosen(retry_on)
        self.give_up = Chosen(give_up_on)
        self._known: Table[type, _Settled] = Table()
        self.settled = self._known.get
        """Gives what was found out of a class before, by that class alone."""

    def retries(self, error: BaseException) -> bool:
        """Return whether *error* is worth another attempt."""
        cls = type(error)
        settled = self._known.get(cls)
        if settled is None:
            settled = self._by_class(cls)
            # A module that is imported later may show that an alias names this class.
            if not (self.retry.unseen() or self.give_up.unseen()):
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[cls] = settled
        if settled in ("retry", "give up"):
            return settled == "retry"
        if settled == "bare" and not error.__dict__:
            return False
        if isinstance(error, BaseExceptionGroup):
            return self._retries_all(error)
        if self.give_up.holds_status(error):
            return False
        return self.retry.holds_status(error) or self.retry.holds(cls)

    def _retries_all(self, group: BaseExceptionGroup[BaseException]) -> bool:
        """Return whether each error in *group* is worth another attempt.

        Where `retry_on` names the class of the group, all are but those to give up on.
        """
        if not self.retry.names(type(group), BaseExceptionGroup):
            return all(map(self.retries, answers.leaves(group)))
        return not any(
            self.give_up.holds(type(error)) or self.give_up.holds_status(error)
            for error in answers.leaves(group)
        )

    def _by_class(self, cls: type) -> _Settled:
        ours = issubclass(cls, _UNLESS_NAMED) and not self.retry.names(cls, _UNLESS_NAMED)
        if ours or self.give_up.holds(cls):
            return "give up"
        if issubclass(cls, BaseExceptionGroup) or self.give_up.asks(cls):
            return "ask"
        if self.retry.holds(cls):
            return "retry"
        if not self.retry.asks(cls):
            return "give up"
        own = (base for base in cls.__mro__ if base.__module__ != "builtins")
        return "bare" if all(_CARRIES.isdisjoint(vars(base)) for base in own) else "ask"
