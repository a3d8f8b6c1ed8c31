"""`mlpolicy profile`: what a function's inputs and results look like, for drift to be measured by."""

from __future__ import annotations

import csv
import json
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import click

from mlpolicy.cli import exits
from mlpolicy.cli.events import named_moment
from mlpolicy.cli.options import Context, shared
from mlpolicy.core.diagnostic import closest
from mlpolicy.core.target import Target, TargetError
from mlpolicy.rules.monitor.drift.build import Batches, build
from mlpolicy.rules.monitor.drift.detect import judged
from mlpolicy.rules.monitor.drift.from_record import batches
from mlpolicy.rules.monitor.drift.profile import (
    KEY_VARIABLE,
    DataProfile,
    ProfileError,
    Signal,
    load,
    merged,
    on_bins_of,
    spread,
)
from mlpolicy.rules.monitor.drift.signals import SignalPath
from mlpolicy.rules.monitor.recorded import NoRecord, RecordFile, Wanted
from mlpolicy.rules.monitor.rule import DriftBlock

FEW: Final = 1000
"""Events of which a profile says hardly anything."""
ROWS: Final = 10_000
"""Rows that are in memory at one time."""
_USUAL: Final = DriftBlock(profile="", min_samples=30)
"""By what `diff` calls a drift: the defaults of a policy."""
_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_ABSENT: Final = frozenset(("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"))
"""What stands for nothing in a CSV file."""
Columns = Mapping[str, Sequence[Any]]


@click.command()
@click.argument("words", nargs=-1, metavar="[show P | diff A B | merge A B]")
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Known good data: .parquet, .csv, .npz, .jsonl.",
)
@click.option(
    "--from-record",
    "record",
    metavar="FILE",
    help="A record of calls instead, those that went well.",
)
@click.option("--since", metavar="TIME", help="Of the record: 03:00, 2026-01-31T03:00, or 7d ago.")
@click.option("--until", metavar="TIME", help="The same; the moment itself is left out.")
@click.option("--target", help="The function that they are for: recsys.serve:predict.")
@click.option("--signals", metavar="LIST", help="'features.*, !features.id, result.score=y_pred'")
@click.option("--plain", is_flag=True, help="Write categories as they are, not as keyed hashes.")
@shared("", "text", "json")
def command(context: Context, *, words: tuple[str, ...], **made_of: Any) -> None:
    """Make the profile of a function from data that are known to be good; look at profiles.

    --from-record is of the calls that a service recorded, each as often as it is there.
    Columns stand for signals by name: `features.age` or `age` for `features.age`, `score` for
    `result.score`. A column of another name is given as SIGNAL=COLUMN; !SIGNAL leaves one out.
    """
    try:
        match words:
            case ():
                _make(context, **made_of)
            case ("show", path):
                profile = load(Path(path))
                context.give(
                    "mlpolicy.profile/1", json.loads(profile.text()), _shown(context, profile)
                )
            case ("merge", first, second):
                _give(context, merged(load(Path(first)), load(Path(second))))
            case ("diff", first, second):
                rows = list(_differences(load(Path(first)), load(Path(second))))
                context.give("mlpolicy.profile-diff/1", {"signals": rows}, context.table(rows))
            case _:
                near = closest(words[0], ("show", "merge", "diff"))
                exits.stop(
                    "expected `show P`, `diff A B`, `merge A B` or options alone", meant=near
                )
    except (ProfileError, NoRecord) as error:
        exits.stop(str(error))
    except sqlite3.Error as error:
        exits.stop(f"the record cannot be read: {error}")


def _give(context: Context, profile: DataProfile, of: str = "rows") -> None:
    context.emit(profile.text(), as_data=True)
    signals, rows = len(profile.signals), profile.rows
    context.tell(f"{profile.function}: {signals} signals of {rows:,} {of}")


def _make(
    context: Context,
    *,
    target: str | None,
    signals: str | None,
    plain: bool,
    data: Path | None,
    record: str | None,
    **times: str | None,
) -> None:
    if not (target and signals and (data is None) is not (record is None)):
        exits.stop(
            "--data or --from-record, --target and --signals are needed; "
            "`mlpolicy profile --help` shows an example"
        )
    if data and any(times.values()):
        exits.stop("--since and --until go with --from-record")
    try:
        function, choice = Target.parse(target), _Choice(signals)
    except (TargetError, ValueError) as error:
        exits.stop(str(error))
    made = datetime.now(UTC).isoformat(timespec="seconds")
    hashed: Any = "plain" if plain else "variable" if os.environ.get(KEY_VARIABLE) else "function"
    batches = _recorded(record, str(function), choice, times) if record else _of(data, choice)
    profile = build(batches, function=str(function), made=made, hashed=hashed)
    _give(context, profile, "events" if record else "rows")
    if record and profile.rows < FEW:
        text = f"fewer than {FEW:,} events say little: record more, or drift is what chance makes"
        context.tell(f"warning: {text}")


