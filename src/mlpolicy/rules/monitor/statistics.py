"""What is in a value, as numbers: `inputs: statistics` says it of a sample.

As in `summary`, no code of the user's runs, and no more is looked at than the sample.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from mlpolicy.core.report import interrupts, is_secret
from mlpolicy.rules.monitor.labels import LONGEST_LABEL, OTHER, label_of, plain
from mlpolicy.rules.monitor.summary import (
    FRAMES,
    MAPPINGS,
    library_class,
    library_of,
    name_of,
    summary,
)

SAMPLE: Final = 256
"""Elements of an array, or rows of a frame, that are looked at, spread over all of it."""
MOST_NAMES: Final = 20
"""Keys of a mapping and columns of a frame that are named."""
_NUMBERS: Final = re.compile(r"(torch\.)?(u?int|b?float|double|half|bool)", re.I)
_LISTS: Final = {"pyarrow": "to_pylist", "polars": "to_list"}
_BITS: Final = 64
_NULLS: Final = ("NAType", "NaTType")

Hide = Callable[[str], str]
"""Takes out of a text what must not be written."""
Said = dict[str, Any]


def statistics(value: Any, hide: Hide, *, result: bool = False) -> Said:
    """Return the summary of *value*, and numbers, keys or gaps; of a *result* its label, too."""
    said, cls = summary(value), type(value)
    library, base = library_class(cls)
    try:
        if cls in MAPPINGS:
            keys = [key for key in islice(value, MOST_NAMES) if type(key) is str]
            said["keys"] = [hide(key[:LONGEST_LABEL]) for key in keys if not is_secret(key)]
        elif base in FRAMES:
            said["nulls"] = dict(islice(_nulls(value, library, hide), MOST_NAMES))
        else:
            said |= _numbers(
                [value] if cls in (int, float, bool) else _sample(value, library, base)
            )
        if result:
            said |= _class_of(value, library, base, hide)
    except Exception as failure:  # (of a library, or of a container that changes meanwhile)
        if interrupts(failure):
            raise
    return said


def _sample(value: Any, library: str, base: str) -> list[Any]:
    """Return elements of an array or a list, all of which may be numbers."""
    if type(value) in (list, tuple):
        return list(value[:: _step(len(value))])
    kind = getattr(value, "type" if library == "pyarrow" else "dtype", None) if base else None
    if not library_of(type(kind)) or not _NUMBERS.match(str(kind)):
        return []
    if library == "numpy":
        flat = value.reshape(-1) if base == "generic" else value.flat
        return list(flat[:: _step(value.size)].tolist())
    if library == "torch":
        if value.device.type != "cpu" or not value.is_contiguous():
            return []  # (that would wait for a device, or copy all)
        value = value.detach().view(-1)
    step = _step(len(value))
    part = value.iloc[::step] if library == "pandas" and base == "Series" else value[::step]
    return list(getattr(part, _LISTS.get(library, "tolist"))())


def _step(length: int) -> int:
    return max(1, -(-length // SAMPLE))


def _is_null(value: Any) -> bool:
    cls = type(value)
    return value is None or (cls is float and math.isnan(value)) or name_of(cls) in _NULLS


def _numbers(sample: list[Any]) -> Said:
    """Return share of NaN and nulls, least, mean and greatest of a *sample*, if it is of numbers."""
    known = [one for one in sample if not _is_null(one)]
    if not sample or not {*map(type, known)} <= {int, float, bool}:
        return {}
    said: Said = {"nan": round(1 - len(known) / len(sample), 4)}
    real = [one + 0 for one in known if math.isfinite(one)]
    if real and all(type(one) is float or one.bit_length() <= _BITS for one in real):
        said |= {"min": min(real), "mean": math.fsum(real) / len(real), "max": max(real)}
    return said


def _nulls(frame: Any, library: str, hide: Hide) -> Iterator[tuple[str, float]]:
    """Yield columns of a *frame* that have a name, with the share of nulls in the sample."""
    step = _step(frame.shape[0])
    names = frame.column_names if library == "pyarrow" else frame.columns
    for at, name in enumerate(list(names[:MOST_NAMES])):
        if library == "pandas":
            column = frame.iloc[:, at]
            sample = column.iloc[::step].tolist() if library_of(type(column.dtype)) else []
            nulls = sum(map(_is_null, sample))
        else:
            sample = (frame.column(at) if library == "pyarrow" else frame.to_series(at))[::step]
            nulls = sample.null_count if library == "pyarrow" else sample.null_count()
        if type(name) is str:
            yield hide(name[:LONGEST_LABEL]), round(nulls / max(1, len(sample)), 4)


def _make_one(shares: list[Any]) -> bool:
    floats = {*map(type, shares)} == {float}
    return floats and min(shares) >= 0 and abs(math.fsum(shares) - 1) <= 1e-3


def _class_of(value: Any, library: str, base: str, hide: Hide) -> Said:
    """Return the label of a result that is one, or that has the probability of each."""
    label = label_of(value)
    if label is not None:
        return {"label": hide(label)}
    listed = type(value) in (list, tuple) or (base == "ndarray" and value.ndim == 1)
    if not (listed or type(value) is dict) or len(value) > SAMPLE:
        return {}
    shares = [plain(one) for one in (_sample(value, library, base) if listed else value.values())]
    if not _make_one(shares):
        return {}
    likeliest = shares.index(max(shares))
    label = label_of(likeliest if listed else list(value)[likeliest])
    return {"label": hide(label or OTHER), "top": shares[likeliest]}
