"""Amounts with units."""

from __future__ import annotations

import random
from datetime import timedelta
from fractions import Fraction

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from pydantic import TypeAdapter

from mlpolicy.core.quantity import ByteSize, Count, Duration, QuantityError, Ratio


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("1m30s", 90.0),
        ("1.5h", 5400.0),
        ("20us", 2e-5),
        ("2d", 172800.0),
        ("0s", 0.0),
    ],
)
def test_a_duration_is_read_with_its_unit(text, seconds):
    """Every unit, and several together, give seconds."""
    assert Duration.of(text) == pytest.approx(seconds)


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_a_duration_prints_as_what_it_reads(seconds):
    """What is printed reads back as the same length of time, so that two never print alike."""
    assert float(Duration.of(str(Duration(seconds)))) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *("2.5ms", "1.5s", "22.6s", "1m30s", "1h30m", "250us", "0.5us", "1.000001s", "3.3ms"),
        *("1m500ms", "1d1us", "100d", "0s", "9.9999999s", "0.1ms0.2us", "60s", "1500ms"),
    ],
)
def test_a_duration_prints_short(text):
    short = {"0.1ms0.2us": "100.2us", "60s": "1m", "1500ms": "1.5s"}

    assert str(Duration.of(text)) == short.get(text, text)


@given(st.integers(min_value=0, max_value=2**80))
def test_a_size_prints_as_what_it_reads(size):
    assert ByteSize.of(str(ByteSize(size))) == size


@given(st.floats(min_value=1e-12, max_value=1))
def test_a_share_prints_as_what_it_reads(share):
    assert float(Ratio.of(str(Ratio(share)))) == share


def test_a_sum_of_durations_has_no_noise():
    assert str(Duration.worked_out(0.1 + 0.2)) == "300ms"


@pytest.mark.parametrize(
    ("quantity", "value", "code", "words"),
    [
        (Duration, 30, "MP101", "did you mean `30s`"),
        (Duration, "30", "MP101", "did you mean `30s`"),
        (Duration, "3 weeks", "MP101", "is not a unit"),
        (Duration, "soon", "MP010", "such as 250ms"),
        (Duration, True, "MP010", "a truth value"),
        (Duration, None, "MP010", "nothing"),
        (Duration, [1], "MP010", "a list"),
        (Duration, "-1s", "MP010", "expected a length of time"),
        (Duration, "1" * 400 + "d", "MP010", "expected a length of time"),
        (ByteSize, 512, "MP101", "did you mean `512MiB`"),
        (ByteSize, "512", "MP101", "did you mean `512MiB`"),
        (ByteSize, "512Mb", "MP101", "is not a unit"),
        (ByteSize, "1GiB2MiB", "MP101", "one unit"),
        (Ratio, 85, "MP101", "did you mean `85%`"),
        (Ratio, 1, "MP101", "`1` is 1% or 100%"),
        (Ratio, "1", "MP101", "`1` is 1% or 100%"),
        (Ratio, " 1.0", "MP101", "1% or 100%"),
        (Ratio, "130%", "MP103", "outside 0% to 100%"),
        (Ratio, -0.5, "MP103", "outside"),
        (Ratio, "most", "MP010", "such as 20%"),
        (Count, "many", "MP010", "a whole number"),
        (Count, -1, "MP010", "0 or more"),
        (Count, 1.5, "MP010", "a whole number"),
        (Count, True, "MP010", "a whole number"),
    ],
)
def test_what_is_no_amount_is_refused_with_a_remedy(quantity, value, code, words):
    """The finding has its code, and says what to write."""
    with pytest.raises(QuantityError) as caught:
        quantity.of(value)

    assert caught.value.code == code
    assert words in str(caught.value)


@pytest.mark.parametrize("value", [1, "1", Fraction(1), numpy.int64(1)])
def test_one_from_python_is_no_share(value):
    """It may be 1% or all of it; a float is a share as 0.85 is."""
    with pytest.raises(QuantityError) as caught:
        Ratio.of_number(value)

    assert (caught.value.code, caught.value.meant) == ("MP101", "")
    assert [str(Ratio.of_number(one)) for one in (1.0, numpy.float32(1), "100%", 0, 0.85)] == [
        "100%",
        "100%",
        "100%",
        "0%",
        "85%",
    ]


