"""A place in a file."""

from __future__ import annotations

from mlpolicy.core.classes import frozen


@frozen(order=True)
class Span:
    """A stretch of a file: lines and columns from 1, columns in code points, the end exclusive."""

    file: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1

    def __str__(self) -> str:
        """Return `file:line:column`, as editors and terminals understand it."""
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def place(self) -> str:
        """`file:line`, as plans and lists name where something is written."""
        return f"{self.file}:{self.line}"
