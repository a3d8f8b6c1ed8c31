"""Files of tests are prepared and run; each test gives a result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType

from mlpolicy.core.diagnostic import Diagnostic, in_order
from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.document.parse import Document
from mlpolicy.plan.load import Loaded
from mlpolicy.plan.plan import Plan
from mlpolicy.source import SourceTree
from mlpolicy.testing.judge import Difference, call_differs, plan_differs
from mlpolicy.testing.load import load
from mlpolicy.testing.read import read_suite
from mlpolicy.testing.signature import SignatureError, arguments
from mlpolicy.testing.stage import Happened, Stage
from mlpolicy.testing.suite import Case, Doing, Looking, Named, Passing, Suite, Terms
from mlpolicy.testing.targets import Targets
from mlpolicy.testing.world import entered


@frozen()
class Seen:
    """One plan that a test made use of, and what happened where it called."""

    plan: Plan
    happened: Happened | None = None


@frozen()
class Result:
    """What came of one test."""

    case: Case
    differences: tuple[Difference, ...] = ()
    said: tuple[str, ...] = ()
    """What the rules warned of meanwhile."""
    seen: tuple[Seen, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return not self.differences


@dataclass(slots=True)
class Prepared:
    """A file of tests with its policies: ready to run, or with what keeps it from running."""

    suite: Suite
    cases: tuple[Case, ...]
    diagnostics: tuple[Diagnostic, ...]
    documents: tuple[Document, ...]
    _loaded: dict[Terms, Loaded]
    _targets: Targets
    _stubs: dict[Target, FunctionType] = field(default_factory=dict)

    @property
    def rulebooks(self) -> tuple[Loaded, ...]:
        """The policies, as they hold in each environment that a test asks for."""
        return tuple(self._loaded.values())

    def run(self, case: Case) -> Result:
        """Run one test."""
        loaded = self._loaded[case.terms]
        stage = Stage(lambda target: self._plan(target, loaded), self._stubs)
        differences: list[Difference] = []
        seen: list[Seen] = []
        with entered(stage.world, dict(case.terms.env_vars)) as said:
            try:
                for number, act in enumerate(case.acts, 1):
                    step = f"step {number}: " if len(case.acts) > 1 else ""
                    self._act(act, stage, step=step, into=(differences, seen))
            finally:
                stage.close()
        return Result(case, tuple(differences), tuple(said), tuple(seen))

    def _plan(self, target: Target, loaded: Loaded) -> Plan:
        return self._targets.plan(target, loaded.rulebook)

    def _act(
        self,
        act: Doing | Passing | Looking,
        stage: Stage,
        *,
        step: str,
        into: tuple[list[Difference], list[Seen]],
    ) -> None:
        differences, seen = into
        if isinstance(act, Passing):
            stage.world.advance(act.seconds)
            return
        plan = stage.plans(act.function.target)
        if isinstance(act, Looking):
            seen.append(Seen(plan))
            differences += plan_differs(plan, act)
            return
        try:
            happened = stage.call(act)
        except SignatureError as error:
            differences.append(Difference(f"{step}call", str(act.function.target), str(error)))
            return
        seen.append(Seen(plan, happened))
        differences += (
            Difference(f"{step}{one.field}", one.expected, one.found, one.where, one.note)
            for one in call_differs(happened, act.expected, plan)
        )


# --- preparing ------------------------------------------------------------------------


def prepare(path: Path, survey: SourceTree) -> Prepared:
    """Read the tests at *path* and their policies; nothing of the user's is imported but errors."""
    suite = read_suite(path)
    return _Preparing(suite, survey).prepared()


class _Preparing:
    """Looks at everything that a file of tests names, before any of it runs."""

    def __init__(self, suite: Suite, survey: SourceTree) -> None:
        self._suite = suite
        self._found = list(suite.diagnostics)
        self._survey = survey
        self._targets = Targets(suite, survey)
        self._stubs: dict[Target, FunctionType] = {}
        self._loaded: dict[Terms, Loaded] = {}
        self._documents: dict[str, Document] = {suite.file: suite.document}

    def prepared(self) -> Prepared:
        """Return the tests that can be run, and what is wrong."""
        for text, (span, _) in self._suite.stub_spans.items():
            self._targets.stub(Named(Target.parse(text), span), self._found)
        ready = tuple(case for case in self._suite.cases if self._is_ready(case))
        self._check_use()
        return Prepared(
            self._suite,
            ready,
            in_order(self._found),
            tuple(self._documents.values()),
            self._loaded,
            self._targets,
            self._stubs,
        )

    def _check_use(self) -> None:
        """Note a stub that no test is about, where one is about a function of nearly that name."""
        used = {str(named.target) for case in self._suite.cases for named in case.functions}
        for text, (span, _) in self._suite.stub_spans.items():
            near = closest(text, used - self._suite.stubs.keys())
            if near and text not in used:
                said = f"no test is about the stub `{text}`"
                self._found.append(Diagnostic("MP111", said, span, help=did_you_mean(near)))

    def _is_ready(self, case: Case) -> bool:
        loaded = self._policies(case.terms)
        before = len(self._found)
        if loaded.refused:
            return False
        self._check_environment(case, loaded)
        for named in case.functions:
            unknown = self._targets.unknown(named, loaded.rulebook)
            if unknown is not None and unknown not in self._found:
                self._found.append(unknown)
            if unknown is not None:
                return False
        for act in case.acts:
            if isinstance(act, Doing):
                self._check_call(act)
        return len(self._found) == before

    def _policies(self, terms: Terms) -> Loaded:
        if terms not in self._loaded:
            loaded = self._loaded[terms] = load(self._suite.policies, terms, self._survey)
            shown = loaded.shown(level="none").diagnostics
            refused = set(loaded.refused)
            self._found += (one for one in shown if one in refused and one not in self._found)
            self._documents |= {one.file: one for one in loaded.documents}
        return self._loaded[terms]

    def _check_environment(self, case: Case, loaded: Loaded) -> None:
        name = case.terms.env
        base = loaded.unknown is not None and not loaded.misnamed
        if name is None or name in loaded.environments or base:
            return
        near = closest(name, loaded.environments)
        known = ", ".join(f"`{one}`" for one in loaded.environments)
        help = did_you_mean(near, f"there are {known or 'none'}")
        text = f"no policy file names an environment `{name}`"
        one = Diagnostic("MP010", text, case.env_span or case.span, help=help)
        if one not in self._found:
            self._found.append(one)

    def _check_call(self, act: Doing) -> None:
        # Of a real function that the source does not show, the call itself will tell.
        found = [] if act.real else self._found
        made = self._targets.stub(act.function, found)
        if made is None:
            return
        self._stubs[act.function.target] = made
        try:
            arguments(made, act.args)
        except SignatureError as error:
            span: Span = act.arg_spans.get(error.argument, act.function.span)
            self._found.append(Diagnostic("MP010", str(error), span, help=error.help))


def run_all(prepared: Prepared, cases: tuple[Case, ...] | None = None) -> Iterator[Result]:
    """Yield the result of each test, in the order of the file."""
    for case in prepared.cases if cases is None else cases:
        yield prepared.run(case)
