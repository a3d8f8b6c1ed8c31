"""The arguments of a decorator, read as the rule that a policy file would write.

They need not be text: classes, functions and plain numbers are taken as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.frozen import frozen
from mlpolicy.core.kind import Kind, Synonym
from mlpolicy.core.model import IN_PYTHON
from mlpolicy.core.span import Span
from mlpolicy.core.words import did_you_mean
from mlpolicy.document.node import Entry, Scalar
from mlpolicy.errors import PolicyError
from mlpolicy.model import messages
from mlpolicy.model.check import models_in
from mlpolicy.model.grammar import RuleCommon
from mlpolicy.model.policy import CODE, Block, RuleBlock, Setting, Tree
from mlpolicy.model.synonyms import OF_RULES
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
        try:
            return self._read(given, function)
        except PydanticCustomError as error:
            told: Any = error.context or {}
            help = did_you_mean(told["meant"] or None)
            raise PolicyError(
                [self.wrong(error.type, told["text"], told["at"], help=help)]
            ) from None

    def _read(self, given: Mapping[str, Any], function: Callable[..., Any] | None) -> RuleBlock:
        model = self.kind.rule_model()
        # Words of every rule are no parameters: a spec for one that is called so stands in `args`.
        every = {name: one for name, one in given.items() if name in RuleCommon.model_fields}
        own = {name: one for name, one in given.items() if name not in every}
        settings = {**self.kind.settings(own, function, self.names), **every}
        spelt = _Spelt(self, {**OF_RULES, **self.kind.synonyms})
        settings = spelt.block(settings, model, (), also=tuple(RuleCommon.model_fields))
        if spelt.wrong:
            raise PolicyError(spelt.wrong)
        if not isinstance(settings.get("rollout", {}), Mapping):
            settings["rollout"] = {"percent": settings["rollout"]}
        shared = {name: settings.pop(name) for name in RuleCommon.model_fields if name in settings}
        common = self._checked(RuleCommon, shared)
        rule = self._checked(model, settings)
        tree = {**_tree(rule, self.span, settings), **_tree(common, self.span, shared)}
        switches = {name: tree.pop(name).value for name in ("inherit", "final") if name in tree}
        if switches.get("final"):
            tree.setdefault("mode", Setting("enforce", self.span, self.span, CODE))
        return RuleBlock(self.kind.name, self.span, tree, **switches)

    def _checked(self, model: type[BaseModel], settings: dict[str, Any]) -> BaseModel:
        try:
            return model.model_validate(settings, context=IN_PYTHON)
        except ValidationError as error:
            found = list(self._findings(error.errors(include_url=False), settings))
        raise PolicyError(found)

    def _findings(self, errors: list[Any], settings: dict[str, Any]) -> Iterator[Diagnostic]:
        """Yield one finding for each value that is wrong, whatever forms it might have had."""
        said: dict[Loc, list[tuple[str, str]]] = {}
        meant: dict[Loc, str] = {}
        for one in errors:
            at = (*one["loc"], *one.get("ctx", {}).get("at", ()))
            path, value = _reached(settings, at)
            text = messages.message(one, value)
            if one["type"] == "missing":
                yield self.wrong("MP011", f"needs `{at[-1]}`", path)
                continue
            said.setdefault(path, []).append((one["type"], text))
            meant[path] = meant.get(path) or messages.meant(one, value)
        for path, group in said.items():
            inner = any(len(other) > len(path) and other[: len(path)] == path for other in said)
            if inner and not group[0][0].startswith("MP"):
                continue  # (another form got further into the value)
            code = group[0][0] if group[0][0].startswith("MP") else "MP010"
            help = f"did you mean `{meant[path]}`?" if meant[path] else ""
            text = messages.joined(group).removesuffix(f": {help}").removesuffix(f"; {help}")
            yield self.wrong(code, text, path, help=help)

    def wrong(self, code: str, text: str, at: Loc = (), *, help: str = "") -> Diagnostic:
        """Return a finding about the decorator, or about the argument *at* a place in it."""
        named = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at)
        where = f"`{self.name}`: " if not at else f"`{self.name}`: `{named[1:]}`: "
        return Diagnostic(code, where + text, self.span, help=help)


class _Spelt:
    """Puts habitual words right, block by block; what is no word of the block is *wrong*."""

    def __init__(self, decorator: Decorated, synonyms: Mapping[str, Synonym]) -> None:
        self.decorator = decorator
        self.synonyms = synonyms
        self.wrong: list[Diagnostic] = []

    def block(
        self,
        held: Mapping[Any, Any],
        model: type[BaseModel],
        at: Loc,
        *,
        also: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """Return the settings of a block under the names of its fields."""
        name = next((str(part) for part in reversed(at) if isinstance(part, str)), "")
        made: dict[str, Any] = {}
        said: dict[str, str] = {}
        for word, value in held.items():
            field, said_value = self._field(
                str(word), value, (*model.model_fields, *also), block=name
            )
            if not field:
                self._unknown(str(word), model, at, also=also)
            elif field in said and not _completes(made[field], said_value):
                text = f"`{said[field]}` and `{word}` say the same: keep one of them"
                self.wrong.append(self.decorator.wrong("MP005", text, at))
            else:
                made[field] = _together(made.get(field), said_value)
                said[field] = str(word)
        return {field: self._inner(model, field, value, at) for field, value in made.items()}

    def _field(
        self, word: str, value: Any, fields: tuple[str, ...], *, block: str
    ) -> tuple[str, Any]:
        """Return the field that *word* means, and its value; no field where it means none."""
        if word in fields:
            return word, value
        one = self.synonyms.get(f"{block}.{word}") or self.synonyms.get(word)
        if one is None or one.field not in fields:
            return "", value
        if one.form:
            low = one.form.startswith("[{}")
            return one.field, _Half((value, None) if low else (None, value))
        if one.shift:
            is_count = isinstance(value, int) and not isinstance(value, bool)
            return one.field, value + one.shift if is_count else value
        return ("", value) if one.note else (one.field, value)

    def _unknown(
        self, word: str, model: type[BaseModel], at: Loc, *, also: tuple[str, ...]
    ) -> None:
        span = self.decorator.span
        name = ".".join(str(part) for part in at)
        section = f"`{name}` of `{self.decorator.name}`" if at else f"`{self.decorator.name}`"
        about = Words(section, self.synonyms, also=also)
        entry = Entry(word, span, Scalar(None, span, ""))
        fields = (*model.model_fields, *also)
        found = unknown_key(entry, fields, about, block=str(at[-1]) if at else "")
        message = (
            found.message.replace("unknown key", "unknown argument") if not at else found.message
        )
        self.wrong.append(Diagnostic("MP005", message, span, help=found.help))

    def _inner(self, model: type[BaseModel], field: str, value: Any, at: Loc) -> Any:
        """Return *value* with the words of the blocks inside of it put right."""
        held = model.model_fields.get(field)
        inner = next(iter(models_in(held.annotation)), None) if held else None
        if inner is None or not isinstance(value, Mapping):
            return value
        if getattr(held.annotation, "__origin__", None) is not dict:  # type: ignore[union-attr]  # (as found)
            return self.block(value, inner, (*at, field))
        return {
            key: self.block(one, inner, (*at, field, key)) if isinstance(one, Mapping) else one
            for key, one in value.items()
        }


class _Half(tuple[Any, ...]):
    """One end of a range, said by a word of its own: `ge`."""


def _completes(one: Any, other: Any) -> bool:
    """Whether two values are the ends of one range."""
    halves = isinstance(one, _Half) and isinstance(other, _Half)
    return halves and (one[0] is None) != (other[0] is None)


def _together(one: Any, other: Any) -> Any:
    if not isinstance(one, _Half):
        return other
    return tuple(low if low is not None else high for low, high in zip(one, other, strict=True))


def _reached(settings: Any, loc: tuple[Any, ...]) -> tuple[Loc, Any]:
    """Return the way to the value at *loc*, less what pydantic puts between, and the value."""
    path: Loc = ()
    value: Any = settings
    for part in loc:
        if (isinstance(value, Mapping) and part in value) or (
            isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)
        ):
            value, path = value[part], (*path, part)
    return path, value


def _tree(rule: BaseModel, span: Span, written: Any) -> dict[str, Any]:
    """Return the settings of *rule* among those *written*, as a tree: what a policy lies over."""
    made: dict[str, Any] = {}
    for name in written:
        value = getattr(rule, name)
        if isinstance(value, BaseModel):
            made[name] = Block(_tree(value, span, value.model_fields_set), span)
        elif isinstance(value, dict) and any(isinstance(one, BaseModel) for one in value.values()):
            inner: Tree = {
                key: Block(_tree(one, span, one.model_fields_set), span)
                for key, one in value.items()
            }
            made[name] = Block(inner, span)
        else:
            plain = value.isoformat() if isinstance(value, date) else value
            made[name] = Setting(plain, span, span, CODE)
    return made
