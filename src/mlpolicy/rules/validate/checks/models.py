"""Values that a pydantic model of the user's takes; imported at the first call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from mlpolicy.core.report import say_once
from mlpolicy.rules.validate.look import Look, Where
from mlpolicy.rules.validate.shown import shown

Resolve = Callable[[str], object]


class ModelCheck:
    """A pydantic model takes the value; an instance of it passes as it is."""

    name = "model"

    def __init__(self, path: str, resolve: Resolve | None) -> None:
        self.path = path
        self._resolve = resolve
        self._model: Any = None

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        self.made(value, where, look)

    def made(self, value: Any, where: Where, look: Look) -> Any:
        """Return what the model makes of *value*; *value* itself where it takes it not."""
        model = self._load()
        if model is None or isinstance(value, model):
            return value
        try:
            return model.model_validate(value)
        except ValueError as error:
            for one in _errors(error):
                self._fail(one, where, look)
            return value

    def _fail(self, error: dict[str, Any], where: Where, look: Look) -> None:
        for step in error["loc"]:
            where = (where, step)
        found = "missing" if error["type"] == "missing" else shown(error["input"])
        expected = error["msg"].removeprefix("Input should be ")
        look.fail(where, "model", found=found, expected=f"{expected} ({self.path})")

    def _load(self) -> Any:
        """Return the model; where there is none, say so once and let the value pass."""
        if self._model is None and self._resolve is not None:
            why = why_none(self.path, self._resolve)
            if why:
                self._stand_aside(why)
                return None
            self._model = self._resolve(self.path)
        return self._model

    def _stand_aside(self, why: str) -> None:
        text = f"the model {self.path} of a validate rule {why}; values are not checked by it"
        say_once(f"validate:model:{self.path}", text)


def why_none(path: str, resolve: Resolve) -> str:
    """Return why *path* is no model that takes values; nothing where it is one."""
    try:
        found = resolve(path)
    except Exception as error:  # noqa: BLE001 (an import may raise anything)
        return f"cannot be imported ({type(error).__name__}: {error})"
    if isinstance(found, type) and hasattr(found, "model_validate"):
        return ""
    return "is no pydantic model"


def _errors(error: ValueError) -> list[dict[str, Any]]:
    """Return the single errors of a ValidationError of pydantic."""
    errors: Any = getattr(error, "errors", None)
    if callable(errors):
        return cast("list[dict[str, Any]]", errors(include_url=False))
    return [{"loc": (), "type": "value_error", "input": None, "msg": str(error)}]
