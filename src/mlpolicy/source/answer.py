"""What the source says of a target, and of a module that cannot be read."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mlpolicy.core.frozen import frozen
from mlpolicy.core.site import FunctionKind, Parameter
from mlpolicy.core.target import Target

if TYPE_CHECKING:
    from mlpolicy.source.body import Body


@frozen()
class Defined:
    """The target exists: where, and what it is."""

    file: str
    line: int
    column: int
    end_column: int
    """The columns of its name; from 1, in code points, the end exclusive."""
    kind: FunctionKind | Literal["class", "value"]
    """`value` is a name bound to something that no `def` or `lambda` made."""
    parameters: tuple[Parameter, ...] | None = None
    """Annotations are their source text; None where the parameters are not known for sure."""
    decorators: tuple[str, ...] = ()
    """Dotted names, outermost first, with what an import calls them put in full."""
    is_method: bool = False
    abstract: bool = False
    """Whether nothing is meant to call it: an abstract method that does nothing, a protocol's too."""
    overload: bool = False
    """Whether there are only overloads and no implementation."""
    defined_as: Target | None = None
    """Its own path, if the target is another name of it."""
    bases: tuple[str, ...] | None = None
    """Of a class, the builtin classes that it inherits from; None where that is not sure."""
    tags: tuple[str, ...] = ()
    """The words that `@mlpolicy.tag` puts on it, as far as they are written out."""
    constant: bool = False
    """Whether it is a value that nobody can call: a number, a text, a list."""
    body: Body | None = field(default=None, compare=False, repr=False)
    """Its code, if it is a function."""

    @property
    def is_function(self) -> bool:
        """Whether it is a function, as far as the source tells."""
        return self.kind not in ("class", "value")


@frozen()
class Missing:
    """The module exists and has nothing of that name."""

    reason: str
    close: str = ""
    """The most similar name of a function in the module."""
    file: str = ""
    line: int = 0
    """Where that function is defined; 0 if it is in another module."""
    has: tuple[str, ...] = ()
    """Without a similar one: the public functions of the module."""
    close_class: str = ""
    """The most similar name of a class in the module."""


@frozen()
class NoModule:
    """The module does not exist."""

    component: str
    """The dotted name up to the part that is missing."""
    close: str = ""
    """The most similar name of a module that exists."""


@frozen()
class Dynamic:
    """Only running the code can tell; `why` says what stands in the way."""

    why: str


Answer = Defined | Missing | NoModule | Dynamic


@frozen()
class Space:
    """A namespace package: folders, and no source of its own."""

    folders: tuple[Path, ...]


@frozen()
class Opaque:
    """A module that exists and cannot be read; `why` completes "`name` …"."""

    why: str
    folders: tuple[Path, ...] = ()
    broken: Path | None = None
    """The file, if its text is not Python, to this interpreter at least."""
