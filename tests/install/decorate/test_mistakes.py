"""A mistake is a PolicyError where the decorator stands, in our words."""

from __future__ import annotations

import inspect

import pytest

import mlpolicy
from mlpolicy import PolicyError, cache_result, memory_guard, monitor, retry, validate_input


def numbers():
    yield 1


class Odd:
    """Is nothing that a setting could be, and shows what nobody may see."""

    def __repr__(self):
        return "hunter2"


MISTAKES = [
    (lambda: retry(max_atempts=3), "MP005", "`@retry`", "did you mean `max_attempts`?"),
    (lambda: retry(max_retries=3, max_attempts=2), "MP005", "say the same", ""),
    (lambda: retry(exceptions=int), "MP603", "`retry_on`: `int` is not an exception", ""),
    (lambda: retry(exceptions=ValueError()), "MP010", "not its class", "`ValueError`?"),
    (lambda: retry(retry_on=KeyboardInterrupt), "MP605", "is never retried", ""),
    (lambda: retry(retry_on=["Conection"]), "MP603", "", "did you mean `ConnectionError`?"),
    (lambda: retry(retry_on=503), "MP010", "", "http:503"),
    (lambda: retry(max_attempts="three"), "MP010", "`max_attempts`: expected a whole", ""),
    (lambda: retry(max_retries="3"), "MP010", "`max_attempts`: expected a whole", "`3`"),
    (lambda: retry(jitter="ful"), "MP010", "", "did you mean `full`?"),
    (lambda: retry(initial_delay=-1), "MP010", "expected a length of time", ""),
    (lambda: retry(initial_delay=float("nan")), "MP010", "expected a length of time", ""),
    (lambda: retry(initial_delay=Odd()), "MP010", "Odd", ""),
    (lambda: retry(on_result=Odd()), "MP010", "Odd", ""),
    (lambda: retry(retry_after={"maxx": 3}), "MP005", "`retry_after` of `@retry`", "`max`?"),
    (lambda: retry(initial_delay=9, max_delay=1)(len), "MP602", "initial_delay", ""),
    (lambda: retry(mode="shadw"), "MP010", "`mode`", "did you mean `shadow`?"),
    (lambda: retry(3), "MP320", "found `3`", "`max_attempts=...`"),
    (lambda: cache_result(30), "MP320", "found `30`", "`ttl=...`"),
    (lambda: validate_input({"x": int}), "MP320", "found a mapping", "by name"),
    (lambda: retry(expires="soon"), "MP010", "`expires`", ""),
    (lambda: retry(retry(lambda: 1)), "MP401", "has one already, at", "keep one"),
    (lambda: retry(Odd), "MP320", "a class", "`__init__`"),
    (lambda: retry(property(len)), "MP320", "property", "below `@property`"),
    (lambda: cache_result(lambda x: x), "MP011", "needs `ttl`", ""),
    (lambda: cache_result(ttl=0), "MP010", "keeps nothing", ""),
    (lambda: cache_result(ttl=3, key=["usr"])(lambda user: 1), "MP702", "", "`user`?"),
    (lambda: cache_result(ttl=3)(numbers), "MP304", "is a generator", ""),
    (lambda: cache_result(ttl=3, max_entries=-2), "MP010", "`max_entries`", ""),
    (lambda: memory_guard(threshold=85), "MP101", "`act_at`: `85`", "did you mean `85%`?"),
    (lambda: memory_guard(relieve="gcc"), "MP010", "`relieve`", "did you mean `gc`?"),
    (lambda: monitor(log={"inputs": "summry"}), "MP010", "`log.inputs`", "`summary`?"),
    (lambda: monitor(sinks=["promtheus"]), "MP130", "", "did you mean `prometheus`?"),
    (lambda: validate_input(lambda x: x), "MP011", "no annotation", ""),
    (lambda: validate_input(lambda x: x, y=1), "MP202", "no parameter `y`; there are x", ""),
    (lambda: validate_input(featurs=int)(lambda features: 1), "MP202", "", "`features`?"),
    (lambda: validate_input(x=int, on_fial="warn")(lambda x: 1), "MP202", "", "`on_fail`?"),
    (lambda: validate_input(x={"ndims": 2})(lambda x: 1), "MP005", "`args.x`", "`ndim`?"),
    (lambda: validate_input(x={"dtype": "float3"})(lambda x: 1), "MP204", "", "`float32`?"),
    (lambda: validate_input(x={"dtype": dict})(lambda x: 1), "MP204", "`dict` is no dtype", ""),
    (lambda: validate_input(x={"model": int})(lambda x: 1), "MP208", "`args.x.model`", "type"),
    (lambda: validate_input(x={"range": (5, 1)})(lambda x: 1), "MP201", "", "[1, 5]"),
    (lambda: validate_input(x={"ge": 1, "min": 2})(lambda x: 1), "MP005", "say the same", ""),
    (lambda: validate_input(x={"gt": 1})(lambda x: 1), "MP005", "`gt`", "both of its ends"),
    (lambda: validate_input(x=5)(lambda x: 1), "MP010", "`args.x`: expected a class", ""),
    (lambda: validate_input(x=int, args={"x": int})(lambda x: 1), "MP010", "twice", ""),
    (lambda: validate_input(x="intt")(lambda x: 1), "MP010", "", "did you mean `int`?"),
]


@pytest.mark.parametrize(("make", "code", "said", "help"), MISTAKES)
def test_a_mistake_is_told_where_the_decorator_stands(make, code, said, help):
    """One finding, with what was meant, at the file and line; no value is shown by its `repr`."""
    with pytest.raises(PolicyError) as caught:
        make()

    [found] = caught.value.diagnostics
    assert (found.code, found.severity) == (code, "error")
    assert said in found.message
    assert help in found.message + found.help
    assert found.span.place == f"{__file__}:{make.__code__.co_firstlineno}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "hunter2" not in str(caught.value) and "Input should" not in str(caught.value)


def test_every_mistake_is_told_at_once():
    with pytest.raises(PolicyError) as caught:
        retry(max_attempts="x", jitter="y", multiplier=None)

    assert len(caught.value.diagnostics) == 3


def test_the_line_is_that_of_the_decorator_and_not_of_the_function():
    first = inspect.currentframe().f_lineno

    @mlpolicy.monitor
    @retry(
        max_attempts=2,
    )
    @cache_result(ttl=30)
    def work():
        return 1

    plan = mlpolicy.plan(work)
    lines = {rule.kind: rule.source.line - first for rule in plan.rules}
    assert lines == {"monitor": 2, "retry": 3, "cache": 6}
    assert {span.place for span in plan.sources} == {f"{__file__}:{first + 2}"}


def test_a_decorator_that_is_wrong_leaves_the_function_as_it_was():
    @retry(max_attempts=2)
    def work(x):
        return x

    code = work.__code__
    with pytest.raises(PolicyError):
        cache_result(ttl=3, key="y")(work)

    assert work.__code__ is code
    assert [rule.kind for rule in mlpolicy.plan(work).rules] == ["retry"]


def test_an_annotation_that_cannot_be_read_is_told():
    def work(x: "Later"):  # noqa: F821
        return x

    with pytest.raises(PolicyError, match="annotation `'?Later'?` of `x` cannot be read here"):
        validate_input(work)


def test_what_is_doubtful_is_logged_once(caplog):
    """A warning of a rule is none of an error."""
    from mlpolicy.core.report import forget

    forget()

    retry(max_attempts=50)(lambda: 1)

    [record] = [one for one in caplog.records if "MP609" in one.message]
    assert f"{__file__}:" in record.message
