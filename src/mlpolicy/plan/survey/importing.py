"""What an import gives, as far as the module says it."""

from __future__ import annotations

from mlpolicy.plan.survey.answer import Dynamic, Missing, NoModule
from mlpolicy.plan.survey.library import Found
from mlpolicy.plan.survey.locate import Opaque, Space
from mlpolicy.plan.survey.module import Module
from mlpolicy.plan.survey.things import Gap, Thing, Whole


def whole(name: str, found: Found) -> Thing:
    """Return the module *name* as what a name stands for."""
    match found:
        case Module():
            return Whole(found)
        case Opaque():
            return Gap(Dynamic(f"`{name}` {found.why}"))
        case Space():
            return Gap(Dynamic(f"`{name}` is a folder without `__init__.py`"))
        case NoModule():
            return Gap(Dynamic(f"it comes from `{name}`, which cannot be found here"))


def gives(module: Module, name: str) -> bool:
    """Whether a star import of *module* may bind *name*."""
    if module.exports is not None:
        return name in module.exports
    return not name.startswith("_") or "__all__" in module.scope.bindings


def circle(name: str) -> Gap:
    """Return what is known of a name that is defined by itself."""
    return Gap(Missing(f"`{name}` is defined in a circle of imports"))
