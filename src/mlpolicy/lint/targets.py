"""Paths of functions that policies name: whether they are there, are functions, and have the arguments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mlpolicy.core.diagnostic import Diagnostic, Related, Severity, Suggestion, repair
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target, TargetError
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.lint.function import definition, line_of, setting_at
from mlpolicy.model.policy import OnMissing
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.references import ROLLOUT, called, named
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.source import Answer, Defined, Missing, NoModule, SourceTree

_OFFERED = 5


def absent(
    target: Target, answer: Answer, span: Span, on_missing: OnMissing = "error"
) -> Iterator[Diagnostic]:
    """Yield that *target* is not there, where *answer* says so, as gravely as *on_missing* has it."""
    if on_missing == "ignore":
        return
    severity: Severity = "error" if on_missing == "error" else "warning"
    if isinstance(answer, NoModule):
        help = did_you_mean(answer.close)
        label = f"no module `{answer.component}`"
        text = f"module of `{target}` not found"
        yield Diagnostic("MP303", text, span, severity, label=label, help=help)
    elif isinstance(answer, Missing):
        near = f"{target.module}:{answer.close}" if answer.close else None
        listed = ", ".join(f"`{name}`" for name in answer.has[:_OFFERED])
        more = len(answer.has) - _OFFERED
        listed += f" and {more} more" if more > 0 else ""
        related: tuple[Related, ...] = ()
        if answer.line:
            related = (line_of(f"`{answer.close}` is defined here", answer.file, answer.line),)
        yield Diagnostic(
            "MP301",
            "target not found",
            span,
            severity,
            label=answer.reason,
            help=did_you_mean(near, f"`{target.module}` has {listed}" if listed else ""),
            related=related,
            suggestions=repair(span, near),
        )


def useless(target: Target, defined: Defined, span: Span) -> Diagnostic | None:
    """Return why no policy can be for *target*, which is there; None for a function that is called."""
    related = definition("it is defined here", defined)
    if defined.kind == "class":
        message = f"`{target}` is a class: name its `__init__`, or a method"
        return Diagnostic("MP320", message, span)
    if defined.constant:
        message = f"`{target}` is a value, and a policy is for a function"
        return Diagnostic("MP320", message, span, related=related)
    if defined.overload:
        what = "has overloads only, and no implementation"
    elif defined.abstract:
        what = "is abstract, and its body does nothing"
    else:
        return None
    return Diagnostic(
        "MP307",
        f"`{target}` {what}: nothing calls it",
        span,
        "warning",
        help="name the methods of the classes that implement it",
        related=related,
    )


def reexported(target: Target, defined: Defined, span: Span) -> Iterator[Diagnostic]:
    """Yield a target that its module only imports, unless where it is defined is private."""
    origin = defined.defined_as
    if origin is None or origin.module == target.module or defined.kind == "value":
        return
    if any(part.startswith("_") for part in f"{origin.module}.{origin.qualname}".split(".")):
        return
    yield Diagnostic(
        "MP308",
        f"`{target}` is only imported there",
        span,
        "warning",
        help=f"name where it is defined: `{origin}`",
        related=definition("it is defined here", defined),
        suggestions=repair(span, str(origin)),
    )


# --- what rules name on a function ----------------------------------------------------


def arguments(plan: Plan, defined: Defined) -> Iterator[Diagnostic]:
    """Yield the arguments that rules name and the function does not have."""
    if defined.parameters is None:
        return
    known = [one.name for one in defined.parameters]
    takes_any = any(one.kind == "var_keyword" for one in defined.parameters)
    for rule in plan.rules:
        for code, path, setting in named(rule):
            if path.name in known or (takes_any and setting != ROLLOUT):
                continue
            span, near = setting_at(rule, setting), closest(path.name, known)
            listed = f"its arguments: {', '.join(known)}" if known else "it takes none"
            text = str(replace(path, name=near)) if near else ""
            written = f'"{text}"' if "[" in text else text
            yield Diagnostic(
                code,
                f"`{plan.target}` has no argument `{path.name}`",
                span,
                help=did_you_mean(near, listed),
                suggestions=(Suggestion(f"write `{text}`", span, written),) if near else (),
            )


def calls(plan: Plan, rulebook: Rulebook, tree: SourceTree) -> Iterator[Diagnostic]:
    """Yield the functions that rules call and that are not there, or are none."""
    for rule in plan.rules:
        for text, span in called(rule):
            if not rulebook.settings.allows(text):
                continue  # (that is MP010, whether it is there or not)
            try:
                target = Target.parse(text)
            except TargetError:  # (the model has found that)
                continue
            answer = tree.look_up(target)
            if isinstance(answer, Missing):  # a rule may call a class, too
                answer = replace(answer, close=answer.close or answer.close_class)
            yield from absent(target, answer, span)
            if isinstance(answer, Defined) and answer.constant:
                message = f"`{target}` is a value, and a rule can only call a function"
                yield Diagnostic("MP320", message, span)
