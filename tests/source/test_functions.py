"""What a definition says of its function."""

from __future__ import annotations

import pytest

from mlpolicy.core.site import Parameter
from mlpolicy.source import Missing


def test_a_function_is_described_whole(written):
    """Place, kind, parameters and decorators are those of the source."""
    written(
        {"serve.py": "import tenacity\n\n@tenacity.retry\ndef predict(x, *, k: int = 3): ...\n"}
    )

    found = written.defined("serve:predict")

    assert (found.file, found.line) == ("serve.py", 4)
    assert (found.kind, found.decorators) == ("function", ("tenacity.retry",))
    assert found.parameters == (
        Parameter("x", "positional"),
        Parameter("k", "keyword", True, "int"),
    )


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("def f(): return 1", "function"),
        ("def f(): yield 1", "generator"),
        ("def f(): yield from ()", "generator"),
        ("async def f(): await g()", "coroutine"),
        ("async def f(): yield 1", "async_generator"),
        ("f = lambda: 1", "function"),
        ("f = lambda: (yield)", "generator"),
        ("def f():\n    def g(): yield 1\n    return g", "function"),
        ("def f():\n    def g(x=(yield)): pass", "generator"),
        ("def f():\n    if x:\n        for _ in y:\n            yield 1", "generator"),
        ("def f(): return [(lambda: (yield)) for _ in x]", "function"),
        ("def f(): return (x for x in y)", "function"),
        ("class f: pass", "class"),
        ("f = 3", "value"),
        ("f = make()", "value"),
        ("import functools\nf = functools.partial(print, 1)", "value"),
        ("f, g = make()", "value"),
        ("for f in range(3): pass", "value"),
        ("with open('x') as f: pass", "value"),
        ("print(f := 3)", "value"),
        ("match x:\n    case [f, *_]: pass", "value"),
    ],
)
def test_the_kind_is_what_the_interpreter_would_make(written, source, kind):
    """A yield counts where it stands in the function itself."""
    written({"m.py": source})

    assert written.defined("m:f").kind == kind


def test_every_kind_of_parameter_is_read(written):
    """Names, kinds, defaults and annotations come in the order of the code object."""
    written({"m.py": "def f(a, b=1, /, c: 'X' = 2, *args: int, d, e=None, **rest): ..."})

    assert written.defined("m:f").parameters == (
        Parameter("a", "positional_only"),
        Parameter("b", "positional_only", True),
        Parameter("c", "positional", True, "'X'"),
        Parameter("args", "var_positional", annotation="int"),
        Parameter("d", "keyword"),
        Parameter("e", "keyword", True),
        Parameter("rest", "var_keyword"),
    )


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_lines_end_as_the_parser_sees_them(written, tmp_path, newline):
    """Any line end counts once; a form feed counts as none."""
    (tmp_path / "m.py").write_bytes(f"a = 1{newline}\x0c{newline}def f(): ...".encode())

    assert written.defined("m:f").line == 3


def test_decorators_are_named_in_full(written):
    """Imports are resolved, calls are named by what is called."""
    written(
        {
            "pkg/__init__.py": "",
            "pkg/m.py": """
                import functools as ft
                from tenacity import retry as again, stop_after_attempt
                from .own import traced
                import a.b

                @traced
                @again(stop=stop_after_attempt(3))
                @ft.lru_cache(maxsize=None)
                @a.b.c
                @made()()
                def f(): ...
            """,
        }
    )

    found = written.defined("pkg.m:f")
    assert found.decorators == (
        "pkg.own.traced",
        "tenacity.retry",
        "functools.lru_cache",
        "a.b.c",
        "made",
    )


def test_decorating_by_assignment_is_decorating(written):
    """`f = cache(f)` leaves the function what it is and adds a decorator on the outside."""
    written(
        {
            "m.py": """
                from functools import lru_cache
                @first
                def f(x): ...
                f = lru_cache(maxsize=3)(f)
            """
        }
    )

    found = written.defined("m:f")
    assert (found.kind, found.line, found.decorators) == (
        "function",
        4,
        ("functools.lru_cache", "first"),
    )
    assert written.names("m:f") == ["x"]


def test_functions_inside_of_functions(written):
    """`<locals>` leads inside, as deep as it goes."""
    written(
        {
            "m.py": """
                def outer(a):
                    if a:
                        def inner(b):
                            class K:
                                def m(self): yield
                            return K
                    return inner
            """
        }
    )

    assert written.names("m:outer.<locals>.inner") == ["b"]
    assert written.defined("m:outer.<locals>.inner.<locals>.K.m").kind == "generator"
    assert isinstance(written.look_up("m:outer.<locals>.iner"), Missing)
    assert written.defined("m:outer.<locals>.a").kind == "value"


def test_overloads_give_way_to_the_implementation(written):
    """Only where there is no implementation is the target an overload."""
    written(
        {
            "m.py": """
                import typing
                from typing import overload
                @overload
                def f(x: int) -> int: ...
                @typing.overload
                def f(x: str) -> str: ...
                def f(x, y=None): return x

                @overload
                def g(x: int) -> int: ...
                @overload
                def g(x: str) -> str: ...
            """
        }
    )

    found = written.defined("m:f")
    assert (found.overload, written.names("m:f")) == (False, ["x", "y"])
    assert written.defined("m:g").overload


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("if X:\n    def f(a): ...\nelse:\n    def f(a): ...", ["a"]),
        ("if X:\n    def f(a): ...\nelse:\n    def f(b): ...", None),
        ("try:\n    from fast import f\nexcept ImportError:\n    def f(a): ...", None),
        ("try:\n    from near import f\nexcept ImportError:\n    def f(x): ...", None),
        ("def f(a): ...\ntry:\n    from fast import *\nexcept ImportError: pass", None),
        ("def f(a): ...\nif X:\n    f = None", ["a"]),
        ("if TYPE_CHECKING:\n    def f(z): ...\nelse:\n    def f(a): ...", ["a"]),
        ("if not TYPE_CHECKING:\n    def f(a): ...\nelse:\n    def f(z): ...", ["a"]),
        ("def f(a): ...\nif __name__ == '__main__':\n    f = 3", ["a"]),
        ("def f(a): ...\nif DEBUG and __name__ == '__main__':\n    def f(z): ...", ["a"]),
    ],
)
def test_parameters_are_told_where_all_branches_agree(written, source, names):
    """A branch that differs, or cannot be read, leaves them unknown; idle branches do not count."""
    written({"m.py": source, "near.py": "def f(x): ..."})

    assert written.names("m:f") == names


def test_a_deleted_name_is_missing(written):
    """What is deleted at the end of the import is not there, even though its source is."""
    written({"m.py": "def f(): ...\n\ndel f\n"})

    assert written.look_up("m:f").reason == "`f` is deleted in line 3"
