"""The arguments of a decorator, read as the rule that a policy file would write.

They need not be text: classes, functions and plain numbers are taken as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from mlpolicy.core.classes import frozen
from mlpolicy.core.diagnostic import Diagnostic, did_you_mean
from mlpolicy.core.kind import Kind, Synonym
from mlpolicy.core.model import IN_PYTHON
from mlpolicy.core.span import Span
from mlpolicy.document.node import Entry, Scalar
from mlpolicy.errors import PolicyError
from mlpolicy.model.check import (
    MISSING,
    UNKNOWN,
    Loc,
    block_at,
    block_name,
    by_place,
    validated,
)
from mlpolicy.model.grammar import OF_RULES, RuleCommon
from mlpolicy.model.policy import CODE, Block, RuleBlock, Setting
from mlpolicy.model.unknown import Words, unknown_key


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
        settings = self._spelt(settings | shared)
        if not isinstance(settings.get("rollout", {}), Mapping):
            settings["rollout"] = {"percent": settings["rollout"]}
        shared = {name: settings.pop(name) for name in common if name in settings}
        tree = self._tree(self._checked(RuleCommon, shared), shared)
        tree = {**self._tree(self._checked(self.kind.rule_model(), settings), settings), **tree}
        switches = {name: tree.pop(name).value for name in ("inherit", "final") if name in tree}
        if switches.get("final"):
            tree.setdefault("mode", Setting("enforce", self.span, self.span, CODE))
        return RuleBlock(self.kind.name, self.span, tree, **switches)

    def wrong(self, code: str, text: str, at: Loc = (), *, help: str = "") -> Diagnostic:
        """Return a finding about the decorator, or about the argument *at* a place in it."""
        where = f"`{self.name}`: {block_name(at)}: " if at else f"`{self.name}`: "
        return Diagnostic(code, where + text, self.span, help=help)

    # --- values -----------------------------------------------------------------------

    def _checked(self, model: type[BaseModel], settings: dict[str, Any]) -> BaseModel:
        value, mistakes = validated(model, settings, IN_PYTHON)
        if value is None:
            lacking = [one.path for one in mistakes if one.type == MISSING]
            raise PolicyError(
                [
                    *(self.wrong("MP011", f"needs `{path[-1]}`", path[:-1]) for path in lacking),
                    *(
                        self.wrong(code, one.text, path, help=did_you_mean(one.meant))
                        for path, one, code in by_place(mistakes, lambda one: one.path)
                    ),
                ]
            )
        return value

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

    def _spelt(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return what was *given* under the names of the fields; synonyms are put right."""
        settings: dict[str, Any] = _copied(given)
        common = RuleCommon.model_fields
        wrong: list[Diagnostic] = []
        pairs: dict[Loc, list[Any]] = {}
        while True:
            own = {name: value for name, value in settings.items() if name not in common}
            _, mistakes = validated(self.kind.rule_model(), own, IN_PYTHON)
            unknown = [one.path for one in mistakes if one.type == UNKNOWN]
            for *above, word in unknown:
                finding = self._put_right(settings, tuple(above), str(word), pairs)
                wrong += [finding] if finding else []
            if wrong:
                raise PolicyError(wrong)
            if not unknown:
                return settings

    def _put_right(
        self, settings: dict[str, Any], above: Loc, word: str, pairs: dict[Loc, list[Any]]
    ) -> Diagnostic | None:
        """Put a *word* that is no field right in the block at *above*, or say that it means none.

        *pairs* holds ranges of which one end was given, or both.
        """
        model, name = block_at(self.kind.rule_model(), above)
        fields = (*model.model_fields, *(() if above else RuleCommon.model_fields))
        synonyms = {**OF_RULES, **self.kind.synonyms}
        block: Any = settings
        for part in above:
            block = block[part]
        value = block.pop(word)
        synonym = synonyms.get(f"{name}.{word}") or synonyms.get(word)
        if synonym is None or synonym.field not in fields or _means_another_form(synonym):
            named = f"{block_name(above)} of `{self.name}`" if above else f"`{self.name}`"
            entry = Entry(word, self.span, Scalar(None, self.span, ""))
            finding = unknown_key(entry, fields, Words(named, synonyms), block=name)
            text = finding.message.replace("unknown key", _UNKNOWN[bool(above)])
            return Diagnostic("MP005", text, self.span, help=finding.help)
        field = synonym.field
        pair = pairs.setdefault((*above, field), [None, None])
        end = int(not synonym.form.startswith("[{}"))
        if field in block and (pair == [None, None] or pair[end] is not None):
            text = f"`{field}` and `{word}` say the same: keep one of them"
            return self.wrong("MP005", text, above)
        if synonym.form:
            pair[end] = value
            block[field] = tuple(pair)
        else:
            block[field] = value + synonym.shift if type(value) is int else value
        return None


_UNKNOWN = ("unknown argument", "unknown key")


def _means_another_form(synonym: Synonym) -> bool:
    """Whether its value must change as well, as only the author can."""
    return bool(synonym.note) and not synonym.form and not synonym.shift


def _copied(value: Any) -> Any:
    return {key: _copied(of) for key, of in value.items()} if isinstance(value, dict) else value
