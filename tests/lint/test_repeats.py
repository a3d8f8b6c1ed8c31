"""Retries of what writes, of what retries already, and in async code."""

from __future__ import annotations

import pytest


def of(name):
    return f"policies:\n  'shop:{name}': {{retry: 3}}\n"


@pytest.mark.parametrize(
    "name",
    ["write_row", "insertMany", "post_order", "charge", "charge_card", "send", "create_user",
     "update_stock", "delete_user", "publish", "SendMail"],
)  # fmt: skip
def test_a_name_that_says_that_it_writes(codes, name):
    source = f"def {name}(x): ..."

    assert codes(of(name), shop=source) == ["MP607"]
    assert (
        codes(f"policies:\n  'shop:{name}': {{retry: {{idempotent: true}}}}\n", shop=source) == []
    )


@pytest.mark.parametrize(
    "name",
    ["fetch", "get_updates", "writer", "posts", "postprocess", "post_process", "create_client",
     "sender_of", "ordered", "recreate", "booking", "book", "order", "created_at", "charges",
     "load_deleted", "create_embedding", "updated"],
)  # fmt: skip
def test_a_name_that_only_looks_like_it(codes, name):
    assert codes(of(name), shop=f"def {name}(x): ...") == []


@pytest.mark.parametrize(
    ("decorator", "name", "expected"),
    [
        ("@app.post('/orders')", "take", ["MP607"]),
        ("@app.route('/orders', methods=['POST'])", "take", ["MP607"]),
        ("@app.get('/orders')", "take", []),
        ("@app.route('/orders')", "take", []),
        ("@app.route('/orders', methods=['GET', 'POST'])", "take", []),
        ("@app.post('/predict')", "predict_all", []),
        ("@hooks.post('orders')", "take", []),
    ],
)
def test_a_route(codes, decorator, name, expected):
    source = f"from web import app, hooks\n{decorator}\ndef {name}(x): ..."

    assert codes(of(name), shop=source) == expected


TWO = "policies:\n  'shop:a': {retry: 3}\n  'shop:b': {retry: 4}\n"


def test_attempts_multiply_through_a_call(findings):
    [one] = findings(TWO, shop="def b(x): ...\ndef a(x): return b(x)")

    assert (one.code, one.severity, one.span.line) == ("MP609", "warning", 3)
    assert "3x4=12 calls" in one.message


@pytest.mark.parametrize(
    "source",
    [
        "def b(x): ...\ndef a(x): return 1",
        "def b(x): ...\ndef a(x, b): return b(x)",
        "def b(x): ...\ndef a(x):\n b = x.b\n return b()",
        "def b(x): ...\ndef a(x): return lambda: b(x)",
        "def b(x): ...\ndef a(x): return x.b()",
    ],
)
def test_attempts_do_not_multiply_without_a_call(codes, source):
    assert codes(TWO, shop=source) == []


@pytest.mark.parametrize("rule", ["{retry_on: [KeyError]}", "{mode: disabled}", "1"])
def test_attempts_do_not_multiply_where_errors_differ_or_nothing_is_retried(codes, rule):
    policy = f"policies:\n  'shop:a': {{retry: 3}}\n  'shop:b': {{retry: {rule}}}\n"

    assert codes(policy, shop="def b(x): ...\ndef a(x): return b(x)") == []


def test_attempts_multiply_through_methods_and_imports(findings):
    policy = (
        "policies:\n  'shop:C.a': {retry: 3}\n  'shop:C.b': {retry: 2}\n  'bank:c': {retry: 5}\n"
    )
    source = """
        from bank import c
        class C:
            def a(self): return self.b()
            def b(self): return c()
    """

    found = findings(policy, shop=source, bank="def c(): ...")

    assert [one.message.partition(": ")[2] for one in found] == ["3x2=6 calls", "2x5=10 calls"]


# --- decorators -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decorated", "words"),
    [
        ("import tenacity\n@tenacity.retry(stop=tenacity.stop_after_attempt(4))", "3x4=12 calls"),
        ("from tenacity import *\nimport tenacity as t\n@t.retry", "attempts multiply"),
        ("import backoff\n@backoff.on_exception(backoff.expo, OSError, max_tries=5)", "3x5=15"),
        ("from stamina import retry\n@retry(on=OSError)", "3x10=30"),
        ("import stamina\nN = 4\n@stamina.retry(on=OSError, attempts=N)", "attempts multiply"),
    ],
)
def test_a_decorator_that_retries_too(findings, decorated, words):
    [one] = findings(of("f"), shop=f"{decorated}\ndef f(x): ...")

    assert one.code == "MP311" and words in one.message


@pytest.mark.parametrize(
    ("rule", "decorated", "expected"),
    [
        ("cache: 30s", "import functools\n@functools.lru_cache(maxsize=3)", ["MP311"]),
        ("cache: 30s", "from cachetools import cached\n@cached({})", ["MP311"]),
        ("retry: 3", "import functools\n@functools.cache", []),
        ("cache: 30s", "import tenacity\n@tenacity.retry", []),
        ("monitor: true", "import tenacity\n@tenacity.retry", []),
        ("retry: 1", "import tenacity\n@tenacity.retry", []),
        ("retry: 3", "def retry(f): return f\n@retry", []),
        ("retry: 3", "from ours import retry\n@retry", []),
    ],
)
def test_only_a_decorator_that_does_the_same(on, rule, decorated, expected):
    assert on(rule, f"{decorated}\ndef f(x): ...") == expected


def test_a_call_that_wraps_counts_as_a_decorator(on):
    assert on("cache: 30s", "import functools\ndef f(x): ...\nf = functools.cache(f)") == ["MP311"]
