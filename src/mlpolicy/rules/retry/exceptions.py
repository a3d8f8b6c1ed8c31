"""Which errors a policy means by the names that it writes.

A name is a group (`transient`), a builtin (`ValueError`), a dotted path
(`requests.ConnectionError`), or a status (`http:5xx`, `grpc:UNAVAILABLE`).
Nothing is imported: a path is compared with the classes of the error that was raised.
"""

from __future__ import annotations

import builtins
import re
import sys

from mlpolicy.core import program
from mlpolicy.core.frozen import frozen
from mlpolicy.core.given import Given
from mlpolicy.core.words import alike
from mlpolicy.rules.retry.groups import GROUPS, Group
from mlpolicy.rules.retry.statuses import GRPC_CODES

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
        module, name = cls.__module__, cls.__qualname__
        modules = program.names_of(module)
        if any(self.text == f"{module}.{name}" for module in modules):
            return True
        held = self.resolve()
        if held is not None:
            return held is cls
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
    builtin = text.removeprefix("builtins.")
    if isinstance(text, Given) or builtin in BUILTINS:
        return Builtin(text.held if isinstance(text, Given) else BUILTINS[builtin])
    if text in GROUPS:
        return GROUPS[text]
    scheme, _, code = text.partition(":")
    if scheme == "http" and STATUS.fullmatch(code):
        return HttpStatus(code)
    if scheme == "grpc" and code in GRPC_CODES:
        return GrpcStatus(code)
    package, _, name = text.rpartition(".")
    unknown = package == "builtins" or (package == "mlpolicy" and name not in _OURS)
    if _PATH.fullmatch(text) and not unknown:
        return Path(text)
    near = alike(text, _KNOWN, cutoff=0.75)
    meant = f"did you mean `{near}`?" if near else f"expected a name such as {_EXAMPLES}"
    raise SpellingError(f"`{text}` is not an exception: {meant}")
