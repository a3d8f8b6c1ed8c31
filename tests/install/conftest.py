"""A module of a service, imported before or after its policy comes."""

from __future__ import annotations

import importlib
import sys
from textwrap import dedent

import pytest

import mlpolicy
from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import forget
from mlpolicy.install import bootstrap


class Service:
    """Modules in a folder of their own, and the policy that is put in force over them."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, text):
        path = self.folder / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")

    def policy(self, text):
        path = self.folder / "policy.yaml"
        path.write_text("version: 1\npolicies: " + text, encoding="utf-8")
        return path

    def start(self, when, name, text, policy):
        """Return the module *name*, with *policy* put in force before or after its import."""
        self.write(name, text)
        path = self.policy(policy)
        if when == "late":
            importlib.import_module(name)
        mlpolicy.install(policy=path)
        return importlib.import_module(name)

    def states(self):
        return {name: one.state for name, one in bootstrap.engine().placed.items()}

    def calls(self, target, outcome="ok"):
        return METERS.value("mlpolicy_calls_total", function=target, outcome=outcome)


@pytest.fixture
def service(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("MLPOLICY_CACHE_DIR", str(tmp_path / "plans"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    forget()
    METERS.clear()
    yield Service(tmp_path)
    mlpolicy.uninstall()
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
