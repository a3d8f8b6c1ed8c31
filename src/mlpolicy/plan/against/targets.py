"""Targets that policies name themselves: whether they are there, and are functions."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from mlpolicy.core.diagnostic import Diagnostic, Related, Severity, Suggestion
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.model.policy import OnMissing
from mlpolicy.plan.against.about import in_source, line_of
from mlpolicy.plan.survey import Answer, Defined, Missing, NoModule, Opaque

USELESS = ("MP307", "MP320")
"""With these, nothing else that is said about the rules would help."""
_OFFERED = 5


def absent(target: Target, looked: Answer, span: Span) -> Iterator[Diagnostic]:
    """Yield that *target* is not there, where that is what *looked* says."""
    if isinstance(looked, NoModule):
        yield no_module(target, looked, span)
    elif isinstance(looked, Missing):
        yield missing(target, looked, span)


def weighed(each: Iterable[Diagnostic], on_missing: OnMissing) -> Iterator[Diagnostic]:
    """Yield *each* finding about a target that is not there as gravely as the settings take it."""
    if on_missing != "ignore":
        severity: Severity = "error" if on_missing == "error" else "warning"
        yield from (replace(one, severity=severity) for one in each)


def no_module(target: Target, looked: NoModule, span: Span) -> Diagnostic:
    """Return the finding for a *target* in a module that is not there."""
    label = f"no module `{looked.component}`"
    help, suggestions = _meant(looked.meant, span)
    help = help or looked.hint or did_you_mean(looked.close)
    message = f"module of `{target}` not found"
    return Diagnostic("MP303", message, span, label=label, help=help, suggestions=suggestions)


def not_parsed(module: str, found: Opaque, span: Span) -> Diagnostic:
    """Return that what *module* defines was not checked; a newer Python may be able to read it."""
    help = f"mend {found.broken}, or run mlpolicy under the Python of the service"
    return Diagnostic(
        "MP303", f"`{module}` {found.why}", span, "warning", label="not checked", help=help
    )


def missing(target: Target, looked: Missing, span: Span) -> Diagnostic:
    """Return the finding for a *target* that its module does not have."""
    related: tuple[Related, ...] = ()
    meant = looked.meant
    if looked.close and not meant:
        name, line = looked.close[0]
        meant = (Target(target.module, name),)
        if line and looked.file:
            related = (line_of(f"`{name}` is defined here", looked.file, line),)
    help, suggestions = _meant(meant, span)
    help = help or offer(target.module, looked.has)
    return Diagnostic(
        "MP301",
        "target not found",
        span,
        label=looked.reason,
        help=help,
        related=related,
        suggestions=suggestions,
    )


def offer(module: str, names: tuple[str, ...]) -> str:
    """Return what a reader may choose from where no name is like the one that is missing."""
    if not names:
        return ""
    listed = ", ".join(f"`{name}`" for name in names[:_OFFERED])
    more = len(names) - _OFFERED
    return f"`{module}` has {listed}" + (f" and {more} more" if more > 0 else "")


def _meant(each: Sequence[Target], span: Span) -> tuple[str, tuple[Suggestion, ...]]:
    """Return the question whether one of *each* was meant, and the repair where that is the only one."""
    texts = list(map(str, each))
    repairs = tuple(Suggestion(f"write `{text}`", span, text) for text in texts)
    return did_you_mean(texts), repairs if len(repairs) == 1 else ()


def did_you_mean(names: Iterable[str]) -> str:
    """Return the question whether one of *names* was meant; nothing without any."""
    listed = ", ".join(f"`{name}`" for name in names)
    return f"did you mean {listed}?" if listed else ""


def defined(target: Target, looked: Defined, span: Span) -> Iterator[Diagnostic]:
    """Yield what is wrong with a *target* that is there: the gravest alone."""
    each = (_no_function, _never_called, _reexported)
    found = (one for look in each for one in look(target, looked, span))
    yield from list(found)[:1]


def _no_function(target: Target, looked: Defined, span: Span) -> Iterator[Diagnostic]:
    if looked.kind == "class":
        message = f"`{target}` is a class: name its `__init__`, or a method"
        yield Diagnostic("MP320", message, span)
    elif looked.constant:
        message = f"`{target}` is a value, and a policy is for a function"
        related = (in_source("it is defined here", looked),)
        yield Diagnostic("MP320", message, span, related=related)


def _never_called(target: Target, looked: Defined, span: Span) -> Iterator[Diagnostic]:
    if looked.overload:
        what = "has overloads only, and no implementation"
    elif looked.abstract and looked.body is not None and _is_empty(looked.body.statements):
        what = "is abstract, and its body does nothing"
    else:
        return
    yield Diagnostic(
        "MP307",
        f"`{target}` {what}: nothing calls it",
        span,
        "warning",
        help="name the methods of the classes that implement it",
        related=(in_source("it is defined here", looked),),
    )


def _is_empty(statements: list[ast.stmt]) -> bool:
    return all(
        isinstance(one, ast.Pass | ast.Raise)
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for one in statements
    )


def _reexported(target: Target, looked: Defined, span: Span) -> Iterator[Diagnostic]:
    """Yield a target that its module only imports, unless where it is defined is private."""
    meant = looked.reexported_from
    if meant is None or looked.kind == "value":
        return
    if any(part.startswith("_") for part in f"{meant.module}.{meant.qualname}".split(".")):
        return
    yield Diagnostic(
        "MP308",
        f"`{target}` is only imported there",
        span,
        "warning",
        help=f"name where it is defined: `{meant}`",
        related=(in_source("it is defined here", looked),),
        suggestions=(Suggestion(f"write `{meant}`", span, str(meant)),),
    )
