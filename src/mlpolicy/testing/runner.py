"""Files of tests are prepared and run; each test gives a result."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from types import FunctionType
from typing import Any

from mlpolicy.core.allowed import EVERYTHING
from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, closest, did_you_mean, in_order
from mlpolicy.core.report import without
from mlpolicy.core.site import Facts
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.document.node import entries_of
from mlpolicy.document.parse import Document
from mlpolicy.model.check import locate
from mlpolicy.plan.governed import facts_of
from mlpolicy.plan.load import Loaded, Terms, load
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.runtime.driver import shape
from mlpolicy.source import Defined, Missing, NoModule, SourceTree
from mlpolicy.testing.classes import ALLOW, ErrorClasses, NeedsReal, stand_in
from mlpolicy.testing.judge import call_differs
from mlpolicy.testing.plans import FieldDifference, plan_differs
from mlpolicy.testing.read import Act, Case, CaseTerms, read_suite, settings_of
from mlpolicy.testing.signature import SignatureError, arguments, function, of_parameters
from mlpolicy.testing.stage import Stage
from mlpolicy.testing.world import entered


@frozen()
class CaseResult:
    """What came of one test."""

    case: Case
    differences: tuple[FieldDifference, ...]
    warnings: tuple[str, ...]
    """What the rules warned of meanwhile."""

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return not self.differences

    def lines(self) -> list[str]:
        """Return what to tell of a test that failed."""
        lines = [f"FAILED {self.case.span.place} {self.case.name}"]
        width = max((len(difference.field) for difference in self.differences), default=0)
        pad = " " * (width + 2)
        for difference in self.differences:
            lines.append(f"  {difference.field:<{width}}  expected {difference.expected}")
            lines.append(f"  {pad}found    {difference.found}")
            if difference.set_at:
                lines.append(f"  {pad}set at   {difference.set_at}")
            if difference.note:
                lines.append(f"  {pad}{difference.note}")
        return [*lines, *(f"  said: {text}" for text in self.warnings)]

    def content(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return {
            "file": self.case.span.file,
            "line": self.case.span.line,
            "name": self.case.name,
            "outcome": "passed" if self.passed else "failed",
            "differences": [asdict(difference) for difference in self.differences],
            "said": list(self.warnings),
        }


class Prepared:
    """A file of tests with its policies: ready to run, or with what keeps it from running.

    Everything that the file names is looked at before any of it runs. Nothing of the user's is
    imported unless *allow_real* lets tests call functions themselves.
    """

    def __init__(
        self,
        path: Path,
        tree: SourceTree,
        *,
        within: Path | None = None,
        allow_real: bool = False,
    ) -> None:
        classes = ErrorClasses(tree, allow_real=allow_real)
        self._suite = suite = read_suite(path, classes, within=within)
        self._tree, self._allow_real = tree, allow_real
        self._findings = list(suite.diagnostics)
        self._loaded: dict[CaseTerms, Loaded] = {}
        self._stubs: dict[Target, FunctionType] = {}
        self.secrets: set[str] = set(suite.secrets)
        """What no line of them may show."""
        self.documents: dict[str, Document] = {suite.document.file: suite.document}
        for text, stub in suite.stubs.items():
            target = Target.parse(text)
            try:
                self._stubs[target] = function(target.qualname, stub.signature, stub.kind)
            except SignatureError as error:
                place, _ = locate(suite.stub_entries[text].value, ("signature",))
                self._say("MP010", str(error), place.span)
        self.cases = tuple(case for case in suite.cases if self._is_ready(case))
        used = {str(act.target) for case in suite.cases for act in case.named}
        for text, entry in suite.stub_entries.items():
            near = closest(text, used - suite.stubs.keys())
            called = "returns" in suite.stubs[text].model_fields_set  # (by a rule)
            if near and text not in used and not called:
                message = f"no test is about the stub `{text}`"
                self._say("MP111", message, entry.key_span, did_you_mean(near))
        self.diagnostics = in_order([one.less(self.secrets) for one in self._findings])

    def run(self, case: Case) -> CaseResult:
        """Run one test."""
        loaded = self._loaded[case.terms]
        rulebook, secrets = loaded.rulebook, loaded.secrets
        stage = Stage(lambda target: self._plan(target, rulebook), self._stubs)
        stage.world.resolve = self._called
        differences: list[FieldDifference] = []
        with entered(stage.world, dict(case.terms.env_vars)) as warnings:
            try:
                for number, act in enumerate(case.acts, 1):
                    step = f"step {number}: " if len(case.acts) > 1 else ""
                    found = _done(act, stage)
                    differences += [replace(one, field=f"{step}{one.field}") for one in found]
            finally:
                stage.close()
        said = tuple(without(one, secrets) for one in warnings)
        return CaseResult(case, tuple(one.less(secrets) for one in differences), said)

    def _plan(self, target: Target, rulebook: Rulebook) -> Plan:
        """Return what holds for *target*; a plan without rules where no policy names it."""
        stub = self._suite.stubs.get(str(target))
        if stub is None:
            facts = facts_of(rulebook, self._tree, target)
        else:
            made = self._stubs.get(target)
            facts = Facts(stub.kind, shape(made.__code__).names if made else ())
        return rulebook.plan(target, facts) or Plan(target, "enforce", ())

    def _called(self, path: str) -> object:
        """Return what a rule calls by that name: what the file says of it, else a stand-in."""
        stub = self._suite.stubs.get(path)
        if stub is None and self._allow_real:
            return EVERYTHING.load(path)
        return stand_in(path, None if stub is None else stub.returns)

    # --- checks before any test runs --------------------------------------------------

    def _say(self, code: str, message: str, span: Span, help: str = "") -> None:
        self._findings.append(Diagnostic(code, message, span, help=help))

    def _is_ready(self, case: Case) -> bool:
        """Return whether *case* can run: nothing is wrong with its policy and what it names."""
        loaded, before = self._load(case.terms), len(self._findings)
        if loaded.refused:
            return False
        env = case.terms.env
        anonymous = loaded.unknown is not None and not loaded.misnamed
        if env is not None and env not in loaded.environments and not anonymous:
            known = ", ".join(f"`{name}`" for name in loaded.environments) or "none"
            help = did_you_mean(closest(env, loaded.environments), f"there are {known}")
            self._say("MP010", f"no policy file names an environment `{env}`", case.env_span, help)
        if all(self._is_known(act, loaded.rulebook) for act in case.named):
            calls = [self._is_callable(act) for act in case.named if act.way == "call"]
            return all(calls) and len(self._findings) == before
        return False

    def _load(self, terms: CaseTerms) -> Loaded:
        """Return the policies as they hold under *terms*: no other variables are seen."""
        if terms not in self._loaded:
            variables = dict(terms.env_vars)
            policy_terms = Terms(terms.env, variables, now=terms.clock, tree=self._tree)
            loaded = self._loaded[terms] = load(self._suite.policies, policy_terms)
            self._findings += loaded.refused
            self.secrets |= loaded.secrets
            self.documents |= {document.file: document for document in loaded.documents}
        return self._loaded[terms]

    def _is_known(self, act: Act, rulebook: Rulebook) -> bool:
        """Return whether anything is known of the function that *act* names."""
        target, text = act.target, str(act.target)
        looked = None if text in self._suite.stubs else self._tree.look_up(target)
        if isinstance(looked, Missing):
            near = f"{target.module}:{looked.close}" if looked.close else ""
            problem = f"`{target.module}` has no function `{target.qualname}`"
            self._say("MP301", problem, act.span, did_you_mean(near))
        elif isinstance(looked, Defined) and not looked.is_function:
            problem = f"`{text}` is a {looked.kind}, and a policy is for a function"
            self._say("MP320", problem, act.span)
        elif isinstance(looked, NoModule) and target not in rulebook.exact:
            near = closest(text, [*map(str, rulebook.exact), *self._suite.stubs]) or ""
            help = did_you_mean(near, "if it is right, name it under `stubs`")
            self._say("MP301", f"nothing is known of `{text}`", act.span, help)
        else:
            return True
        return False

    def _is_callable(self, act: Act) -> bool:
        """Return whether the arguments fit; of a real function the call itself may tell."""
        target = act.target
        looked = self._tree.look_up(target) if str(target) not in self._suite.stubs else None
        if isinstance(looked, Defined) and looked.parameters is not None:
            kind: Any = looked.kind
            self._stubs[target] = of_parameters(target.qualname, looked.parameters, kind)
        stub = self._stubs.get(target)
        if stub is None:
            if looked is not None and not act.block.real:
                help = f'write `stubs: {{"{target}": {{signature: "(features, user)"}}}}`'
                self._say("MP301", f"the parameters of `{target}` are not known", act.span, help)
            return act.block.real and self._may_run(act)
        try:
            arguments(stub, act.block.args)
        except SignatureError as error:
            entries = {arg.key: arg.key_span for arg in entries_of(act.node.get("args"))}
            self._say("MP010", str(error), entries.get(error.argument, act.span), error.help)
            return False
        return self._may_run(act)

    def _may_run(self, act: Act) -> bool:
        """Return whether a test may call what it calls: code of the service where that was asked."""
        if act.block.real and not self._allow_real:
            text = "`real: true` runs code of the service, which was not asked for"
            self._say("MP010", text, act.node.index["real"].value.span, ALLOW)
            return False
        return True


def _done(act: Act, stage: Stage) -> list[FieldDifference]:
    """Do *act*; return in what the outcome differs from what is expected."""
    if act.way == "advance":
        stage.world.time += float(getattr(act.block, act.way))
        return []
    plan = stage.plans(act.target)
    if act.way == "resolve":
        settings = settings_of(act.node.get("expect"))
        return list(plan_differs(plan, ((name, one.value.plain()) for name, one in settings)))
    try:
        return list(call_differs(act, stage.call(act.block), plan))
    except (SignatureError, NeedsReal) as error:
        return [FieldDifference("call", str(act.target), str(error))]
