"""A package that is also a function: `mlpolicy.install(...)`, and `mlpolicy.install.engine`."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any
else:
    ModuleType = type(sys)


class Callable(ModuleType):
    """A module whose call is its function of the name `__call__`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function that the package stands for."""
        return self.__dict__["_function"](*args, **kwargs)

    @property
    def __signature__(self) -> Any:
        import inspect

        return inspect.signature(self.__dict__["_function"])


def make_callable(name: str) -> None:
    """Let the module *name* be called as its `_function`."""
    sys.modules[name].__class__ = Callable
