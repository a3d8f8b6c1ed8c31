"""The function that a kind's checks are given: from its source, or from importing it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from typing import Any

from mlpolicy.core.argpath import ArgPath
from mlpolicy.core.diagnostic import Related, closest
from mlpolicy.core.site import UNKNOWN, Function, FunctionKind, FunctionNode, Lookup, Parameter
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.plan.governed import facts_of
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.source import Defined, Missing, Module, NoModule, SourceTree


def definition(message: str, defined: Defined, line: int = 0) -> tuple[Related, ...]:
    """Return the line where a function is defined, or another *line* of it, as a further place."""
    at = line or defined.line
    return (Related(message, Span(defined.file, at, 1, at, 2)),)


class ImportedFunction(Function):
    """A function whose module is imported; names are looked up in modules that are, too."""

    def __init__(self, target: Target, rule: PlannedRule, resolve: Callable[[str], object]) -> None:
        super().__init__(str(target), rule.place, is_disabled=rule.mode == "disabled")
        self.resolve = resolve

    def look_up(self, path: str, *, deep: bool = False) -> Lookup:
        """Return that *path* is absent where its module is imported and has no such name."""
        module, _, name = path.replace(":", ".").rpartition(".")
        held = sys.modules.get(module)
        if held is None:
            return UNKNOWN
        try:
            getattr(held, name)  # (of a module that makes its names when they are asked for, too)
        except AttributeError:
            near = closest_in(module, name)
            return Lookup("absent", f"{module}.{near}" if near else "")
        except Exception:  # noqa: BLE001 (code of the user's)
            return UNKNOWN
        return UNKNOWN


def closest_in(module: str, name: str) -> str:
    """Return the name of a class or function of an imported module that is most like *name*."""
    known: list[str] = []
    try:
        for one, held in list(vars(sys.modules[module]).items()):
            if type(one) is str and callable(held):
                known.append(one)
    except Exception:  # noqa: BLE001 (a stand-in for a module, and what it holds, may do anything)
        return ""
    return closest(name, known) or ""


_WHOLE = frozenset({"bool", "bytes", "complex", "float", "int", "str"})
"""Classes of values that no path leads into."""
_OPEN = {"__getattr__", "__getattribute__", "__getitem__", "__dict__", "__iter__", "setattr"}
"""Words of classes whose attributes are not all written down."""


def _words(cls: ast.ClassDef | None) -> set[object]:
    """Return the words in a class, any of which may be the name of something that it has.

    Where something outside of it may give it more, `setattr` is one of them.
    """
    decorators = cls.decorator_list if cls is not None else ()
    if cls is None or cls.keywords or not all("dataclass" in ast.unparse(d) for d in decorators):
        return {"setattr"}
    values = [value for part in ast.walk(cls) for value in vars(part).values()]
    return {value for value in values if isinstance(value, str)}


class SourceFunction(Function):
    """A function as its source has it; nothing is run."""

    def __init__(
        self,
        plan: Plan,
        rule: PlannedRule,
        defined: Defined,
        rulebook: Rulebook,
        tree: SourceTree,
        asked: set[Target] | None = None,
    ) -> None:
        """Take what is known of it; functions whose rules are *asked* for are added to that."""
        self._asked = set() if asked is None else asked
        super().__init__(str(plan.target), rule.place, is_disabled=rule.mode == "disabled")
        self._rule, self._defined = rule, defined
        self._rulebook, self._tree = rulebook, tree
        self.kind: FunctionKind = defined.kind  # type: ignore[assignment]  # (no class, no value)
        self.parameters: tuple[Parameter, ...] | None = defined.parameters
        self.is_method = defined.scope.is_class
        # Without sure parameters, something else may stand around the body.
        if self.parameters is not None and isinstance(defined.node, FunctionNode):
            self.node = defined.node
        self.decorators = defined.decorated

    def nodes(self) -> tuple[ast.AST, ...]:
        """Return the nodes that a call of it runs, not those in functions that it makes."""
        return self._defined.own if self.node is not None else ()

    def returned(self) -> tuple[ast.expr, ...]:
        """Return the expressions that it returns."""
        return self._defined.returned if self.node is not None else ()

    def calls(self) -> tuple[tuple[str, FunctionKind, ast.Call], ...]:
        """Return the path and kind of each function that it calls by name, and whose source is known."""
        calls = self._defined.calls if self.node is not None else ()
        others = [(called, node) for called, node in calls if called.node != self.node]
        return tuple((str(called.home), called.kind, node) for called, node in others)  # type: ignore[misc]  # (functions)

    def line(self, message: str, node: ast.expr | ast.stmt | None = None) -> tuple[Related, ...]:
        """Return the line of *node*, or of its definition, as a further place."""
        return definition(message, self._defined, node.lineno if node is not None else 0)

    def name_of(self, node: ast.expr) -> str:
        """Return the full name of what an expression in its body names."""
        return self._defined.inside.full_name(node)

    def annotated_name(self, node: ast.expr) -> str:
        """Return the full name of what an annotation names; nothing for a name of its own module."""
        scope = self._defined.scope
        found = scope.full_name(node)
        return "" if "." not in found and found in scope.module.scope.bindings else found

    def lineage(self, node: ast.expr) -> tuple[ast.ClassDef | None, ...]:
        """Return the class that an annotation names, then its bases; None for one without source."""
        return self._defined.lineage(node)

    def look_up(self, path: str, *, deep: bool = False) -> Lookup:
        """Return what the dotted *path* leads to."""
        parts, gone = path.split("."), NoModule("")
        for end in range(len(parts) - 1, 0, -1):
            module = self._tree.module(".".join(parts[:end]))
            if isinstance(module, Module):
                return self._named(Target(module.name, ".".join(parts[end:])), path, deep=deep)
            if not isinstance(module, NoModule):
                return UNKNOWN
            gone = module
        # A package that is not here may be where the code runs, unless another has the name.
        meant = gone.close + path.removeprefix(gone.component)
        is_class = gone.close and self.look_up(meant, deep=deep).kind == "class"
        return Lookup("absent", meant) if is_class else UNKNOWN

    def _named(self, target: Target, path: str, *, deep: bool) -> Lookup:
        match self._tree.look_up(target):
            case Defined(kind="class") as cls:
                return Lookup("class", builtin_bases=cls.bases)
            case Defined(constant=True):
                return Lookup("value")
            case Defined(kind=kind, parameters=tuple()) if kind != "value":
                return Lookup("function")  # (without sure parameters it may be a class elsewhere)
            case Missing(close_class=meant):
                near = f"{target.module}.{meant}" if meant else ""
                package, _, name = path.rpartition(".")
                # (a name that is its own closest is imported from a module that lacks it)
                if near != path and not (deep and self._tree.may_define_class(package, name)):
                    return Lookup("absent", near)
        return UNKNOWN

    def lacks(self, path: ArgPath) -> str:
        """Return the argument of *path* as it is annotated, if it surely has nothing there."""
        note, step = self.annotations.get(path.name), next(iter(path.steps), None)
        if step is None or not isinstance(note, ast.Name | ast.Attribute):
            return ""
        lineage, asked = self.lineage(note), {*_OPEN, step}
        lacking = bool(lineage) and all(asked.isdisjoint(_words(node)) for node in lineage)
        is_whole = self.annotated_name(note) in _WHOLE
        return f"`{path.name}: {ast.unparse(note)}`" if is_whole or lacking else ""

    def rule_of(self, function: str, setting: str) -> tuple[Any, Span] | None:
        """Return the rule of the same kind on another function, and where it writes *setting*."""
        rulebook, target = self._rulebook, Target.parse(function)
        self._asked.add(target)
        if not rulebook.wants(target.module):
            return None
        plan = rulebook.plan(target, facts_of(rulebook, self._tree, target))
        rule = plan.rule(self._rule.kind) if plan is not None else None
        return (rule.rule, rule.place(setting)) if rule is not None and rule.live else None
