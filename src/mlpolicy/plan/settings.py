"""The settings of several files together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlpolicy.model.policy import OnMissing, Settings

_BY_CARE: tuple[OnMissing, ...] = ("error", "warn", "ignore")


def together(each: Sequence[Settings]) -> Settings:
    """Return what holds for all files: the most careful of what *each* says.

    Which environment is asked for is no matter of one file: any of them may let go of it.
    """
    missing = min((_BY_CARE.index(one.on_missing_target) for one in each), default=0)
    closed = any(one.on_engine_error == "closed" for one in each)
    base = any(one.on_unknown_environment == "base" for one in each)
    return Settings(
        _BY_CARE[missing],
        "closed" if closed else "open",
        packages=_joined(one.packages for one in each),
        require=_joined(one.require for one in each),
        expiry_warning=max((one.expiry_warning for one in each), default=0.0),
        allow_call=tuple(allowed for one in each for allowed in one.allow_call),
        ignore=tuple(entry for one in each for entry in one.ignore),
        on_unknown_environment="base" if base else "error",
    )


def _joined(each: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for words in each for word in words))
