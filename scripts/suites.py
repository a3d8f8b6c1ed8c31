"""Run the test suites of public packages without a policy and with a `monitor` on everything.

    python scripts/suites.py [NAME…] [--keep FOLDER]

Each suite comes with the package's source distribution from PyPI, and runs in an environment
of its own. What fails only under the policy is printed; the exit code is 1 if that is not
among the failures that `docs/explanation/suites.md` explains.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

MOST_SAID = 40
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Suite:
    """One package with its tests."""

    name: str
    version: str
    modules: str
    """What the policy names."""
    needs: str = ""
    """What its tests import."""
    options: str = ""
    explained: tuple[str, ...] = field(default=())
    """The tests that fail under a policy for a reason that the page gives."""


_JINJA2 = ("tests.test_debug.TestDebug::test_runtime_error",)
SUITES = (
    Suite("jinja2", "3.1.6", "jinja2", "trio", "-W error", _JINJA2),
    Suite("pluggy", "1.7.0", "pluggy", "pytest-benchmark", "-W error testing"),
    Suite("marshmallow", "4.4.0", "marshmallow", "simplejson", "-W error"),
    Suite("attrs", "26.1.0", "attr attrs", "cloudpickle hypothesis pympler"),
    Suite(
        "pyparsing",
        "3.3.3",
        "pyparsing",
        "jinja2 matplotlib railroad-diagrams",
        "tests",
    ),
    Suite(
        "starlette",
        "1.10.0",
        "starlette",
        "httpx httpx2 itsdangerous jinja2 python-multipart pyyaml trio opentelemetry-sdk importlib-metadata",
    ),
)


def main() -> int:
    """Run the suites that are asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--keep", type=Path, help="where environments and sources stay")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = asked.keep or Path(made)
        wanted = [one for one in SUITES if not asked.names or one.name in asked.names]
        alike = [ran_alike(one, folder / one.name) for one in wanted]
        return 0 if all(alike) else 1


def ran_alike(suite: Suite, folder: Path) -> bool:
    """Run *suite* both ways, say what came of it, and return whether all new failures are known."""
    python, source = prepared(suite, folder)
    bare = results(suite, [python, "-m", "pytest"], source, folder / "bare.xml")
    policy = folder / "policy.yaml"
    policy.write_text(everything(suite.modules.split()))
    run = [python, "-m", "mlpolicy", "run", "--policy", str(policy), "--", python, "-m", "pytest"]
    under = results(suite, run, source, folder / "under.xml")
    new = sorted(name for name, passed in bare.items() if passed and not under.get(name, False))
    unknown = [one for one in new if one not in suite.explained]
    print(f"{suite.name} {suite.version}: {told(bare)}; under a policy {told(under)}", flush=True)
    for one in new[:MOST_SAID]:
        print(f"  {'NEW' if one in unknown else 'explained'}: {one}", flush=True)
    return bool(under) and not unknown


def told(found: dict[str, bool]) -> str:
    """Return how many tests passed and failed."""
    passed = sum(found.values())
    return f"{passed} passed, {len(found) - passed} failed"


def everything(packages: list[str]) -> str:
    """Return a policy that puts a monitor on every public function of *packages*."""
    match = [f'"{one}.**:{name}"' for one in packages for name in ("*", "*.*", "*.*.*")]
    return (
        f"version: 1\nsettings: {{packages: [{', '.join(packages)}]}}\n"
        f"policies:\n  all:\n    match: [{', '.join(match)}]\n    monitor: {{}}\n"
    )


def prepared(suite: Suite, folder: Path) -> tuple[str, Path]:
    """Return the interpreter of an environment for *suite*, and the folder of its sources."""
    folder.mkdir(parents=True, exist_ok=True)
    python, exact = folder / "venv/bin/python", f"{suite.name}=={suite.version}"
    if not python.exists():
        command([sys.executable, "-m", "venv", str(folder / "venv")])
        pip = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check"]
        command([*pip, "install", str(ROOT), exact, "pytest", *suite.needs.split()])
        command([*pip, "download", "--no-binary", ":all:", "--no-deps", "-d", str(folder), exact])
        (packed,) = folder.glob("*.tar.gz")
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
    (source,) = [one.parent for one in folder.glob("*/PKG-INFO")]
    return str(python), source


def results(suite: Suite, run: list[str], source: Path, report: Path) -> dict[str, bool]:
    """Return whether each test passed; those that were skipped are left out."""
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:mlpolicy",
        f"--junitxml={report}",
        *suite.options.split(),
    ]
    report.unlink(missing_ok=True)
    log = report.with_suffix(".log")
    with log.open("w") as out:
        quiet = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run([*run, *options], cwd=source, env=quiet, stdout=out, stderr=out, check=False)
    if not report.exists():
        print(f"{suite.name}: no test ran, see {log}")
        return {}
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314 (written by pytest here)
    found: dict[str, bool] = {}
    for case in cases:
        if case.find("skipped") is None:
            failed = case.find("failure") is not None or case.find("error") is not None
            name = re.sub(r"\d+(?=[-:]\d)|(?<=[-:])\d+", "n", case.get("name", ""))  # (no times)
            found[f"{case.get('classname')}::{name}"] = not failed
    return found


def command(words: list[str]) -> None:
    """Run a command that must succeed."""
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
