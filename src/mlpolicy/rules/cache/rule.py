"""What an operator writes about a cache."""

from __future__ import annotations

import warnings
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from mlpolicy.core.model import Arguments, Many, RuleModel, Takes, finding
from mlpolicy.core.quantity import NOTHING, ByteSize, Count, Duration, Ratio, Usual

CopyMode = Literal["auto", "none", "shallow", "deep", "readonly"]
_KEY = {"type": "array"}
_IGNORE = {"type": "array", "minItems": 1}
_EMPTY: dict[str, str] = {
    "ttl": "a `ttl` of 0 keeps nothing; use `mode: disabled` to switch off",
    "key": "`key` names no argument: every call would share one result",
    **dict.fromkeys(
        ("max_entries", "max_bytes"),
        "a cache that holds nothing is no cache; use `mode: disabled`",
    ),
}
_BOTH: dict[str, Any] = {
    "required": ["key", "ignore"],
    "properties": {"key": _KEY, "ignore": _IGNORE},
}

with warnings.catch_warnings():
    # `copy` is the word for it, and BaseModel has a deprecated method of that name.
    warnings.filterwarnings("ignore", message='Field name "copy"', category=UserWarning)

    class CacheRule(RuleModel):
        """Hand out a result again instead of computing it, for as long as it is good."""

        model_config = ConfigDict(json_schema_extra={"not": _BOTH})

        ttl: Annotated[Duration, Usual("100ms", "365d")] = Field(json_schema_extra=NOTHING)
        """How long a result is handed out again after it was computed."""
        ttl_jitter: Ratio = Ratio.of("10%")
        """By how much of `ttl`, at most, an entry ends earlier, so that not all end at once."""
        max_entries: Count | None = Field(Count(1024), json_schema_extra={"minimum": 1, **NOTHING})
        """How many results are kept; `null` leaves the bound to `max_bytes` alone."""
        max_bytes: Annotated[ByteSize | None, Usual("4KiB", "1024GiB")] = Field(
            None, json_schema_extra=NOTHING
        )
        """How much memory the results may take, by an estimate of their size."""
        store: str = Field("memory", json_schema_extra={"enum": ["memory"]})
        """Where results are kept: the `memory` of the process."""
        key: Annotated[Arguments | None, Takes(callable)] = Field(
            None, json_schema_extra={"minItems": 1}
        )
        """The arguments, or parts of them (`user.id`), that decide the result; without it, all."""
        ignore: Many[str] = ()
        """Arguments that do not decide the result, such as a request id."""
        version: str | int | None = None
        """Part of every key: a new version (of a model, say) sees no result of an old one."""
        single_flight: bool = True
        """Whether concurrent calls with one key wait for the first instead of computing too."""
        lock_timeout: Annotated[Duration | None, Usual("1ms", "1h", "1s")] = None
        """How long a call waits for the one that computes before it computes by itself."""
        stale_if_error: Annotated[Duration | None, Usual("100ms", "365d")] = None
        """How long after `ttl` an old result may stand in when the function fails."""
        cache_none: bool = True
        """Whether None is a result worth keeping."""
        copy: CopyMode = "auto"  # type: ignore[assignment]  # (BaseModel's method of that name is deprecated)
        """What a caller gets: `none` the kept object itself, `shallow` or `deep` a copy of it,
        `readonly` what cannot be written; `auto` is `readonly` for arrays, `none` for what is
        known not to change, and `deep`, of at most a million items, for all else."""

        @field_validator("ttl", "max_entries", "max_bytes", "key", "store")
        @classmethod
        def _keeps_something(cls, value: Any, info: ValidationInfo) -> Any:
            if info.field_name == "store" and value != "memory":
                raise finding("MP130", f"no store `{value}` is installed; there is `memory`")
            is_number = isinstance(value, int | float)
            if (is_number and value <= 0) or value == ():
                raise finding("MP010", _EMPTY[str(info.field_name)])
            return value

        @model_validator(mode="after")
        def _one_of_both(self) -> Self:
            if self.key is not None and self.ignore:
                text = "`key` and `ignore` exclude each other: keep one of them"
                raise finding("MP010", text, at=("ignore",))
            return self
