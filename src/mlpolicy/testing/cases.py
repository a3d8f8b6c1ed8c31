"""One test, read: what it does, and what it expects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target, TargetError
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.document.node import Entry, Mapping, Node, Scalar, Sequence, entries_of, is_empty
from mlpolicy.model import messages
from mlpolicy.model.unknown import Words
from mlpolicy.rules import KINDS
from mlpolicy.testing.checking import begin, checked
from mlpolicy.testing.fields import check_field
from mlpolicy.testing.grammar import (
    BehaviourBlock,
    CallBlock,
    CaseBlock,
    RaiseBlock,
    StepBlock,
)
from mlpolicy.testing.journal import EVENTS
from mlpolicy.testing.raising import Raising, error_class
from mlpolicy.testing.suite import (
    Behaviour,
    Case,
    Doing,
    Expected,
    Field,
    Looking,
    Named,
    Passing,
    Terms,
)
from mlpolicy.testing.values import value_of

_OF_CALLS = ("args", "behaviour", "world", "real")
_IN_EXPECT = dict.fromkeys(CallBlock.model_fields, "`expect`")


class CaseReader:
    """Reads the tests of one file; what is wrong goes to a list."""

    def __init__(self, root: Mapping, found: list[Diagnostic]) -> None:
        self._root = root
        self._found = found

    def case(self, node: Mapping) -> Case | None:
        """Return the test that *node* writes; None where it cannot be run."""
        before = len(self._found)
        block = self._checked(node, CaseBlock, Words("a test", {}, _IN_EXPECT))
        if block is None:
            return None
        acts = tuple(self._acts(node, block))
        name = node.get("name")
        if len(self._found) > before:
            return None
        env = node.get("env") or self._root.get("env")
        return Case(
            block.name,
            name.span if name else node.span,
            self._terms(node),
            acts,
            env.span if env else None,
        )

    def _terms(self, node: Mapping) -> Terms:
        variables: dict[str, str] = {}
        for held in (self._root.get("env_vars"), node.get("env_vars")):
            for entry in entries_of(held):
                if isinstance(entry.value, Scalar):
                    variables[entry.key] = entry.value.text
        said = {key: _text(node.get(key) or self._root.get(key)) for key in ("env", "clock")}
        return Terms(said["env"], tuple(sorted(variables.items())), said["clock"])

    # --- what is done -----------------------------------------------------------------

    def _acts(self, node: Mapping, block: CaseBlock) -> Iterator[Doing | Passing | Looking]:
        ways = [one for one in ("resolve", "call", "steps") if node.get(one) is not None]
        if len(ways) != 1:
            said = f"`{'` and `'.join(ways)}`" if ways else "none of them"
            text = f"a test has one of `resolve`, `call` and `steps`, found {said}"
            self._say("MP010" if ways else "MP011", text, begin(node))
        elif ways == ["steps"]:
            yield from self._steps(node)
        elif ways == ["resolve"]:
            yield from self._look(node)
        else:
            yield from self._call(node, block, needs_expectation=True)

    def _look(self, node: Mapping) -> Iterator[Looking]:
        for entry in node.entries:
            if entry.key in _OF_CALLS:
                text = f"`{entry.key}` belongs to a `call`; `resolve` calls nothing"
                self._say("MP010", text, entry.key_span)
        expect = self._expectation(node)
        named = self._named(node, "resolve")
        if expect is None or named is None:
            return
        fields = tuple(self._fields(expect))
        origin = expect.get("from")
        origins: tuple[Field, ...] = ()
        if isinstance(origin, Mapping) and origin.entries:
            origins = tuple(_flat(origin))
        elif origin is not None:
            text = 'expected fields with their places: `{cache.ttl: "serving.yaml#defaults"}`'
            self._say("MP010", text, origin.span)
        for one in origins:
            self._found += check_field(one, place=True)
        yield Looking(named, fields, origins)

    def _fields(self, expect: Mapping) -> Iterator[Field]:
        rest = tuple(one for one in expect.entries if one.key != "from")
        for one in _flat(Mapping(rest, expect.span)):
            self._found += check_field(one)
            yield one

    def _steps(self, node: Mapping) -> Iterator[Doing | Passing]:
        for entry in node.entries:
            if entry.key in (*_OF_CALLS, "expect"):
                text = f"`{entry.key}` belongs to a step where there are `steps`"
                self._say("MP010", text, entry.key_span)
        steps = node.get("steps")
        items = steps.items if isinstance(steps, Sequence) else ()
        expecting, before = False, len(self._found)
        for item in items:
            if not isinstance(item, Mapping):
                text = f"expected a mapping, found {messages.found(item.plain())}"
                self._say("MP010", text, item.span)
                continue
            expecting = expecting or item.get("expect") is not None
            yield from self._step(item)
        if steps is not None and not expecting and len(self._found) == before:
            help = "give at least one step an `expect`"
            self._say("MP011", "the steps expect nothing", steps.span, help=help)

    def _step(self, node: Mapping) -> Iterator[Doing | Passing]:
        block = self._checked(node, StepBlock, Words("a step", {}, _IN_EXPECT))
        if block is None:
            return
        if (node.get("call") is None) == (node.get("advance") is None):
            text = "a step has one of `call` and `advance`"
            self._say("MP010", text, begin(node))
        elif node.get("advance") is not None:
            for entry in node.entries:
                if entry.key != "advance":
                    text = f"`{entry.key}` belongs to a step with a `call`"
                    self._say("MP010", text, entry.key_span)
            yield Passing(float(block.advance))
        else:
            yield from self._call(node, block, needs_expectation=False)

    def _call(
        self, node: Mapping, block: CaseBlock | StepBlock, *, needs_expectation: bool
    ) -> Iterator[Doing]:
        named = self._named(node, "call")
        written = needs_expectation or node.get("expect") is not None
        expected = self._expected(node) if written else None
        behaviour = node.get("behaviour")
        if block.real and behaviour is not None:
            text = "`behaviour` is that of a stub; with `real: true` the function itself is called"
            self._say("MP010", text, behaviour.span)
        if named is None:
            return
        entries = entries_of(node.get("args"))
        yield Doing(
            named,
            {one.key: value_of(one.value, self._found) for one in entries},
            {one.key: one.key_span for one in entries},
            tuple(self._behaviours(behaviour)),
            expected,
            block.world,
            block.real,
        )

    def _named(self, node: Mapping, key: str) -> Named | None:
        held = node.get(key)
        if not isinstance(held, Scalar):
            return None
        try:
            return Named(Target.parse(held.text), held.span)
        except TargetError:
            return None  # the check of the block has said so

    # --- what it does -----------------------------------------------------------------

    def _behaviours(self, node: Node | None) -> Iterator[Behaviour]:
        for item in node.items if isinstance(node, Sequence) else ():
            if not isinstance(item, Mapping):
                help = "write `{return: VALUE}` or `{raise: TimeoutError}`"
                text = f"expected a mapping, found {messages.found(item.plain())}"
                self._say("MP010", text, item.span, help=help)
                continue
            block = self._checked(item, BehaviourBlock, Words("a behaviour", {}, {}))
            if block is not None:
                yield self._behaviour(item, block)

    def _behaviour(self, node: Mapping, block: Any) -> Behaviour:
        gives, raises = node.get("return"), node.get("raise")
        takes = float(block.takes)
        if gives is not None and raises is not None:
            self._say("MP010", "a behaviour has one of `return` and `raise`", node.span)
        if raises is None:
            return Behaviour(value_of(gives, self._found) if gives else None, takes=takes)
        said: RaiseBlock | str = getattr(block, "raise")
        name = said if isinstance(said, str) else said.error
        named = raises.get("error") if isinstance(raises, Mapping) else raises
        cls = error_class(name, (named or raises).span, self._found)
        return Behaviour(raises=Raising.of(cls, said) if cls else None, takes=takes)

    # --- what is expected -------------------------------------------------------------

    def _expectation(self, node: Mapping) -> Mapping | None:
        expect = node.get("expect")
        if isinstance(expect, Mapping) and expect.entries:
            return expect
        if expect is None:
            self._say("MP011", "the test expects nothing: give it an `expect`", begin(node))
        elif isinstance(expect, Mapping):
            self._say("MP010", "an empty `expect` tests nothing", expect.span)
        return None

    def _expected(self, node: Mapping) -> Expected | None:
        expect = self._expectation(node)
        if expect is None:
            return None
        about = Words("`expect` of a call", {}, dict.fromkeys(KINDS, "`expect` of a `resolve`"))
        block = self._checked(expect, CallBlock, about)
        if block is None:
            return None
        self._check_events(expect.get("events"))
        returns, raises = expect.get("returns"), expect.get("raises")
        cls = error_class(block.raises, raises.span, self._found) if raises else None
        given = tuple(one.key for one in expect.entries)
        if returns is not None and raises is not None:
            self._say("MP010", "a call returns or raises, not both", raises.span)
        return Expected(block, given, value_of(returns, self._found) if returns else None, cls)

    def _check_events(self, node: Node | None) -> None:
        for item in node.items if isinstance(node, Sequence) else ():
            name = str(item.plain())
            kind = name.partition(".")[0]
            if name in EVENTS or ("." in name and KINDS.look_for(kind) and not _is_told(kind)):
                continue
            near = closest(name, EVENTS)
            help = did_you_mean(near, f"there are {', '.join(EVENTS)}")
            self._say("MP010", f"there is no event `{name}`", item.span, help=help)

    # --- findings ---------------------------------------------------------------------

    def _say(self, code: str, message: str, span: Span, *, help: str = "") -> None:
        self._found.append(Diagnostic(code, message, span, help=help))

    def _checked(self, node: Mapping, model: type[BaseModel], about: Words) -> Any:
        return checked(node, model, about, self._found)


def _is_told(kind: str) -> bool:
    """Whether all events of that kind are known."""
    return any(name.startswith(f"{kind}.") for name in EVENTS)


def _text(node: Node | None) -> str | None:
    written = isinstance(node, Scalar) and node.value is not None
    return node.text if isinstance(node, Scalar) and written else None


def _flat(node: Mapping, above: str = "") -> Iterator[Field]:
    """Yield every field in *node*: `cache: {ttl: 2m}` is `cache.ttl: 2m`."""
    for entry in node.entries:
        path = f"{above}{entry.key}"
        if is_empty(entry.value):
            continue  # the reader has said so
        if _opens(entry):
            assert isinstance(entry.value, Mapping)
            yield from _flat(entry.value, f"{path}.")
        else:
            yield Field(path, entry.value, entry.key_span)


def _opens(entry: Entry) -> bool:
    return isinstance(entry.value, Mapping) and bool(entry.value.entries) and "." not in entry.key
