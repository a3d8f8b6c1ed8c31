"""The keys of a policy file outside its rules."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from mlpolicy.core.model import Many, RuleModel
from mlpolicy.core.site import Mode
from mlpolicy.model.policy import OnEngineError, OnMissing, Placement

Patterns = str | Many[str]


class SettingsBlock(RuleModel):
    """What holds for the whole file."""

    on_missing_target: OnMissing = "error"
    """Whether a target that does not exist fails `mlpolicy apply`; a running process warns."""
    on_engine_error: OnEngineError = "open"
    """What becomes of a call when a rule fails by itself: `open` lets it go on."""
    packages: Many[str] = ()
    """Packages of site-packages whose functions globs may take."""


class FileBlock(RuleModel):
    """A policy file."""

    version: Literal[1]
    """The version of the policy language."""
    name: str = ""
    """A name for people; it appears in reports."""
    settings: SettingsBlock = SettingsBlock()
    """What holds for the whole file."""
    defaults: dict[str, Any] = {}
    """Values for fields of rules that policies use; they never switch a rule on."""
    policies: dict[str, Any] = {}
    """The policies by name; a key with a colon is its own exact target."""


class PolicyBlock(RuleModel):
    """One policy, without its rules."""

    match: Patterns = ()
    """The functions that it is for: `package.module:function`, or a pattern, or a list."""
    exclude: Patterns = ()
    """Functions that it is not for."""
    owner: str = ""
    """Who answers for it."""
    reason: str = ""
    """Why it exists."""
    ticket: str = ""
    """Where it was decided."""
    labels: dict[str, str] = {}
    """Words of one's own, for reports."""
    runbook: str = ""
    """Where to read what to do."""
    mode: Mode | None = None
    """`enforce`, `shadow` (decide and report only) or `disabled`."""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    """Higher wins over lower where two policies meet in one function."""
    final: bool = False
    """Wins over all policies that are not final."""
    placement: Placement = "auto"
    """`inner` swaps the function's code, `outer` replaces the attribute that holds it."""


class RuleCommon(RuleModel):
    """The keys that every rule has."""

    mode: Mode | None = None
    """`enforce`, `shadow` (decide and report only) or `disabled`."""
    inherit: bool = True
    """Whether lower policies fill in what is not said here."""
    final: bool = False
    """Wins over all policies that are not final."""


META = ("owner", "reason", "ticket", "labels", "runbook")
