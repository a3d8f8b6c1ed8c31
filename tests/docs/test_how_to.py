"""How-to pages with commands are followed, against a server that is busy at first.

Libraries that are not installed are stood in for by modules of the same shape.
"""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from threading import Thread

import pytest

from tests.docs.test_docs import ROOT, blocks, follow

PAGES = [
    page for page in sorted((ROOT / "docs" / "how-to").glob("*.md")) if blocks(page, "console")
]
STAND_INS = {
    "openai": """
        import json, urllib.error, urllib.request
        from types import SimpleNamespace

        class APIStatusError(Exception):
            def __init__(self, response):
                super().__init__(f"status {response.status}")
                self.response, self.status_code = response, response.status

        class RateLimitError(APIStatusError): pass

        class OpenAI:
            def __init__(self, *, base_url, api_key, max_retries=2, timeout=600):
                self.chat = SimpleNamespace(completions=self)
                self._url = f"{base_url}/chat/completions"

            def create(self, *, model, messages):
                body = json.dumps({"model": model, "messages": messages}).encode()
                try:
                    answer = json.load(urllib.request.urlopen(self._url, body))
                except urllib.error.HTTPError as error:
                    with error:
                        raise RateLimitError(error) from None
                message = SimpleNamespace(**answer["choices"][0]["message"])
                return SimpleNamespace(choices=[SimpleNamespace(message=message)])
    """,
    "sentence_transformers": """
        import numpy as np

        class SentenceTransformer:
            def __init__(self, model_name_or_path): pass

            def encode(self, sentences, *, normalize_embeddings=False):
                return np.full(384, len(sentences), np.float32)
    """,
}


class Busy(BaseHTTPRequestHandler):
    """Answers what it was asked for, but for the first time."""

    def do_GET(self):
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_first = self.path not in self.server.seen
        self.server.seen.add(self.path)
        chat = self.path.endswith("/chat/completions")
        body = json.dumps(self._completion(asked) if chat else {"path": self.path}).encode()
        self.send_response((429 if chat else 503) if is_first else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    @staticmethod
    def _completion(asked):
        said = json.loads(asked)["messages"][0]["content"]
        message = {"role": "assistant", "content": f"{said} to you"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return {
            **{"id": "1", "object": "chat.completion", "created": 1, "model": "small"},
            "choices": [choice],
        }

    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A folder with the modules that are not installed, and the variables of the pages."""
    for name, text in STAND_INS.items():
        if find_spec(name) is None:
            lines = text.strip("\n").splitlines()
            (tmp_path / f"{name}.py").write_text("\n".join(line[8:] for line in lines))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    server.seen = set()
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("SHOP_URL", url)
    monkeypatch.setenv("LLM_URL", f"{url}/v1")
    yield tmp_path
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_works_as_typed(page, served):
    """Each command succeeds, and shows what the page says; three dots stand for anything."""
    count = 0
    for command, shown, code, printed in follow(page, served):
        count += 1
        assert code == 0, (command, printed)
        for line in shown.splitlines():
            expected = ".*".join(map(re.escape, " ".join(line.split()).split("...")))
            assert any(re.fullmatch(expected, one) for one in printed), (command, line, printed)
    assert count >= 3
