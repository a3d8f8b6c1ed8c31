"""Which errors a policy means by the names that it writes.

A name is a group (`transient`), a builtin (`ValueError`), a dotted path
(`requests.ConnectionError`), or a status (`http:5xx`, `grpc:UNAVAILABLE`).
Nothing is imported: a path is compared with the classes of the error that was raised.
"""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Iterable, Mapping

from mlpolicy.core import program
from mlpolicy.core.frozen import frozen
from mlpolicy.core.given import Given
from mlpolicy.core.words import alike
from mlpolicy.rules.retry.groups import GROUPS, Group
from mlpolicy.rules.retry.statuses import GRPC_CODES

_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
STATUS = re.compile(r"[1-5](\d\d|xx)")
_BARESTATUS = re.compile(r"(?:https?[\W_]*)?([1-5](?:\d\d|xx))", re.IGNORECASE)

BUILTINS = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
"""The builtin exceptions by name, aliases such as `IOError` too."""
OUR_OWN = ("CallRefused", "MemoryPressure", "MlpolicyError", "PolicyError", "ValidationFailed")
"""What mlpolicy raises; most of it, a rule that refuses a call."""
_KNOWN = {"builtins": tuple(BUILTINS), "mlpolicy": OUR_OWN}
"""The exceptions of packages that are always the same."""


class SpellingError(ValueError):
    """A text is no name of an error."""


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
        module, name = cls.__module__, cls.__qualname__
        called = program.names_of(module)
        if any(self.text == f"{one}.{name}" for one in called):
            return True
        found = self.resolve()
        if found is not None:
            return found is cls
        package = self.text.removesuffix(f".{name}")
        return package != self.text and any(one.startswith(f"{package}.") for one in called)

    def resolve(self) -> type | None:
        """Return the class that an imported module holds under this name."""
        module, _, rest = self.text.rpartition(".")
        while module and module not in sys.modules:
            module, _, name = module.rpartition(".")
            rest = f"{name}.{rest}"
        found: object = sys.modules.get(module)
        for name in rest.split("."):
            found = getattr(found, "__dict__", {}).get(name)
        return found if isinstance(found, type) else None


@frozen()
class HttpStatus:
    """An HTTP status (`429`) or a hundred of them (`5xx`)."""

    text: str


@frozen()
class GrpcStatus:
    """A gRPC code by name."""

    text: str


Name = Group | Builtin | Path | HttpStatus | GrpcStatus


def parse(text: str) -> Name:
    """Return what *text* names.

    Raises:
        SpellingError: It cannot be the name of an error.
    """
    if isinstance(text, Given) or text in BUILTINS:
        return Builtin(text.held if isinstance(text, Given) else BUILTINS[text])
    if len(text.split()) > 1 and not status_meant(text):
        raise SpellingError(f"`{text}` is more than one word: separate exceptions by commas")
    scheme, colon, rest = text.partition(":")
    if colon:
        return _status(scheme, rest, text)
    if text in GROUPS:
        return GROUPS[text]
    if _PATH.fullmatch(text):
        package, name = text.rsplit(".", 1)
        if package in _KNOWN and name not in _KNOWN[package]:
            known = _KNOWN[package]
            raise SpellingError(f"`{text}` is no exception{_meant(name, known, f'{package}.')}")
        return Builtin(BUILTINS[name]) if package == "builtins" else Path(text)
    raise SpellingError(_unknown(text))


def status_meant(value: object) -> str:
    """Return the status that *value* writes otherwise: a number, a word, `{http: 503}`.

    Nothing, if it is none.
    """
    if isinstance(value, Mapping):
        text = ":".join(f"{key}:{named}" for key, named in value.items())
        try:
            parse(text)
        except SpellingError:
            return ""
        return text
    found = _BARESTATUS.fullmatch(str(value))
    return f"http:{found[1].lower()}" if found else ""


def _status(scheme: str, rest: str, text: str) -> Name:
    if scheme == "http":
        if STATUS.fullmatch(rest):
            return HttpStatus(rest)
        meant = f"http:{rest.strip().lower()}"
        if STATUS.fullmatch(rest.strip().lower()):
            raise SpellingError(f"`{text}` is no HTTP status: did you mean `{meant}`?")
        raise SpellingError(f"`{text}` is no HTTP status: write `http:503` or `http:5xx`")
    if scheme == "grpc":
        if rest in GRPC_CODES:
            return GrpcStatus(rest)
        raise SpellingError(f"`{text}` is no gRPC code{_meant(rest.upper(), GRPC_CODES, 'grpc:')}")
    if _PATH.fullmatch(f"{scheme}.{rest}") and not alike(scheme, ("http", "grpc"), cutoff=0.75):
        raise SpellingError(f"`{text}` is written like a function: did you mean `{scheme}.{rest}`?")
    meant = _meant(scheme.lower(), ("http", "grpc"), "", f":{rest}")
    raise SpellingError(
        f"`{text}` is no error{meant or ': statuses begin with `http:` or `grpc:`'}"
    )


def _unknown(text: str) -> str:
    if text in vars(builtins):
        return f"`{text}` is no exception"
    if text in OUR_OWN:
        return f"`{text}` is no builtin exception: did you mean `mlpolicy.{text}`?"
    status = status_meant(text)
    if status:
        return f"`{text}` is no exception: did you mean `{status}`?"
    meant = _meant(text, [*BUILTINS, *GROUPS])
    if meant or not text.isidentifier():
        return f"`{text}` is no exception{meant}"
    return f"`{text}` is no builtin exception: write where it is defined, `package.{text}`"


def _meant(text: str, known: Iterable[str], prefix: str = "", suffix: str = "") -> str:
    near = alike(text, known, cutoff=0.75)
    return f": did you mean `{prefix}{near}{suffix}`?" if near else ""
