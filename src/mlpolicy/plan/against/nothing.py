"""Patterns that take nothing: what keeps them from it, and which were probably meant."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Mapping

from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.frozen import frozen
from mlpolicy.core.target import Glob, Target, TargetError
from mlpolicy.model.policy import Pattern, Policy
from mlpolicy.plan.against.targets import did_you_mean
from mlpolicy.plan.respelt import respelt
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.plan.survey import Defined, Found, NoModule, Survey

_MOST = 3


@frozen()
class Taken:
    """A pattern of a policy, and the functions of the source that it takes."""

    rulebook: Rulebook
    survey: Survey
    policy: Policy
    pattern: Pattern
    functions: Mapping[Target, Defined]

    @property
    def glob(self) -> Glob:
        """The pattern itself."""
        return self.pattern.glob


def nothing(taken: Taken) -> Diagnostic:
    """Return the finding for a pattern that takes no function of the source."""
    message = f"no function matches `{taken.glob}`"
    help, meant = _why(taken)
    suggestions = (Suggestion(f"write `{meant}`", taken.pattern.span, meant),) if meant else ()
    return Diagnostic(
        "MP302", message, taken.pattern.span, "warning", help=help, suggestions=suggestions
    )


def _why(taken: Taken) -> tuple[str, str]:
    """Return what keeps a pattern from taking anything, and the pattern that would, if known."""
    glob, survey = taken.glob, taken.survey
    found = survey.module(_start(glob))
    help, meant = "", ""
    if glob.top in sys.stdlib_module_names:
        help = "no pattern takes functions of the standard library: name them one by one"
    elif _takes(survey, glob):
        help = f"`{glob.top}` is an installed package: list it under `settings.packages`"
    elif private := next(survey.hidden(glob), None):
        help = f"those functions begin with `_`, as `{private}` does: name them one by one"
    elif wider := next((one for one in _wider(glob) if _takes(survey, one)), None):
        help, meant = f"`*` stands for one component: did you mean `{wider}`?", str(wider)
    elif near := next((one for one in _meant(survey, glob, found) if _takes(survey, one)), None):
        help, meant = did_you_mean([str(near)]), str(near)
    else:
        help = getattr(found, "hint", "") or did_you_mean(_like(survey, glob, found))
    return help, meant


def _takes(survey: Survey, glob: Glob) -> bool:
    return any(True for _ in survey.matching(glob))


def _meant(survey: Survey, glob: Glob, found: Found) -> Iterator[Glob]:
    """Yield the patterns that *glob* may stand for, the likeliest first.

    One component of it was misspelt or is called otherwise now, or all that it takes was moved.
    """
    if isinstance(found, NoModule):
        rest = glob.text.removeprefix(found.component)
        yield from (Glob(f"{one}{rest}") for one in found.close)
    for module in (glob.top, *survey.modules_below(glob.top)):
        # (a module whose own name is not like what is sought need not be parsed)
        if glob.covers_module(module):
            names = survey.functions(module)
        elif respelt(Glob(f"{glob.module}:*"), Target(module, "any")):
            names = tuple(one for one in survey.functions(module) if glob.takes(one))
        else:
            names = ()
        each = (respelt(glob, Target(module, one)) for one in names)
        yield from (one.glob for one in each if one is not None)
    name = glob.qualname.partition(".")[0]
    if "*" not in name:
        moved = survey.elsewhere(Target(glob.top, name))
        yield from (Glob(f"{one.module}:{glob.qualname}") for one in moved)
    elif isinstance(found, NoModule):
        last = f".{found.component.rpartition('.')[2]}"
        moved_modules = (one for one in survey.modules_below(glob.top) if one.endswith(last))
        rest = glob.text.removeprefix(found.component)
        yield from (Glob(f"{one}{rest}") for one in moved_modules)


def _start(glob: Glob) -> str:
    """Return the modules in *glob* before the first `*`."""
    parts = glob.module.split(".")
    fixed = next((at for at, part in enumerate(parts) if "*" in part), len(parts))
    return ".".join(parts[:fixed])


def _wider(glob: Glob) -> Iterator[Glob]:
    """Yield the patterns of the modules below, and of methods, that *glob* does not cover."""
    texts = []
    if not glob.module.endswith("**"):
        texts.append(f"{glob.module.removesuffix('.*')}.**:{glob.qualname}")
    if "." not in glob.qualname:
        texts.append(f"{glob.module}:*.{glob.qualname}")
    for text in texts:
        try:
            yield Glob.parse(text)
        except TargetError:
            continue


def _like(survey: Survey, glob: Glob, found: Found) -> list[str]:
    """Return the function whose name is most like the pattern, or the module that is."""
    plain = glob.qualname.replace("*", "").strip(".")
    known = {name: one for one in survey.covered(glob) for name in survey.functions(one)}
    near = difflib.get_close_matches(plain, known, n=1, cutoff=0.6)
    if near or not isinstance(found, NoModule):
        return [f"{known[one]}:{one}" for one in near] or _classes(survey, glob)
    return [f"{one}{glob.text.removeprefix(found.component)}" for one in found.close[:1]]


def _classes(survey: Survey, glob: Glob) -> list[str]:
    """Return the patterns of the classes that a module has, where the one asked for is gone."""
    name, _, method = glob.qualname.partition(".")
    if not method or "*" in name:
        return []
    each = ((module, one) for module in survey.covered(glob) for one in survey.functions(module))
    classes = {f"{module}:{one.partition('.')[0]}.{method}" for module, one in each if "." in one}
    return sorted(one for one in classes if _takes(survey, Glob(one)))[:_MOST]
