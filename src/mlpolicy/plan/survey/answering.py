"""From a target to what the source says of it."""

from __future__ import annotations

from dataclasses import replace

from mlpolicy.core.target import LOCALS, Target
from mlpolicy.plan.survey.answer import Answer, Defined, Dynamic, Missing
from mlpolicy.plan.survey.body import Body
from mlpolicy.plan.survey.classes import Foreign
from mlpolicy.plan.survey.describe import defined, generated, home
from mlpolicy.plan.survey.follow import Follower, Load
from mlpolicy.plan.survey.listing import functions
from mlpolicy.plan.survey.module import Module
from mlpolicy.plan.survey.near import near
from mlpolicy.plan.survey.things import Class, Function, Gap, Generated, Thing, Value, Whole


def answer(load: Load, module: Module, target: Target) -> Answer:
    """Return what *module*, and those that it imports, say of *target*, which is in it."""
    follower = Follower(load)
    thing: Thing = Whole(module)
    holder = thing
    parts = target.qualname.split(".")
    for at, part in enumerate(parts):
        if part == LOCALS:
            continue
        holder = thing
        if at and parts[at - 1] == LOCALS:
            thing = _inside(follower, thing, part)
        else:
            thing = follower.attribute(thing, part)
    if isinstance(thing, Gap):
        return _gap(follower, module, target, thing)
    if isinstance(thing, Whole):
        return Missing(f"`{thing.module.name}` is a module: name a function of it")
    found = _found(follower, target, holder, thing)
    if isinstance(thing, Function):
        return replace(found, body=Body(thing, load))
    return replace(found, bases=_bases(follower, thing)) if isinstance(thing, Class) else found


def _inside(follower: Follower, thing: Thing, name: str) -> Thing:
    if isinstance(thing, Function):
        return follower.local(thing, name)
    if isinstance(thing, Gap):
        return thing
    return Gap(Missing(f"`{name}` is sought inside of what is no function"))


def _found(
    follower: Follower, target: Target, holder: Thing, thing: Function | Class | Generated | Value
) -> Defined:
    if isinstance(thing, Generated):
        found = generated(thing, follower.lineage(thing.owner))
    else:
        found = defined(thing)
    defined_as = home(thing)
    inherited = None
    if isinstance(holder, Class) and _owner(thing) is not holder.node:
        inherited = defined_as
        body = holder.body
        defined_as = Target(
            body.module.name, f"{body.qualname}.{target.qualname.rpartition('.')[2]}"
        )
    if defined_as == target and inherited is None:
        return found
    moved = defined_as if defined_as.module != target.module else None
    other = defined_as if defined_as != target else None
    return replace(found, defined_as=other, reexported_from=moved, inherited_from=inherited)


def _bases(follower: Follower, thing: Class) -> tuple[str, ...] | None:
    foreign = [one.builtin for one in follower.lineage(thing) if isinstance(one, Foreign)]
    return tuple(one.__name__ for one in foreign if one) if None not in foreign else None


def _owner(thing: Function | Class | Generated | Value) -> object:
    return thing.owner.node if isinstance(thing, Generated) else thing.scope.node


def _gap(follower: Follower, module: Module, target: Target, gap: Gap) -> Answer:
    if isinstance(gap.answer, Dynamic) and "." in target.qualname:
        return gap.answer
    close, classes = near(follower, module, target.qualname)
    if isinstance(gap.answer, Dynamic):
        return replace(gap.answer, close=(*(name for name, _ in close), *classes))
    has = () if close else tuple(functions(module.scope))
    return replace(gap.answer, close=close, classes=classes, has=has, file=module.shown)
