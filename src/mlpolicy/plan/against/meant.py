"""Names of classes that lead nowhere: which ones were meant."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.core.words import closest, differing, is_one_slip
from mlpolicy.plan.survey import Answer, Defined, Dynamic, Missing, Module, NoModule, Survey


@frozen()
class Sought:
    """What names in one place must lead to."""

    noun: str
    absent: str
    """The code of a name that leads nowhere."""
    other: str
    """The code of a name that leads to something else."""
    deep: bool = False
    """Whether a class is known by its package too, however deep in it."""


EXCEPTION = Sought("exception", "MP603", "MP604", deep=True)
CLASS = Sought("class", "MP208", "MP208")
MODEL = Sought("model", "MP208", "MP208")


def is_other(found: Defined, sought: Sought) -> bool:
    """Whether it is sure that *found* is not what was sought: that nothing of it can be raised."""
    if found.kind == "class" and sought is EXCEPTION:
        known = found.bases
        return known is not None and not any(map(_is_raised, known))
    # (a function whose parameters are not known may be a class in another branch)
    is_function = found.kind not in ("class", "value") and found.parameters is not None
    return found.constant or is_function


def _is_raised(name: str) -> bool:
    cls = getattr(builtins, name, None)
    return isinstance(cls, type) and issubclass(cls, BaseException)


@frozen()
class Asked:
    """A name that a rule gives, and where it is looked for."""

    survey: Survey
    tops: frozenset[str]
    """The packages that policies are for."""
    sought: Sought
    text: str
    span: Span

    def look_up(self, text: str) -> Answer | None:
        """Return what the source says of *text*; that a module is missing where none of it is there.

        None for what is a module itself, or lies in one that cannot be read.
        """
        parts = text.split(".")
        missing = None
        for end in range(len(parts) - 1, 0, -1):
            found = self.survey.module(".".join(parts[:end]))
            if isinstance(found, Module):
                return self.survey.look_up(Target(found.name, ".".join(parts[end:])))
            if not isinstance(found, NoModule):
                return None
            missing = found
        return missing

    def is_class(self, text: str) -> bool:
        """Whether *text* is the name of a class that is there."""
        found = self.look_up(text)
        return isinstance(found, Defined) and found.kind == "class"

    def is_below(self, text: str) -> bool:
        """Whether what stands for a class of a whole package may be that of one in it."""
        return self.sought.deep and self.survey.defines_below(*text.rsplit(".", 1))

    def there(self, module: str) -> tuple[str, ...]:
        """Return the public names of the classes that *module* defines."""
        found = self.survey.module(module)
        each = found.scope.bindings if isinstance(found, Module) else ()
        return tuple(one for one in each if one[0] != "_" and self._is_own(module, one))

    def _is_own(self, module: str, name: str) -> bool:
        found = self.survey.look_up(Target(module, name))
        if not isinstance(found, Defined) or found.reexported_from is not None:
            return False
        is_sure = self.sought is not EXCEPTION or any(map(_is_raised, found.bases or ()))
        return found.kind == "class" and is_sure


def of_other_module(asked: Asked, missing: NoModule) -> str:
    """Return what a name in a module that is not there was meant to be; nothing if it may be right.

    What is not installed here may be there where the code runs.
    """
    for close in missing.close:
        meant = close + asked.text.removeprefix(missing.component)
        found = asked.look_up(meant)
        if asked.is_class(meant) or (
            isinstance(found, Missing) and not found.close and asked.is_below(meant)
        ):
            return meant
    return next(of_project(asked.survey, asked.tops, asked.text), "")


def of_project(survey: Survey, tops: Iterable[str], text: str) -> Iterator[str]:
    """Yield the classes that end with *text*, in the packages *tops* that policies are for."""
    inner, dot, name = text.rpartition(".")
    for top in sorted(tops):
        for one in survey.elsewhere(Target(top, name)):
            found = survey.look_up(one)
            is_class = isinstance(found, Defined) and found.kind == "class"
            if is_class and f".{one.module}".endswith(f"{dot}{inner}"):
                yield f"{one.module}.{name}"


def slip(asked: Asked, dynamic: Dynamic) -> str:
    """Return the name that this one is one letter off; any other may be made as code runs."""
    module, name = asked.text.rpartition(".")[::2]
    each = (f"{module}.{close}" for close in dynamic.close if _is_slip(name, close))
    return next(filter(asked.is_class, each), "")


def _is_slip(word: str, right: str) -> bool:
    """Whether one letter within a long name is wrong, which is no digit and stands at no end."""
    left, meant = differing(word, right)
    is_within = word[0] == right[0] and word[-1] == right[-1] and len(right) >= _LONG
    return is_one_slip(left, meant) and is_within and not re.search(r"[\d_]", left + meant)


_LONG = 8


def of_module(asked: Asked, missing: Missing) -> str:
    """Return what a name that its module does not have was meant to be; nothing without a clue."""
    module, name = asked.text.rpartition(".")[::2]
    at = next(end for end in _heads(module) if isinstance(asked.survey.module(end), Module))
    others = (one for one, _ in missing.close if _may_be_class(asked, at, one))
    close = [*missing.classes, *others]
    slips = [one for one in close if is_one_slip(*differing(name, one.rpartition(".")[2]))]
    near = [f"{at}.{one}" for one in (*slips, *close)[:1]]
    if slips:
        return near[0]
    return next(chain(_elsewhere(asked, module, name), near, _below(asked, module, name)), "")


def _heads(module: str) -> Iterator[str]:
    while module:
        yield module
        module = module.rpartition(".")[0]


def _elsewhere(asked: Asked, module: str, name: str) -> Iterator[str]:
    """Yield the path of the class in the module that has it, if that is one alone."""
    found = asked.survey.look_up(Target(module, name))
    meant = found.meant if isinstance(found, NoModule | Missing) else ()
    each = [str(one).replace(":", ".") for one in meant]
    yield from (one for one in each if len(each) == 1 and asked.is_class(one))


def _below(asked: Asked, package: str, name: str) -> Iterator[str]:
    """Yield the class most like *name* in the modules below *package*."""
    below = asked.survey.modules_below(package) if asked.sought.deep else ()
    known = {one: f"{module}.{one}" for module in below for one in asked.there(module)}
    near = closest(name, known)
    if near is not None:
        yield known[near]


def _may_be_class(asked: Asked, module: str, name: str) -> bool:
    found = asked.survey.look_up(Target(module, name))
    return not isinstance(found, Defined) or found.kind in ("class", "value")
