"""What stands for an object that a decorator was given where a policy file writes its name."""

from __future__ import annotations

from typing import Any


class Given(str):
    """The path of an object, as a policy file would write it, with the object itself.

    So a class of a function's own, which no path leads to, is found like any other.
    """

    __slots__ = ("held",)

    held: Any

    @classmethod
    def of(cls, held: Any) -> Given:
        """Return what stands for *held*."""
        made = cls(path_of(held))
        made.held = held
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Given) and self.held is other.held

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(self.held)

    def __reduce__(self) -> tuple[Any, tuple[Any]]:
        """Travel with the object."""
        return Given.of, (self.held,)


def path_of(held: Any) -> str:
    """Return the path of a class (`package.module.Class`) or a function (`package.module:name`).

    Of any other object it is that of its class: what it holds is nobody's concern. Several classes
    are shown as one type of them.
    """
    if isinstance(held, tuple):
        return " | ".join(map(path_of, held))
    named = held if isinstance(getattr(held, "__qualname__", None), str) else type(held)
    module = getattr(named, "__module__", None)
    if not isinstance(module, str) or module == "builtins":
        return str(named.__qualname__)
    return f"{module}{'.' if isinstance(named, type) else ':'}{named.__qualname__}"
