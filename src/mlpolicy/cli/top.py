"""`mlpolicy top`: what a service does under its policy, in a terminal."""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import click

from mlpolicy.cli import exits
from mlpolicy.cli.render.report import visible
from mlpolicy.core.diagnostic import many
from mlpolicy.core.quantity import Duration
from mlpolicy.ops.state import SCHEMA

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

DEFAULT: Final = "127.0.0.1:9464"
VARIABLE: Final = "MLPOLICY_OPS"
LARGEST: Final = 64 * 1024 * 1024
"""Bytes of an answer that are read."""
PATIENCE: Final = 5.0
"""Seconds that an answer may take."""
RATE: Final = 10.0
"""Seconds that rates are of; shares and quantiles are of a minute."""
MINUTE: Final = 60.0
BLOCKS: Final = "▁▂▃▄▅▆▇█"
POINTS: Final = 12
_NONE: Final = "–"
_DRIFT: Final = ("ok", "warn", "drift")

State = dict[str, Any]


class NoAnswer(Exception):
    """Nothing that can be shown came back."""


@click.command()
@click.argument("url", default=lambda: os.environ.get(VARIABLE) or DEFAULT)
@click.option("--once", is_flag=True, help="Print one table, of one interval, and end.")
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 60),
    default=2.0,
    show_default=True,
    help="Seconds from one look to the next.",
)
def command(*, url: str, once: bool, interval: float) -> None:
    """Show what a service does under its policy, live.

    URL is the address of its port, as given to `mlpolicy run --ops`; without it, what MLPOLICY_OPS
    says, or 127.0.0.1:9464.
    """
    from rich.console import Console

    gc.enable()  # (other commands are short)
    readings, once = Readings(_address(url)), once or not sys.stdout.isatty()
    try:
        readings.look()
        if once:
            time.sleep(interval)
            readings.look()
    except NoAnswer as error:
        exits.stop(
            f"nothing to show at {visible(readings.url)}: {error}\n"
            f"  a service opens the port under `mlpolicy run --ops {DEFAULT} -- CMD`, "
            f"with {VARIABLE}={DEFAULT} or `settings: {{ops: {{listen: …}}}}` in its policy",
            exits.NOTHING_TO_DO,
        )
    if once:
        width = shutil.get_terminal_size((160, 50)).columns
        console = Console(file=sys.stdout, width=width, highlight=False)
        console.print(readings.shown(width, sys.maxsize))
    else:
        _live(readings, interval, Console(file=sys.stdout, highlight=False))


def _live(readings: Readings, interval: float, console: Console) -> None:
    from rich.live import Live

    with Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                live.update(readings.shown(console.width, console.height), refresh=True)
                time.sleep(interval)
                readings.try_to_look()
        except KeyboardInterrupt:
            return


def _address(given: str) -> str:
    """Return the URL that *given* means: a port, a host and a port, or a URL."""
    url = given if "://" in given else f"http://{given}"
    scheme, _, rest = url.rstrip("/").partition("://")
    if rest.startswith((":", "0.0.0.0:", "[::]:")):  # (where it listens, not where it is)
        rest = f"127.0.0.1:{rest.rpartition(':')[2]}"
    if scheme.lower() not in ("http", "https"):
        exits.stop(f"`{visible(given)}` is not an address of HTTP: write http://HOST:PORT")
    address = f"{scheme.lower()}://{rest}"
    try:
        parts = urlsplit(address)
        known = bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        exits.stop(f"`{visible(given)}` names no host and port: write HOST:PORT")
    return address


def fetch(url: str) -> State:
    """Return the state that the service at *url* tells.

    Raises:
        NoAnswer: It told none.
    """
    parts, ends = urlsplit(url), time.monotonic() + PATIENCE
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection, text = kind(parts.hostname or "", parts.port, timeout=PATIENCE), bytearray()
    try:
        connection.request("GET", f"{parts.path}/state")
        with connection.getresponse() as answer:
            if answer.status != 200:
                raise NoAnswer(f"it answers {answer.status} {visible(answer.reason)}")
            while part := answer.read1(1 << 16):
                text += part
                if len(text) > LARGEST or time.monotonic() > ends:
                    raise NoAnswer("its answer is too long, or takes too long")
        state = json.loads(text)
        if state["schema"] == SCHEMA:
            return dict(state)
    except (OSError, HTTPException) as error:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise NoAnswer(visible(said)) from None
    except (LookupError, RecursionError, TypeError, ValueError):
        pass
    finally:
        connection.close()
    raise NoAnswer(f"what answers there is no {SCHEMA}")


