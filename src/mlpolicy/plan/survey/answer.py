"""What the source says of a target."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal

from mlpolicy.core.frozen import frozen
from mlpolicy.core.site import FunctionKind, Parameter
from mlpolicy.core.target import Target

if TYPE_CHECKING:
    from mlpolicy.plan.survey.body import Body

DefinedKind = FunctionKind | Literal["class", "value"]


@frozen()
class Defined:
    """The target is there: where, and what it is."""

    file: str
    line: int
    column: int
    end_column: int
    """Its name stands in these columns; from 1, in code points, the end exclusive."""
    kind: DefinedKind
    """`value` is a name that is bound to something that no `def` or `lambda` made."""
    parameters: tuple[Parameter, ...] | None = None
    """Annotations are their source text; None where they are not known for sure."""
    decorators: tuple[str, ...] = ()
    """Dotted names, outermost first, with what an import calls them put in full."""
    written: tuple[str, ...] = ()
    """The same decorators as the source has them, arguments too."""
    is_method: bool = False
    abstract: bool = False
    """Whether nothing is meant to call the body: an abstract method, or a protocol's."""
    overload: bool = False
    """Whether there are overloads only, and no implementation."""
    generated: bool = False
    """Whether no line of the source defines it: the `__init__` of a dataclass."""
    defined_as: Target | None = None
    """Its own path, if the target is another name of it; its own class is where it is inherited."""
    reexported_from: Target | None = None
    """Where it is defined, if the module of the target only imports it."""
    inherited_from: Target | None = None
    """Where it is defined, if the class of the target only inherits it."""
    redefined_at: int | None = None
    """The line where the name is bound again, by which an earlier `def` is put out of use."""
    replaces: int | None = None
    """The line of that earlier `def`."""
    tags: tuple[str, ...] = ()
    """The words that `@mlpolicy.tag` puts on it, as far as they are written out."""
    constant: bool = False
    """Whether it is a value that nobody can call: a number, a text, a list."""
    bases: tuple[str, ...] | None = None
    """Of a class, the builtin classes that it inherits from; None where that is not sure."""
    body: Body | None = field(default=None, compare=False, repr=False)
    """Its code, where it is a function that a line of the source defines."""

    @property
    def is_function(self) -> bool:
        """Whether it is a function, as far as the source tells."""
        return self.kind not in ("class", "value")


@frozen()
class Missing:
    """The module is there and has nothing of that name."""

    reason: str
    close: tuple[tuple[str, int], ...] = ()
    """Similar qualified names of the module, and the lines where they are defined."""
    file: str = ""
    has: tuple[str, ...] = ()
    """Without a similar one: all that the module defines and a policy may be for."""
    meant: tuple[Target, ...] = ()
    """Where other modules have it, if this one has nothing that is as similar."""
    classes: tuple[str, ...] = ()
    """Similar names of classes, which no policy is for."""


@frozen()
class NoModule:
    """The module is not there."""

    component: str
    """The dotted name up to the part that is missing."""
    close: tuple[str, ...] = ()
    """Similar names of modules that exist."""
    hint: str = ""
    meant: tuple[Target, ...] = ()
    """What was probably meant, which is there."""


@frozen()
class Dynamic:
    """Only running the code can tell; `why` says what stands in the way."""

    why: str
    close: tuple[str, ...] = field(default=(), compare=False)
    """Similar names that its module does have."""


Answer = Defined | Missing | NoModule | Dynamic
