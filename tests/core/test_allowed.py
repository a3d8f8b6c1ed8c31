"""What a policy may import by name."""

from __future__ import annotations

import importlib
import sys
from textwrap import dedent

import pytest

from mlpolicy.core.allowed import ANY, EVERYTHING, OWN, Allowed, NotAllowed
from mlpolicy.core.target import Glob

FALLBACK = """
    import functools, os, subprocess, concurrent.futures
    from os import system
    from shutil import rmtree
    from subprocess import Popen
    from bakery.plain import empty as moved

    def popular(*given): return []
    async def later(*given): return []
    run = os.system
    partly = functools.partial(popular, 1)
    evil = functools.partial(functools.partial(os.system), "ls")
    CACHE = {}
    builtin = len

    class Own:
        run = os.system
        def go(self): ...
        def __call__(self): ...
        @classmethod
        def make(cls): return []
    own = Own()

    class Table(dict): ...
    table = Table()

    @functools.lru_cache
    def kept(): ...

    def decorator(function):
        @functools.wraps(function)
        def inner(*given): return function(*given)
        return inner
    outside = decorator(os.path.join)
"""


@pytest.fixture
def bakery(tmp_path, monkeypatch):
    (tmp_path / "bakery").mkdir()
    for name, text in {
        "__init__": "",
        "plain": "def empty(): ...\nclass Order: ...\n",
        "fallback": dedent(FALLBACK),
        "marked": "raise SystemError('imported')\n",
    }.items():
        (tmp_path / "bakery" / f"{name}.py").write_text(text)
    (tmp_path / "stranger.py").write_text("raise SystemError('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Allowed(("bakery",))
    for name in [name for name in sys.modules if name.partition(".")[0] == "bakery"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "name",
    [
        *("popular", "later", "partly", "moved", "own", "own.go", "Own", "Own.make"),
        *("kept", "kept.cache_clear", "outside", "table.clear"),
    ],
)
def test_code_of_the_own_package_may_be_named(bakery, name):
    """Whichever of its modules defines it, and however it is wrapped there."""
    assert callable(bakery.load(f"bakery.fallback:{name}"))


@pytest.mark.parametrize(
    "name",
    [
        *("system", "rmtree", "Popen", "run", "Own.run", "own.run", "builtin", "evil"),
        *("os.system", "subprocess.run", "CACHE.clear", "functools.reduce"),
        *("concurrent.futures.process", "popular.__globals__.clear", "Own.__subclasses__"),
        *("__builtins__", "popular.__class__", "own.go.__func__", "__loader__.exec_module"),
    ],
)
def test_what_a_module_of_the_package_only_holds_may_not_be_named(bakery, name):
    """It is defined elsewhere, by whatever name the policy reaches it."""
    with pytest.raises(NotAllowed):
        bakery.load(f"bakery.fallback:{name}")


@pytest.mark.parametrize(
    "path",
    [
        *("stranger:f", "stranger.Order", "bakery_evil:f", "os:system", "builtins:eval", "eval"),
        *("mlpolicy:uninstall", "mlpolicy.plan.cache:unpack", "mlpolicy.core.kind:load"),
    ],
)
def test_another_package_is_not_even_imported(bakery, path):
    """Importing a module runs it."""
    with pytest.raises(NotAllowed):
        bakery.load(path)


def test_an_attribute_of_a_foreign_module_is_not_asked_for(bakery, monkeypatch):
    """A lazy package imports what it is asked for."""
    module = importlib.import_module("bakery.fallback")
    lazy = type(sys)("lazy")
    lazy.__getattr__ = lambda name: pytest.fail(f"asked for {name}")
    module.lazy = lazy

    with pytest.raises(NotAllowed, match="lazy:part"):
        bakery.load("bakery.fallback:lazy.part")


def test_errors_of_mlpolicy_may_be_named(bakery):
    assert bakery.load("mlpolicy.MemoryPressure").__name__ == "MemoryPressure"


def test_the_standard_library_is_nobodys_own():
    """A policy for a function of it may not call another."""
    with pytest.raises(NotAllowed):
        Allowed(("shutil",)).load("shutil:rmtree")


def test_each_list_must_have_the_name_and_what_it_leads_to(bakery):
    fallback, plain = Glob("bakery.fallback:*"), Glob("bakery.plain:*")
    both = Allowed((), ((fallback, plain),))

    assert both.load("bakery.fallback:moved").__module__ == "bakery.plain"
    for lists in (((fallback,),), ((fallback, plain), (fallback,)), ((),), ((OWN,), (plain,))):
        with pytest.raises(NotAllowed):
            Allowed((), lists).load("bakery.fallback:moved")
    with pytest.raises(NotAllowed, match="bakery.plain:empty"):
        Allowed((), ((fallback,),)).load("bakery.fallback:moved")


def test_everything_may_be_allowed(bakery):
    assert EVERYTHING.load("bakery.fallback:system") is Allowed((), ((ANY,),)).load("os:system")


def test_a_module_that_fails_says_so_by_itself(bakery):
    """The error of the user's own module is not hidden."""
    with pytest.raises(SystemError, match="imported"):
        bakery.load("bakery.marked:f")


def test_what_runs_as_the_program_is_of_its_package(bakery, monkeypatch):
    main = type(sys)("__main__")
    exec("def f(): ...", vars(main))
    monkeypatch.setitem(sys.modules, "__main__", main)

    assert Allowed(("__main__",)).load("__main__:f") is main.f
