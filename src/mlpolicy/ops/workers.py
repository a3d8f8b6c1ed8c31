"""One port for all processes of a service: one holds it, the others wait for it.

What a process does not hold it tries to get, again and again: whoever holds it and dies leaves it to
another. A forked child closes what it has of its parent's.

Under `mlpolicy run` all that it starts inherit one socket, bound to the port: whoever has the lock of
that socket accepts what comes, and where one dies before, it waits for the next. So no scrape is
refused while workers come and go.
"""

from __future__ import annotations

import atexit
import errno
import logging
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlpolicy.core import clock
from mlpolicy.core.address import Address
from mlpolicy.core.report import say, say_once, told
from mlpolicy.core.threads import Background, Forked
from mlpolicy.rules.monitor.prometheus import OWN, VARIABLES

if TYPE_CHECKING:
    from mlpolicy.ops.server import Routes, Sources

VARIABLE: Final = "MLPOLICY_OPS"
OFF: Final = "off"
INHERITED: Final = "MLPOLICY_OPS_FD"
"""The variable that names the descriptor of the socket from `mlpolicy run`."""
AGAIN: Final = 0.25
"""Seconds between two tries to get the port, or a connection."""
SOON: Final = 0.05
"""The same where the socket is shared: somebody may wait."""
AT_EXIT: Final = 0.5
"""Seconds that the end of the process waits for answers under way."""
ASKED: Final = 1.0
"""Seconds that whoever has the port may take to say who it is."""
MOST: Final = 8
"""Connections at once."""
TRIES: Final = 12
"""How often the port is not to be had before it is asked who has it."""
_LARGEST_HEALTH: Final = 4096


class Port:
    """The port of this process, or its place in the queue for it."""

    def __init__(self) -> None:
        self.address: Address | None = None
        self._routes: Routes | None = None
        self._listener: socket.socket | None = None
        self._open: dict[socket.socket, bool] = {}
        """Connections, and whether their request was read; the oldest first."""
        self._tries = 0
        self._shares = False
        """Whether the listener is the socket of all, and this process has its lock."""
        self._thread = Background("mlpolicy-ops", self._turn, _failed)

    def open(self, address: Address, sources: Sources) -> None:
        """Answer at *address* as soon as it can be had."""
        from mlpolicy.ops.server import Routes

        if self._routes is None:
            self._routes = Routes(sources)
        self._routes.sources = sources
        if self.address != address:
            self.address, self._tries = address, 0
            self._let_go(shut=True)
        if not self._thread.is_alive():
            self._thread.start()
            atexit.unregister(self.finish)
            atexit.register(self.finish)
        self._thread.sooner()

    def finish(self) -> None:
        """Leave the port to others at the end of the process; what was asked is answered."""
        self.address, until = None, clock.REAL() + AT_EXIT
        while (self._shares or self._open) and clock.REAL() < until:
            time.sleep(0.005)

    def close(self) -> None:
        """Answer no more."""
        self.address = None
        self._let_go(shut=True)
        routes, self._routes = self._routes, None
        if routes is not None:
            routes.close()

    def after_fork(self) -> None:
        """Hold nothing of the parent's, and wait for the port as a process of one's own."""
        for connection in (*self._open, *filter(None, [self._listener])):
            connection.close()
        self._listener, self._open, self._tries, self._shares = None, {}, 0, False
        self._thread = Background("mlpolicy-ops", self._turn, _failed)
        if self.address is not None and self._routes is not None:
            self._routes.events.clear()
            with suppress(RuntimeError):  # (no thread can be had: another process has the port)
                self._thread.start()

    def _let_go(self, *, shut: bool = False) -> None:
        """Close what is listened at; a socket of all stays open for others unless it is *shut*."""
        listener, self._listener = self._listener, None
        if listener is not None:
            if shut or not self._shares:
                with suppress(OSError):  # (whoever waits in `accept` keeps it open, but for this)
                    listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self._shares = False

    def _turn(self) -> float | None:
        address, routes = self.address, self._routes
        if address is None or routes is None:
            self._let_go()
            return -1  # (until there is one again)
        if not routes.sources.has_begun():
            return SOON
        try:
            if self._listener is None:
                self._listener = self._bound(address)
            self._accept(self._listener, routes, address.host)
        except TimeoutError:
            return 0.0
        except BlockingIOError:  # another accepts for all
            return SOON
        except OSError as error:
            self._let_go()
            if self.address is address:
                self._not_had(address, error)
            return AGAIN
        return 0.0

    def _bound(self, address: Address) -> socket.socket:
        listener = _inherited(address)
        try:
            if listener is None:
                listener = bound(address)
            else:
                _lock(listener)
                self._shares = True
            listener.listen(MOST)
        except OSError:  # another has it, or has bound it as we did, and was first to listen
            if listener is not None:
                listener.close()
            raise
        listener.settimeout(SOON if self._shares else AGAIN)
        level = logging.INFO
        if not address.port:
            # What this process starts from now on has the same port.
            address = self.address = Address(address.host, listener.getsockname()[1])
            os.environ[VARIABLE], level = str(address), logging.WARNING
        say(f"ops: {address.url}", level)
        if not address.is_loopback:
            say_once("ops:exposed", f"ops: {address.exposed}")
        return listener

    def _accept(self, listener: socket.socket, routes: Routes, host: str) -> None:
        connection, _ = listener.accept()
        if len(self._open) >= MOST:
            # Who has not even asked yet makes room, the one that waited longest first.
            waiting = next((one for one, read in self._open.copy().items() if not read), connection)
            with suppress(OSError):
                waiting.shutdown(socket.SHUT_RDWR)
            self._open.pop(waiting, None)
            if waiting is connection:
                connection.close()
                return
        self._open[connection] = False
        work = partial(self._serve, connection, routes, host)
        try:
            Background("mlpolicy-ops-answer", work, _failed).start()
        except RuntimeError:  # no thread can be had
            self._open.pop(connection, None)
            connection.close()

    def _serve(self, connection: socket.socket, routes: Routes, host: str) -> None:
        from mlpolicy.ops.server import serve

        try:
            serve(connection, routes, host, partial(self._open.__setitem__, connection, True))
        finally:
            self._open.pop(connection, None)
            connection.close()

    def _not_had(self, address: Address, error: OSError) -> None:
        """Say once why the port could not be had, unless another process of the service has it."""
        self._tries += 1
        if error.errno != errno.EADDRINUSE:
            say_once(f"ops:{address}", f"ops: {address} cannot be listened at: {told(error)}")
        elif self._tries == TRIES:
            holder = _holder(address)
            if holder:
                say_once(f"ops:{address}", f"ops: {address} is in use by {holder}; it is tried on")


