"""The page in a real browser, shown by a real service under load."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mlpolicy.ops.server import FILES
from tests.ops.conftest import until

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ROOT = Path(__file__).parents[2]
SERVED = """
def predict(x):
    if x == 3:
        raise KeyError(x)
    return x
def embed(x):
    return x
"""
POLICY = """
version: 1
policies:
  served:predict:
    monitor: {log: false}
    validate: {args: {x: {range: [0, 9]}}}
  served:embed:
    monitor: {log: false}
    cache: {mode: shadow, ttl: 1h}
"""
LOAD = """
import threading, time
def load():
    while True:
        for x in range(11):
            try: served.predict(x)
            except (KeyError, ValueError): pass
        served.embed("<b>canary</b>")
        time.sleep(0.01)
threading.Thread(target=load, daemon=True).start()
input()
"""


@pytest.fixture
def browser(service, monkeypatch):
    """Chromium without a window, which keeps what it asked for and what its console said."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    monkeypatch.setenv("SE_AVOID_STATS", "true")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for switch in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield made
    made.quit()


def resize(browser, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    widest = "return Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
    assert browser.execute_script("return innerWidth") == width
    assert browser.execute_script(widest) <= width


def asked_for(browser):
    """The addresses that were asked for, those of the browser's own pages apart."""
    messages = (json.loads(one["message"])["message"] for one in browser.get_log("performance"))
    found = {
        one["params"]["request"]["url"]
        for one in messages
        if one["method"] == "Network.requestWillBeSent"
    }
    return {url for url in found if url.startswith(("http:", "https:", "ws"))}


@pytest.mark.slow
@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Debian's chromium-driver")
def test_the_page_shows_figures_that_change_and_asks_nobody_else(service, browser):
    """No error in the console, one host, both widths without scrolling, details with places."""
    service.write("served.py", SERVED)
    service.write("policy.yaml", POLICY)
    service.script(LOAD)

    def texts(selector):
        script = "return [...document.querySelectorAll(arguments[0])].map(one => one.innerText)"
        return browser.execute_script(script, selector)

    assert service.answers()
    browser.get(f"http://127.0.0.1:{service.port}/")
    resize(browser, 1280)
    rows = "#rows > .row"
    assert until(lambda: len(texts(rows)) == 2 and texts(".tile .figure")[0][0].isdigit())
    assert [one.split("\n")[0] for one in texts(rows)] == ["served:predict", "served:embed"]
    assert "cache · shadow" in texts(rows)[1]
    assert until(lambda: "KeyError" in texts(rows)[0])  # (why, before anything is opened)
    assert until(lambda: texts(".tile .more")[1] == "predict: KeyError")
    assert texts("#live-text")[0].startswith("live, ")

    browser.execute_script("document.querySelectorAll('button.name')[0].click()")
    seen = set()
    total = "#rows > .detail:not([hidden]) .numbers"
    assert until(lambda: seen.update(texts(total)[:1]) or len(seen) > 2)
    opened = texts("#rows > .detail:not([hidden])")[0]
    assert "errors since before this page was open" in opened
    assert "args.x.range" in opened
    assert "policy.yaml:6" in opened
    assert "KeyError" in opened
    assert "range · x" in opened
    for width in (390, 1280):
        resize(browser, width)

    browser.execute_script(
        "const f = document.getElementById('filter'); f.value = 'shadow';"
        "f.dispatchEvent(new Event('input'))"
    )
    assert [one.split("\n")[0] for one in texts(rows)] == ["served:embed"]
    assert texts("#count") == ["1 of 2"]

    addresses = asked_for(browser)
    assert {url.rpartition("/")[0] for url in addresses} == {f"http://127.0.0.1:{service.port}"}
    paths = {url.rpartition("/")[2] for url in addresses}
    assert paths - {"favicon.ico"} == {"", "page.css", "page.js", "icon.svg", "state"}
    assert browser.get_log("browser") == []

    service.started[-1].stdin.write("\n")
    service.started[-1].stdin.flush()
    assert until(lambda: "has not answered since" in texts("#trouble")[0])
    assert texts(rows)


def test_every_file_of_the_page_is_in_the_wheel(tmp_path):
    """What the page is made of is installed with the package."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)

    [wheel] = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if "/ops/page/" in name}
    assert names == {f"mlpolicy/ops/page/{name}" for name, _ in FILES.values()}
