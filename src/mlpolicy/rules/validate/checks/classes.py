"""What a value is, told from its class alone; no library is imported to find out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from mlpolicy.core.classes import members
from mlpolicy.core.target import Given

NAMES = ("int", "float", "str", "bool", "bytes", "mapping", "sequence")
DUCKS = ("ndarray", "tensor", "dataframe")
"""Sorts that several libraries have, known by what their classes offer."""

PLAIN = (int, float, str, bool, bytes)
"""Classes that are named alike; of other libraries' numbers, too, it is told what they are."""

_FRAMES = {"pandas.core.frame.DataFrame", "pandas.DataFrame", "pyarrow.lib.Table"}
_FRAMES |= {"polars.dataframe.frame.DataFrame"}


def path(cls: type) -> str:
    """Return the name of *cls* as a message shows it; built-in ones have no module."""
    module = cls.__module__
    return cls.__qualname__ if module == "builtins" else f"{module}.{cls.__qualname__}"


def paths(cls: type) -> set[str]:
    """Return the dotted names of *cls* and of all its bases."""
    return {f"{one.__module__}.{one.__qualname__}" for one in cls.__mro__}


def made_by(cls: type) -> str:
    """Return the top-level module that made *cls*."""
    module: object = cls.__module__  # (a class may say anything there)
    return module.partition(".")[0] if isinstance(module, str) else ""


def comes_from(cls: type, *modules: str) -> bool:
    """Whether *cls* or a base of it was made by one of these top-level *modules*."""
    return any(made_by(one) in modules for one in cls.__mro__)


def offers(cls: type, name: str) -> bool:
    """Whether values of *cls* have an attribute by their class; neither of them is asked."""
    return any(name in vars(one) for one in cls.__mro__)


def is_scalar_of_numpy(cls: type) -> bool:
    """Whether *cls* is a class of numpy's scalars, which look like arrays."""
    return "numpy.generic" in paths(cls)


def is_array(cls: type) -> bool:
    """Whether values of *cls* have a shape and elements of one dtype."""
    return offers(cls, "shape") and offers(cls, "dtype") and not is_scalar_of_numpy(cls)


def claimed(value: Any) -> type:
    """Return the class that *value* stands in for, if its own class says that it does.

    A mock of a class and a lazy object are such; `isinstance` takes them for it too.
    """
    for one in type(value).__mro__:
        if one is not object and "__class__" in vars(one):
            found = value.__class__
            return found if isinstance(found, type) else type(value)
    return type(value)


_MOMENTS = {"numpy.datetime64", "numpy.timedelta64"}
_MOMENTS |= {"pandas.Period", "pandas._libs.tslibs.period.Period"}
_MOMENTS |= {"datetime.date", "datetime.time", "datetime.timedelta"}


def is_moment(cls: type) -> bool:
    """Whether *cls* is one of dates, times and durations."""
    return not _MOMENTS.isdisjoint(paths(cls))


def is_torch(cls: type) -> bool:
    """Whether *cls* is a tensor of torch."""
    return "torch.Tensor" in paths(cls)


def _is_int(cls: type) -> bool:
    if issubclass(cls, int):
        return not issubclass(cls, bool)
    return "numpy.integer" in paths(cls) and not is_moment(cls)  # (as numpy's durations are)


def is_sequence(cls: type) -> bool:
    """Whether *cls* is a list, a tuple or the like; texts and bytes are none."""
    return issubclass(cls, Sequence) and not issubclass(cls, str | bytes | bytearray | memoryview)


def is_ndarray(cls: type) -> bool:
    """Whether *cls* is an array of numpy, cupy, jax or of whoever offers their interface."""
    if not is_array(cls) or is_torch(cls):
        return False
    offered = ("__array_interface__", "__cuda_array_interface__")
    return any(offers(cls, one) for one in offered) or comes_from(cls, "jax", "jaxlib")


def is_tensor(cls: type) -> bool:
    """Whether *cls* is a tensor of torch, tensorflow or jax."""
    named = any(one.__name__ == "Tensor" for one in cls.__mro__)
    return is_array(cls) and (named or comes_from(cls, "jax", "jaxlib"))


def is_dataframe(cls: type) -> bool:
    """Whether *cls* is a table of pandas, polars, pyarrow or of whoever offers the protocol."""
    return offers(cls, "__dataframe__") or bool(_FRAMES & paths(cls))


_TESTS: dict[str, Callable[[type], bool]] = {
    "int": _is_int,
    # A whole number is a number: it is taken where a float is asked for, as Python does.
    "float": lambda cls: issubclass(cls, float) or "numpy.floating" in paths(cls) or _is_int(cls),
    "str": lambda cls: issubclass(cls, str),
    "bool": lambda cls: issubclass(cls, bool) or bool({"numpy.bool", "numpy.bool_"} & paths(cls)),
    "bytes": lambda cls: issubclass(cls, bytes | bytearray | memoryview),
    "mapping": lambda cls: issubclass(cls, Mapping),
    "sequence": is_sequence,
    "ndarray": is_ndarray,
    "tensor": is_tensor,
    "dataframe": is_dataframe,
}


def is_of(cls: type, name: Any) -> bool:
    """Whether *cls* is of the type that a policy file calls *name*, or of one of several.

    A dotted name is of a class, or of one above it; a decorator gives the class itself.
    """
    if isinstance(name, tuple):
        return any(is_of(cls, one) for one in name)
    if isinstance(name, Given):
        return is_of(cls, name.held)
    if isinstance(name, type):
        return is_of(cls, name.__name__) if name in PLAIN else issubclass(cls, name)
    if name in _TESTS:
        return _TESTS[name](cls)
    dotted, known = name.replace(":", "."), paths(cls)
    if dotted in known:
        return True
    found, (package, _, last) = _imported(dotted), dotted.rpartition(".")
    if found is None:  # (a lazy package hands it out when it is asked, which may import)
        return any(one.startswith(f"{package}.") and one.endswith(f".{last}") for one in known)
    try:
        return issubclass(cls, found)
    except TypeError:  # what the name leads to is no class
        return False


def _imported(dotted: str) -> Any:
    """Return what *dotted* leads to if its module is imported already.

    Classes are often named by where they are handed out, not by where they are made.
    """
    parts = dotted.split(".")
    for end in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:end]))
        if found is not None:
            return reduce(lambda held, part: members(held).get(part), parts[end:], found)
    return None
