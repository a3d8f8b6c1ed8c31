"""Policies against the source of the functions that they name; none of it is run."""

from __future__ import annotations

import fnmatch
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from mlpolicy.core.diagnostic import Diagnostic, Severity, closest, did_you_mean, in_order, repair
from mlpolicy.core.site import Where
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob, Target, TargetError
from mlpolicy.lint.function import SourceFunction, definition
from mlpolicy.lint.policies import not_allowed
from mlpolicy.model.policy import OnMissing, Pattern, Policy
from mlpolicy.plan.governed import facts_of, know_names, unknown_arguments
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.plan.rulebook import Rulebook, excluded
from mlpolicy.rules import KINDS
from mlpolicy.source import Answer, Defined, Missing, NoModule, Opaque, SourceTree

_TAKES_NOTHING = frozenset({"MP301", "MP302", "MP303", "MP320"})
"""Findings about a target or a pattern that names no function."""
_NOT_MEANT = frozenset({"MP307", "MP308"})
"""Findings about a target that is there, and for which others are named."""
_MOST = 200
"""A pattern that takes more functions than this was hardly looked through."""
_TOGETHER = 500
"""Policies of a very large set whose functions are looked at together."""
_CONDITIONS = ("tag", "kind", "has_param", "decorated_by")
_PLAIN_TAGS = re.compile(
    rb"""(?mx)
    ^[ \t]* @ (?:mlpolicy\.)? tag \( (?: \s* (?:'[\w-]*'|"[\w-]*") \s* ,? )+ \) [ \t]* $
    | ^ from [ ] mlpolicy [ ] import [ ] (?!.*\bas\b) .* $
    """
)
"""The lines that put tags on functions by `@mlpolicy.tag("word")`."""


def of_source(
    rulebook: Rulebook, tree: SourceTree, seen: Seen | None = None
) -> tuple[Diagnostic, ...]:
    """Return what is wrong between *rulebook* and the source.

    What is *seen* without an environment is not looked at again in those that leave it as it is.
    """
    stage = _SourceStage(rulebook, tree, seen)
    found: list[Diagnostic] = []
    for number, policy in enumerate(rulebook.policies, 1):
        found += stage.looked(policy)
        if rulebook.is_large and number % _TOGETHER == 0:
            stage.judge()
            tree.spare()
    return in_order([*found, *stage.unread(), *stage.rules()])


