"""What is read in the source of real packages is what an import finds."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

from mlpolicy.core.target import Target
from mlpolicy.source import Defined, SourceTree

FOUND_BY_IMPORT = """
import importlib, inspect, json, sys, types

def functions(module):
    for name, value in vars(module).items():
        if name.startswith("_"):
            continue
        if inspect.isclass(value):
            if value.__module__ == module.__name__ and value.__qualname__ == name:
                for inner, raw in vars(value).items():
                    one = getattr(raw, "__func__", raw)
                    if own(one, module, f"{name}.{inner}") and not inner.startswith("_"):
                        yield f"{name}.{inner}"
        elif own(value, module, name):
            yield name

def own(value, module, qualname):
    value = inspect.unwrap(getattr(value, "orig_func", value))
    return (
        isinstance(value, types.FunctionType)
        and value.__module__ == module.__name__
        and value.__qualname__ == qualname
    )

found = {}
for name in json.load(sys.stdin):
    try:
        found[name] = sorted(functions(importlib.import_module(name)))
    except (ImportError, RuntimeError) as error:
        print(name, error)  # it needs what is not installed
print("FOUND" + json.dumps(found))
"""

SIGNATURES = """
import importlib, inspect, json, sys
NAMES = ["positional_only", "positional", "var_positional", "keyword", "var_keyword"]
found = {}
for target in json.load(sys.stdin):
    module, _, name = target.partition(":")
    value = importlib.import_module(module)
    for part in name.split("."):
        value = inspect.getattr_static(value, part)
        value = getattr(value, "__func__", value)
    value = inspect.unwrap(getattr(value, "orig_func", value))
    found[target] = [
        (
            "async_generator" if inspect.isasyncgenfunction(value)
            else "coroutine" if inspect.iscoroutinefunction(value)
            else "generator" if inspect.isgeneratorfunction(value)
            else "function"
        ),
        value.__code__.co_firstlineno,
        [
            [one.name, NAMES[one.kind], one.default is not one.empty]
            for one in inspect.signature(value, follow_wrapped=False).parameters.values()
        ],
    ]
print("FOUND" + json.dumps(found))
"""


def by_import(code, asked):
    """What a process that does import the modules says."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    ran = subprocess.run(
        command, input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout.rpartition("FOUND")[2])


def compared(source, package):
    """(what an import finds, what the source finds) in *package*, as sets of targets."""
    modules = [
        one for one in (package, *source.modules_below(package))
        if not {"tests", "__main__", "conftest", "tool"} & set(one.split("."))
    ]  # fmt: skip
    imported = by_import(FOUND_BY_IMPORT, modules)
    return (
        {f"{module}:{name}" for module, names in imported.items() for name in names},
        {f"{module}:{name}" for module in imported for name in source.functions(module)},
    )


def needs(package):
    return pytest.mark.skipif(find_spec(package) is None, reason=f"needs {package}")


@pytest.mark.parametrize(
    ("package", "least"),
    [
        pytest.param("networkx.algorithms", 600, marks=needs("networkx"), id="networkx"),
        pytest.param("json", 9, id="json"),
        pytest.param("concurrent.futures", 20, id="concurrent"),
    ],
)
def test_functions_are_those_of_an_import(package, least):
    """99 in 100 of them, with the kind, the parameters and the place that the code object has."""
    source = SourceTree()
    imported, read = compared(source, package)
    targets = sorted(imported & read)
    truth = by_import(SIGNATURES, targets[::3])

    wrong = []
    for target in targets[::3]:
        found = source.look_up(Target.parse(target))
        assert isinstance(found, Defined), (target, found)
        kind, line, parameters = truth[target]
        listed = parameters
        if found.parameters is not None:
            listed = [[one.name, one.kind, one.has_default] for one in found.parameters]
        if found.kind != kind or listed != parameters or found.line < line:
            wrong.append((target, found, truth[target]))
    assert wrong == []
    assert len(imported) >= least
    assert len(imported & read) >= 0.99 * len(imported), sorted(imported - read)[:20]
    assert len(read - imported) <= 0.01 * len(read), sorted(read - imported)[:20]


@pytest.mark.skipif(find_spec("networkx") is None, reason="needs networkx")
def test_every_name_that_a_package_exports_leads_to_its_definition():
    """`networkx` gives its functions through star imports three levels deep."""
    code = """
import json, types, networkx
found = {}
for name, value in vars(networkx).items():
    function = getattr(value, "orig_func", value)
    if isinstance(function, types.FunctionType) and function.__module__.startswith("networkx."):
        if not name.startswith("_") and "<" not in function.__qualname__:
            found[name] = f"{function.__module__}:{function.__qualname__}"
print("FOUND" + json.dumps(found))
"""
    source = SourceTree()

    truth = by_import(code, [])
    found = {}
    for name in sorted(truth)[::10]:
        looked = source.look_up(Target("networkx", name))
        found[name] = str(looked.defined_as) if isinstance(looked, Defined) else looked
    assert len(truth) > 500
    assert {name: one for name, one in found.items() if one != truth[name]} == {}