def _recorded(
    record: str, target: str, choice: _Choice, times: Mapping[str, str | None]
) -> Batches:
    """Return the calls of the function *target* in a record, with the signals that are named."""
    if not choice.is_named:
        exits.stop("a record has no columns: name each signal as it is, with no star, `!` or `=`")
    since = named_moment("since", times["since"])
    until = named_moment("until", times["until"], after=since)
    return batches(RecordFile(record), Wanted((target,), ("ok",), since, until), choice.named)


def _of(data: Path | None, choice: _Choice) -> Batches:
    """Return the signals in the file *data*."""
    data = data or Path()
    read = _READERS.get(data.suffix.lower())
    if read is None:
        exits.stop(f"`{data}` is none of {', '.join(_READERS)}")
    return lambda: _chosen(read(data), choice)


# --- columns and signals --------------------------------------------------------------


class _Choice:
    """Which columns are which signals."""

    def __init__(self, text: str) -> None:
        self._out: set[str] = set()
        self._columns: dict[str, str] = {}
        self._open: list[str] = []
        self.named: list[str] = []
        """Signals that there must be a column for."""
        for word in filter(None, map(str.strip, text.split(","))):
            name, _, column = map(str.strip, word.partition("="))
            if word.startswith("!"):
                self._out.add(word[1:].strip())
            elif name.endswith(".*"):
                self._open.append(name[:-2])
            else:
                self.named.append(name)
                self._columns |= {column: name} if column else {}
        self.is_named = not (self._out or self._open or self._columns)
        """Whether it is a list of signals, and no more."""
        for name in self.named:
            SignalPath.parse(name)

    def signal(self, column: str) -> str | None:
        """Return the signal that *column* is; None for none."""
        given = [name for name in self.named if name not in self._columns.values()]
        same = (name for name in given if column in (name, _last(name), name.removesuffix("[*]")))
        under = (self._under(base, column) for base in self._open)
        found = self._columns.get(column) or next(chain(same, under), None)
        return None if {found, column} & self._out else found

    def _under(self, base: str, column: str) -> str:
        return column if re.match(rf"{re.escape(base)}[.\[]", column) else f"{base}.{column}"


def _last(name: str) -> str:
    return name.rpartition(".")[2] if "." in name else ""


def _chosen(batches: Iterable[Columns], choice: _Choice) -> Iterator[Columns]:
    """Yield the signals of each batch; say how far it is, where a person waits."""
    rows, found = 0, set[str]()
    for batch in batches:
        names = {column: choice.signal(column) for column in batch}
        chosen = {name: batch[column] for column, name in names.items() if name}
        found |= chosen.keys()
        lost = [f"`{name}`" for name in choice.named if name not in found]
        if lost or not chosen:
            known = ", ".join(f"`{column}`" for column in islice(batch, 30))
            raise ProfileError(f"no column is {', '.join(lost) or 'a signal'}; there are {known}")
        rows += len(next(iter(chosen.values())))
        if sys.stderr.isatty():
            click.echo(f"\r{rows:,} rows\r", err=True, nl=False)
        yield chosen


# --- files ----------------------------------------------------------------------------


def _parquet(path: Path) -> Iterator[Columns]:
    with _refusals(path, "pyarrow"):
        parquet: Any = import_module("pyarrow.parquet")
        for batch in parquet.ParquetFile(path).iter_batches(ROWS):
            yield batch.to_pydict()


def _npz(path: Path) -> Iterator[Columns]:
    with _refusals(path, "numpy"):
        arrays: Any = import_module("numpy").load(path, allow_pickle=False)
        columns = {name: array for name in arrays.files if (array := arrays[name]).ndim == 1}
        for name in arrays.files:
            if (array := arrays[name]).ndim == 2:
                columns |= {f"{name}[{at}]": array[:, at] for at in range(array.shape[1])}
        for at in range(0, max(map(len, columns.values()), default=0), ROWS):
            yield {name: array[at : at + ROWS].tolist() for name, array in columns.items()}