def of_rules(
    rulebook: Rulebook, tree: SourceTree, named: Iterable[Target]
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the rules of the functions *named*, and nothing else."""
    stage = _SourceStage(rulebook, tree)
    for target in named:
        stage.know(target)
    return in_order([*stage.rules()])


def absent(
    target: Target, answer: Answer, span: Span, on_missing: OnMissing = "error"
) -> Iterator[Diagnostic]:
    """Yield that *target* is not there, where *answer* says so, as gravely as *on_missing* has it."""
    if on_missing == "ignore":
        return
    severity: Severity = "error" if on_missing == "error" else "warning"
    if isinstance(answer, NoModule):
        label = f"no module `{answer.component}`"
        meant = answer.close and answer.close + target.module.removeprefix(answer.component)
        help = did_you_mean(f"{meant}:{target.qualname}" if meant else None)
        text = f"module of `{target}` not found"
        yield Diagnostic("MP303", text, span, severity, label=label, help=help)
    elif isinstance(answer, Missing):
        near = f"{target.module}:{answer.close}" if answer.close else None
        has = ", ".join(f"`{name}`" for name in answer.has)
        help = did_you_mean(near, f"`{target.module}` has {has}" if has else "")
        text, edits = "target not found", repair(span, near)
        yield Diagnostic(
            "MP301", text, span, severity, label=answer.reason, help=help, suggestions=edits
        )


@dataclass(slots=True)
class Named:
    """The functions and the modules that one policy names."""

    functions: dict[Target, Defined] = field(default_factory=dict)
    modules: dict[str, Span] = field(default_factory=dict)


@dataclass(slots=True)
class Seen:
    """What the source was found to say of a rulebook without an environment."""

    policies: dict[int, Named] = field(default_factory=dict)
    """What each policy names, by its identity."""
    rules: dict[Target, tuple[list[Diagnostic], Collection[Target]]] = field(default_factory=dict)
    """What is wrong with the rules of a function, and which other functions were looked at."""


class _SourceStage:
    """Looks every target up once, and keeps the functions for the checks of their rules."""

    def __init__(self, rulebook: Rulebook, tree: SourceTree, seen: Seen | None = None) -> None:
        know_names(rulebook, tree)
        self._seen = Seen() if seen is None else seen
        self._changes = None if seen is None else rulebook.changes
        self._keeps = seen is not None and not rulebook.read.beside
        self._here = Named()
        self._rulebook = rulebook
        self._tree = tree
        self._functions: dict[Target, Defined] = {}
        self._modules: dict[str, Span] = {}
        self._wrong: dict[tuple[str, Span], dict[Target, list[Diagnostic]]] = {}
        """What is wrong with rules, by code and place, on each function."""
        self._taken_by_some: set[tuple[str, Span]] = set()
        """Arguments that a pattern names for those functions that have them: code and place."""

    def know(self, target: Target) -> None:
        """Keep *target* if it is a function."""
        answer = self._tree.look_up(target)
        if isinstance(answer, Defined) and answer.is_function:
            own = self._rulebook.own(target)
            self._functions[own] = self._here.functions[own] = answer

    # --- selectors --------------------------------------------------------------------

    def looked(self, policy: Policy) -> list[Diagnostic]:
        """Return what is wrong with the selector of *policy*, if that was not said before."""
        known = self._seen.policies.get(id(policy)) if self._changes else None
        if known is not None:
            self._functions |= known.functions
            for name, span in known.modules.items():
                self._modules.setdefault(name, span)
            return []
        self._here = Named()
        if self._keeps:
            self._seen.policies[id(policy)] = self._here
        return [*self.policy(policy)]

    def policy(self, policy: Policy) -> Iterator[Diagnostic]:
        """Yield what is wrong with the selector of *policy*."""
        matched: dict[tuple[str, Span], Diagnostic] = {}  # a condition belongs to all patterns
        for pattern in policy.match:
            look = self._target if pattern.glob.exact else self._pattern
            for finding in look(policy, pattern):
                matched.setdefault((finding.code, finding.span), finding)
        yield from matched.values()
        # A `match` that takes nothing by a slip leaves an `exclude` without effect.
        nowhere = {span for code, span in matched if code in _TAKES_NOTHING}
        self._rulebook.nowhere |= nowhere
        self._rulebook.elsewhere |= {span for code, span in matched if code in _NOT_MEANT}
        vain = bool(nowhere) or not policy.match or self._rulebook.read.beside is not None
        for pattern in policy.exclude:
            yield from self._exclude(policy, pattern, vain=vain)

    def _target(self, policy: Policy, pattern: Pattern) -> Iterator[Diagnostic]:
        target, span = Target.parse(pattern.glob.text), pattern.span
        self._names(target.module, span)
        answer = self._tree.look_up(target)
        yield from absent(target, answer, span, self._rulebook.settings.on_missing_target)
        if isinstance(answer, Defined):
            wrong = _useless(target, answer, span)
            if wrong is None:
                self.know(target)
                wrong = _reexported(target, answer, span)
            if wrong is None:
                yield from self._taken(policy, pattern, {target: answer})
            else:
                yield wrong

    def _pattern(self, policy: Policy, pattern: Pattern) -> Iterator[Diagnostic]:
        packages = self._rulebook.settings.packages
        for module in self._tree.covered(pattern.glob, packages=packages):
            self._names(module, pattern.span)
        functions: dict[Target, Defined] = {}
        for target in self._tree.matching(pattern.glob, packages=packages):
            answer = self._functions.get(target) or self._tree.look_up(target)
            if isinstance(answer, Defined) and answer.is_function:
                functions[target] = answer
        yield from self._taken(policy, pattern, functions)
        self._functions |= functions
        self._here.functions |= functions

    def _names(self, module: str, span: Span) -> None:
        for modules in (self._modules, self._here.modules):
            modules.setdefault(module, span)

    def _taken(
        self, policy: Policy, pattern: Pattern, functions: Mapping[Target, Defined]
    ) -> Iterator[Diagnostic]:
        """Yield what is wrong with a pattern that takes *functions*, or a target."""
        glob, span = pattern.glob, pattern.span
        chosen = [target for target in functions if self._holds(policy, target)]
        if not functions:
            if not glob.exact and self._tree.knows(glob):
                yield self._nothing(glob, span)
        elif not chosen and policy.where.count:
            yield from self._none_chosen(policy, pattern, functions)
        elif len(chosen) > _MOST:
            text = f"`{glob}` takes {len(chosen)} functions"
            help = "name the functions that need it, or `exclude` those that do not"
            yield Diagnostic("MP409", text, span, "warning", help=help)

    def _holds(self, policy: Policy, target: Target) -> bool:
        """Whether *policy* is for a function that one of its patterns takes, by all that it asks."""
        facts = facts_of(self._rulebook, self._tree, target)
        return not excluded(policy, target) and policy.where.holds(facts)

    def _nothing(self, glob: Glob, span: Span) -> Diagnostic:
        """Return the finding for a pattern that takes no function of the source."""
        tree = self._tree
        known = {name: module for module in tree.covered(glob) for name in tree.functions(module)}
        near = closest(glob.qualname.replace("*", "").strip("."), known)
        help = did_you_mean(f"{known[near]}:{near}" if near else None)
        if glob.top in sys.stdlib_module_names:
            help = "no pattern takes functions of the standard library: name them one by one"
        elif any(True for _ in tree.matching(glob)):
            help = f"`{glob.top}` is an installed package: list it under `settings.packages`"
        return Diagnostic("MP302", f"no function matches `{glob}`", span, "warning", help=help)

    def _none_chosen(
        self, policy: Policy, pattern: Pattern, functions: Mapping[Target, Defined]
    ) -> Iterator[Diagnostic]:
        """Yield a `match` of which nothing holds, unless words may be put on while the program runs."""
        defined = functions.values()
        if all(excluded(policy, target) for target in functions):
            return
        if _may_have_more(policy.where, defined):
            return
        asked = [(key, words) for key in _CONDITIONS if (words := getattr(policy.where, key))]
        near = list(_near_words(policy, defined))
        place = near[0][:2] if near else ("", "")
        if not near and len(asked) == 1 and not self._holds_anywhere(policy):
            [(key, words)] = asked
            place = key, words[0]
        listed = "; ".join(f"{key}: {', '.join(words)}" for key, words in asked)
        text = f"no function of `{pattern.glob}` is what `match` asks for: {listed}"
        help = did_you_mean("`, `".join(word for *_, word in near))
        span = policy.places.get(place, pattern.span)
        edits = repair(span, near[0][2]) if len(near) == 1 else ()
        yield Diagnostic("MP302", text, span, "warning", help=help, suggestions=edits)

    def _holds_anywhere(self, policy: Policy) -> bool:
        globs = [pattern.glob for pattern in policy.match]
        return any(self._holds(policy, one) for glob in globs for one in self._tree.matching(glob))

    def _exclude(self, policy: Policy, pattern: Pattern, *, vain: bool) -> Iterator[Diagnostic]:
        """Yield a pattern of `exclude` that stands for no function, or for none that is matched."""
        glob, span = pattern.glob, pattern.span
        functions = set(self._tree.matching(glob))
        if glob.exact:
            target = Target.parse(glob.text)
            answer, functions = self._tree.look_up(target), {target}
            if isinstance(answer, Missing | NoModule):
                yield from absent(target, answer, span, self._rulebook.settings.on_missing_target)
                return
        if not functions:
            if self._tree.knows(glob):
                yield self._nothing(glob, span)
        elif not vain and not any(
            one.glob.matches(target) for target in functions for one in policy.match
        ):
            text = f"`exclude` of `{glob}` has no effect: `match` does not take it"
            help = "take it out, or correct one of the two"
            yield Diagnostic("MP408", text, span, "warning", help=help)

    def unread(self) -> Iterator[Diagnostic]:
        """Yield the modules that are named and whose text is not Python, each once."""
        for name, span in self._modules.items():
            module = self._tree.module(name)
            if isinstance(module, Opaque) and module.broken is not None:
                help = f"mend {module.broken}, or run mlpolicy under the Python of the service"
                text = f"`{name}` {module.why}"
                yield Diagnostic("MP303", text, span, "warning", label="not checked", help=help)
            if self._rulebook.is_large:
                self._tree.spare()

    # --- rules ------------------------------------------------------------------------

    def judge(self) -> None:
        """Look at the rules of the functions so far, each once, and let these go."""
        for target, defined in self._functions.items():
            for finding in self._known(target, defined):
                by_target = self._wrong.setdefault((finding.code, finding.span), {})
                by_target.setdefault(target, []).append(finding)
        self._functions = {}

    def rules(self) -> Iterator[Diagnostic]:
        """Yield what is wrong with the rules of functions.

        Where a setting is wrong on several functions, that is one finding: it names the first of
        them and counts the others.
        """
        self.judge()
        for place, by_target in self._wrong.items():
            if place in self._taken_by_some:
                continue
            first, others = next(iter(by_target)), len(by_target) - 1
            more = f" (and {others} more function{'s' if others > 1 else ''})" if others else ""
            for finding in by_target[first]:
                is_about = f"`{first}`" in finding.message
                yield replace(finding, message=finding.message + more) if is_about else finding

    def _known(self, target: Target, defined: Defined) -> list[Diagnostic]:
        """Return what is wrong with the rules of a function, which are looked at once if they can be."""
        changes, known = self._changes, self._seen.rules.get(target, ([], ()))
        others = (target, *known[1])
        if changes is not None and not changes.defaults and not any(map(changes.has, others)):
            return known[0]
        asked: set[Target] = set()
        try:
            found = [*self._of_function(target, defined, asked)]
        except RecursionError:
            text = f"`{target}` is nested too deeply to be read"
            found = [
                Diagnostic("MP303", text, policy.span, "warning", label="not checked")
                for _, policy in self._rulebook.candidates(target)[:1]
            ]
        if self._keeps and (found or asked):
            self._seen.rules[target] = found, asked
        return found

    def _of_function(
        self, target: Target, defined: Defined, asked: set[Target]
    ) -> Iterator[Diagnostic]:
        rulebook, tree = self._rulebook, self._tree
        plan, findings = rulebook.resolve(target, facts_of(rulebook, tree, target))
        yield from findings
        if plan is None:
            return
        rules = [
            (rule, SourceFunction(plan, rule, defined, rulebook, tree, asked))
            for rule in plan.rules
        ]
        for rule, function in rules if defined.parameters is not None else ():
            yield from self._arguments(plan, rule, function)
        yield from self._calls(plan)
        for rule, function in rules:
            if rule.rule is not None and KINDS[rule.kind].lint:
                yield from KINDS[rule.kind].ask("lint", rule.rule, function)

    def _arguments(
        self, plan: Plan, rule: PlannedRule, function: SourceFunction
    ) -> Iterator[Diagnostic]:
        """Yield the paths of *rule* to what the arguments of *function* do not have."""
        known = [one.name for one in function.parameters or ()]
        takes_any = any(one.kind == "var_keyword" for one in function.parameters or ())
        yield from unknown_arguments(plan.target, rule, known, takes_any=takes_any)
        for code, path, setting in rule.arguments():
            if rule.is_of_many(setting) and (takes_any or path.name in known):
                self._taken_by_some.add((code, rule.place(setting)))
            elif lacking := function.lacks(path):
                text = f"`{plan.target}` takes {lacking}, and `{path}` leads into it to nothing"
                help = f"name what is there, or all of it: `{path.name}`"
                yield Diagnostic(code, text, rule.place(setting), "warning", help=help)

    def _calls(self, plan: Plan) -> Iterator[Diagnostic]:
        """Yield the functions that rules call and that are not there, or are none, or not allowed."""
        yield from not_allowed(plan, self._tree.origin)
        for text, span in (called for rule in plan.rules for called in rule.called()):
            if plan.allowed.why_not(text):
                continue  # (that is MP010, whether it is there or not)
            try:
                target = Target.parse(text)
            except TargetError:  # (the model has found that)
                continue
            answer = self._tree.look_up(target)
            if isinstance(answer, Missing):  # a rule may call a class, too
                answer = replace(answer, close=answer.close or answer.close_class)
            yield from absent(target, answer, span)
            if isinstance(answer, Defined) and answer.constant:
                message = f"`{target}` is a value, and a rule can only call a function"
                yield Diagnostic("MP320", message, span)


def _useless(target: Target, defined: Defined, span: Span) -> Diagnostic | None:
    """Return why no policy can be for *target*, which is there; None for a function that is called."""
    if defined.kind == "class":
        message = f"`{target}` is a class: name its `__init__`, or a method"
        return Diagnostic("MP320", message, span)
    related = definition("it is defined here", defined)
    if defined.constant:
        message = f"`{target}` is a value, and a policy is for a function"
        return Diagnostic("MP320", message, span, related=related)
    if not (defined.overload or defined.abstract):
        return None
    what = "has overloads only" if defined.overload else "is abstract, and its body does nothing"
    text, help = f"`{target}` {what}: nothing calls it", "name the methods that implement it"
    return Diagnostic("MP307", text, span, "warning", help=help, related=related)


def _reexported(target: Target, defined: Defined, span: Span) -> Diagnostic | None:
    """Return that a module only imports *target*, unless where it is defined is private."""
    origin = defined.defined_as
    if origin is None or origin.module == target.module or defined.kind == "value":
        return None
    if any(part.startswith("_") for part in f"{origin.module}.{origin.qualname}".split(".")):
        return None
    text, help = f"`{target}` is only imported there", f"name where it is defined: `{origin}`"
    related, edits = definition("it is defined here", defined), repair(span, str(origin))
    return Diagnostic("MP308", text, span, "warning", help=help, related=related, suggestions=edits)


def _near_words(policy: Policy, functions: Collection[Defined]) -> Iterator[tuple[str, str, str]]:
    """Yield (key, word, meant) for each word like one that the functions of a pattern have."""
    known = {
        "tag": {word for one in functions for word in one.tags},
        "has_param": {param.name for one in functions for param in one.parameters or ()},
        "decorated_by": {name for one in functions for name in one.decorators},
    }
    for key, words in known.items():
        for word in getattr(policy.where, key):
            near = None if fnmatch.filter(words, word) else _closest_word(word, sorted(words))
            if near is not None:
                yield key, word, near


def _closest_word(word: str, known: list[str]) -> str | None:
    """Return what is most like *word*: a decorator of the module itself has no module before it."""
    ends = (f".{one}".endswith(f".{word}") or f".{word}".endswith(f".{one}") for one in known)
    return next((one for one, same in zip(known, ends, strict=True) if same), closest(word, known))


def _may_have_more(where: Where, functions: Collection[Defined]) -> bool:
    """Whether functions may have parameters, or tags by more than `@mlpolicy.tag("word")`."""
    if where.has_param and any(one.parameters is None for one in functions):
        return True
    sources = [one.scope.module.source for one in functions] if where.tag else []
    return any(b"tag" in _PLAIN_TAGS.sub(b"", source) for source in sources)
