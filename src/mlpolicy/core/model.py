"""What every block of a policy file is made of; imported only when a policy is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, LiteralString, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError, core_schema

from mlpolicy.core.given import Given
from mlpolicy.core.target import Target, TargetError
from mlpolicy.core.words import closest
from mlpolicy.core.written import FUNCTION, VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlpolicy.core.extensions import Extensions

T = TypeVar("T")
IN_PYTHON: dict[str, Any] = {"python": True}
"""The context in which a rule takes what decorators are given: objects, numbers without a unit."""


def is_python(info: Any) -> bool:
    """Whether what is validated was given to a decorator."""
    return bool(info.context and info.context.get("python"))


def _listed(value: Any, info: Any) -> Any:
    """Take one for a list of one, in Python, and a union for its members."""
    is_list = value is None or isinstance(value, list | tuple | set | frozenset)
    return value if is_list or not is_python(info) else get_args(value) or (value,)


Many = Annotated[tuple[T, ...], Field(strict=False), BeforeValidator(_listed)]
"""A list in the file, a tuple in the code: `Many[str]`."""


class Takes:
    """Annotates a field that names an object: in Python it takes the object itself.

    Args:
        is_one: Whether an object is of the sort that the field names.
    """

    def __init__(self, is_one: Callable[[Any], bool]) -> None:
        self._is_one = is_one

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Take an object as it is, and let everything else be checked as it is written."""
        return core_schema.with_info_wrap_validator_function(self._take, handler(source))

    def _take(self, value: Any, inner: Callable[[Any], Any], info: Any) -> Any:
        if isinstance(value, Given):
            return value
        if is_python(info) and not isinstance(value, str) and self._is_one(value):
            return Given.of(value)
        return inner(value)


class RuleModel(BaseModel):
    """A frozen block of settings that knows its keys; any other key is a finding."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        arbitrary_types_allowed=False,
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any, /) -> Any:
        """Describe each key to editors by the text under it."""
        from mlpolicy.core.docstrings import docstrings

        shown = handler(core)
        for key, of in handler.resolve_ref_schema(shown)["properties"].items():
            if key in docstrings(cls):
                of.setdefault("description", docstrings(cls)[key])
        return shown


def finding(
    code: LiteralString, message: str, *, meant: str = "", at: tuple[int | str, ...] = ()
) -> PydanticCustomError:
    """Return what a validator raises so that the finding bears *code*.

    Args:
        code: The code.
        message: One sentence.
        meant: What was probably meant, where that can be told.
        at: Where in the value it is, if that is not all of it.
    """
    apart = meant and "did you mean" not in message  # (a finding says it as its help)
    form: LiteralString = "{text}; did you mean `{meant}`?" if apart else "{text}"
    return PydanticCustomError(code, form, {"text": message, "meant": meant, "at": at})


OF_KEY = "[key]"
"""What comes last in the place of a key that is wrong itself."""


def _path(text: str, *, at: tuple[str, ...] = ()) -> str:
    try:
        return str(Target.parse(text))
    except TargetError as error:
        raise finding("MP010", error.message, meant=error.meant, at=at) from None


def _default(value: Any, info: Any) -> Any:
    if is_python(info) and callable(value):
        return {"call": Given.of(value)}
    if not isinstance(value, dict) or len(value) != 1:
        return value
    [(key, named)] = value.items()
    if isinstance(named, Given):
        return value
    if key == "call" and is_python(info) and callable(named):
        return {"call": Given.of(named)}
    if key == "call":
        if not isinstance(named, str):
            raise finding("MP010", "expected `package.module:function`", at=(key,))
        _path(named, at=(key,))
    elif _is_path(named) and (str(key) in _CALLS or closest(str(key), ["call"])):
        raise finding("MP005", f"`{key}` calls nothing", meant="call", at=(str(key), OF_KEY))
    return value


_CALLS = ("function", "func", "fn", "callable", "path", "target", "run", "invoke")


def _is_path(text: object) -> bool:
    try:
        return bool(Target.parse(str(text)))
    except TargetError:
        return False


FunctionPath = Annotated[
    str, AfterValidator(_path), Field(json_schema_extra={"pattern": FUNCTION}), Takes(callable)
]
"""The function that a rule calls: `module:function`."""
_CALLED = {"type": "string", "pattern": f"{FUNCTION}|{VARIABLE}"}
_CALLING: dict[str, Any] = {
    "if": {"type": "object", "required": ["call"], "maxProperties": 1},
    "then": {"properties": {"call": _CALLED}},
}
Default = Annotated[Any, AfterValidator(_default), Field(json_schema_extra=_CALLING)]
"""What stands in for a result: a value, or `{call: "module:function"}`."""


class NameOf:
    """Annotates text that must name one of *extensions*, our own or a plugin's.

    Args:
        extensions: What may be named.
        what: What that is: `sink`.
    """

    def __init__(self, extensions: Extensions[Any], what: str) -> None:
        self._extensions = extensions
        self._what = what

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Check the text after it was found to be text."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> Any:
        """Give editors the names that there are."""
        return {**handler(core), "enum": list(self._extensions)}

    def _check(self, name: str) -> str:
        if self._extensions.look_for(name):
            return name
        refused = self._extensions.refused.get(name)
        if refused is not None:
            raise finding(refused.code, str(refused))
        names = self._extensions.names()
        near = closest(name, names)
        there = f"did you mean `{near}`?" if near else _there(names)
        text = f"no {self._what} `{name}` is installed; {there}"
        raise finding("MP130", text, meant=near or "")


def _there(names: tuple[str, ...]) -> str:
    shown = ", ".join(f"`{name}`" for name in names)
    return f"there {'are' if len(names) > 1 else 'is'} {shown}"
