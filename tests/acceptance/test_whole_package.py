"""A pattern over the whole of a client's package: placed, proved and counted, against a local server."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

POLICY = """
    version: 1
    settings: {packages: [openai]}
    policies:
      client: {match: ["openai.**:*", "openai.**:*.*"], monitor: {log: false}}
"""
SERVICE = """
    import sys
    from openai import OpenAI
    from mlpolicy.core.metrics import METERS

    client = OpenAI(api_key="none", base_url=sys.argv[1], max_retries=0)
    for _ in range(3):
        print(client.embeddings.create(model="m", input="text").data[0].embedding)
    name = "openai.resources.embeddings:Embeddings.create"
    print(METERS.value("mlpolicy_calls_total", function=name, outcome="ok"))
"""
ANSWER = {
    "object": "list",
    "model": "m",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}],
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}


class Answers(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def url():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_openai(project, url):
    """Its stand-ins and lazy modules are in nobody's way."""
    project.write(policy=POLICY, service=SERVICE)

    proved = project.run("apply", "--policy", "policy.yaml", "--module", "openai", "--check")
    ran = project.run("run", "--policy", "policy.yaml", "service.py", url)

    assert proved.code == 0, proved.out + proved.err
    assert int(proved.out.split(" applied")[0].split()[-1]) > 250
    assert (ran.code, ran.out) == (0, "[0.5, 1.0]\n" * 3 + "3\n"), ran.err
