"""Methods: own, inherited, generated, and assigned later."""

from __future__ import annotations

import pytest

from mlpolicy.source import Dynamic, Missing


def test_methods_of_every_kind(written):
    """Descriptors are looked through to the function."""
    written(
        {
            "m.py": """
                import functools, abc
                class C:
                    def plain(self, a): ...
                    @staticmethod
                    def static(a): ...
                    @classmethod
                    async def made(cls): ...
                    @property
                    def size(self): return 1
                    @size.setter
                    def size(self, value): ...
                    @functools.cached_property
                    def slow(self): ...
                    def _get(self): yield
                    got = property(_get, None)
                    also = staticmethod(lambda q: q)
                    class Inner:
                        def deep(self): ...
            """
        }
    )

    assert written.names("m:C.plain") == ["self", "a"]
    assert written.names("m:C.static") == ["a"]
    assert written.defined("m:C.made").kind == "coroutine"
    size = written.defined("m:C.size")
    assert (size.line, written.names("m:C.size")) == (10, ["self"])
    assert written.defined("m:C.slow").decorators == ("functools.cached_property",)
    assert written.defined("m:C.got").kind == "generator"
    assert written.names("m:C.also") == ["q"]
    assert written.names("m:C.Inner.deep") == ["self"]


def test_inherited_methods_name_their_home(written):
    """Bases are followed through other modules, in the order of the interpreter."""
    written(
        {
            "pkg/__init__.py": "",
            "pkg/base.py": "class Base:\n    def run(self, a): ...\n    def stop(self): ...",
            "pkg/m.py": """
                from typing import Generic, TypeVar
                from . import base
                class Left(base.Base): pass
                class Right(base.Base):
                    def run(self, b): ...
                class Both(Left, Right, Generic[TypeVar("T")]): ...
            """,
        }
    )

    assert written.names("pkg.m:Both.run") == ["self", "b"]
    stop = written.defined("pkg.m:Both.stop")
    assert (stop.file.replace("\\", "/"), stop.line) == ("pkg/base.py", 3)
    assert stop.defined_as is None
    assert written.defined("pkg.m:Right.run").line == 6


def test_a_class_that_reads_the_name_it_binds(written):
    """In a class body the name stands for the function outside until it is bound."""
    written({"m.py": "def f(a): ...\nclass C:\n    f = f\n    g = staticmethod(f)\n"})

    assert written.names("m:C.f") == ["a"]
    assert written.names("m:C.g") == ["a"]


def test_attributes_assigned_to_a_class_later(written):
    """`C.method = function` is what the class has when the import is over."""
    written(
        {"m.py": "class C:\n    def f(self): ...\ndef g(self, x): ...\nC.f = g\nC.h = lambda s: s"}
    )

    assert written.names("m:C.f") == ["self", "x"]
    assert written.names("m:C.h") == ["s"]


@pytest.mark.parametrize(
    ("source", "abstract"),
    [
        ("import abc\nclass C(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...", True),
        ("from abc import *\nclass C:\n    def f(self): ...", False),
        ("from typing import Protocol\nclass C(Protocol):\n    def f(self): ...", True),
        ("from typing import Protocol\nclass C(Protocol[T]):\n    def f(self): 'Doc.'", True),
        ("from typing import Protocol\nclass C(Protocol):\n    def f(self): return 1", False),
    ],
)
def test_abstract_methods(written, source, abstract):
    """Those that nothing is meant to call."""
    written({"m.py": source})

    assert written.defined("m:C.f").abstract is abstract


@pytest.mark.parametrize(
    "source",
    [
        "import torch\nclass C(torch.nn.Module): ...",
        "class C(make()): ...",
        "class C(metaclass=Meta): ...",
        "class B(metaclass=Meta): ...\nclass C(B): ...",
        "@plugin\nclass C: ...",
        "class C: ...\nsetattr(C, name, 3)",
        "class C:\n    globals()['frob'] = 1",
        "class B:\n    def __init_subclass__(cls): setattr(cls, 'x', 1)\nclass C(B): ...",
        "from typing import NamedTuple\nclass C(NamedTuple):\n    x: int",
        "class C: ...\nC.frob: int = make()",
    ],
)
def test_methods_that_no_line_defines_may_be_there(written, source):
    """Only an import tells."""
    written({"m.py": source})

    assert not isinstance(written.look_up("m:C.frob"), Missing)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("class C(dict):\n    def pop(self): ...", "get"),
        ("class C: ...", "__init__"),
        ("import dataclasses\n@dataclasses.dataclass\nclass C:\n    x: int", "__init__"),
    ],
)
def test_methods_that_python_gives_are_there(written, source, name):
    """They have no line in the source."""
    written({"m.py": source})

    assert isinstance(written.look_up(f"m:C.{name}"), Dynamic)


@pytest.mark.parametrize(
    "source",
    [
        "class C: ...",
        "import abc\nclass C(abc.ABC, metaclass=abc.ABCMeta): ...",
        "from enum import Enum\nclass C(Exception): ...",
        "from typing import final\n@final\nclass C(object): ...",
        "class C(C): ...",
        "class A(C): ...\nclass C(A): ...",
        "class C:\n    def f(self): setattr(self, 'x', 1)",
    ],
)
def test_methods_of_plain_classes_are_missing(written, source):
    """Where nothing else can define it, the name is wrong; circles end."""
    written({"m.py": source})

    found = written.look_up("m:C.frob")
    assert isinstance(found, Missing)
    assert found.reason == "class `C` has no method `frob`"


def test_an_instance_has_the_methods_of_its_class(written):
    """An object that a module makes of its own class is followed; another is left open."""
    written({"m.py": "class C:\n    def f(self, a): ...\nc = C()\nd = make()\nf = c.f\n"})

    assert written.names("m:c.f") == ["self", "a"]
    assert written.names("m:f") == ["self", "a"]
    assert isinstance(written.look_up("m:c.g"), Dynamic)
    assert isinstance(written.look_up("m:d.f"), Dynamic)