def _csv(path: Path) -> Iterator[Columns]:
    """Yield the columns of a CSV file; which are of numbers, its first rows tell."""
    with _refusals(path), path.open(encoding="utf-8-sig", newline="") as stream:
        lines = csv.reader(stream)
        names = next(lines, [])
        numeric: dict[str, bool] = {}
        while rows := list(islice(lines, ROWS)):
            columns = dict(zip(names, zip(*rows, strict=True), strict=True))
            numeric = numeric or {
                name: all(map(_is_number, each)) for name, each in columns.items()
            }
            yield {
                name: _cells(name, each, numeric=numeric[name]) for name, each in columns.items()
            }


def _is_number(cell: str) -> bool:
    with suppress(ValueError):
        return cell in _ABSENT or float(cell) is not None
    return False


def _cells(name: str, cells: Sequence[str], *, numeric: bool) -> list[Any]:
    try:
        return [None if cell in _ABSENT else float(cell) if numeric else cell for cell in cells]
    except ValueError as error:
        raise ProfileError(
            f"column `{name}` begins with {ROWS:,} numbers, and then: {error}"
        ) from None


def _jsonl(path: Path) -> Iterator[Columns]:
    with _refusals(path), path.open(encoding="utf-8") as stream:
        while rows := [
            dict(_flat(json.loads(line))) for line in islice(stream, ROWS) if line.strip()
        ]:
            yield {name: [row.get(name) for row in rows] for row in rows for name in row}


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _flat(item, f"{above}{key}.")
        else:
            yield f"{above}{key}", item


@contextmanager
def _refusals(path: Path, library: str = "") -> Iterator[None]:
    """Say what is wrong with the file at *path*, or that the *library* for it is not there."""
    try:
        yield
    except ImportError:
        text = f"reading `{path}` needs {library}"
        raise ProfileError(f'{text}: pip install "mlpolicy[profile]"') from None
    except (OSError, ValueError, AttributeError, csv.Error) as error:
        raise ProfileError(f"`{path}` cannot be read: {error}") from None


_READERS: Final[dict[str, Callable[[Path], Iterator[Columns]]]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".npz": _npz,
    ".jsonl": _jsonl,
}


# --- for people -----------------------------------------------------------------------


def _shown(context: Context, profile: DataProfile) -> str:
    rows = [_row(name, signal) for name, signal in profile.signals.items()]
    head = f"{profile.function} · {profile.rows:,} rows · made {profile.made}"
    return f"{head}\n\n{context.table(rows)}".rstrip()


def _row(name: str, signal: Signal) -> dict[str, str]:
    about = signal.statistics
    n = sum(signal.bins)
    is_number = signal.type == "number"
    span = " to ".join(f"{about[end]:.4g}" for end in ("min", "max") if end in about)
    return {
        "signal": name,
        "values": f"{n:,}",
        "null": f"{signal.nulls / n:.1%}" if n else "",
        "mean ± std": f"{about.get('mean', 0):.4g} ± {about.get('std', 0):.4g}"
        if is_number
        else "",
        "range": span if is_number else f"{len(signal.labels)} categories",
        "lag-1": f"{signal.lag1:.2f}",
        "own PSI at 1000": f"{signal.own_psi(1000):.3f}",
        "histogram": histogram(signal),
    }


def histogram(signal: Signal) -> str:
    """Return small blocks: the shares of categories, of numbers how many are in each 24th of the range."""
    low, high = (signal.statistics.get(end) for end in ("min", "max"))
    heights = signal.counts[:24]
    if len(signal.edges) > 3 and low is not None and high is not None and high > low:
        heights = spread(signal, [low + (high - low) * part / 24 for part in range(1, 24)])
    most = max(heights, default=0) or 1
    return "".join(_BLOCKS[-(-height * 8 // most)] for height in heights)


def _differences(first: DataProfile, second: DataProfile) -> Iterator[dict[str, Any]]:
    """Yield how far the second is from the first, signal by signal."""
    for name in dict.fromkeys((*first.signals, *second.signals)):
        mine, theirs = first.signals.get(name), second.signals.get(name)
        if mine is None or theirs is None or mine.type != theirs.type:
            alone = "only in the second" if mine is None else "only in the first"
            what = "of another type" if mine and theirs else alone
            yield {"signal": name, "PSI": "", "threshold": "", "p": "", "verdict": what}
            continue
        wider, counts = on_bins_of(mine, theirs)
        said = judged([*counts, theirs.nulls], theirs.lag1, wider, _USUAL, len(first.signals))
        row = {"signal": name, "PSI": f"{said.score:.4f}", "threshold": f"{said.threshold:.4f}"}
        yield row | {"p": f"{said.p:.2g}", "verdict": "drift" if said.state == 2 else "ok"}
