"""Paths without a colon, and classes without their module: only the source tells the rest."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob, Target
from mlpolicy.document.node import Mapping as MappingNode
from mlpolicy.document.node import Node, Scalar, Sequence
from mlpolicy.plan.against.meant import of_project
from mlpolicy.plan.against.targets import absent, did_you_mean, offer
from mlpolicy.plan.load import Loaded
from mlpolicy.plan.survey import Defined, Module, NoModule, Space, Survey

OF_PATHS = ("MP010", "MP011", "MP603")
"""Findings about what may be a path."""
_PATTERNS = ("match", "target", "exclude", "allow_call")
"""The keys under which patterns stand."""
_CLASSES = {"retry_on": "MP603", "give_up_on": "MP603", "type": "MP010", "model": "MP010"}
"""The keys under which classes stand, and the code of one that is none."""
_KEYS = (*_PATTERNS, *_CLASSES, "call")
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


@frozen()
class _Written:
    """A path of dots alone, and the key that it stands under; nothing where it is a key itself."""

    text: str
    key: str = ""


@frozen()
class _Meant:
    """What a path stands for."""

    help: str
    text: str = ""
    """What to write in its place."""


def repaired(found: Iterable[Diagnostic], loaded: Loaded, survey: Survey) -> Iterator[Diagnostic]:
    """Yield *found*, with what the source has where a path without a colon was guessed at."""
    by_file = {one.file: one.root for one in loaded.documents}
    tops = loaded.rulebook.tops
    known: dict[str, Mapping[Span, _Written]] = {}
    for one in found:
        file = one.span.file
        if one.code in OF_PATHS and file in by_file:
            if file not in known:
                known[file] = dict(_written(by_file[file]))
            written = known[file].get(one.span)
            yield one if written is None else _mended(one, written, survey, tops)
        else:
            yield one


def _written(node: Node | None, key: str = "") -> Iterator[tuple[Span, _Written]]:
    match node:
        case MappingNode():
            for entry in node.entries:
                if key == "policies" and _DOTTED.fullmatch(entry.key):
                    yield entry.key_span, _Written(entry.key)
                yield from _written(entry.value, entry.key)
        case Sequence():
            for item in node.items:
                yield from _written(item, key)
        case Scalar(value=str() as text) if key in _KEYS and _DOTTED.fullmatch(text):
            yield node.span, _Written(text, key)


def _mended(
    one: Diagnostic, written: _Written, survey: Survey, tops: Collection[str]
) -> Diagnostic:
    if written.key in _CLASSES:
        each = of_project(survey, tops, written.text) if one.code == _CLASSES[written.key] else ()
        return next((_with(one, _exact(meant)) for meant in each), one)
    meant = _meant(written, survey)
    if meant is None:
        return _nearest(one, survey)
    return _with(one, meant)


def _with(one: Diagnostic, meant: _Meant) -> Diagnostic:
    repair = (Suggestion(f"write `{meant.text}`", one.span, meant.text),) if meant.text else ()
    return replace(one, help=meant.help, suggestions=repair)


def _nearest(one: Diagnostic, survey: Survey) -> Diagnostic:
    """Return *one* with the function that is most like the one guessed at, if that is not there."""
    for guess in one.suggestions:
        target = Target.parse(guess.text)
        for better in absent(target, survey.look_up(target), one.span):
            if better.suggestions:
                return replace(one, help=better.help, suggestions=better.suggestions)
    return one


def _meant(written: _Written, survey: Survey) -> _Meant | None:
    """Return what a path stands for in the source; None where that has nothing of the kind."""
    parts = written.text.split(".")
    for end in range(len(parts) - 1, 0, -1):
        target = Target(".".join(parts[:end]), ".".join(parts[end:]))
        looked = survey.look_up(target)
        if isinstance(looked, Defined):
            target = looked.reexported_from or target
            is_class = looked.kind == "class" and written.key != "call"
            return _pattern(written, f"{target}.*") if is_class else _exact(str(target))
    module = survey.module(written.text)
    if isinstance(module, NoModule) and module.component == written.text and module.close:
        return _meant(replace(written, text=module.close[0]), survey)
    if not isinstance(module, Module | Space):
        return None
    if written.key == "call":
        return _Meant(offer(written.text, survey.functions(written.text)))
    each = (f"{written.text}:*", f"{written.text}.**:*")
    taking = (one for one in each if any(True for _ in survey.matching(Glob.parse(one))))
    return _pattern(written, next(taking, each[0]))


def _exact(text: str) -> _Meant:
    return _Meant(did_you_mean([text]), text)


def _pattern(written: _Written, text: str) -> _Meant:
    if written.key:
        return _exact(text)
    return _Meant(f'give the policy a name, and write `match: "{text}"`')
