"""What the port answers: a request is read whole, within bounds, and answered from what is there.

Nothing here changes anything. What is imported is imported before the first thread: an import
under way on another thread when the process forks would never end in the child.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from ipaddress import ip_address
from pathlib import Path
from socket import SHUT_WR, socket
from typing import Any, Final

from mlpolicy import __version__
from mlpolicy.core import clock
from mlpolicy.core.classes import frozen
from mlpolicy.core.report import say_once
from mlpolicy.rules.monitor import prometheus
from mlpolicy.rules.monitor.event import WATCHERS, Draft

NAME: Final = "mlpolicy"
WITHIN: Final = 5.0
"""Seconds that reading a request may take, and writing the answer."""
LONGEST: Final = 8192
"""Bytes that a request may have."""
MOST_EVENTS: Final = 100
PAGE: Final = Path(__file__).with_name("page")
FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}
STATE: Final = "mlpolicy.ops.state"
"""The module that says what the page shows."""
_JSON: Final = "application/json"

Answered = tuple[str, bytes]
"""The type of what is answered, and it."""


@frozen()
class Sources:
    """What is asked when somebody looks."""

    policy: Callable[[], dict[str, Any]]
    """What is in force, by target, with where each value comes from."""
    health: Callable[[], dict[str, Any]]
    """What became of the targets, in numbers."""
    has_begun: Callable[[], bool]
    """Whether this process has a governed function: a master that only starts workers has none."""


class Routes:
    """What there is to see, by path."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.events: deque[Draft] = deque(maxlen=MOST_EVENTS)
        WATCHERS.append(self.events.append)
        prometheus.expose(fold=True)
        self._state: Callable[[], Any] | None = None
        if find_spec(STATE) is not None:
            self._state = import_module(STATE).state

    def answer(self, path: str, accept: str) -> Answered | None:
        """Return what there is at *path*; None where there is nothing."""
        if path in FILES:
            name, form = FILES[path]
            return (form, (PAGE / name).read_bytes()) if (PAGE / name).is_file() else None
        if path == "/metrics":
            return prometheus.page(accept)
        content = self._content(path)
        return None if content is None else (_JSON, _json(content))

    def _content(self, path: str) -> Any:
        match path:
            case "/healthz":
                own = {"status": "ok", "pid": os.getpid(), "version": __version__}
                return {**own, "service": service(), **self.sources.health()}
            case "/policy":
                return self.sources.policy()
            case "/events":
                return {"pid": os.getpid(), "events": [one.event() for one in self.events.copy()]}
            case "/state" if self._state is not None:
                return self._state()
            case _:
                return None

    def close(self) -> None:
        """Keep no events any longer."""
        if self.events.append in WATCHERS:
            WATCHERS.remove(self.events.append)


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, default=str).encode(errors="replace")


def service() -> str:
    """Return what the processes of one service have in common, as a digest."""
    named = (os.environ.get("MLPOLICY_POLICY", ""), prometheus.folder())
    return blake2b("\0".join(named).encode(), digest_size=8).hexdigest()


class _Answer(BaseHTTPRequestHandler):
    """Answers one request that has been read; what it writes is kept until it is whole."""

    def __init__(self, head: bytes, routes: Routes, host: str) -> None:
        self.written = BytesIO()
        self.rfile, self.wfile = BytesIO(head), self.written
        self.raw_requestline = self.rfile.readline()
        self.routes, self.host = routes, host
        if len(head) >= LONGEST:
            self.command = self.requestline = ""
            self.request_version = self.protocol_version
            self._give(431, f"a request has at most {LONGEST} bytes")
        elif self.parse_request():
            self._answer()

    def _answer(self) -> None:
        if self.command not in ("GET", "HEAD"):
            self._give(405, "this port is only looked at: GET, HEAD", {"Allow": "GET, HEAD"})
            return
        named = self.headers.get_all("Host", [])
        if not all(map(self._is_ours, named)):
            self._give(403, f"ask for {self.host}, localhost or the address as a number")
            return
        path = self.path.partition("?")[0]
        try:
            found = self.routes.answer(path, self.headers.get("Accept", ""))
        except Exception as error:  # noqa: BLE001 (whoever looks must not be left waiting)
            say_once(f"ops:{path}", f"{path} could not be shown", error=error)
            name = type(error).__name__
            self._give(500, f"{path} could not be shown ({name}): the log says why")
            return
        if found is None:
            self._give(404, f"nothing is at {path}")
        else:
            form, content = found
            self._give(200, content, {"Content-Type": form})

    def _is_ours(self, named: str) -> bool:
        """Whether *named* is no name that somebody else may point to this address."""
        host = named.rpartition(":")[0] if named[-1:] != "]" and ":" in named else named
        host = host.strip("[]").lower()
        if host in (self.host.lower(), "localhost"):
            return True
        try:
            return bool(ip_address(host))
        except ValueError:
            return False

    def _give(
        self, status: int, content: bytes | str, headers: dict[str, str] | None = None
    ) -> None:
        body = content if isinstance(content, bytes) else f"{content}\n".encode()
        own = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}
        self.send_response(status)
        for name, value in (own | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def end_headers(self) -> None:
        """Say what holds for every answer, those to what is no request too."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def version_string(self) -> str:
        """Name the program alone."""
        return NAME

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing: who looks is nobody's business."""


def serve(connection: socket, routes: Routes, host: str, read: Callable[[], object]) -> None:
    """Answer the request that comes on *connection*; tell when it was *read*."""
    try:
        head = _head(connection)
        read()
        answer = _Answer(head, routes, host)
        connection.settimeout(WITHIN)
        connection.sendall(answer.written.getvalue())
        connection.shutdown(SHUT_WR)
    except (OSError, EOFError):  # whoever asked is gone, or too slow
        return


def _head(connection: socket) -> bytes:
    """Return a request up to its empty line, or as much as may be read of it.

    Raises:
        OSError: It did not come in time.
        EOFError: It ended before.
    """
    head, until = b"", clock.REAL() + WITHIN
    while b"\r\n\r\n" not in head and b"\n\n" not in head and len(head) < LONGEST:
        connection.settimeout(max(until - clock.REAL(), 0.001))
        part = connection.recv(LONGEST - len(head))
        if not part:
            raise EOFError
        head += part
    return head
