"""What every block of a policy file is made of; imported only when a policy is read."""

from __future__ import annotations

import ast
import inspect
import re
from contextlib import suppress
from datetime import date
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, LiteralString, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError, core_schema

from mlpolicy.core.argpath import ArgPathError, parse
from mlpolicy.core.diagnostic import closest, did_you_mean
from mlpolicy.core.target import Given, Target, TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mlpolicy.core.plugins import Extensions


# Patterns of names and paths. Some editors hold that only ASCII has letters: what is beyond counts
# as one.
_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_MORE = r"[^\x00-/:-@\[-^`{-\x7f]"
_IDENTIFIER = rf"{_LETTER}{_MORE}*"
_DOTTED = rf"{_IDENTIFIER}(\.{_IDENTIFIER})*"
_PART = rf"({_IDENTIFIER}|<locals>)"
_ANY = rf"({_MORE}|\*(?!\*))+"

NAME = r"^[^\x00-@\[-`{-\x7f][^\x00-,./:-@\[-^`{-\x7f]*$"
"""A letter, then letters, digits, `-` and `_`."""
CLASS = rf"^{_DOTTED}[.:]{_DOTTED}$"
"""The dotted path of a class."""
FUNCTION = rf"^{_DOTTED}:{_PART}(\.{_PART})*$"
"""The path of one function."""
GLOB = rf"^{_DOTTED}:{_PART}(\.{_PART})*$|^(?=.*\*)(?!\*)(\*\*|{_ANY})(\.(\*\*|{_ANY}))*:(<locals>|{_ANY})(\.(<locals>|{_ANY}))*$"
"""The path of one function, or a pattern of many."""
ARGUMENT = rf"^{_IDENTIFIER}(\.{_IDENTIFIER}|\[([0-9]+|\*)\])*$"
"""The path to an argument, or to a part of one."""
WHOLE = r"\$\{(env:[A-Za-z_]\w*|vars\.[A-Za-z][\w-]*)(:-[^}]*)?\}"
"""A variable."""
VARIABLE = rf"(^|[^$]){WHOLE}"
"""A text with a variable in it; `$${` begins none."""

_LONG, _SHORT = r"(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])", r"(0[469]|11)-(0[1-9]|[12][0-9]|30)"
_FOURTH = r"([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
DAY = rf"^(?!0000)([0-9]{{4}}-({_LONG}|{_SHORT}|02-(0[1-9]|1[0-9]|2[0-8]))|{_FOURTH}-02-29)$"
"""A day of the calendar."""

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
    """Annotates a field that names an object, one of which *is_one* holds.

    In Python it takes the object itself.
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


class Imports(Takes):
    """Annotates a field that names a function or class, which is imported by that name."""


class RuleModel(BaseModel):
    """A frozen block of settings that knows its keys; any other key is a finding."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any, /) -> Any:
        """Describe each key to editors by the text under it."""
        shown = handler(core)
        for key, of in handler.resolve_ref_schema(shown)["properties"].items():
            if key in docstrings(cls):
                of.setdefault("description", docstrings(cls)[key])
        return shown


def models_in(annotation: Any) -> Iterable[type[BaseModel]]:
    """Yield the models that *annotation* mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from models_in(inner)


def is_table(annotation: Any) -> bool:
    """Whether a block's keys are names of the author's own, each with a block under it."""
    if getattr(annotation, "__origin__", None) is dict:
        return True
    return any(is_table(inner) for inner in getattr(annotation, "__args__", ()))


def finding(
    code: LiteralString, message: str, *, meant: str = "", at: tuple[int | str, ...] = ()
) -> PydanticCustomError:
    """Return what a validator raises so that the finding bears *code*.

    *at* is where in the value it is, if that is not all of it; *meant* what was probably meant.
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
    if key == "call":
        if is_python(info) and callable(named):
            return {"call": Given.of(named)}
        if not isinstance(named, str):
            raise finding("MP010", "expected `package.module:function`", at=(key,))
        _path(named, at=(key,))
    elif str(key) in _CALLS or closest(str(key), ["call"]):
        with suppress(TargetError):
            Target.parse(str(named))
            raise finding("MP005", f"`{key}` calls nothing", meant="call", at=(str(key), OF_KEY))
    return value


_CALLS = ("function", "func", "fn", "callable", "path", "target", "run", "invoke")


FunctionPath = Annotated[
    str, AfterValidator(_path), Field(json_schema_extra={"pattern": FUNCTION}), Imports(callable)
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
    """Annotates text that must name one of *extensions*, of which each is a *what*: `sink`."""

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
        there = did_you_mean(near, f"known are {', '.join(f'`{one}`' for one in names)}")
        text = f"no {self._what} `{name}` is installed; {there}"
        raise finding("MP130", text, meant=near or "")


def _argument(text: str, *, at: tuple[int, ...] = ()) -> str:
    try:
        parse(text)
    except ArgPathError as error:
        raise finding("MP010", str(error), at=at) from None
    return text


def _arguments(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_argument(text, at=(number,)) for number, text in enumerate(texts))


_WRITTEN = Field(json_schema_extra={"pattern": ARGUMENT})
Argument = Annotated[str, AfterValidator(_argument), _WRITTEN]
"""An argument, or a part of one: `user.id`."""
Arguments = Annotated[Many[Annotated[str, _WRITTEN]], AfterValidator(_arguments)]
"""Several of them."""


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and re.fullmatch(DAY, value):
        return date.fromisoformat(value)
    raise finding("MP010", f"expected a date such as `2027-03-31`, found `{value}`")


_WRITTEN_DAY = {"type": "string", "format": "date", "pattern": DAY, "examples": ["2027-03-31"]}
Day = Annotated[date, BeforeValidator(_day), Field(json_schema_extra=_WRITTEN_DAY)]
"""The last day on which something holds, until midnight UTC."""


@cache
def docstrings(cls: type) -> dict[str, str]:
    """Return the text that stands under each field of *cls*, its bases' fields among them.

    Reading source takes milliseconds a class, so whoever only checks values must not ask.
    A class without source, as of an interactive session, has none of its own.
    """
    found: dict[str, str] = {}
    for base in reversed(cls.__bases__):
        found |= docstrings(base)
    try:
        source = inspect.getsource(cls)
    except (OSError, TypeError):
        return found
    [defined] = ast.parse(inspect.cleandoc(f"\n{source}")).body
    assert isinstance(defined, ast.ClassDef)
    for field, text in pairwise(defined.body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            match field.target, text.value:
                case ast.Name(name), ast.Constant(str() as written):
                    found[name] = inspect.cleandoc(written)
    return found
