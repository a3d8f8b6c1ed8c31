"""The feature store: pixels of the digits by image id, over HTTP, failing on request.

python -m examples.digits.store --port 8100 --fault-rate 0.2 --seed 7
"""

from __future__ import annotations

import argparse
import json
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sklearn.datasets import load_digits

from examples.digits.faults import FaultPlan, Faults, Reply, spoil


class Store:
    """The images, and how often each was asked for."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._images: list[list[float]] = load_digits().data.tolist()
        self._attempts: Counter[int] = Counter()
        self._lock = threading.Lock()

    def reply(self, image_id: int) -> Reply | None:
        """Return what to do with the next request for an image, None if there is no such image."""
        if not 0 <= image_id < len(self._images):
            return None
        with self._lock:
            attempt = self._attempts[image_id]
            self._attempts[image_id] += 1
        return spoil(self._images[image_id], self._faults.draw(image_id, attempt))


class StoreServer(ThreadingHTTPServer):
    """An HTTP server that serves one store."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, store: Store) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.store = store


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StoreServer

    def do_GET(self) -> None:
        """Serve `/health` and `/images/ID`."""
        if self.path == "/health":
            self._send(200, {"status": "ok"})
            return
        image_id = self.path.removeprefix("/images/")
        reply = self.server.store.reply(int(image_id)) if image_id.isdecimal() else None
        if reply is None:
            self._send(404, {"error": "no such image"})
        else:
            self._carry_out(reply)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: a demo sends a thousand requests."""

    def _carry_out(self, reply: Reply) -> None:
        if reply.reset:
            self._reset()
            return
        time.sleep(reply.delay)
        if reply.status == 200:
            self._send(200, {"pixels": reply.pixels})
        else:
            self._send(reply.status, {"error": "overloaded"}, retry_after=reply.retry_after)

    def _reset(self) -> None:
        # Closed with a linger of zero, the kernel sends a reset in place of an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _send(self, status: int, body: object, *, retry_after: int | None = None) -> None:
        payload = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            if retry_after is not None:
                self.send_header("Retry-After", str(retry_after))
            self.end_headers()
            self.wfile.write(payload)
        except ConnectionError:
            self.close_connection = True


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="Serve the pixels of the digits by image id.")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    plan = FaultPlan(rate=options.fault_rate, seed=options.seed)
    StoreServer(options.port, Store(plan)).serve_forever()


if __name__ == "__main__":
    main()
