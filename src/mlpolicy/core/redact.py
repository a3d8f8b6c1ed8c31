"""What must not be shown: secrets by the names of their variables, and passwords in URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SECRET = re.compile(
    r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|(?:^|_)PWD(?:$|_)|(?:^|_)DSN", re.I
)
# A run of letters is tried from its beginning alone, once: a line may be a million of them.
_USERINFO = re.compile(
    r"(?<![a-zA-Z0-9+.-])(?P<scheme>[a-zA-Z0-9+.-]++://)(?P<user>[^/\s:@]*):(?P<password>[^/\s@]+)@"
)
_OF_SECRETS = re.compile(
    r"(?:^|[_-])(?:password|passwd|passphrase|secret|token|(?:api|access|private)[_-]?key)$", re.I
)
_WRITTEN = re.compile(
    r"""(?<![\w-])(?P<key>[\w-]++)(?P<between>["']?:\s+)(?P<value>"[^"]*"|'[^']*'|[^\s,\[\]{}"'#][^,}#]*)"""
)
HIDDEN = "***"


def is_secret(name: str) -> bool:
    """Whether a variable of that name holds what must not be shown."""
    return _SECRET.search(name) is not None


def is_secret_key(key: str) -> bool:
    """Whether a file that has a value under *key* writes a secret out."""
    return _OF_SECRETS.search(key) is not None


def has_password(text: str) -> bool:
    """Whether *text* holds a URL with a password in it."""
    return _USERINFO.search(text) is not None


def redacted(text: str) -> str:
    """Return *text* with the passwords of its URLs left out."""
    return _USERINFO.sub(rf"\g<scheme>\g<user>:{HIDDEN}@", text) if "://" in text else text


_SHORT = 4
"""Letters below which a secret is looked for as a word alone: `1` is in many a number."""


def without(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with none of the *secrets* in it."""
    for one in sorted(secrets, key=len, reverse=True):
        if len(one) >= _SHORT:
            text = text.replace(one, HIDDEN)
        elif one and one in text:
            text = re.sub(rf"(?<!\w){re.escape(one)}(?!\w)", HIDDEN, text)
    return text


def masked(line: str) -> str:
    """Return a *line* of a file with the secrets in it masked; each thing stays in its column."""
    line = _USERINFO.sub(
        lambda one: one[0].replace(f":{one['password']}@", f":{_mask(one)}@"), line
    )
    return _WRITTEN.sub(_without_value, line)


def _mask(one: re.Match[str]) -> str:
    return "*" * len(one["password"])


def _without_value(one: re.Match[str]) -> str:
    if not is_secret_key(one["key"]) or "${" in one["value"]:
        return one[0]
    return one["key"] + one["between"] + "*" * len(one["value"])
