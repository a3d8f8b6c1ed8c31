"""Where a port listens, as people write it: `127.0.0.1:9464`, `[::1]:9464`, `:0`."""

from __future__ import annotations

import re
from typing import Final

from mlpolicy.core.classes import frozen

LOOPBACK: Final = "127.0.0.1"
PATTERN: Final = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]*):[0-9]{1,5}$"
_LOOPBACK: Final = re.compile(r"127(\.\d{1,3}){3}|::1|localhost", re.IGNORECASE)


@frozen()
class Address:
    """A host and a port; port 0 is any that is free."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return the address that *text* names; without a host it is the loopback address.

        Raises:
            ValueError: It names none.
        """
        if not re.fullmatch(PATTERN, text):
            raise ValueError(
                f"`{text}` is no address: write `127.0.0.1:9464`, or `:0` for any port"
            )
        host, _, port = text.rpartition(":")
        if int(port) > 0xFFFF:
            raise ValueError(f"`{text}` is no address: the highest port is 65535")
        return cls(host.strip("[]") or LOOPBACK, int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return _LOOPBACK.fullmatch(self.host) is not None

    @property
    def exposed(self) -> str:
        """What to say of an address that others reach."""
        return (
            f"`{self.host}` is no loopback address: whoever reaches it sees what the service does"
        )

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{self}"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
