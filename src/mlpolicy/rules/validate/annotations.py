"""What annotations say of values, as far as specs go: classes, unions, lists, bounds, arrays."""

from __future__ import annotations

import collections.abc
import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Union, get_args, get_origin

from mlpolicy.rules.validate.checks import dtypes

Said = dict[str, Any]
"""A spec as a decorator takes it; empty where nothing can be checked."""
_LISTS = (list, collections.abc.Sequence, collections.abc.MutableSequence)
_MAPPINGS = (collections.abc.Mapping, collections.abc.MutableMapping)
_SAID_BY_NAME = dict.fromkeys(_LISTS[1:], "sequence") | dict.fromkeys(_MAPPINGS, "mapping")
_NOTHING = (Any, object, None, type(None), type, collections.abc.Callable)


def spec_of(annotation: Any) -> Said:
    """Return what *annotation*, a class as a rule, says of values."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType, typing.Literal):
        return _of_several(origin, parts)
    if origin is typing.Annotated:
        return _bounded(spec_of(parts[0]), parts[1:])
    alias = getattr(origin, "__value__", None)
    if alias is not None:  # (numpy's `NDArray[float32]` is one)
        return spec_of(alias[parts])
    if isinstance(annotation, type) and origin is None:
        return _of_class(annotation)
    # What a name for a type stands for: a `NewType`, an alias, the bound of a variable.
    for name in ("__supertype__", "__value__", "__bound__"):
        meant = getattr(annotation, name, None)
        if meant:
            return spec_of(meant)
    return {} if origin is None else _of_items(origin, parts)


def _of_class(cls: Any) -> Said:
    is_protocol = getattr(cls, "_is_protocol", False)
    if cls in _NOTHING or (is_protocol and not getattr(cls, "_is_runtime_protocol", False)):
        return {}
    if hasattr(cls, "model_validate"):
        return {"model": cls}
    if typing.is_typeddict(cls):
        under = {name: spec_of(one) for name, one in typing.get_type_hints(cls).items()}
        fields = {name: said for name, said in under.items() if said}
        return {"type": "mapping", "required": sorted(cls.__required_keys__), "fields": fields}
    if cls is complex:
        return {"type": (complex, float)}
    return _of_typed_array(cls) or {"type": _SAID_BY_NAME.get(cls, cls)}


def _of_several(origin: Any, parts: tuple[Any, ...]) -> Said:
    some = [one for one in parts if one not in (None, type(None))]
    said = (_of_values if origin is typing.Literal else _of_any)(some)
    return {**said, "not_null": False} if said and len(some) < len(parts) else said


def _of_any(members: list[Any]) -> Said:
    if len(members) == 1:
        return spec_of(members[0])
    classes = [get_origin(one) or one for one in members]
    known = all(isinstance(one, type) and one not in _NOTHING for one in classes)
    return {"type": tuple(classes)} if known else {}


def _of_values(values: list[Any]) -> Said:
    plain = all(type(one) in (str, int, bool, float) for one in values)
    return {"enum": values} if plain else {"type": tuple(map(type, values))}


def _of_items(origin: Any, parts: tuple[Any, ...]) -> Said:
    if not isinstance(origin, type) or origin in _NOTHING:
        return {}
    said = _of_class(origin)
    if origin in _LISTS or (origin is tuple and parts[1:] == (...,)):
        item = spec_of(parts[0])
        return {**said, "items": item} if item else said
    if origin is tuple:
        return {**said, "min_len": len(parts), "max_len": len(parts)}
    if (origin.__module__, origin.__name__) == ("numpy", "ndarray"):
        element = next(iter(get_args(parts[1])), None) if parts[1:] else None  # of `dtype[float32]`
        name = dtypes.named(element) if isinstance(element, type) else ""
        return {"type": "ndarray", **({"dtype": name} if dtypes.known(name) else {})}
    return said


# --- bounds ---------------------------------------------------------------------------


_SETTINGS = {"min_length": "min_len", "max_length": "max_len", "pattern": "pattern"}


def _bounded(said: Said, notes: tuple[Any, ...]) -> Said:
    """Return what `Annotated[...]` says: `Field(ge=0)`, `Len(1, 5)`, or a spec as it stands."""
    bounds: dict[str, Any] = {}
    for note in notes:
        if isinstance(note, Mapping):
            said |= note
        else:
            bounds.update(_bounds(note))
    low, high = bounds.get("ge"), bounds.get("le")
    whole = said.get("type") is int
    # Ranges are inclusive: the nearest number that is not the bound itself.
    if "gt" in bounds:
        low = int(bounds["gt"]) + 1 if whole else math.nextafter(bounds["gt"], math.inf)
    if "lt" in bounds:
        high = int(bounds["lt"]) - 1 if whole else math.nextafter(bounds["lt"], -math.inf)
    if low is not None or high is not None:
        said["range"] = (low, high)
    said |= {setting: bounds[name] for name, setting in _SETTINGS.items() if name in bounds}
    return said | ({"finite": True} if bounds.get("allow_inf_nan") is False else {})


def _bounds(note: Any) -> Iterator[tuple[str, Any]]:
    for name in ("ge", "gt", "le", "lt", *_SETTINGS, "allow_inf_nan"):
        value = getattr(note, name, None)
        if isinstance(value, int | float) or (name == "pattern" and value is not None):
            yield name, value
    for inner in getattr(note, "metadata", None) or ():
        yield from _bounds(inner)


# --- arrays with types of their own ---------------------------------------------------


def _of_typed_array(cls: Any) -> Said:
    """Return what a class of jaxtyping (`Float32[ndarray, "n 64"]`) or nptyping says."""
    makers = {str(one.__module__).partition(".")[0] for one in type(cls).__mro__}
    if "jaxtyping" in makers and hasattr(cls, "dim_str"):
        named = cls.dtypes if isinstance(cls.dtypes, list | tuple) else ()  # (any, of `Shaped`)
        return _array(cls.array_type, named, cls.dim_str.split())
    if "nptyping" in makers and len(getattr(cls, "__args__", ())) == 2:
        shape, dtype = cls.__args__
        sizes = str(next(iter(getattr(shape, "__args__", ())), "...")).split(",")
        return _array(None, [dtypes.named(dtype)], [one.strip() for one in sizes])
    return {}


def _array(cls: Any, named: Iterable[str], sizes: list[str]) -> Said:
    known = [one for one in named if dtypes.known(one)]
    said: Said = {"type": cls if isinstance(cls, type) else "ndarray"}
    if known:
        said["dtype"] = known
    if not any((one.startswith("*") and one != "*") or "..." in one for one in sizes):
        said["shape"] = tuple(map(_size, sizes))
    return said


def _size(text: str) -> int | str | None:
    """Return one dimension: a number, a name (`batch`, `batch=8`), or None for any."""
    name, _, size = text.partition("=")
    if text.isdigit() or size.isdigit():
        return int(size or text)
    return name if name.isidentifier() and not name.startswith("_") else None
