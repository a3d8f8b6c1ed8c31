"""The keys of a file of policy tests."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model

from mlpolicy.core.model import Many, RuleModel, finding
from mlpolicy.core.quantity import ByteSize, Duration, QuantityError, Ratio
from mlpolicy.core.site import FunctionKind
from mlpolicy.core.target import Target, TargetError
from mlpolicy.testing.amounts import holds, moment

Scalar = str | int | float | bool | None
Whole = Annotated[int, Field(ge=0)]


def _comparison(text: Any) -> Any:
    try:
        if isinstance(text, int | float) and not isinstance(text, bool):
            Duration.of(text)
        elif isinstance(text, str):
            holds(text, 0.0)
    except QuantityError as error:
        code: Any = error.code
        raise finding(code, str(error)) from None
    return text


def _moment(text: str) -> str:
    try:
        moment(text)
    except ValueError:
        said = f"expected a moment such as `2026-06-01T00:00:00Z`, found `{text}`"
        raise finding("MP010", said) from None
    return text


def _target(text: str) -> str:
    try:
        Target.parse(text)
    except TargetError as error:
        raise finding("MP010", error.message, meant=error.meant) from None
    return text


def _title(text: str) -> str:
    if not text.strip():
        raise finding("MP010", "an empty `name` says nothing")
    return text


Comparison = Annotated[str, BeforeValidator(_comparison)]
"""`<= 300ms`; a length of time alone means exactly that."""
Moment = Annotated[str, AfterValidator(_moment)]
"""A moment as ISO 8601 writes it."""
Path = Annotated[str, AfterValidator(_target)]
"""A function path."""


class StubBlock(RuleModel):
    """What stands in for a function whose source is not to be read."""

    signature: str
    """Its parameters as Python writes them: `(features, user, *, limit=10)`."""
    kind: FunctionKind = "function"
    """What sort of function it is."""


class WorldBlock(RuleModel):
    """What the rules see of the machine."""

    memory: Ratio = Ratio(0.0)
    """How much of the memory is in use."""
    limit: ByteSize = ByteSize.of("8GiB")
    """How much memory there is, where a rule names no limit of its own."""


class FileBlock(RuleModel):
    """A file of policy tests."""

    version: Literal[1]
    """The version of the language."""
    name: str = ""
    """A name for people."""
    policies: Many[str]
    """The policy files under test, from the folder of this file."""
    env: str | None = None
    """The environment whose part of the policy holds."""
    env_vars: dict[str, Scalar] = {}
    """The variables of the environment: the policy sees these and no others."""
    clock: Moment | None = None
    """The moment at which the tests run, for rules that expire; without it, now."""
    stubs: dict[Path, StubBlock] = {}
    """Functions whose source is not to be read, by path."""
    tests: Many[Any] = Field()
    """The tests."""


class CallingBlock(RuleModel):
    """What a test of one call and a step of a longer one share."""

    call: Path = ""
    """The function to call, by its path."""
    args: dict[str, Any] = {}
    """Its arguments, by name."""
    behaviour: Many[Any] = ()
    """What the function does at each attempt, the last of them ever after: `return` or `raise`."""
    expect: dict[str, Any] = {}
    """What must come of it."""
    world: WorldBlock | None = None
    """What the rules see of the machine from here on."""
    real: bool = False
    """Whether the function itself is called, instead of a stub."""


class StepBlock(CallingBlock):
    """One step of a test: a call, or time that passes."""

    advance: Duration = Duration(0.0)
    """How much time passes."""


class CaseBlock(CallingBlock):
    """One test."""

    name: Annotated[str, AfterValidator(_title)]
    """What must be so, in words."""
    resolve: Path = ""
    """The function whose plan is looked at."""
    steps: Many[Any] = ()
    """Several calls, one after another."""
    env: str | None = None
    """The environment of this test."""
    env_vars: dict[str, Scalar] = {}
    """Variables over those of the file."""
    clock: Moment | None = None
    """The moment at which this test runs."""
    matrix: dict[str, Many[Any]] = {}
    """Values by name: the test runs once for each combination, with `${matrix.name}` put in."""


class RaiseBlock(RuleModel):
    """An error in detail."""

    error: str
    """Its class: a builtin, a dotted path, or `http:503`."""
    message: str = ""
    """What it says."""
    status: int | None = None
    """The HTTP status that it carries, as `status_code`."""
    retry_after: Duration | None = None
    """How long the other side asks to wait."""


_AT_ONE_ATTEMPT: Final[Any] = {  # `return` and `raise` are keywords of Python
    "return": (Any, Field(default=None, description="What it gives.")),
    "raise": (str | RaiseBlock, Field(default="", description="What it raises.")),
    "takes": (Duration, Field(default=Duration(0.0), description="How long it takes.")),
}
BehaviourBlock: Any = create_model(
    "BehaviourBlock",
    __base__=RuleModel,
    __doc__="What the function does at one attempt.",
    **_AT_ONE_ATTEMPT,
)


class ArrayBlock(RuleModel):
    """An array of numpy."""

    shape: Many[Whole] | None = None
    """The size of each dimension."""
    dtype: str = "float64"
    """What its elements are."""
    fill: int | float | bool | str = 0
    """What every element is; `nan` and `inf` are numbers here."""
    values: Many[Any] | None = None
    """The elements, nested as the dimensions are."""


class CallBlock(RuleModel):
    """What must come of a call; only what is written is looked at."""

    returns: Any = None
    """What the caller gets; of a generator, the list of its items."""
    raises: str = ""
    """The class of what is raised."""
    attempts: Whole = 0
    """How often the function was called."""
    called: bool = True
    """Whether the function was called at all."""
    slept: Comparison = "0s"
    """How long the rules made the call wait: `<= 300ms`."""
    took: Comparison = "0s"
    """How long the call took, waits included."""
    events: Many[str] = ()
    """What the rules did, in order; how the call ended may be left out."""
    via: Literal["function", "cache", "default", "nothing"] = "function"
    """Where the answer came from; `nothing` where there was none."""
