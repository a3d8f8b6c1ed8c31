"""Names are followed through imports to what they stand for."""

from __future__ import annotations

import pytest

from mlpolicy.core.target import Target
from mlpolicy.source import Dynamic, Missing

PACKAGE = {
    "pkg/__init__.py": "from .core import f as renamed, C\nfrom . import core as kernel\n",
    "pkg/core.py": "def f(a): ...\nclass C:\n    def m(self, b): ...\n",
    "pkg/stars.py": "from .core import *\nfrom pkg.listed import *\n",
    "pkg/listed.py": "__all__ = ['shown', '_odd']\ndef shown(s): ...\ndef hidden(h): ...\ndef _odd(): ...\n",
    "pkg/user.py": "import pkg.core as c\nimport pkg.core\nimport pkg\nalias = c.f\n",
}


@pytest.mark.parametrize(
    ("target", "home"),
    [
        ("pkg:renamed", "pkg.core:f"),
        ("pkg:C.m", "pkg.core:C.m"),
        ("pkg:C", "pkg.core:C"),
        ("pkg:kernel.f", "pkg.core:f"),
        ("pkg:core.f", "pkg.core:f"),
        ("pkg.stars:f", "pkg.core:f"),
        ("pkg.stars:shown", "pkg.listed:shown"),
        ("pkg.stars:_odd", "pkg.listed:_odd"),
        ("pkg.user:c.f", "pkg.core:f"),
        ("pkg.user:pkg.core.C.m", "pkg.core:C.m"),
        ("pkg.user:pkg.renamed", "pkg.core:f"),
        ("pkg.user:alias", "pkg.core:f"),
    ],
)
def test_a_re_export_names_where_it_is_defined(written, target, home):
    """Whatever way the name takes."""
    written(PACKAGE)

    found = written.defined(target)
    assert found.defined_as == Target.parse(home)
    direct = written.defined(home)
    assert direct.defined_as is None
    assert (found.file, found.line, found.parameters) == (
        direct.file,
        direct.line,
        direct.parameters,
    )


def test_star_imports_give_what_the_module_exports(written):
    """A name that `__all__` leaves out is missing, and so is what has an underscore."""
    written(PACKAGE)

    assert isinstance(written.look_up("pkg.stars:hidden"), Missing)


@pytest.mark.parametrize(
    ("exports", "given"),
    [
        ("__all__ = ('f',)", True),
        ("__all__ = []", False),
        ("__all__ = []\n__all__ += ['f']", True),
        ("__all__ = []\n__all__.append('f')", True),
        ("__all__: list = []\n__all__.extend(['f'])", True),
        ("__all__ = ['g'] + ['f']", True),
        ("__all__ = [*names]", True),
        ("__all__ = []\nif X:\n    __all__ += ['f']", True),
        ("__all__ = []\nexport(__all__)", True),
        ("from other import __all__", True),
    ],
)
def test_an_export_list_is_read_where_it_is_plain(written, exports, given):
    """One that cannot be read off may hold any name."""
    written({"a.py": "from b import *", "b.py": f"def f(): ...\n{exports}\n"})

    assert isinstance(written.look_up("a:f"), Missing) is not given


def test_the_last_star_import_wins(written):
    """Unless the module binds the name itself."""
    written(
        {
            "a.py": "from b import *\nfrom c import *\ndef g(own): ...\n",
            "b.py": "def f(b): ...\ndef g(b): ...",
            "c.py": "def f(c): ...",
        }
    )

    assert written.names("a:f") == ["c"]
    assert written.names("a:g") == ["own"]


def test_a_submodule_is_no_function_and_a_function_of_its_name_wins(written):
    """A star import that gives the name of the submodule comes after the submodule itself."""
    written(
        {
            "pkg/__init__.py": "from pkg.rank import *",
            "pkg/rank.py": "def rank(g): ...",
            "pkg/x.py": "",
        }
    )

    assert written.names("pkg:rank") == ["g"]
    assert written.look_up("pkg:x").reason == "`pkg.x` is a module: name a function of it"


