"""The functions that tests name: whether they are known, and what a stub of each looks like."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.facts import Facts
from mlpolicy.core.target import Target
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.plan.governed import facts_of
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.runtime.template import shape
from mlpolicy.source import Defined, Missing, NoModule, SourceTree
from mlpolicy.testing.signature import SignatureError, function, of_parameters
from mlpolicy.testing.suite import Named, Suite


class Targets:
    """The functions of one file of tests, looked up in its stubs and in the source."""

    def __init__(self, suite: Suite, survey: SourceTree) -> None:
        self._suite = suite
        self._survey = survey
        self._stubs: dict[Target, FunctionType | SignatureError] = {}

    def unknown(self, named: Named, rulebook: Rulebook) -> Diagnostic | None:
        """Return a finding where nothing is known of the function under a name."""
        text = str(named.target)
        if text in self._suite.stubs:
            return None
        looked = self._survey.look_up(named.target)
        if isinstance(looked, Missing):
            near = f"{named.target.module}:{looked.close}" if looked.close else ""
            help = did_you_mean(near)
            said = f"`{named.target.module}` has no function `{named.target.qualname}`"
            return Diagnostic("MP301", said, named.span, help=help)
        if isinstance(looked, Defined) and not looked.is_function:
            said = f"`{text}` is a {looked.kind}, and a policy is for a function"
            return Diagnostic("MP320", said, named.span)
        if not isinstance(looked, NoModule) or named.target in rulebook.exact:
            return None
        known = closest(text, [*map(str, rulebook.exact), *self._suite.stubs])
        help = did_you_mean(known, "if it is right, name it under `stubs`")
        return Diagnostic("MP301", f"nothing is known of `{text}`", named.span, help=help)

    def plan(self, target: Target, rulebook: Rulebook) -> Plan:
        """Return what holds for *target*; a plan without rules where no policy names it."""
        found = rulebook.plan(target, self._facts(target, rulebook))
        return found if found is not None else Plan(target, "enforce", ())

    def _facts(self, target: Target, rulebook: Rulebook) -> Facts | None:
        stub = self._suite.stubs.get(str(target))
        if stub is None or not rulebook.asks(target):
            return facts_of(rulebook, self._survey, target)
        made = self._stub(target)
        names = shape(made.__code__).names if isinstance(made, FunctionType) else ()
        return Facts(stub.kind, names)

    def stub(self, named: Named, found: list[Diagnostic]) -> FunctionType | None:
        """Return a function with the parameters of the one under a name, which does nothing."""
        made = self._stub(named.target)
        if isinstance(made, FunctionType):
            return made
        _, span = self._suite.stub_spans.get(str(named.target), (named.span, named.span))
        code = "MP010" if str(named.target) in self._suite.stubs else "MP301"
        one = Diagnostic(code, str(made), span, help=made.help)
        if one not in found:
            found.append(one)
        return None

    def _stub(self, target: Target) -> FunctionType | SignatureError:
        if target not in self._stubs:
            try:
                self._stubs[target] = self._made(target)
            except SignatureError as error:
                self._stubs[target] = error
        return self._stubs[target]

    def _made(self, target: Target) -> FunctionType:
        stub = self._suite.stubs.get(str(target))
        if stub is not None:
            return function(target.qualname, stub.signature, stub.kind)
        looked = self._survey.look_up(target)
        if isinstance(looked, Defined) and looked.is_function and looked.parameters is not None:
            kind: Any = looked.kind
            return of_parameters(target.qualname, looked.parameters, kind)
        help = f'write `stubs: {{"{target}": {{signature: "(features, user)"}}}}`'
        raise SignatureError(f"the parameters of `{target}` are not known", help=help)
