"""Function paths and patterns."""

from __future__ import annotations

import pytest

from mlpolicy.core.target import Glob, Target, TargetError


@pytest.mark.parametrize(
    "text", ["mypkg:f", "a.b.c:Class.method", "m:outer.<locals>.inner", "π.ü:naïve", "__main__:f"]
)
def test_a_target_prints_as_it_was_written(text):
    """Reading and printing are each other's inverse."""
    assert str(Target.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mypkg.serve.predict", "did you mean `mypkg.serve:predict`"),
        ("predict", "names no function"),
        ("my-pkg:f", "names no function"),
        ("mypkg:f()", "names no function"),
        ("mypkg:", "names no function"),
        (":f", "names no function"),
        ("mypkg:<lambda>", "names no function"),
    ],
)
def test_what_is_no_target_is_refused(text, words):
    """The message says what to write."""
    with pytest.raises(TargetError, match=words.replace("(", r"\(")):
        Target.parse(text)


@pytest.mark.parametrize(
    ("glob", "target", "matches"),
    [
        ("pkg:*", "pkg:f", True),
        ("pkg:*", "pkg:A.f", False),
        ("pkg:*.*", "pkg:A.f", True),
        ("pkg:*.*", "pkg:f", False),
        ("pkg:A.*", "pkg:A.f", True),
        ("pkg:A.*", "pkg:B.f", False),
        ("pkg:*", "pkg.sub:f", False),
        ("pkg.**:*", "pkg:f", True),
        ("pkg.**:*", "pkg.a.b:f", True),
        ("pkg.**:*", "pkgs.a:f", False),
        ("pkg.*:*", "pkg.a:f", True),
        ("pkg.*:*", "pkg.a.b:f", False),
        ("pkg.**.clients:fetch_*", "pkg.a.b.clients:fetch_one", True),
        ("pkg.**.clients:fetch_*", "pkg.clients:fetch_one", True),
        ("pkg.**.clients:fetch_*", "pkg.clients:get_one", False),
        ("pkg.v*:f", "pkg.v2:f", True),
    ],
)
def test_a_pattern_matches_within_components(glob, target, matches):
    """`*` stays inside one component, `**` takes any number of module components."""
    assert Glob.parse(glob).matches(Target.parse(target)) is matches


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("*.serve:*", "begin with the name of a package"),
        ("**:*", "begin with the name of a package"),
        ("pkg.*", "names no function"),
        ("pkg.a**:f", "between dots"),
        ("pkg:**", "one component"),
        ("pkg:f-*", "no pattern of functions"),
    ],
)
def test_what_is_no_pattern_is_refused(text, words):
    """The message says what is wrong with it."""
    with pytest.raises(TargetError, match=words.replace("*", r"\*")):
        Glob.parse(text)


def test_the_more_literal_pattern_is_the_more_specific():
    """Components without a wildcard count first, then characters."""
    broad, middle, narrow = (Glob.parse(t) for t in ("pkg.**:*", "pkg.a:*", "pkg.a:fetch_*"))

    assert broad.literal < middle.literal < narrow.literal


@pytest.mark.parametrize(
    ("glob", "target"),
    [
        ("a" + ".**" * 60 + ":f", "a" + ".a" * 60 + ":g"),
        ("a" + ".**.*a" * 60 + ":f", "a" + ".ba" * 3000 + ".b:f"),
        ("a:" + "*a" * 60 + "b*", "a:" + "a" * 3000),
    ],
)
def test_a_pattern_of_many_wildcards_is_answered_at_once(glob, target):
    """It would take for ever if every wildcard were tried with every length."""
    assert not Glob.parse(glob).matches(Target.parse(target))


@pytest.mark.parametrize(
    ("glob", "target"),
    [
        ("a.**.b.**.c:f", "a.b.b.c.c:f"),
        ("a.**.*b.c*.**:*a*b*c", "a.x.bb.cd.e:xaxxbxbc"),
        ("a.**.**.b:*f*", "a.b:f"),
        ("a.*b*b:f", "a.bb:f"),
    ],
)
def test_between_wildcards_the_first_place_will_do(glob, target):
    assert Glob.parse(glob).matches(Target.parse(target))
