"""Methods: own, inherited, generated, and assigned later."""

from __future__ import annotations

import pytest

from mlpolicy.core.site import Parameter
from mlpolicy.core.target import Target
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
    assert (size.line, size.redefined_at, written.names("m:C.size")) == (10, None, ["self"])
    assert written.defined("m:C.slow").decorators == ("functools.cached_property",)
    assert written.defined("m:C.got").kind == "generator"
    assert written.names("m:C.also") == ["q"]
    assert written.defined("m:C.Inner.deep").is_method
    assert not written.defined("m:C").is_method


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
    assert (stop.inherited_from, stop.reexported_from) == (Target("pkg.base", "Base.stop"), None)
    assert written.defined("pkg.m:Right.run").inherited_from is None


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


def test_the_init_of_a_dataclass(written):
    """Its fields are the parameters, in the order in which the class would take them."""
    written(
        {
            "m.py": """
                import dataclasses
                from dataclasses import dataclass, field, KW_ONLY
                from typing import ClassVar
                @dataclass
                class Base:
                    a: int
                    total: ClassVar[int] = 0
                    hidden: int = field(init=False, default=0)
                @dataclasses.dataclass(frozen=True)
                class Child(Base):
                    b: list = field(default_factory=list)
                    _: KW_ONLY
                    c: str
                    def run(self): ...
                @dataclass(init=False)
                class Bare:
                    a: int
            """
        }
    )

    found = written.defined("m:Child.__init__")
    assert found.generated
    assert found.parameters == (
        Parameter("self", "positional"),
        Parameter("a", "positional", False, "int"),
        Parameter("b", "positional", True, "list"),
        Parameter("c", "keyword", False, "str"),
    )
    assert isinstance(written.look_up("m:Bare.__init__"), Dynamic)
    assert isinstance(written.look_up("m:Child.rn"), Missing)


def test_keyword_fields_come_last(written):
    """A base with keyword fields does not stand before the positional ones of the child."""
    written(
        {
            "m.py": """
                from dataclasses import dataclass
                @dataclass(kw_only=True)
                class Base:
                    a: int
                @dataclass
                class Child(Base):
                    b: int
            """
        }
    )

    assert written.names("m:Child.__init__") == ["self", "b", "a"]


def test_an_init_whose_fields_are_not_known(written):
    """It is there; what it takes is left open."""
    written(
        {
            "m.py": """
                import attrs, dataclasses
                from elsewhere import Base
                @attrs.define
                class A:
                    x: int
                @dataclasses.dataclass
                class D(Base):
                    x: int
            """
        }
    )

    assert written.names("m:A.__init__") is None
    assert written.names("m:D.__init__") is None


def test_named_tuples(written):
    """Their methods come from the base that makes them."""
    written({"m.py": "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\n"})

    assert written.defined("m:P._replace").generated


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
    ("source", "why"),
    [
        ("import torch\nclass C(torch.nn.Module): ...", "inherits from `torch.nn.Module`"),
        ("class C(make()): ...", "inherits from `make()`"),
        ("class C(metaclass=Meta): ...", "is made by the metaclass `Meta`"),
        ("class B(metaclass=Meta): ...\nclass C(B): ...", "is made by the metaclass `Meta`"),
        ("@plugin\nclass C: ...", "is decorated with `plugin`"),
        ("class C(dict):\n    def pop(self): ...", "has `frob` from"),
        ("class C: ...\nsetattr(C, name, 3)", "`setattr` in line 2"),
        ("class C:\n    vars()['frob'] = 1", "an assignment to `globals()` in line 2"),
        (
            "class B:\n    def __init_subclass__(cls): setattr(cls, 'x', 1)\nclass C(B): ...",
            "adds to its subclasses",
        ),
    ],
)
def test_methods_that_no_line_defines_may_be_there(written, source, why):
    """The reason is told where the class may get them some other way."""
    name = "get" if "dict" in source else "frob"
    written({"m.py": source})

    found = written.look_up(f"m:C.{name}")
    assert isinstance(found, Dynamic)
    assert why.replace("frob", name) in found.why


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


def test_what_object_gives_every_class(written):
    """It is there, and has no source."""
    written({"m.py": "class C: ..."})

    assert "from `object`" in written.look_up("m:C.__init__").why


def test_an_instance_has_the_methods_of_its_class(written):
    """An object that a module makes of its own class is followed; another is left open."""
    written({"m.py": "class C:\n    def f(self, a): ...\nc = C()\nd = make()\nf = c.f\n"})

    assert written.names("m:c.f") == ["self", "a"]
    assert written.names("m:f") == ["self", "a"]
    assert isinstance(written.look_up("m:c.g"), Dynamic)
    assert isinstance(written.look_up("m:d.f"), Dynamic)
