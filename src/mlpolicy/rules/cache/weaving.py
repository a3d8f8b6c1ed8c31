"""The lines that a cache puts into a driver: a hit calls nothing but a clock and two dicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlpolicy.core.default import given
from mlpolicy.core.step import Lines, Loom, indented
from mlpolicy.rules.cache.copying import Lost
from mlpolicy.rules.cache.flight import Ticket
from mlpolicy.rules.cache.keys import BARE, IDENTITIES, Keys

if TYPE_CHECKING:
    from mlpolicy.rules.cache.step import CacheStep

_MOST_INLINE = 4
"""With more arguments than this the lines cost more than the call that they save."""


def key_lines(step: CacheStep, key: str, loom: Loom) -> Lines:
    """Return lines that leave the key of the call, or None, in the local *key*.

    Plain scalars are keyed here: the tests of their exact classes cost 3 ns each.
    """
    keys, parts = step.keys, step.keys.parts
    arguments = [loom.arguments[part.name] for part in parts]
    if keys.by is not None or loom.closure:
        by_function = keys.called, [f"*{given(step.site, loom)}"]
        by_cells = keys.of_closure, [loom.closure, *arguments]
        method, values = by_cells if keys.by is None else by_function
        return [f"{key} = {loom.constant('make_key', method)}({', '.join(values)})"]
    if not parts:
        return [f"{key} = ()"]
    if len(parts) == 1 and parts[0].how == "value":
        return _single(keys, key, loom, argument=arguments[0])
    make = f"{loom.constant('make_key', keys.make)}({', '.join(arguments)})"
    hows = {part.how for part in parts}
    if len(parts) > _MOST_INLINE or not hows <= {"value", "instance"}:
        return [f"{key} = {make}"]
    return _several(keys, key, loom, arguments, make=make)


def _single(keys: Keys, key: str, loom: Loom, *, argument: str) -> Lines:
    kind = loom.local("kind")
    bare = " or ".join(f"{kind} is {loom.constant(one.__name__, one)}" for one in BARE)
    make = loom.constant("make_key", keys.one)
    return [
        f"{kind} = {loom.constant('type', type)}({argument})",
        f"{key} = {argument} if {bare} else {make}({argument})",
    ]


def _several(keys: Keys, key: str, loom: Loom, arguments: list[str], *, make: str) -> Lines:
    tests, items = [], []
    for part, argument in zip(keys.parts, arguments, strict=True):
        if part.how == "instance":
            who = loom.local("who")
            tests.append(_is_known(who, argument, loom))
            items.append(who)
        else:
            kind = loom.local("kind")
            tests.append(_is_scalar(kind, argument, loom))
            items += [argument, kind]
    return [f"{key} = ({', '.join(items)},) if {' and '.join(tests)} else {make}"]


def _is_known(who: str, instance: str, loom: Loom) -> str:
    known, identity = loom.constant("known", IDENTITIES.get), loom.constant("id", id)
    return f"({who} := {known}({identity}({instance}))) is not None and {who}() is {instance}"


def _is_scalar(kind: str, value: str, loom: Loom) -> str:
    """Return the test for a plain scalar; a zero or NaN is none, as `0.0 == -0.0`."""
    plain = [
        f"{kind} is {loom.constant(one.__name__, one)}" for one in (str, bool, type(None), bytes)
    ]
    floating = f"{kind} is {loom.constant('float', float)} and {value} and {value} == {value}"
    first = f"({kind} := {loom.constant('type', type)}({value})) is {loom.constant('int', int)}"
    return f"({' or '.join([first, plain[0], floating, *plain[1:]])})"


def caching(step: CacheStep, inner: Lines, loom: Loom) -> Lines:
    """Return *inner* with the cache around it."""
    key, entry = loom.local("key"), loom.local("entry")
    hit, lost = loom.constant("hit", step.hits.add), loom.constant("Lost", Lost)
    return [
        *key_lines(step, key, loom),
        f"{entry} = {loom.constant('find', step.store.entries.get)}({key})",
        # It runs once: `while` lets a result that cannot be copied become a miss.
        f"while {entry} is not None and {loom.now()} < {entry}.expires:",
        f"    {loom.result} = {entry}.value",
        f"    if {entry}.copied is not None:",
        f"        {loom.result} = {entry}.copied({loom.result})",
        f"        if {loom.result} is {lost}:",
        f"            {entry} = None",
        "            continue",
        # The count is what marks the entry as used: one store for both.
        f"    {entry}.visited = {hit}()",
        "    break",
        "else:",
        *indented(_missed(step, inner, loom, key=key)),
    ]


def _missed(step: CacheStep, inner: Lines, loom: Loom, *, key: str) -> Lines:
    ticket, verdict, error = map(loom.local, ("ticket", "verdict", "error"))
    failure = loom.constant("BaseException", BaseException)
    admit = loom.method("cache_admit", step.admit)
    keep = loom.method("cache_keep", step.keep)
    fail = loom.method("cache_fail", step.fail)
    # What a rule within has answered in place of the function is for this call alone.
    within = tuple(loom.settled)  # (its own comes to them)
    kept = f"{keep}({ticket}, {loom.result})"
    if within:
        answered = " is None and ".join(within)
        pass_on = loom.method("cache_pass_on", step.pass_on)
        kept = f"{kept} if {answered} is None else {pass_on}({ticket})"
    made = f"{loom.constant('Ticket', Ticket)}({key}, {loom.now()}, {loom.call})"
    return [
        f"{ticket} = {made}",
        "try:",
        *indented(loom.settle(f"{admit}({ticket})", verdict)),
        f"    if {verdict} is None:",
        *(f"        {one} = None" for one in within),
        *indented(indented(inner)),
        f"        {verdict} = {kept}",
        f"        if {verdict} is not None:",
        f"            {loom.result} = {verdict}.value",
        # Whatever ends the call, a cancellation too: those that wait for it must go on.
        f"except {failure} as {error}:",
        f"    {verdict} = {fail}({ticket}, {error})",
        f"    if {verdict} is None:",
        "        raise",
        f"    {loom.result} = {verdict}.value",
        # One store, which nothing can interrupt: whatever else was kept from being said, this is.
        "finally:",
        f"    {ticket}.lead.left = True",
    ]


def watching(step: CacheStep, inner: Lines, loom: Loom) -> Lines:
    """Return *inner*, and after it what a cache would have done; for shadow mode."""
    key = loom.local("key")
    watch = loom.method("cache_watch", step.watch)
    return [
        *key_lines(step, key, loom),
        *inner,
        f"{watch}({key}, {loom.result}, {loom.now()})",
    ]