@pytest.mark.parametrize(
    "files",
    [
        {"a.py": "from b import f", "b.py": "from a import f"},
        {"a.py": "from b import *", "b.py": "from a import *"},
        {"a.py": "from a import f"},
        {"a.py": "from a import *"},
        {"a.py": "f = g\ng = f"},
        {"a.py": "f = f.f"},
        {"a.py": "class f(f.g): ...\nf = f.x"},
    ],
)
def test_circles_end(written, files):
    """Modules that import one another are looked at once each."""
    written(files)

    written.look_up("a:f")
    assert not isinstance(written.look_up("a:f.x"), type(None))


def test_a_circle_of_packages_is_found_through(written):
    """Half imported packages give their submodules, as they do when they run."""
    written(
        {
            "pkg/__init__.py": "from . import a\nfrom .a import *\nfrom .b import g",
            "pkg/a.py": "from . import b\nfrom pkg import *\ndef f(x): ...",
            "pkg/b.py": "from . import a\nfrom .a import f\ng = a.f\n",
        }
    )

    assert written.defined("pkg:f").defined_as == Target("pkg.a", "f")
    assert written.defined("pkg:g").defined_as == Target("pkg.a", "f")
    assert written.defined("pkg:a.b.g").defined_as == Target("pkg.a", "f")
    assert isinstance(written.look_up("pkg:nothing"), Missing)


def test_a_long_chain_of_modules(written):
    """Longer than the interpreter could recurse: no answer, no crash."""
    files = {f"m{at}.py": f"from m{at + 1} import f" for at in range(600)}
    written({**files, "m600.py": "def f(): ..."})

    assert written.look_up("m595:f").kind == "function"
    assert isinstance(written.look_up("m0:f"), Dynamic)


def test_many_ways_to_one_module_are_walked_once(written):
    """Star imports that branch at every level would take 2 to the 40th steps otherwise."""
    for at in range(40):
        written({f"a{at}.py": f"from a{at + 1} import *\nfrom b{at + 1} import *\n"})
        written({f"b{at}.py": f"from a{at + 1} import *\nfrom b{at + 1} import *\n"})
    written({"a40.py": "", "b40.py": ""})

    assert isinstance(written.look_up("a0:f"), Missing)


@pytest.mark.parametrize(
    "source",
    [
        "from torch import f",
        "from torch.nn import f",
        "import torch as f",
        "from ... import f",
        "from torch import *",
        "from math import f",
        "def __getattr__(name): ...",
        "__getattr__, __dir__ = attach()",
        "globals()['f'] = 3",
        "def g():\n    globals().update(x=1)",
        "for n in x:\n    setattr(m, n, 1)",
        "import sys\nsetattr(sys.modules[__name__], 'f', 1)",
        "import sys\ndef g(): sys.modules[__name__] = 1",
        "exec(source)",
        "IntEnum._convert_('E', __name__, bool)",
        "def g(): exec(source, globals())",
        "inject(globals())",
        "lib.inject(globals())",
        "vars().update(x)",
        "def load():\n    global f\n    f = 3",
    ],
)
def test_names_that_may_be_there_are_left_open(written, source):
    """Only an import tells."""
    written({"m.py": source})

    assert isinstance(written.look_up("m:f"), Dynamic)


@pytest.mark.parametrize(
    "source",
    [
        "x = globals()['y']",
        "x = globals().get('y')",
        "def g(o): setattr(o, 'f', 1)",
        "def g(): exec(source, {})",
        "def g(): return locals()",
        "def g(): return t.format(locals())",
        "x = 'exec setattr globals() vars()'",
        "class C:\n    def __getattr__(self, name): ...",
        "import sys\nx = sys.modules[__name__]",
        "from near import *",
        "import os.path",
        "from near import g as f_other",
    ],
)
def test_names_that_cannot_be_there_are_missing(written, source):
    """Reading a namespace adds nothing to it."""
    written({"m.py": source, "near.py": "def g(): ..."})

    assert isinstance(written.look_up("m:f"), Missing)


