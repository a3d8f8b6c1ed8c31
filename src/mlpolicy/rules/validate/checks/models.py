"""Values that a pydantic model of the user's takes; imported at the first call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from mlpolicy.core.report import interrupts, say_once
from mlpolicy.rules.validate.checks.classes import made_by
from mlpolicy.rules.validate.look import Look, Said, Where, key, shown, unreadable

Resolve = Callable[[str], object]


class ModelCheck:
    """A pydantic model takes the value; an instance of it passes as it is."""

    def __init__(self, path: str, resolve: Resolve, *, coerce: bool) -> None:
        self._path = path
        self._coerce = coerce
        self._resolve = resolve
        self._model: Any = None

    def made(self, value: Any, where: Where, look: Look) -> Any:
        """Return what takes the place of *value*: itself, unless the model coerces and takes it."""
        if self._model is None:
            why = why_none(self._path, self._resolve)
            if why:  # say so once, and let values pass
                text = f"the model {self._path} of a validate rule {why}"
                say_once(f"validate:model:{self._path}", f"{text}; values are not checked by it")
                return value
            self._model = self._resolve(self._path)
        if issubclass(type(value), self._model):
            return value
        try:
            made = self._model.model_validate(value)
        except Exception as error:  # (validators are code of the user's and may raise anything)
            if interrupts(error):
                raise
            errors = _errors(error)
            if not errors:
                found = unreadable(value, error)
                look.fail(where, "model", found=found, expected=f"what {self._path} takes")
            declared = _declared(self._model) if errors else set()
            for one in errors:
                self._fail(one, where, look, declared)
            return value
        return made if self._coerce else value

    def _fail(self, error: Any, where: Where, look: Look, declared: set[str]) -> None:
        for step in error["loc"]:
            text = key(str(step))
            public = text if step in declared else "[key]"
            where = (where, step if isinstance(step, int) else Said(text, public))
        found = "missing" if error["type"] == "missing" else shown(error["input"])
        text = error["msg"].removeprefix("Input should be ")
        # The text may be a validator's, with the value in it; the type of an error is a constant.
        public = f"what {self._path} takes ({error['type']})"
        look.fail(where, "model", found=found, expected=Said(f"{text} ({self._path})", public))


def why_none(path: str, resolve: Resolve) -> str:
    """Return why *path* is no model that takes values; nothing where it is one."""
    try:
        found = resolve(path)
    except Exception as error:  # (an import may raise anything)
        if interrupts(error):
            raise
        return f"cannot be imported ({type(error).__name__}: {error})"
    if isinstance(found, type) and hasattr(found, "model_validate"):
        return ""
    return "is no pydantic model"


def _errors(error: Exception) -> list[Any]:
    """Return the single errors of a ValidationError of pydantic."""
    if made_by(type(error)) != "pydantic_core":
        return []
    try:
        return error.errors(include_url=False)  # type: ignore[attr-defined, no-any-return]  # (pydantic's)
    except Exception as failure:  # (texts of errors are made by validators)
        if interrupts(failure):
            raise
        return []


def _declared(model: Any) -> set[str]:
    """Return the names of all fields of *model* and of the models in it: no other key is ours."""
    names, pending, seen = set[str](), [model], set[int]()
    for one in pending:
        if id(one) in seen:
            continue
        seen.add(id(one))
        pending += get_args(one)
        fields = getattr(one, "model_fields", None)
        for name, field in fields.items() if isinstance(fields, dict) else ():
            told = (name, field.alias, field.validation_alias)
            names.update(word for word in told if isinstance(word, str))
            pending.append(field.annotation)
    return names
