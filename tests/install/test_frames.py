"""Functions that look at frames above their own are found, by what they call too."""

from __future__ import annotations

import warnings

import pytest

import mlpolicy

TEXT = """
    import inspect
    import sys
    import warnings
    from helping import deprecated

    def direct():
        warnings.warn("old", DeprecationWarning, stacklevel=2)

    def by_place():
        warnings.warn("old", DeprecationWarning, 2)

    def of_itself():
        warnings.warn("odd", UserWarning, stacklevel=1)

    def _tell():
        warnings.warn("old", DeprecationWarning, stacklevel=3)

    def _tell_far():
        _tell_farther()

    def _tell_farther():
        warnings.warn("old", DeprecationWarning, stacklevel=4)

    def _tell_me():
        warnings.warn("old", DeprecationWarning, stacklevel=2)

    def told():
        _tell()

    def told_far():
        _tell_far()

    def told_itself():
        _tell_me()

    def of_a_helper(name=None):
        deprecated("name", name)

    def named():
        look = getattr(sys, "_getframe", None)
        return look(1).f_code.co_name

    class Hook:
        def _verify(self):
            warnings.warn("lacks an argument", stacklevel=3)

        def call(self):
            self._verify()

        def plain(self):
            return 1

    class Sub(Hook):
        def other(self):
            return self.plain()

    def circle():
        return circle_back()

    def circle_back():
        return circle()

    class Lazy:
        @property
        def __class__(self):
            raise RuntimeError("made too early")

    lazy = Lazy()

    def uses_lazy():
        return lazy

    def plain():
        return 1
"""
HELPER = """
import warnings

def deprecated(what, value):
    warnings.warn(f"{what} is deprecated", DeprecationWarning, stacklevel=3)
"""
SEEN = ("direct", "by_place", "told", "told_far", "named", "Hook.call")
NOT_SEEN = ("of_itself", "told_itself", "Hook.plain", "Sub.other", "circle", "circle_back")


@pytest.fixture
def module(service, request):
    service.write("helping", HELPER)
    policy = "{all: {match: ['svc:*', 'svc:*.*'], monitor: {log: false}}}"
    return service.start(request.param, "svc", TEXT, policy)


@pytest.mark.parametrize("module", ["early", "late"], indirect=True)
def test_a_pattern_passes_over_what_would_see_the_driver(service, module):
    """A helper that looks past its caller makes the caller one that looks."""
    states = {name.partition(":")[2]: state for name, state in service.states().items()}

    assert {name for name, state in states.items() if state == "skipped"} == set(SEEN)
    assert {states[name] for name in (*NOT_SEEN, "plain", "uses_lazy")} == {"applied"}


@pytest.mark.parametrize("module", ["late"], indirect=True)
def test_warnings_are_given_for_the_line_that_they_were_given_for(module):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        module.told()
        module.told_far()
        module.Hook().call()
        module.told_itself()

    files = [one.filename == __file__ for one in caught]
    assert files == [True, True, True, False]
    assert module.named() == "test_warnings_are_given_for_the_line_that_they_were_given_for"


def test_a_helper_of_the_same_package_counts_and_one_of_another_does_not(service):
    """Libraries warn for their own callers at their own depth, which says nothing of ours."""
    service.write("pack.__init__", "")
    service.write("pack.helping", HELPER)
    service.write("helping", HELPER)
    service.write(
        "pack.own", "from pack.helping import deprecated\ndef f():\n    deprecated('a', 1)\n"
    )
    service.write("pack.far", "from helping import deprecated\ndef f():\n    deprecated('a', 1)\n")
    mlpolicy.install(policy=service.policy("{all: {match: 'pack.**:*', monitor: {log: false}}}"))
    import pack.far
    import pack.own  # noqa: F401

    states = service.states()

    assert (states["pack.own:f"], states["pack.far:f"]) == ("skipped", "applied")


def test_an_exact_target_that_would_see_the_driver_is_placed_and_says_so(service, caplog):
    service.write("helping", HELPER)
    module = service.start("late", "svc", TEXT, "{'svc:told': {monitor: {log: false}}}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module.told()

    assert service.calls("svc:told") == 1
    assert "looks at its caller" in caplog.text