@pytest.mark.parametrize("value", [1, 1.0, "1", "1.0"])
def test_one_in_a_file_is_no_share(value):
    """To JSON, and so to an editor, 1.0 is 1."""
    share = TypeAdapter(Ratio)

    with pytest.raises(ValueError, match="1% or 100%"):
        share.validate_python(value)
    assert not Draft7Validator(share.json_schema()).is_valid(value)


def test_numbers_from_python_are_in_the_base_unit():
    """A decorator may say seconds, bytes and shares as bare numbers."""
    read = [
        Duration.of_number(1.5),
        Duration.of_number(timedelta(minutes=1)),
        ByteSize.of_number(9),
    ]

    assert read == [1.5, 60.0, 9]


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), timedelta(seconds=-1), object()])
@pytest.mark.parametrize("quantity", [Duration, ByteSize, Ratio])
def test_no_other_number_from_python_is_an_amount(quantity, value):
    """Nothing is shown of an object but its class."""
    with pytest.raises(QuantityError) as caught:
        quantity.of_number(value)

    assert "object at" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "number", "printed"),
    [("512MiB", 512 * 1024**2, "512MiB"), ("1.5GiB", 1536 * 1024**2, "1536MiB"), ("7B", 7, "7B")],
)
def test_a_size_reads_and_prints(text, number, printed):
    """Sizes are bytes, printed with the largest unit that leaves a whole number."""
    size = ByteSize.of(text)

    assert (int(size), str(size)) == (number, printed)


@pytest.mark.parametrize(("text", "number"), [("20k", 20_000), ("2M", 2_000_000), (7, 7)])
def test_a_count_reads_and_prints(text, number):
    """`k` and `M` are thousands and millions."""
    count = Count.of(text)

    assert (int(count), str(count)) == (number, str(text))


@given(st.floats(min_value=0, max_value=100, allow_nan=False))
def test_a_share_reads_as_percent_and_as_number(percent):
    """`20%` and `0.2` are the same share."""
    text = f"{percent:.6f}"

    assert float(Ratio.of(f"{text}%")) == pytest.approx(float(Ratio.of(float(text) / 100)))


@pytest.mark.parametrize(("amount", "text"), [(Duration, "١٠s"), (Ratio, "٥%"), (Count, "３k")])
def test_digits_are_those_of_ascii(amount, text):
    """An editor's schema reads no others, and they are not what they look like."""
    with pytest.raises(QuantityError):
        amount.of(text)


AMOUNTS = (ByteSize, Count, Duration, Ratio)


def near(text, seed):
    """Return *text* with one letter doubled, left out or put in."""
    chance = random.Random(seed)
    cut = chance.randrange(len(text) + 1)
    middle = chance.choice(["", text[cut : cut + 1] * 2, *" 0159.%-+usmhdkMGiB"])
    return text[:cut] + middle + text[cut + 1 :]


@pytest.mark.parametrize("quantity", AMOUNTS)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_editors_and_the_reader_know_the_same_amounts(quantity, data, seed):
    """The pattern in the schema and what reads the text are one language."""
    letters = st.text("0123456789.%-+ usmhdkMGiB\t", max_size=70)
    text = data.draw(st.one_of(st.from_regex(quantity.pattern), letters))
    schema = Draft7Validator(TypeAdapter(quantity).json_schema())
    for one in (text, near(text, seed), f"{text} {text}", text * 9):
        try:
            quantity.of(one)
            is_one = True
        except QuantityError:
            is_one = False
        assert schema.is_valid(one) is is_one, one


@pytest.mark.parametrize("text", ["100ms 50ms", "100ms  5s", f"{'0' * 63}1s"])
def test_two_amounts_and_endless_ones_are_none(text):
    """What is refused when it is read is underlined in an editor."""
    with pytest.raises(QuantityError):
        Duration.of(text)
    assert not Draft7Validator(TypeAdapter(Duration).json_schema()).is_valid(text)
