"""How long a search can take: what may take too long is refused, what is of use every day is not."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from itertools import product

import pytest
from pydantic import ValidationError

from mlpolicy.core.backtracking import longest, too_slow, unusable
from mlpolicy.rules.validate.checker import checker
from mlpolicy.rules.validate.lines import Lines
from mlpolicy.rules.validate.look import Look
from mlpolicy.rules.validate.rule import Spec

CLASSES = (("a", "a"), ("[a-z]", "a"), (r"\w", "a"), (r"\d", "1"), (r"\s", " "), (".", "a"))
STAR_OF_STAR = ("({0}+)+$", "({0}*)*$", "^({0}+)+!", "(?:{0}+)*?!", "(({0}+))+$", "^({0}+{0}+)+!",
                "({0}{{1,9}}-?){{1,30}}$", "^(?:{0}+-?)*$", "(?={0}*({0}+)+!)", "(?i)^({0}+)+$")  # fmt: skip
ALTERNATIVES = ("({0}|{0}{0})+$", "^(?:{0}|{0}b?)*!", "({0}{0}?|{0})+!", "^(|{0}|{0}{0})+$")
ADJACENT = (
    "{0}*{0}*{0}*!",
    "^{0}+{0}+{0}+{0}+$",
    "{0}+{0}*$",
    "^{0}*{0}*$",
    "{0}+!",
    "^.*{0}.*{0}.*!",
)
COUNTED = ("^({0}{{1,20}}){{1,20}}$", "({0}?){{30}}{0}{{30}}", "({0}{{0,9}}){{9}}!", "(.*{0}){{20}}!",
           "^({0}{{1,64}}){{2,64}}!", "({0}{{1000}}){{1000}}")  # fmt: skip
OPTIONAL = ("^({0}*,?{0}*)*$", "({0}*,{0}*)*!", "^({0}+,?)+!", "^(-?{0}+)+$")
BACK = (r"({0}+)\1+$", r"^({0}*){0}*\1$", r"(?:({0})\1?)+!")
FINE = ("^(?>{0}+)+$", "^({0}++)+!", "^{0}*+$", "^(?:{0}++-)*$", "^{0}{{3}}-{0}{{4}}$")
FAMILIES = {
    "star of star": STAR_OF_STAR,
    "alternatives": ALTERNATIVES,
    "adjacent": ADJACENT,
    "counted": COUNTED,
    "optional": OPTIONAL,
    "back": BACK,
    "fine": FINE,
}
PATTERNS = [
    (family, form.format(read), char)
    for family, forms in FAMILIES.items()
    for form, (read, char) in product(forms, CLASSES)
]
KNOWN = [
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a"), (r"(.*?,){11}P", ","), (r"(x+x+)+y", "x"),
    (r"(?:.*)*foo", "a"), (r"^(\w+\s?)*$", "a "), (r"(\w{1,10}\s?){1,10}$", "a"), (r"(\s*,\s*)*!", " "),
    (r"^(([^,]*)(,|$))*!", ","), (r"([a-zA-Z]+)*$", "a"), (r"^(0|[1-9]\d*|\d*[a-z]\d*)*$", "1"),
    (r"\s+$", " "), (r"<.*>.*</.*>", "<"), (r"(?:(?:a?b?)*)*c", "ab"), (r"^(\d+\.?)+$", "1"),
    (r"(?<!x)(?:a|a)+$", "a"), (r"^([\w-]+\.?)+@", "a"), (r"(?s)/\*.*\*/.*;.*!", "/*"), (r".*.*=.*", "="),
    (r"(?:a|(?i:A))+$", "a"), (r"(?:[а-я]|[^\W\d]{1,2})+$", "ж"), (r"(?m)^(?:a*\n?)*!$", "a"),
]  # fmt: skip
GOOD = r"""
^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$
(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$
^[^@\s]+@[^@\s]+\.[^@\s]+$
^[\w.+-]+@[\w-]+\.[\w.-]+$
^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$
^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$
^\d{4}-\d{2}-\d{2}$
^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$
^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$
^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?$
^P(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?$
^[a-z0-9]+(?:-[a-z0-9]+)*$
^[a-z0-9]+(?:[-_][a-z0-9]+)*$
^[a-z][a-z0-9_]{0,62}$
^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$
^v?\d+\.\d+\.\d+$
^((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)$
^(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)$
^\d{1,3}(\.\d{1,3}){3}(/\d{1,2})?$
^(?:[A-Fa-f0-9]{1,4}:){7}[A-Fa-f0-9]{1,4}$
^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$
^https?://[^\s/$.?#].[^\s]*$
^https?://[\w.-]+(?::\d+)?(?:/[\w./%-]*)?(?:\?[\w=&%.-]*)?(?:#\w*)?$
^(https?|ftp)://[^\s]+$
^(?:https?://)?(?:www\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/\S*)?$
^s3://[a-z0-9.-]{3,63}/.+$
^gs://[^/]+/.*$
^\+[1-9]\d{1,14}$
^\+?\d{1,3}[\s-]?\(?\d{2,4}\)?[\s-]?\d{3,4}[\s-]?\d{3,4}$
^\(?\d{3}\)?[-. ]?\d{3}[-. ]?\d{4}$
^\$(?:\.[A-Za-z_]\w*|\[\d+\]|\[\*\])*$
^\$(\.\w+|\['[^']+'\])+$
^/(?:[^/]+/)*[^/]*$
^(?:/[\w.-]+)+/?$
^[\w.-]+/[\w.-]+(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?$
^[0-9a-f]{40}$
^[0-9a-f]{64}$
^[0-9a-f]{128}$
^sha256:[0-9a-f]{64}$
^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$
^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$
^#(?:[0-9a-fA-F]{3}){1,2}$
^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$
^[A-Z]{3}$
^[a-z]{2}(?:-[A-Z]{2})?$
^[a-zA-Z]{2,3}(?:[-_][a-zA-Z0-9]{2,8})*$
^\d{5}(?:-\d{4})?$
^(?:\d{4}[ -]?){3}\d{4}$
^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|3[47]\d{13})$
^-?\d+(?:\.\d+)?$
^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$
^\d{1,3}(?:,\d{3})*(?:\.\d\d)?$
^(?:true|false|yes|no)$
^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)$
^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[^\w\s]).{12,128}$
^(?!.*--)[a-z0-9-]{1,63}$
^(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*$
^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$
^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$
^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$
^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$
^arn:aws:[a-z0-9-]+:[a-z0-9-]*:\d{12}:\S+$
^(?:\w+(?:,\s*\w+)*)?$
^\s*\w+(?:\s*,\s*\w+)*\s*$
^[\w ]+$
^\S+( \S+)*$
^[\w\-.]{1,128}$
^u_
^user-\d+$
\S
^\s*\S
\d+
^[^\x00-\x1f]*$
^.{1,2000}$
^[A-Z][a-z]+(?: [A-Z][a-z]+)*$
^(?:mon|tue|wed|thu|fri|sat|sun)(?:,(?:mon|tue|wed|thu|fri|sat|sun))*$
\.(?:jpe?g|png|gif|webp)$
(?i)\.(?:jpe?g|png|gif|webp)$
^data:image/(?:png|jpeg);base64,[A-Za-z0-9+/]+={0,2}$
^model-(?:small|large)-v\d+(?:\.\d+)*$
^[^<>]*$
^<[a-z]+(?:\s+[a-z-]+="[^"]*")*\s*/?>$
^(["']).*\1$
^\{.*\}$
^key=[^;]+(?:;key=[^;]+)*$
^[\w.-]+(?:\[[\w,\s-]+\])?(?:[<>=!~]=?[\w.*]+)?$
^\d+(?:ms|s|m|h|d)$
^(?:\d+h)?(?:\d+m)?(?:\d+s)?$
^(?:\*|\d+)(?:/\d+)?(?: (?:\*|\d+)(?:/\d+)?){4}$
^\w+@
@example\.com$
^[a-f0-9]{24}$
^(.+)/([^/]+)$
^(\w+)\s(\w+)\s(\w+)$
error|failed|denied
\bpassword\b
(?i)\b(?:select|insert|update|delete)\b
^(?>[a-z]+)\d$
^[a-z]++\d*+$
^\s+|\s+$
^[\u0400-\u04ff\s-]+$
^[\w'’ -]+$
^[^\W\d_]+(?:[ '-][^\W\d_]+)*$
"""


def spent(cases: list[tuple[str, str]]) -> list[float]:
    """Return the seconds of a search for each pattern in a text, the best of three, in a child."""
    code = """
import json, re, sys, time
def once(pattern, text):
    start = time.process_time()
    pattern.search(text)
    return time.process_time() - start
cases = json.load(sys.stdin)
print(json.dumps([min(once(re.compile(p), t) for _ in range(3)) for p, t in cases]))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(cases), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found: list[float] = json.loads(ran.stdout)
    return found


def test_no_pattern_that_is_taken_is_searched_for_long():
    """What is not refused is done within the time that is promised, in the worst text it may meet."""
    cases = [(pattern, char) for _, pattern, char in PATTERNS] + KNOWN
    taken = [
        (pattern, (char * 4096)[: int(min(longest(pattern), 4096)) - len(end)] + end)
        for pattern, char in cases
        if not too_slow(pattern, None)
        for end in ("", "\n\n")
    ]
    calibration = (r"\s+x", " " * 4096)  # (15 ms where nothing else runs)

    unit, *each = spent([calibration, *taken])

    limit = 0.05 * max(1, unit / 0.015)
    slow = [(pattern, one) for (pattern, _), one in zip(taken, each, strict=True) if one > limit]
    assert (len(cases) >= 200, slow) == (True, [])


@pytest.mark.parametrize("pattern", ["^a* *a* *a*!", "^(?:aaa*(?: )*){1,3}!", "^a*b?a*b{0,3}a*$"])
def test_a_repeat_that_may_turn_no_time_at_all_separates_nothing(pattern):
    """What stands before it and what stands after it read the same text."""
    assert longest(pattern) < 1024


@pytest.mark.parametrize("family", ["star of star", "alternatives", "counted", "optional"])
def test_what_can_be_read_in_exponentially_many_ways_is_refused(family):
    """No `max_len` makes such a pattern one that can be used."""
    taken = [
        pattern for own, pattern, _ in PATTERNS if own == family and not too_slow(pattern, 512)
    ]

    assert taken == []


def test_what_commits_to_its_first_way_is_taken():
    """Possessive and atomic repeats of a class, and turns that are told apart, are searched once."""
    assert {longest(pattern) for own, pattern, _ in PATTERNS if own == "fine"} == {math.inf}


@pytest.mark.parametrize("pattern", GOOD.split("\n")[1:-1])
def test_patterns_of_every_day_are_taken(pattern):
    """Identifiers, addresses, dates, numbers and paths need no `max_len`."""
    assert unusable(pattern) + too_slow(pattern, None) == ""


@pytest.mark.parametrize(
    ("pattern", "most", "refused"),
    [(r"^.*,.*,.*$", None, True), (r"^.*,.*,.*$", 300, True), (r"^.*,.*,.*$", 200, False),
     (r"\s+$", None, False), (r"\s+$", 2048, False), (r"\s+$", 5000, True), (r"^\w+$", 10**9, False),
     (r"^(a+)+$", 10, True)],
)  # fmt: skip
def test_a_bound_on_the_text_decides(pattern, most, refused):
    """A pattern whose time grows faster than its text is taken for texts that are short enough."""
    assert bool(too_slow(pattern, most)) is refused


def test_a_finding_says_how_long_a_text_may_be():
    """The remedy is a number, not a guess."""
    with pytest.raises(ValidationError) as caught:
        Spec.model_validate({"pattern": "^.*,.*,.*$", "max_len": 1000})

    [error] = caught.value.errors()
    assert (error["type"], error["ctx"]["at"]) == ("MP203", ("pattern",))
    assert "set `max_len: 256` or less" in error["msg"]


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("a" * 10**7, "10000000 characters"),
        ("(?i)" + "[\xff-\U0010ffff]" * 800, "wide ranges"),
        ("(?i)[" + "".join(f"\xff-{chr(0x10FFFF - one)}" for one in range(1000)) + "]", "wide ranges"),
        ("(?:" * 70 + "a" + ")b" * 70, ""),
        ("(a?" * 400 + ")" * 400, "no regular expression"),
        ("a{99999999999}", "no regular expression"),
        ("(a{1000}){1000}", ""),
    ],
)  # fmt: skip
def test_what_takes_long_to_compile_is_not_compiled(pattern, says):
    """Size, wide ranges and depth are looked at first."""
    assert says in unusable(pattern)
    assert bool(says) is bool(unusable(pattern))


@pytest.mark.parametrize("pattern", ["(a)" + r"(\1\1)" + "".join(rf"(\{n}\{n})" for n in range(2, 40)),
                                     "(?:" + "|".join(f"w{n}x" for n in range(400)) + ")*$",
                                     "(?:a|b?)" * 200, "a?" * 2000, "(?:|||)" * 60 + "$", "(?=a(?:||){40}$)",
                                     "^(?:a{100}|){50}!", "(a??|)" * 680,
                                     "(?i)" + "".join(f"[{chr(0x500 + 9 * n)}]" for n in range(1300))])  # fmt: skip
def test_what_cannot_be_judged_in_good_time_is_refused(pattern):
    """The graph of a pattern has a limit, and so has the time to look at it."""
    assert too_slow(pattern, None)


def failures(value, **spec):
    look = Look()
    checker(Spec.model_validate(spec), None).look(value, "x", look)
    return [f"{one.check}: {one}" for one in look.failures]


class Short(str):
    """A text that says it is shorter than it is."""

    __slots__ = ()

    def __len__(self) -> int:
        return 3


def test_a_text_is_measured_before_it_is_searched():
    """A longer one is refused unsearched, whoever set the length, and whatever the text says of it."""
    long = " " * 3000 + "x"

    assert failures(long, pattern=r"\s+$") == [
        "pattern: x is of length 3001, expected at most 2048 characters, or a `max_len` that allows more"
    ]
    assert failures(long, pattern=r"\s+$", max_len=100) == [
        "max_len: x is of length 3001, expected a length of at most 100"
    ]
    [said] = failures(Short(long), pattern=r"\s+$", max_len=100)
    assert said.startswith("pattern: x is of length 3001")


def test_a_text_of_any_length_is_searched_where_time_grows_with_it_alone():
    """A prompt may be long; the lines of such a pattern measure nothing."""
    model = checker(Spec.model_validate({"type": "str", "pattern": "^You are"}), None)

    assert model.passes("You are " + "x" * 10**6)
    assert "len" not in str(Lines(_Loom(), {}).condition(model, "value"))


def test_the_lines_measure_where_it_matters():
    """A text that is too long does not reach the search."""
    model = checker(Spec.model_validate({"type": "str", "pattern": r"\s+$"}), None)

    said = str(Lines(_Loom(), {}).condition(model, "value"))

    assert said.index("len(value) <= 2048") < said.index("search(value)")


class _Loom:
    """Names a constant by its hint."""

    def constant(self, hint, value):
        return hint
