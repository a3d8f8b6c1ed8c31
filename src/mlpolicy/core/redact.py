"""What must not be shown: secrets by the names of their variables, and passwords in URLs."""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|(?:^|_)PWD(?:$|_)|(?:^|_)DSN", re.I
)
_USERINFO = re.compile(
    r"(?P<scheme>\b[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<user>[^/\s:@]*):(?P<password>[^/\s@]+)@"
)
HIDDEN = "***"


def is_secret(name: str) -> bool:
    """Whether a variable of that name holds what must not be shown."""
    return _SECRET.search(name) is not None


def has_password(text: str) -> bool:
    """Whether *text* holds a URL with a password in it."""
    return _USERINFO.search(text) is not None


def redacted(text: str) -> str:
    """Return *text* with the passwords of its URLs left out."""
    return _USERINFO.sub(rf"\g<scheme>\g<user>:{HIDDEN}@", text) if "://" in text else text