def test_what_is_defined_is_told_of_even_in_a_dynamic_module(written):
    """Doubt is for names that no line binds."""
    written({"m.py": "def f(a): ...\ndef __getattr__(name): ...\nexec(x)\n"})

    assert written.names("m:f") == ["a"]


def test_lazy_packages_are_read_from_their_lines_for_type_checkers(written):
    """`if TYPE_CHECKING` says what `__getattr__` will give."""
    written(
        {
            "pkg/__init__.py": """
                from typing import TYPE_CHECKING
                if TYPE_CHECKING:
                    from .main import f
                    from .other import *
                def __getattr__(name): ...
            """,
            "pkg/main.py": "def f(a): ...",
            "pkg/other.py": "def g(b): ...",
        }
    )

    assert written.names("pkg:f") == ["a"]
    assert written.names("pkg:g") == ["b"]


def test_a_function_of_the_module_stands_before_one_that_it_may_import(written):
    """An optional import in a branch makes no re-export of the target."""
    written(
        {
            "m.py": "def f(a): ...\ntry:\n    from near import f\nexcept ImportError: pass\n",
            "near.py": "def f(a): ...",
        }
    )

    found = written.defined("m:f")
    assert (found.file, found.defined_as) == ("m.py", None)


def test_a_compiled_module_of_a_package_that_is_being_imported_is_there(written, tmp_path):
    """`from . import fast` in the package itself goes in a circle, and ends at the file."""
    written({"pkg/__init__.py": "from . import fast\n"})
    (tmp_path / "pkg" / "fast.pyd").write_bytes(b"")

    assert isinstance(written.look_up("pkg:fast"), Dynamic)


SHOP = {
    "shop.py": """
        import pandas
        from other import Reader, fetch
        class Model:
            def load(self): ...
            def predict(self): ...
            def __secret(self): ...
        class Session: ...
        def score(): ...
    """,
    "other.py": "",
}


@pytest.mark.parametrize(
    ("target", "close", "close_class"),
    [
        ("shop:scor", "score", ""),
        ("shop:SCORE", "score", ""),
        ("shop:Model.laod", "Model.load", ""),
        ("shop:Modle.load", "Model.load", ""),
        ("shop:predict", "Model.predict", ""),
        ("shop:fetchh", "fetch", "fetch"),
        ("shop:Sesion", "", "Session"),
        ("shop:qqq", "", ""),
    ],
)
def test_the_closest_name_of_the_module_is_told(written, target, close, close_class):
    """Of functions and classes."""
    found = written(SHOP).look_up(target)

    assert (found.close, found.close_class) == (close, close_class)


def test_a_private_method_has_the_name_of_its_class_put_before_it(written):
    """Python calls `__secret` of `Model` by `_Model__secret`."""
    written({**SHOP, "sub.py": "from shop import Model\nclass Sub(Model): ..."})

    for target in ("shop:Model.__secret", "shop:Model._Model__secret", "sub:Sub._Model__secret"):
        assert written.defined(target).line == 7


def test_a_class_that_a_branch_replaces_may_have_more(written):
    """Which one there is, only an import tells."""
    written(
        {
            "m.py": """
                try:
                    from colours import Colour
                except ImportError:
                    class Colour:
                        def name(self): ...
            """
        }
    )

    assert isinstance(written.look_up("m:Colour.mix"), Dynamic)
    assert written.defined("m:Colour.name").line == 6


def test_what_is_set_on_a_function_is_its_member(written):
    """What else it may have is not in the source."""
    written({"m.py": "def f(): ...\nf.x = 3\n"})

    assert written.defined("m:f.x").constant
    assert isinstance(written.look_up("m:f.y"), Dynamic)
    assert isinstance(written.look_up("m:C.<locals>.g"), Missing)
