"""What is said once."""

from __future__ import annotations

import ast
import logging
import threading
from pathlib import Path

from mlpolicy.core import report
from mlpolicy.core.report import forget, say_once


def test_of_many_threads_one_says_it(caplog):
    """No lock is taken: a finalizer may say something in the middle of it."""
    forget()
    said, start = [], threading.Barrier(32)

    def say():
        start.wait()
        said.append(say_once("key", "a message"))

    threads = [threading.Thread(target=say) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) == [False] * 31 + [True]
    assert [one.message for one in caplog.records] == ["a message"]
    assert not [name for name in vars(report) if "lock" in name.lower()]


def test_what_is_remembered_is_bounded(caplog):
    """A text that differs at every call fills neither memory nor log."""
    forget()
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        said = [say_once(f"sort:key {number}", "text") for number in range(20_000)]

    assert sum(said) == len(report._said["sort"]) == report._MOST_OF_A_SORT == len(caplog.records)
    assert "nothing more of this sort, `sort`, is said" in caplog.messages[-1]
    assert caplog.messages.count("text") == sum(said) - 1
    forget()
    assert say_once("sort:key 0", "text")


def test_one_sort_takes_no_room_of_another(caplog):
    """What a policy or a caller can say often hides nothing that is important."""
    forget()
    for number in range(20_000):
        say_once(f"often:{number}", "text")

    assert say_once("rare:1", "important")
    assert caplog.messages[-1] == "important"


def test_sorts_are_bounded_too():
    """Though a program has a set of them."""
    forget()
    said = sum(say_once(f"key {number}", "text") for number in range(20_000))

    assert said == len(report._said) == report._MOST
    forget()


PLACES = {
    "target", "self.target", "self.site.target", "self.environment", "common.target", "placed.target", "site.target", "name",
    "self._site.target", "self._kind", "rule.kind", "self.salt", "self.path", "self._path", "what", "where",
    "environment", "failure.check", "_lasting(type(bug))", "self.what", "finding.code", "finding.span", "why_not", "sink", "function.__qualname__",
    "self.name", "base", "address", "path",
}  # fmt: skip
"""What keys are made of: functions, rules, settings, sinks. Each is of a set that policy and program bound."""


def test_what_is_said_once_is_keyed_by_place_and_kind():
    """A message, or the name of a class that is made on the fly, would make each a new thing to say."""
    found = {}
    for path in Path(report.__file__).parents[1].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say_once":
                found |= {(path.name, part): node for part in _parts(node.args[0], path)}

    assert len(found) > 25
    assert {part for _, part in found} - {"(a word)"} <= PLACES, found


def _parts(key, path):
    if isinstance(key, ast.Name):
        [key] = [
            node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == key.id
        ]
    if isinstance(key, ast.Constant):
        return ["(a word)"]
    return [ast.unparse(one.value) for one in key.values if isinstance(one, ast.FormattedValue)]
