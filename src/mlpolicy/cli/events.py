"""`mlpolicy events`: what the calls did that a record holds."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import click

from mlpolicy.cli import exits, files
from mlpolicy.cli.options import Context, shared, waiting
from mlpolicy.cli.render.report import visible
from mlpolicy.model.policy import one
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.rules.monitor.recorded import NoRecord, RecordFile, Wanted, as_time, moment
from mlpolicy.rules.monitor.where import WhereError, compiled

SCHEMA = "mlpolicy.events/1"
WHAT = ("list", "show", "top", "tail", "replay")
FILTERS = ("functions", "since", "until", "outcomes", "where", "limit")
TAKEN = {
    "list": FILTERS,
    "show": ("call_id",),
    "top": FILTERS,
    "tail": (*FILTERS, "follow"),
    "replay": ("call_id", "no_policy"),
}
"""The options that mean something, by what is asked for."""
NAMES = {"functions": "--function", "outcomes": "--outcome", "call_id": "an id"}
OUTCOMES = ("ok", "error", "refused", "fallback")
COLUMNS = ("time", "function", "outcome", "duration_s", "error", "call_id")
FEW, MANY = 10, 50
POLL = 0.5


@click.command()
@click.argument("what", type=click.Choice(WHAT), default="list")
@click.argument("call_id", required=False)
@click.option("--record", metavar="FILE", help="The record; else the one that the policy names.")
@click.option("--function", "functions", multiple=True, help="A function: 'recsys.*'. Repeats.")
@click.option("--since", metavar="TIME", help="03:00, 2026-01-31T03:00, or 10m ago.")
@click.option("--until", metavar="TIME", help="The same; the moment itself is left out.")
@click.option("--outcome", "outcomes", multiple=True, help="error,refused and so on. Repeats.")
@click.option("--where", metavar="CONDITION", help="""input.user.country = "DE" and attempts > 1""")
@click.option("--limit", type=click.IntRange(1, 1_000_000), help="How many at most.")
@click.option("-f", "--follow", is_flag=True, help="With tail: go on with what comes.")
@click.option("--no-policy", is_flag=True, help="With replay: the bare function.")
@shared("module policy env src", "table", "json", "csv")
def command(context: Context, *, what: str, record: str | None, **options: Any) -> None:
    """Look through the record of calls.

    `list` shows the newest, `show ID` all that is known of a call, `top` what fails most, `tail`
    the last and with -f what comes, and `replay ID --module M` calls the function again.
    """
    _check(context, what, options)
    wanted = _wanted(options)
    try:
        found = RecordFile(record or _named(context))
        with waiting("searching the record"):
            if what == "show":
                _show(context, _of_call(found, options["call_id"]))
            elif what == "top":
                bad = wanted if wanted.outcomes else replace(wanted, outcomes=OUTCOMES[1:])
                rows = found.worst(bad, options["limit"] or MANY)
                _give(context, "top", rows, rows)
            elif what == "replay":
                from mlpolicy.cli.replay import replay

                events = _of_call(found, options["call_id"])
                sys.exit(replay(context, events, options["call_id"], bare=options["no_policy"]))
            elif what == "list":
                _list(context, found.newest(wanted, options["limit"] or MANY))
        if what == "tail":
            _tail(context, found, wanted, options)
    except NoRecord as error:
        exits.stop(str(error))
    except sqlite3.Error as error:
        exits.stop(f"the record cannot be read: {error}")


def _check(context: Context, what: str, options: Mapping[str, Any]) -> None:
    """End the command where an option means nothing to *what* is asked for."""
    for name, value in options.items():
        if value and name not in TAKEN[what]:
            shown = NAMES.get(name, f"--{name.replace('_', '-')}")
            exits.stop(f"{shown} goes with {_listed(name)}, not with {what}")
    if context.modules and what != "replay":
        exits.stop(f"--module goes with replay, not with {what}")
    if "call_id" in TAKEN[what] and not options["call_id"]:
        exits.stop(f"name a call: mlpolicy events {what} CALL_ID")
    if what == "replay" and not context.modules:
        exits.stop("name the module that imports the function: --module mypkg.serve")
    if options["follow"] and (context.output is not None or context.format == "csv"):
        exits.stop("tail -f writes to the terminal, as a table or as lines of JSON")


def _listed(name: str) -> str:
    return ", ".join(what for what, taken in TAKEN.items() if name in taken)


def _wanted(options: Mapping[str, Any]) -> Wanted:
    outcomes = tuple(each for text in options["outcomes"] for each in text.split(","))
    for each in outcomes:
        if each not in OUTCOMES:
            raise click.BadParameter(f"--outcome: `{each}` is none of {', '.join(OUTCOMES)}")
    since = named_moment("since", options["since"])
    try:
        where = compiled(options["where"]) if options["where"] else None
    except WhereError as error:
        exits.stop(f"--where: {error}")
    until = named_moment("until", options["until"], after=since)
    return Wanted(options["functions"], outcomes, since, until, where)


def named_moment(name: str, text: str | None, *, after: float | None = None) -> float | None:
    """Return the moment that the option --*name* says."""
    try:
        return moment(text, datetime.now().astimezone(), after=after) if text else None
    except (ValueError, OverflowError):
        expected = "03:00, 2026-01-31, 2026-01-31T03:00 or 10m"
        exits.stop(f"--{name}: `{text}` is no time: write {expected}")


def _named(context: Context) -> str:
    """Return the one record that the policy in force names."""
    if not context.policy and not files.any_policy():
        exits.stop("no policy names a record: write --record FILE", exits.NOTHING_TO_DO)
    paths = sorted(set(_records(context.read(by_source=False).rulebook)))
    if not paths:
        exits.stop("the policy names no record: write --record FILE", exits.NOTHING_TO_DO)
    if len(paths) > 1:
        exits.stop(f"the policy names several records: --record with one of {', '.join(paths)}")
    return paths[0]


def _records(rulebook: Rulebook) -> Iterator[str]:
    """Yield the path of each sink of records in *rulebook*."""
    blocks = [rule for policy in rulebook.policies for rule in policy.rules]
    for block in (*blocks, *(rule for file in rulebook.files for rule in file.defaults)):
        written = one(block.settings, "sinks")
        for sink in written.value if written is not None else ():
            if isinstance(sink, dict) and "record" in sink:
                yield str(sink["record"]["path"])


def _of_call(record: RecordFile, call_id: str) -> list[dict[str, Any]]:
    events = record.of_call(call_id)
    if not events:
        exits.stop(f"no event of the call `{call_id}` is in {record.path}", exits.NOTHING_TO_DO)
    return events


# --- what is shown --------------------------------------------------------------------


def _list(context: Context, events: Sequence[dict[str, Any]]) -> None:
    _give(context, "events", events, list(map(_row, events)))
    if not events:
        context.tell("no event fits")


def _row(event: Mapping[str, Any]) -> dict[str, str]:
    at = datetime.fromisoformat(event["time"]).timestamp()
    error = event.get("error") or {}
    said = f"{error['type']}: {error['message']}" if error else ""
    cells = (as_time(at), event["function"], event["outcome"], f"{event['duration_s']:.6f}", said)
    return dict(zip(COLUMNS, (*cells, event["call_id"]), strict=True))


def _give(context: Context, name: str, content: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Give out *rows* for people, or for a spreadsheet, or *content* as JSON."""
    if context.format == "json":
        context.give(SCHEMA, {name: content})
    elif context.format == "csv":
        written = io.StringIO()
        table = csv.writer(written, lineterminator="\n")
        table.writerows([list(next(iter(rows), ())), *(list(row.values()) for row in rows)])
        context.emit(written.getvalue() if rows else "", as_data=True)
    elif rows:
        context.emit(f"{context.table([_plain(row) for row in rows])}\n")


