"""A file of policy tests as values: what each test does, what it expects, and where it says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.document.node import Node
from mlpolicy.document.parse import Document
from mlpolicy.testing.grammar import CallBlock, StubBlock, WorldBlock
from mlpolicy.testing.raising import Raising


@frozen()
class Named:
    """A function path, and where it stands."""

    target: Target
    span: Span


@frozen()
class Behaviour:
    """What a stub does at one attempt."""

    gives: Any = None
    raises: Raising | None = None
    takes: float = 0.0


@frozen()
class Expected:
    """What must come of a call."""

    block: CallBlock
    given: tuple[str, ...]
    """The keys that were written, in order."""
    returns: Any = None
    raises: type[BaseException] | None = None


@frozen()
class Doing:
    """A call of a function."""

    function: Named
    args: Mapping[str, Any] = field(default_factory=dict)
    arg_spans: Mapping[str, Span] = field(default_factory=dict)
    behaviour: tuple[Behaviour, ...] = ()
    expected: Expected | None = None
    world: WorldBlock | None = None
    real: bool = False


@frozen()
class Passing:
    """Time that passes."""

    seconds: float


@frozen()
class Field:
    """One part of a plan, and what it must be."""

    path: str
    node: Node
    key: Span


@frozen()
class Looking:
    """A plan that is looked at."""

    function: Named
    fields: tuple[Field, ...]
    origins: tuple[Field, ...] = ()
    """Where values must have been set."""


@frozen()
class Terms:
    """What the policy of a test is read under."""

    env: str | None = None
    env_vars: tuple[tuple[str, str], ...] = ()
    clock: str | None = None


@frozen()
class Case:
    """One test."""

    name: str
    span: Span
    terms: Terms
    acts: tuple[Doing | Passing | Looking, ...]
    env_span: Span | None = None

    @property
    def id(self) -> str:
        """Return the file and the name, for people and for `-k`."""
        return f"{self.span.file}::{self.name}"

    @property
    def functions(self) -> tuple[Named, ...]:
        """The functions that it is about."""
        return tuple(one.function for one in self.acts if not isinstance(one, Passing))


@frozen()
class Suite:
    """One file of tests, as far as it could be read, and what is wrong with it."""

    document: Document
    policies: tuple[Path, ...] = ()
    stubs: Mapping[str, StubBlock] = field(default_factory=dict)
    stub_spans: Mapping[str, tuple[Span, Span]] = field(default_factory=dict)
    """Where each stub is named, and where its signature stands."""
    cases: tuple[Case, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def file(self) -> str:
        """The file, as places name it."""
        return self.document.file