def _failed(error: BaseException) -> None:
    say_once("ops:failed", f"ops: a bug of mlpolicy: {told(error)}", error=error)


PORT: Final = Port()
Forked(Port.after_fork).add(PORT)


def _holder(address: Address) -> str:
    """Return who answers at *address* in words, nothing where it is a process of this service."""
    from mlpolicy.ops.server import NAME, service

    said, until = b"", clock.REAL() + ASKED
    with suppress(OSError), socket.create_connection((address.host, address.port), ASKED) as asked:
        asked.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        while len(said) < _LARGEST_HEALTH and (part := asked.recv(_LARGEST_HEALTH)):
            said += part
            asked.settimeout(max(until - clock.REAL(), 0.001))
    if f"Server: {NAME}".encode() not in said:
        return "another program"
    return "" if service().encode() in said else "another service under mlpolicy"


def _inherited(address: Address) -> socket.socket | None:
    """Return the socket that `mlpolicy run` has bound to *address*, if this process has it."""
    try:
        shared = socket.socket(fileno=os.dup(int(os.environ.get(INHERITED, ""))))
    except (ValueError, OSError):
        return None
    if shared.getsockname()[1:2] == (address.port,):
        return shared
    shared.close()
    return None


def _lock(shared: socket.socket) -> None:
    """Take the lock of that socket, which is this process's until it closes it; else `BlockingIOError`.

    Where the system has no locks of sockets, all accept what comes.
    """
    import fcntl

    try:
        fcntl.lockf(shared, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise BlockingIOError(*error.args) from None


def bound(address: Address) -> socket.socket:
    """Return a socket that has *address*, and does not listen yet.

    Raises:
        OSError: It cannot be had.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # (not that several could listen: connections of one that died may still end)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address.host, address.port))
    except (OSError, UnicodeError) as error:  # (a name may be none that can be looked up)
        made.close()
        raise error if isinstance(error, OSError) else OSError(errno.EINVAL, str(error)) from None
    return made


# --- what a command is started with -----------------------------------------------------


@contextmanager
def together(command: Sequence[str], address: Address | None) -> Iterator[Mapping[str, str]]:
    """Yield the variables by which the processes of *command* agree on a port and share numbers.

    Raises:
        OSError: The port cannot be had at all.
    """
    made: dict[str, str] = {}
    with ExitStack() as ending:
        if address is not None:
            address, descriptor = _reserved(address, ending)
            made[VARIABLE] = str(address)
            if descriptor is not None:
                made[INHERITED] = str(descriptor)
        shared = any(map(os.environ.get, VARIABLES))
        if not shared and (address is not None or has_workers(command)):
            made[VARIABLES[0]] = tempfile.mkdtemp(prefix=OWN)
            ending.callback(shutil.rmtree, made[VARIABLES[0]], ignore_errors=True)
        yield made


def _reserved(address: Address, ending: ExitStack) -> tuple[Address, int | None]:
    """Return *address*, with a port that is free, and the descriptor of a socket that is bound to it.

    It stays free where the system lets us keep it: a socket that is bound as this one may listen.
    """
    try:
        kept = bound(address)
    except OSError:
        if address.port:
            return address, None  # (the service says so, and tries on)
        raise
    chosen = Address(address.host, kept.getsockname()[1])
    if sys.platform != "linux":
        kept.close()
        return chosen, None
    if not address.port:
        # (a port that the system has chosen goes when what listens at it is shut)
        first, kept = kept, bound(chosen)
        first.close()
    ending.callback(kept.close)
    kept.set_inheritable(True)
    return chosen, kept.fileno()


def has_workers(command: Sequence[str]) -> bool:
    """Whether *command* starts a server that serves from several processes."""
    names = {Path(word).stem for word in command}
    return "gunicorn" in names or any(word.partition("=")[0] == "--workers" for word in command)
