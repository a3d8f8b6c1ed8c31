"""What else the source says of a function: tags, its code, and what can never be called."""

from __future__ import annotations

import pytest

from mlpolicy.core.target import Target


@pytest.mark.parametrize(
    ("source", "tags"),
    [
        ("import mlpolicy\n@mlpolicy.tag('a', 'b')\ndef f(): ...", ("a", "b")),
        ("from mlpolicy import tag\n@tag('a')\n@tag('b')\ndef f(): ...", ("b", "a")),
        ("from mlpolicy import tag as t\n@t('a')\nasync def f(): ...", ("a",)),
        ("import mlpolicy as m\nWORD = 'a'\n@m.tag(WORD, 'b')\ndef f(): ...", ("b",)),
        ("from other import tag\n@tag('a')\ndef f(): ...", ()),
        ("def tag(x): ...\n@tag('a')\ndef f(): ...", ()),
        ("def f(): ...", ()),
    ],
)
def test_tags(written, source, tags):
    assert written({"shop.py": source}).defined("shop:f").tags == tags


def test_tags_of_a_method(written):
    source = "import mlpolicy\nclass C:\n @staticmethod\n @mlpolicy.tag('a')\n def f(): ..."

    found = written({"shop.py": source}).defined("shop:C.f")

    assert (found.tags, found.decorators) == (("a",), ("staticmethod", "mlpolicy.tag"))


@pytest.mark.parametrize(
    ("value", "constant"),
    [("1", True), ("-1", True), ("'x'", True), ("[f]", True), ("{}", True), ("1 < 2", True),
     ("None", False), ("make()", False), ("other", False), ("a or b", False), ("x.y", False)],
)  # fmt: skip
def test_a_value_that_nobody_can_call(written, value, constant):
    assert written({"shop.py": f"f = {value}\n"}).defined("shop:f").constant is constant


def test_a_value_that_a_branch_may_replace_is_no_constant(written):
    source = "if x:\n f = 1\nelse:\n f = make()\n"

    assert not written({"shop.py": source}).defined("shop:f").constant


@pytest.mark.parametrize(
    ("source", "bases"),
    [
        ("class C: ...", ()),
        ("class C(OSError): ...", ("OSError",)),
        ("class B(ValueError): ...\nclass C(B, dict): ...", ("ValueError", "dict")),
        ("from elsewhere import B\nclass C(B): ...", None),
    ],
)
def test_the_builtin_bases_of_a_class(written, source, bases):
    assert written({"shop.py": source}).defined("shop:C").bases == bases


def test_the_functions_that_a_function_calls(written):
    source = """
        import bank
        from bank import pay as p
        class C:
            def f(self):
                self.g(); p(); bank.take(); print(); self.x.y()
                def inner(): bank.never()
            def g(self): ...
    """
    bank = "def pay(): ...\nasync def take(): ...\ndef never(): ..."

    found = written({"shop.py": source, "bank.py": bank}).defined("shop:C.f")

    assert {(str(called.home), called.kind) for called, _ in found.calls} == {
        ("shop:C.g", "function"),
        ("bank:pay", "function"),
        ("bank:take", "coroutine"),
    }


def test_a_module_is_parsed_once_for_all_that_is_asked(written, monkeypatch):
    from mlpolicy.source import tree

    parsed = []
    read = tree.read
    monkeypatch.setattr(tree, "read", lambda *given: parsed.append(given) or read(*given))
    source = "\n".join(f"def f{at}(x): return g(x)" for at in range(50)) + "\ndef g(x): ..."
    written({"shop.py": source})

    for at in range(50):
        assert len(list(written.source.look_up(Target("shop", f"f{at}")).calls)) == 1

    assert len(parsed) == 1
