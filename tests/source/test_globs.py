"""What a pattern takes."""

from __future__ import annotations

import pytest

from mlpolicy.core.target import Glob
from mlpolicy.source import SourceTree

SHOP = {
    "shop/__init__.py": "from .serve import predict\ndef ping(): ...\n",
    "shop/serve.py": """
        import functools
        from typing import overload, TYPE_CHECKING
        from math import floor

        def predict(x): ...
        async def stream(x): yield x
        def _private(): ...
        alias = predict
        small = lambda x: x
        made = functools.partial(predict, 1)
        number = 3

        @functools.cache
        def cached(): ...

        wrapped = functools.cache(lambda: 1)

        def twice(): ...
        twice = functools.cache(twice)

        def gone(): ...
        del gone

        def replaced(): ...
        replaced = 3

        if number:
            def maybe(): ...
        else:
            def otherwise(): ...

        if TYPE_CHECKING:
            def unreal(): ...
        if __name__ == "__main__":
            def script(): ...

        @overload
        def stub(x: int): ...
        @overload
        def stub(x: str): ...

        class Model:
            def __init__(self): ...
            def fit(self): ...
            def _fit(self): ...
            @staticmethod
            def load(): ...
            @classmethod
            def make(cls): ...
            @property
            def size(self): ...
            @functools.cached_property
            def slow(self): ...
            score = staticmethod(lambda s: s)
            class Part:
                def run(self): ...

        class Child(Model):
            def fit(self): ...

        class _Hidden:
            def fit(self): ...

        def outer():
            def inner(): ...
    """,
    "shop/deep/__init__.py": "",
    "shop/deep/er/part.py": "def work(): ...\n",
    "shop/deep/broken.py": "def (\n",
    "shop/not-a-module.py": "",
    "shop/__pycache__/serve.cpython-311.pyc": "",
    "shop/data.txt": "",
}


def taken(source, glob, **options):
    return [str(one) for one in source.matching(Glob.parse(glob), **options)]


def test_the_public_functions_of_a_module(written):
    """Those that it defines: nothing private, imported, inherited, idle, or read like a value."""
    written(SHOP)

    assert written.source.functions("shop.serve") == (
        "predict",
        "stream",
        "small",
        "cached",
        "twice",
        "maybe",
        "otherwise",
        "Model.fit",
        "Model.load",
        "Model.make",
        "Model.score",
        "Model.Part.run",
        "Child.fit",
        "outer",
    )
    assert written.source.functions("shop") == ("ping",)
    assert written.source.functions("shop.deep.broken") == ()
    assert written.source.functions("nowhere") == ()


def test_the_modules_below_a_package(written):
    """Packages, folders and modules, by their dotted names."""
    written(SHOP)

    assert written.source.modules_below("shop") == [
        "shop.deep",
        "shop.deep.broken",
        "shop.deep.er",
        "shop.deep.er.part",
        "shop.serve",
    ]
    assert written.source.modules_below("shop.serve") == []
    assert written.source.modules_below("nowhere") == []


@pytest.mark.parametrize(
    ("glob", "targets"),
    [
        ("shop.serve:pre*", ["shop.serve:predict"]),
        ("shop.serve:Model.*", ["fit", "load", "make", "score"]),
        ("shop.serve:*.fit", ["shop.serve:Model.fit", "shop.serve:Child.fit"]),
        ("shop.**:p*", ["shop:ping", "shop.serve:predict"]),
        ("shop.*:pi*", []),
        ("shop.deep.**:*", ["shop.deep.er.part:work"]),
        ("shop.**.part:*", ["shop.deep.er.part:work"]),
        ("shop.d*.*.*:*", ["shop.deep.er.part:work"]),
        ("shop.serve:Model.*.*", ["shop.serve:Model.Part.run"]),
        ("shop.serve:*.nothing", []),
        ("nowhere.**:*", []),
        ("json.**:*", []),
    ],
)
def test_a_pattern_takes_what_it_covers(written, glob, targets):
    """A star stays within a component, two stars cross modules."""
    written(SHOP)

    wanted = [one if ":" in one else f"shop.serve:Model.{one}" for one in targets]
    assert taken(written.source, glob) == wanted


def test_patterns_never_take_the_standard_library():
    """Even where its source is at hand."""
    assert taken(SourceTree(), "json.**:*") == []
    assert "dumps" in SourceTree().functions("json")


def test_installed_packages_are_taken_by_name(tmp_path):
    """With a list of packages, only those on it."""
    site = tmp_path / "site-packages"
    (site / "lib").mkdir(parents=True)
    (site / "lib" / "__init__.py").write_text("def f(): ...")
    (tmp_path / "own.py").write_text("def f(): ...")
    source = SourceTree([tmp_path, site])

    assert taken(source, "lib:*") == ["lib:f"]
    assert taken(source, "lib:*", packages=["other"]) == []
    assert taken(source, "lib:*", packages=["li*"]) == ["lib:f"]
    assert taken(source, "own:*", packages=[]) == ["own:f"]


@pytest.mark.parametrize(
    ("source", "glob", "known"),
    [
        ("def f(): ...", "m:x*", True),
        ("xs = 3", "m:x*", True),
        ("xs = make()", "m:x*", False),
        ("xs = make()", "m:y*", True),
        ("def __getattr__(n): ...", "m:x*", True),
        ("exec(x)", "m:x*", False),
        ("def (", "m:x*", False),
        ("", "nowhere.**:x*", True),
        ("", "sys:x*", True),
    ],
)
def test_whether_a_pattern_surely_takes_nothing_more(written, source, glob, known):
    """What cannot be read may hold what is sought."""
    written({"m.py": source})

    assert written.source.knows(Glob.parse(glob)) is known