# --- figures --------------------------------------------------------------------------

Buckets = Sequence[tuple[float | None, int]]


class Readings:
    """The states of the last minute, and what they say of each function."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.state: State = {}
        self._past: deque[tuple[float, dict[str, State]]] = deque()
        self._points: dict[str, deque[float]] = {}
        self._lost = ""
        """Since when nothing is told, and why."""

    def look(self) -> None:
        """Take one more state in.

        Raises:
            NoAnswer: There is none.
        """
        state = fetch(self.url)
        try:
            now = float(state["time"])
            self._past.append((now, {one["function"]: one for one in state["functions"]}))
            while len(self._past) > 2 and self._past[1][0] <= now - MINUTE:
                self._past.popleft()
            self.state, self._lost = state, ""
            for name, one in self._past[-1][1].items():
                rate = self.rate(one, "calls")
                if rate is not None:
                    self._points.setdefault(name, deque(maxlen=POINTS)).append(rate)
            self.shown(0, 0)
        except (AttributeError, LookupError, TypeError, ValueError):
            self._past.clear()
            raise NoAnswer(f"what answers there is no {SCHEMA}") from None

    def try_to_look(self) -> None:
        """Take one more state in; where there is none, that is shown."""
        try:
            self.look()
        except NoAnswer as error:
            since = self._lost.partition(":  ")[0] or f"no answer since {time.strftime('%H:%M:%S')}"
            self._lost = f"{since}:  {error}"

    def _earlier(self, seconds: float) -> tuple[float, dict[str, State]]:
        wanted = self._past[-1][0] - seconds + 0.5
        return next((one for one in reversed(self._past) if one[0] <= wanted), self._past[0])

    def change(self, one: State, key: str, seconds: float) -> dict[str, int]:
        """Return how much each count under *key* has risen within so many seconds."""
        old = self._earlier(seconds)[1].get(one["function"], {}).get(key) or {}
        return {name: _risen(count, old.get(name, 0)) for name, count in one[key].items()}

    def rate(self, one: State, key: str) -> float | None:
        """Return how many events a second there are; None where nothing counts them."""
        passed = self._past[-1][0] - self._earlier(RATE)[0]
        return sum(self.change(one, key, RATE).values()) / passed if passed and one[key] else None

    def share(self, one: State, key: str, *names: str) -> float | None:
        """Return which share of the last minute's events bears one of *names*."""
        counts = self.change(one, key, MINUTE)
        total = sum(counts.values())
        return sum(counts.get(name, 0) for name in names) / total if total else None

    def buckets(self, one: State) -> Buckets:
        """Return how many of the last minute's calls took how long."""
        held = (one["durations"] or {}).get("buckets", [])
        before = self._earlier(MINUTE)[1].get(one["function"], {}).get("durations") or {}
        old = dict(map(tuple, before.get("buckets", [])))
        return [(bound, _risen(count, old.get(bound, 0))) for bound, count in held]

    # --- as it is shown ---------------------------------------------------------------

    def shown(self, width: int, height: int) -> RenderableType:
        """Return the whole screen: who it is, then as many functions as there is room for."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        columns = [one for one in COLUMNS if one[1] <= width]
        for title, _ in columns:
            words = title in (
                "FUNCTION",
                "RULES",
                "BY",
            )  # (cut where there is no room, figures never)
            least, most = {"FUNCTION": (16, None), "BY": (8, 24)}.get(title, (None, None))
            side: Literal["left", "right"] = "left" if words else "right"
            table.add_column(
                title, no_wrap=not words, justify=side, min_width=least, max_width=most
            )
        functions = self._past[-1][1].values() if self._past else ()
        rows = sorted(functions, key=self._rank)
        room = max(1, height - 6)
        for one in rows[:room]:
            cells = dict(zip(COLUMNS, self._cells(one), strict=True))
            cells[COLUMNS[0]] = _end(cells[COLUMNS[0]], max(16, width // 3))
            table.add_row(*(_shown(of[0], cells[of]) for of in columns))
        left_out = len(rows) - room
        notes = [f"and {many(left_out, 'function')} more"] if left_out > 0 else []
        lost = [Text(self._lost, style="bold red")] if self._lost else []
        head = (Text(line, no_wrap=True, overflow="ellipsis") for line in self._head())
        return Group(*head, *lost, Text(), table, *map(Text, notes))

    def _rank(self, one: State) -> tuple[float, int, str]:
        """Return what orders functions: what fails, then what is called much more often."""
        errors = self.share(one, "calls", "error") or 0.0
        return -round(errors, 3), -int(self.rate(one, "calls") or 0).bit_length(), one["function"]

    def _head(self) -> Iterator[str]:
        state, held = self.state, self.state["policy"] or {}
        policy = str(held.get("hash", "none in force")).removeprefix("sha256:")[:13]
        terms = [self.url, many(state["workers"], "worker"), f"policy {policy}"]
        terms += [f"environment {held['environment']}"] if held.get("environment") else []
        if held.get("since"):
            age = max(0, int(state["time"] - held["since"]))
            terms.append(f"in force for {Duration(age)}")
        yield visible(" · ".join([*terms, f"mlpolicy {state['version']}"]))
        memory, events = state["memory_bytes"], state["dropped_events"]
        limit = memory.get("limit")
        used = (
            f"memory {_share(memory['used'] / limit)} of {limit / 2**30:.1f} GiB" if limit else ""
        )
        dropped = many(sum(one["count"] for one in events), "event") + " dropped"
        yield " · ".join(filter(None, (used, dropped)))

    def _cells(self, one: State) -> list[str]:
        """Return what is shown of one function, by `COLUMNS`."""
        rules = (rule["kind"] + _MARKS.get(rule["mode"], "") for rule in one["rules"])
        state = "" if one["state"] in (None, "applied") else f" ({one['state']})"
        refused = self.change(one, "refusals", RATE)
        errors = self.change(one, "errors", MINUTE)
        often = max(errors, key=lambda name: errors[name], default="")
        reasons = ", ".join(kind for kind, count in refused.items() if count)
        worst = max((_DRIFT.index(each["state"] or "ok") for each in one["drift"]), default=None)
        flight = one["in_flight"]
        return [
            visible(one["function"] + state),
            visible(" ".join(rules)),
            _number(self.rate(one, "calls")),
            _spark(self._points.get(one["function"], ())),
            _share(self.share(one, "calls", "error")),
            visible(often) if errors.get(often) else "",
            *(_quantile(self.buckets(one), wanted) for wanted in (0.5, 0.95, 0.99)),
            _share(self.share(one, "cache_requests", "hit", "stale")),
            _number(self.rate(one, "retries")),
            f"{_number(self.rate(one, 'refusals'))} {visible(reasons)}".rstrip(),
            _NONE if flight is None else str(flight),
            _NONE if worst is None else _DRIFT[worst],
        ]


COLUMNS: Final = (
    *(("FUNCTION", 0), ("RULES", 180), ("CALLS/S", 0), ("", 140), ("ERRORS", 0), ("BY", 90)),
    *(("P50", 110), ("P95", 45), ("P99", 100), ("HITS", 60), ("RETRIES/S", 110)),
    *(("REFUSED/S", 70), ("IN FLIGHT", 150), ("DRIFT", 160)),
)
"""What is shown, from which width of the terminal on."""
_MARKS: Final[Mapping[str, str]] = {"shadow": "(shadow)", "disabled": "(off)"}


def _end(text: str, most: int) -> str:
    """Return the end of a function path, which tells it from its neighbours."""
    return text if len(text) <= most else f"…{text[1 - most :]}"


def _shown(title: str, cell: str) -> Text:
    from rich.text import Text

    is_bad = (title == "ERRORS" and cell not in (_NONE, "0.0%")) or cell == _DRIFT[-1]
    return Text(cell, style="bold red" if is_bad else "", no_wrap=True, overflow="ellipsis")


def _risen(count: int, before: int) -> int:
    """Return the rise of a count; one that fell has begun anew."""
    return count - before if count >= before else count


def _quantile(buckets: Buckets, wanted: float) -> str:
    """Return a quantile, which is no better known than its bucket."""
    rank, below, low = wanted * sum(count for _, count in buckets), 0, 0.0
    for bound, count in buckets if rank else ():
        if count and below + count >= rank:
            if bound is None:
                return f">{_time(low)}"
            within = low + (bound - low) * (rank - below) / count
            return _time(within) if low else f"<{_time(bound)}"
        below, low = below + count, bound or low
    return _NONE


def _time(seconds: float) -> str:
    return str(Duration.worked_out(float(f"{seconds:.3g}")))


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _share(value: float | None) -> str:
    return _NONE if value is None else f"{value:.1%}"


def _spark(points: Sequence[float]) -> str:
    most = max(points, default=0.0) or 1.0
    return "".join(BLOCKS[round(one / most * (len(BLOCKS) - 1))] for one in points)