def _plain(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}


def _tail(context: Context, record: RecordFile, wanted: Wanted, options: Mapping[str, Any]) -> None:
    end = record.end()
    with waiting("searching the record"):
        events = record.newest(wanted, options["limit"] or FEW)
    if not options["follow"]:
        _list(context, events)
        return
    seen = {event["id"] for event in events}
    while True:
        for event in events:
            cells = _row(event).values()
            line = json.dumps(event) if context.format == "json" else "  ".join(cells)
            context.emit(f"{line if context.format == 'json' else visible(line)}\n")
        time.sleep(POLL)
        end, events = record.after(end, wanted)
        events = [event for event in events if event["id"] not in seen]


def _show(context: Context, events: Sequence[dict[str, Any]]) -> None:
    if context.format != "table":
        _give(context, "events", events, list(map(_row, events)))
        return
    lines = [line for depth, event in _tree(events) for line in _lines(event, "  " * depth)]
    context.emit("".join(f"{visible(line)}\n" for line in lines))


def _tree(events: Sequence[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each event with its depth: those that were made in a call stand below it."""
    known = {event["own_id"] for event in events}
    below: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        parent = event.get("parent_id", "")
        below.setdefault(parent if parent in known else "", []).append(event)
    waiting = [(0, event) for event in reversed(below.get("", []))]
    while waiting:
        depth, event = waiting.pop()
        yield depth, event
        made = below.pop(event["own_id"], ())
        waiting += [(depth + 1, each) for each in reversed(made)]


def _lines(event: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield everything that is known of one call."""
    row = _row(event)
    yield f"{indent}{row['function']}  {row['outcome']}  {row['duration_s']} s  {row['time']}"
    for name, value in event.items():
        if name in ("schema", "event", "function", "outcome", "duration_s", "time", "id"):
            continue
        if name in ("input", "output", "error"):
            for key, each in value.items():
                yield f"{indent}  {name}.{key}: {json.dumps(each, ensure_ascii=False)}"
        elif value != []:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{indent}  {name}: {text}"
