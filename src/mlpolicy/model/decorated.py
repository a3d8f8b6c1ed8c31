"""The arguments of a decorator, read as the rule that a policy file would write.

They need not be text: classes, functions and plain numbers are taken as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.frozen import frozen
from mlpolicy.core.kind import Kind, Synonym
from mlpolicy.core.model import IN_PYTHON, is_table, models_in
from mlpolicy.core.span import Span
from mlpolicy.core.spelling import did_you_mean
from mlpolicy.document.node import Entry, Scalar
from mlpolicy.errors import PolicyError
from mlpolicy.model.check import meant_by, message, summary
from mlpolicy.model.grammar import OF_RULES, RuleCommon
from mlpolicy.model.policy import CODE, Block, RuleBlock, Setting
from mlpolicy.model.unknown import Words, unknown_key

Loc = tuple[int | str, ...]


@frozen()
class Decorated:
    """A decorator in somebody's source."""

    kind: Kind
    name: str
    """How it is written: `@retry`."""
    span: Span
    names: Mapping[str, Any]
    """What the names around it stand for."""

    def read(self, given: Mapping[str, Any], function: Callable[..., Any] | None) -> RuleBlock:
        """Return the rule that its arguments say for *function*; most kinds need not know that.

        Raises:
            PolicyError: One of them is wrong.
        """
        common, own = RuleCommon.model_fields, dict(given)
        # Words of every rule are no parameters: a spec for one that is called so stands in `args`.
        shared = {name: own.pop(name) for name in common if name in own}
        try:
            settings = self.kind.settings(own, function, self.names)
        except PydanticCustomError as error:
            context: Any = error.context or {}
            help = did_you_mean(context["meant"] or None)
            finding = self.wrong(error.type, context["text"], context["at"], help=help)
            raise PolicyError([finding]) from None
        settings |= shared
        wrong: list[Diagnostic] = []
        model = self.kind.rule_model()
        settings = self._spelt(settings, model, (), wrong, also=tuple(common))
        if wrong:
            raise PolicyError(wrong)
        if not isinstance(settings.get("rollout", {}), Mapping):
            settings["rollout"] = {"percent": settings["rollout"]}
        shared = {name: settings.pop(name) for name in common if name in settings}
        tree = self._tree(self._checked(RuleCommon, shared), shared)
        tree = {**self._tree(self._checked(model, settings), settings), **tree}
        switches = {name: tree.pop(name).value for name in ("inherit", "final") if name in tree}
        if switches.get("final"):
            tree.setdefault("mode", Setting("enforce", self.span, self.span, CODE))
        return RuleBlock(self.kind.name, self.span, tree, **switches)

    def wrong(self, code: str, text: str, at: Loc = (), *, help: str = "") -> Diagnostic:
        """Return a finding about the decorator, or about the argument *at* a place in it."""
        named = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at)
        where = f"`{self.name}`: `{named[1:]}`: " if at else f"`{self.name}`: "
        return Diagnostic(code, where + text, self.span, help=help)

    # --- values -----------------------------------------------------------------------

    def _checked(self, model: type[BaseModel], settings: dict[str, Any]) -> BaseModel:
        try:
            return model.model_validate(settings, context=IN_PYTHON)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        findings: list[Diagnostic] = []
        places: dict[Loc, list[tuple[str, str, str]]] = {}
        for one in errors:
            at = (*one["loc"], *one.get("ctx", {}).get("at", ()))
            path, value = _reached(settings, at)
            if one["type"] == "missing":
                findings.append(self.wrong("MP011", f"needs `{at[-1]}`", path))
            else:
                wrong = one["type"], message(one, value), meant_by(one, value)
                places.setdefault(path, []).append(wrong)
        for path, group in places.items():
            inner = any(len(other) > len(path) and other[: len(path)] == path for other in places)
            if inner and not group[0][0].startswith("MP"):
                continue  # (another form got further into the value)
            code, text, meant = summary(group)
            help = did_you_mean(meant)
            text = text.removesuffix(f": {help}").removesuffix(f"; {help}") if help else text
            findings.append(self.wrong(code, text, path, help=help))
        raise PolicyError(findings)

    def _tree(self, rule: BaseModel, written: Any) -> dict[str, Any]:
        """Return the settings of *rule* among those *written*, as a tree: what a policy lies over."""
        made: dict[str, Any] = {}
        for name in written:
            value = getattr(rule, name)
            if isinstance(value, BaseModel):
                made[name] = self._block(value)
            elif isinstance(value, dict) and any(isinstance(v, BaseModel) for v in value.values()):
                inner = {key: self._block(block) for key, block in value.items()}
                made[name] = Block(inner, self.span)
            else:
                plain = value.isoformat() if isinstance(value, date) else value
                made[name] = Setting(plain, self.span, self.span, CODE)
        return made

    def _block(self, block: BaseModel) -> Block:
        return Block(self._tree(block, block.model_fields_set), self.span)

    # --- words ------------------------------------------------------------------------

    def _spelt(
        self,
        given: Mapping[Any, Any],
        model: type[BaseModel],
        at: Loc,
        wrong: list[Diagnostic],
        *,
        also: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """Return the settings of a block under the names of its fields; synonyms are put right."""
        fields = (*model.model_fields, *also)
        made: dict[str, Any] = {}
        words: dict[str, str] = {}
        ranges: dict[str, list[Any]] = {}
        for word, value in given.items():
            name, synonym = self._field(str(word), fields, at)
            form = synonym.form if synonym else ""
            end = 0 if form.startswith("[{}") else 1
            if not name:
                wrong.append(self._unknown(str(word), fields, at))
            elif name in made and (not form or ranges.get(name, [0, 0])[end] is not None):
                text = f"`{words[name]}` and `{word}` say the same: keep one of them"
                wrong.append(self.wrong("MP005", text, at))
            elif form:  # one end of a range: `ge`
                ranges.setdefault(name, [None, None])[end] = value
                made[name], words[name] = tuple(ranges[name]), str(word)
            else:
                shift = synonym.shift if synonym and type(value) is int else 0
                made[name], words[name] = value + shift if shift else value, str(word)
        return {name: self._inside(model, name, value, at, wrong) for name, value in made.items()}

    def _field(self, word: str, fields: tuple[str, ...], at: Loc) -> tuple[str, Synonym | None]:
        """Return the field that *word* means, and the synonym that it is; "" where it means none."""
        if word in fields:
            return word, None
        block = next((part for part in reversed(at) if isinstance(part, str)), "")
        synonym = self._synonyms.get(f"{block}.{word}") or self._synonyms.get(word)
        if synonym is None or synonym.field not in fields:
            return "", None
        is_alike = synonym.form or synonym.shift or not synonym.note
        return synonym.field if is_alike else "", synonym

    @property
    def _synonyms(self) -> Mapping[str, Synonym]:
        return {**OF_RULES, **self.kind.synonyms}

    def _inside(
        self, model: type[BaseModel], name: str, value: Any, at: Loc, wrong: list[Diagnostic]
    ) -> Any:
        """Return the value of a field with the words of the blocks inside of it put right."""
        known = model.model_fields.get(name)
        inner = next(iter(models_in(known.annotation)), None) if known else None
        if known is None or inner is None or not isinstance(value, Mapping):
            return value
        if not is_table(known.annotation):
            return self._spelt(value, inner, (*at, name), wrong)
        return {
            key: self._spelt(one, inner, (*at, name, key), wrong)
            if isinstance(one, Mapping)
            else one
            for key, one in value.items()
        }

    def _unknown(self, word: str, fields: tuple[str, ...], at: Loc) -> Diagnostic:
        name = ".".join(map(str, at))
        about = Words(f"`{name}` of `{self.name}`" if at else f"`{self.name}`", self._synonyms)
        entry = Entry(word, self.span, Scalar(None, self.span, ""))
        finding = unknown_key(entry, fields, about, block=str(at[-1]) if at else "")
        what = "unknown key" if at else "unknown argument"
        message = finding.message.replace("unknown key", what)
        return Diagnostic("MP005", message, self.span, help=finding.help)


def _reached(settings: Any, loc: Loc) -> tuple[Loc, Any]:
    """Return the way to the value at *loc*, less what pydantic puts between, and the value."""
    path: Loc = ()
    value: Any = settings
    for part in loc:
        if isinstance(value, list | tuple):
            known: Any = dict(enumerate(value))
        else:
            known = value if isinstance(value, Mapping) else {}
        if part in known:
            value, path = known[part], (*path, part)
    return path, value
