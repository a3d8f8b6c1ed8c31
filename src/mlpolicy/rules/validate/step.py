"""Validate at a call: conditions in the driver's lines, everything else in a method."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from mlpolicy.core.default import Default, Given
from mlpolicy.core.metrics import Counter
from mlpolicy.core.report import interrupts, say_once
from mlpolicy.core.site import GENERATORS
from mlpolicy.core.step import Answer, Loom, Refuse, Step, Verdict, Weave, indented
from mlpolicy.core.step import Lines as Block
from mlpolicy.errors import ValidationFailed
from mlpolicy.rules.validate.checker import Checker, checker, labels
from mlpolicy.rules.validate.lines import Lines
from mlpolicy.rules.validate.look import Look

if TYPE_CHECKING:
    from mlpolicy.core.site import Site
    from mlpolicy.rules.validate.rule import Spec, ValidateRule

RETURNS = "returns"
MOST_PLACES = 100
"""Places in arguments and the result that have series of their own."""
INPUT, OUTPUT = "validate input", "validate output"


class Coerced:
    """A verdict of our own: the call goes on with these values in place of its arguments."""

    __slots__ = ("values",)

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values = values


class ValidateStep(Step):
    """What the validate rule of one function does at a call."""

    kind = "validate"

    def __init__(self, rule: ValidateRule, site: Site) -> None:
        super().__init__(rule, site)
        self._spare = next((one.name for one in site.parameters if one.kind == "var_keyword"), "")
        self._places = {*[*rule.args][:MOST_PLACES], RETURNS}
        self._own: list[str] = []
        """The arguments looked at that are parameters; the others are in the spare one."""
        self._inputs = self._checkers(rule)
        self._coerces = any(one.coerce for one in self._inputs.values()) and not site.shadow
        result = rule.returns if site.function not in GENERATORS else None
        self._output = checker(result, site.resolve) if result else None
        self._default = None
        if rule.on_fail == "default":
            self._default = Default(rule.default, site, kind=self.kind, of_items=False)
        if site.shadow:
            self._would = site.would(self.kind, "reject")
        else:
            self._count({name: rule.args[name] for name in self._inputs} | {RETURNS: result})
        # Names in the shape of the result may have taken their sizes from the arguments.
        asks = self._output is not None and self._output.symbols
        self._sizes = {
            name: checker(rule.args[name].sizes(), None) for name in self._inputs if asks
        }

    def _checkers(self, rule: ValidateRule) -> dict[str, Checker]:
        found: dict[str, Checker] = {}
        names = {one.name for one in self.site.parameters}
        for name, spec in rule.args.items():
            if name in names:
                self._own.append(name)
            elif not self._spare:
                text = f"{self.site.target} has no argument `{name}`; the check of it is skipped"
                say_once(f"validate:argument:{self.site.target}:{name}", text)
                continue
            found[name] = checker(spec, self.site.resolve)
        return found

    def _count(self, specs: Mapping[str, Spec | None]) -> None:
        """Let every counter begin at zero, before anything fails."""
        if self.rule.on_fail != "warn":
            self._refusals = self.site.refused(self.kind)
        for name, spec in specs.items():
            for where, check in labels(spec, name) if spec else ():
                self._counter(check, self._place(where))

    def _place(self, where: str) -> str:
        """Return a place as series and warnings have it: beyond so many, the whole argument."""
        if where not in self._places and len(self._places) >= MOST_PLACES:
            argument = re.split(r"[.\[]", where)[0]
            return argument if argument in self._places else "other"
        self._places.add(where)
        return where

    def _counter(self, check: str, where: str) -> Counter:
        labels = {"function": self.site.target, "check": check, "field": self.site.hide(where)}
        text = "Checks that arguments or results did not pass."
        return self.site.meters.counter("mlpolicy_validation_failures_total", text, **labels)

    def weaves(self) -> Mapping[str, Weave]:
        """Return one weave for the arguments and one for the result; they share sizes."""
        sizes: dict[str, str] = {}
        found: dict[str, Weave] = {}
        enforced = self._default is not None and not self.site.shadow
        if self._inputs or (self._output is not None and enforced):
            found[INPUT] = partial(self._weave_input, sizes=sizes)
        if self._output is not None:
            found[OUTPUT] = partial(self._weave_output, output=self._output, sizes=sizes)
        return found

    def _weave_output(
        self, inner: Block, loom: Loom, *, output: Checker, sizes: dict[str, str]
    ) -> Block:
        bound = {name for one in self._inputs.values() for name in one.symbols}
        said = Lines(loom, sizes, bound).condition(output, loom.result)
        verdict = loom.local("verdict")
        look = loom.method("validate_output", self.refused_output)
        held = self._held(loom) if self._sizes else "()"
        ask = f"{look}({loom.call}, {loom.result}, {held})"
        return [*inner, *_asked(said, ask, verdict, then=loom.act(verdict), loom=loom)]

    def _weave_input(self, inner: Block, loom: Loom, *, sizes: dict[str, str]) -> Block:
        writer = Lines(loom, sizes)
        parts = [
            writer.condition(one, loom.arguments[name])
            if name in self._own
            else writer.under(name, loom.arguments[self._spare], one)
            for name, one in self._inputs.items()
        ]
        said = None if None in parts else " and ".join(part for part in parts if part)
        given = "None" if self._default is None else self._default.given(loom)
        verdict = loom.local("verdict")
        look = loom.method("validate_input", self.refused_input)
        ask = f"{look}({loom.call}, {self._held(loom)}, {given})"
        then = [*self._coercing(verdict, loom), *loom.act(verdict)]
        lines = _asked(said, ask, verdict, then=then, loom=loom)
        if self._default is None or self.site.shadow:
            return [*lines, *inner]
        if self._output is not None:
            inner = self._answering(inner, given, loom)
        return [*lines, f"if {verdict} is None:", *indented(inner)] if self._inputs else inner

    def _answering(self, inner: Block, given: str, loom: Loom) -> Block:
        """Answer a refused result with the default out here, where no cache keeps it."""
        error, verdict = loom.local("error"), loom.local("verdict")
        failed = loom.constant("ValidationFailed", ValidationFailed)
        ask = loom.method("validate_default", self.answered)
        return [
            f"{verdict} = None",
            "try:",
            *indented(inner),
            f"except {failed} as {error}:",
            f"    {verdict} = {ask}({loom.call}, {error}, {given})",
            f"    if {verdict} is None:",
            "        raise",
            *loom.act(verdict),
        ]

    def _held(self, loom: Loom) -> str:
        """Return a tuple of the arguments looked at, then the one that holds unnamed ones."""
        names = [*self._own, self._spare] if self._spare else self._own
        return f"({''.join(f'{loom.arguments[name]}, ' for name in names)})"

    def _coercing(self, verdict: str, loom: Loom) -> Block:
        """Lines that put coerced values in the place of the arguments."""
        if not self._coerces:
            return []
        names = [name for name in self._own if self._inputs[name].coerce]
        targets = "".join(f"{loom.arguments[name]}, " for name in names)
        lines = [f"    {targets}= {verdict}.values"] if targets else []
        coerced = loom.constant("Coerced", Coerced)
        return [f"if {verdict}.__class__ is {coerced}:", *lines, f"    {verdict} = None"]

    def refused_input(self, call: int, held: tuple[Any, ...], given: Given | None) -> Any:
        """Look at the arguments thoroughly; None where the call goes on with them."""
        look = self._look()
        values = self._values(held)
        made = {name: self._inputs[name].look(value, name, look) for name, value in values.items()}
        if look.failures:
            return self._verdict(call, look, given, default=self._default)
        if not self._coerces:
            return None
        coerced = {name: one for name, one in made.items() if self._inputs[name].coerce}
        own = tuple(coerced.pop(name) for name in self._own if name in coerced)
        if self._spare:
            held[-1].update(coerced)
        return Coerced(own)

    def refused_output(self, call: int, result: Any, held: tuple[Any, ...]) -> Verdict:
        """Look at the result thoroughly; None where it is handed on."""
        assert self._output is not None
        look = self._look()
        for name, value in self._values(held).items() if held else ():
            sizes = Look()
            sizes.symbols = look.symbols
            self._sizes[name].look(value, name, sizes)
        made = self._output.look(result, RETURNS, look)
        if look.failures:
            return self._verdict(call, look, None, default=None)
        return None if made is result or self.site.shadow else Answer(made)

    def _look(self) -> Look:
        shows = self.rule.errors.show_values
        return Look(self.site.hide, self.site.is_private if shows else lambda _: True)

    def answered(self, call: int, error: ValidationFailed, given: Given | None) -> Verdict:
        """Answer our own refusal of a result with the default; None for another's."""
        if error.target != self.site.target or self._default is None:
            return None
        verdict = self._default.verdict(call, given)
        if verdict is None:
            self._refusals.add()
        else:
            self.site.decided(call, self.kind, "default")
        return verdict

    def _values(self, held: tuple[Any, ...]) -> dict[str, Any]:
        """Return the arguments by name, those that were passed."""
        passed = {**(held[-1] if self._spare else {}), **dict(zip(self._own, held, strict=False))}
        return {name: passed[name] for name in self._inputs if name in passed}

    def _verdict(
        self, call: int, look: Look, given: Given | None, *, default: Default | None
    ) -> Verdict:
        if self.site.shadow:
            self._would.add()
            return None
        places = map(self._place, look.fields)
        failures = list(zip(look.failures, places, strict=True))
        for failure, where in failures:
            self._counter(failure.check, where).add()
        target = self.site.target
        if self.rule.on_fail == "warn":
            self.site.decided(call, self.kind, "warn")
            for failure, where in failures:
                key = f"validate:{target}:{where}:{failure.check}"
                say_once(key, f"{target}: {failure.what}; the call goes on (said once)")
            return None
        answer = default.verdict(call, given) if default else None
        self.site.decided(call, self.kind, "default" if answer else "reject")
        if answer is not None:
            return answer
        if default is self._default:  # else the default may still answer, out of all attempts
            self._refusals.add()
        return Refuse(ValidationFailed(target, look.failures))


def _asked(said: str | None, ask: str, verdict: str, *, then: Block, loom: Loom) -> Block:
    """Lines that ask the method only where the condition does not say that all is well.

    The condition reads objects of the user's, which may raise anything.
    """
    if said is None:
        return [f"{verdict} = {ask}", *then]
    error = loom.local("error")
    return [
        "try:",
        f"    {verdict} = None if {said} else False",
        f"except {loom.constant('Exception', Exception)} as {error}:",
        f"    if {loom.constant('interrupts', interrupts)}({error}):",
        "        raise",
        f"    {verdict} = False",
        f"if {verdict} is not None:",
        f"    {verdict} = {ask}",
        *indented(then),
    ]
