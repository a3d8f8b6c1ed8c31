"""Takes the pictures of the page that the docs show, of a real service under load.

python scripts/screenshots.py [--seconds 310] [--url http://127.0.0.1:9464]

It needs Debian's `chromium` and `chromium-driver`, and the package `selenium`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "images"
OPENED = "recsys.serve:predict"
PORT = 9464
FILES = {
    "recsys/__init__.py": "",
    "recsys/serve.py": """
import random, time
def predict(features, k=10):
    time.sleep(random.lognormvariate(-4.6, 0.5))
    if random.random() < 0.004:
        raise ValueError("no such item")
    return [0.1] * k
def rerank(items):
    return sorted(items)
""",
    "recsys/store.py": """
import random, time
def features(user):
    time.sleep(random.lognormvariate(-6, 0.7))
    if random.random() < 0.05:
        raise ConnectionError("reset")
    return [user % 7]
""",
    "recsys/text.py": """
import random, time
def encode(text):
    time.sleep(random.lognormvariate(-4.2, 0.3))
    return [len(text)]
""",
    "policies/recsys.yaml": """
version: 1
policies:
  recsys.serve:predict:
    monitor: {slo: {p99: 100ms, error_rate: 1%}, log: false}
    validate: {args: {k: {range: [1, 50]}}}
    memory: {reject_at: 92%}
  recsys.serve:rerank:
    monitor: {log: false}
    validate: {mode: shadow, args: {items: {max_len: 20}}}
  recsys.store:features:
    monitor: {log: false}
    retry: {max_attempts: 4, initial_delay: 5ms, retry_on: [ConnectionError]}
  recsys.text:encode:
    monitor: {log: false}
    cache: {ttl: 20s, max_entries: 2000}
""",
    "service.py": """
import math, random, threading, time
from recsys import serve, store, text
def load():
    while True:
        user = int(random.paretovariate(0.6)) % 400
        try:
            found = store.features(user)
            text.encode("x" * user)
            serve.rerank(list(range(user % 24)))
            serve.predict(found, 60 if random.random() < 0.01 else 10)
        except (ValueError, ConnectionError):
            pass
        time.sleep(0.02 * (1.4 + math.sin(time.time() / 25)) * random.random())
threads = [threading.Thread(target=load, daemon=True) for _ in range(3)]
for each in threads:
    each.start()
time.sleep(3600)
""",
}


@contextmanager
def service() -> Iterator[str]:
    """Run a service under a policy with its port open."""
    folder = Path(tempfile.gettempdir(), "recsys")  # (its name is in the picture)
    try:
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        command = ["run", "--policy", "policies", "--ops", f"127.0.0.1:{PORT}"]
        environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{folder}"}
        running = subprocess.Popen(
            [sys.executable, "-m", "mlpolicy", *command, "service.py"], cwd=folder, env=environment
        )
        try:
            time.sleep(3)
            yield f"http://127.0.0.1:{PORT}/"
        finally:
            running.terminate()
            running.wait()
    finally:
        shutil.rmtree(folder)


def browser(width: int, height: int, scheme: str) -> webdriver.Chrome:
    """Return a browser of that size, in the light or in the dark."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for switch in ("headless=new", "no-sandbox", "disable-gpu", "hide-scrollbars"):
        options.add_argument(f"--{switch}")
    made = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    made.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    made.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
    return made


def take(url: str, seconds: float) -> None:
    """Open the page, wait until its lines are full, and save what is seen."""
    PICTURES.mkdir(exist_ok=True)
    wide, narrow = browser(1280, 900, "light"), browser(390, 844, "dark")
    for one in (wide, narrow):
        one.get(url)
    time.sleep(seconds)
    names = "[...document.querySelectorAll('button.name')]"
    wide.execute_script(f"{names}.find(one => one.textContent === '{OPENED}')?.click()")
    wide.save_screenshot(str(PICTURES / "page-light.png"))
    narrow.save_screenshot(str(PICTURES / "page-dark-phone.png"))
    for one in (wide, narrow):
        one.quit()


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=310, help="how long the page stays open")
    parser.add_argument("--url", help="a service that runs already")
    given = parser.parse_args()
    if given.url:
        take(given.url, given.seconds)
        return
    with service() as url:
        take(url, given.seconds)


if __name__ == "__main__":
    main()
