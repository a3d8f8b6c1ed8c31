"""What can be found wrong with validate rules."""

from __future__ import annotations

from mlpolicy.core.codes import Code

_HEAD = """\
version: 1
policies:
  shop.serve:predict:
    validate:
"""


def _file(*lines: str) -> str:
    return _HEAD + "".join(f"      {line}\n" for line in lines)


def _anchored(*lines: str) -> str:
    text = "x" * 70_000
    return f'version: 1\nx-text: &text "{text}"\n' + _file(*lines).removeprefix("version: 1\n")


CODES = (
    Code(
        code="MP201",
        severity="error",
        title="nothing is in the range",
        finds="A `range` whose lower end is above its upper end, or equal to it.",
        why="Every call would be refused, or all but those with a single value.",
        before=_file("args: {score: {type: float, range: [1, 0]}}"),
        after=_file("args: {score: {type: float, range: [0, 1]}}"),
    ),
    Code(
        code="MP203",
        severity="error",
        title="the pattern cannot be used",
        finds="A `pattern` that is no regular expression, or that repeats what repeats by itself.",
        why="A text of thirty characters can keep such a search busy for minutes.",
        before=_file("args: {user: {type: str, pattern: '^(\\w+\\s?)*$'}}"),
        after=_file("args: {user: {type: str, pattern: '^\\w+(\\s\\w+)*$'}}"),
    ),
    Code(
        code="MP204",
        severity="error",
        title="no array is like that",
        finds="An unknown dtype, a negative dimension, or `shape` and `ndim` that differ; "
        "as a note, a dimension whose name stands at one place only.",
        why="Every call would be refused; or the name promises a comparison that is not made.",
        before=_file("args: {features: {type: ndarray, dtype: flaot32}}"),
        after=_file("args: {features: {type: ndarray, dtype: float32}}"),
    ),
    Code(
        code="MP205",
        severity="error",
        title="`on_fail: default` and `default` belong together",
        finds="`on_fail: default` without a `default`, or a `default` that is never given.",
        why="A refused call has nothing to give, or raises where a default was meant.",
        before=_file("args: {score: {type: float}}", "default: 0.5"),
        after=_file("args: {score: {type: float}}", "on_fail: default", "default: 0.5"),
    ),
    Code(
        code="MP206",
        severity="error",
        title="the default is not what the rule asks for",
        finds="A `default` that `returns` of the same rule refuses.",
        why="Callers would get, in place of a refused result, one that is just as wrong.",
        before=_file("returns: {type: float, range: [0, 1]}", "on_fail: default", "default: -1"),
        after=_file("returns: {type: float, range: [0, 1]}", "on_fail: default", "default: 0"),
    ),
    Code(
        code="MP207",
        severity="warning",
        title="the default is very large",
        finds="A `default` of more than 1MiB that is copied each time it is given.",
        why="While calls are refused, copying it takes more time and memory than they did.",
        before=_anchored(
            "args: {score: {type: float}}",
            "on_fail: default",
            f"default: [{', '.join(['*text'] * 16)}]",
        ),
        after=_anchored(
            "args: {score: {type: float}}",
            "on_fail: default",
            'default: {call: "shop.fallback:texts"}',
        ),
    ),
)
