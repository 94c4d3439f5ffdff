from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache import codec
from cache.operators import values

anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
    max_leaves=20,
)


@given(anything)
def test_any_value_can_be_shown_shortened_and_in_full(value):
    """Whatever msgpack carries has lines, and shortened ones are few."""
    frozen = codec.freeze(value)

    assert 0 < len(values.lines(frozen)) <= values.MOST_FIELDS + 2
    assert values.lines(frozen, full=True)


def test_fields_stand_below_each_other_with_long_ones_shortened():
    """What a value is made of is seen at a glance."""
    value = {"score": 65.5, "closes": tuple(range(500)), "rows": ({"a": 1, "b": 2},) * 99, "parts": {"x": 1}}

    assert values.lines(value) == [
        "score   65.5",
        "closes  500 numbers: 0, 1, 2, 3, ..., 498, 499",
        "rows    99 rows of a, b",
        'parts   {"x":1}',
    ]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (b"\0" * 4000, "3.9 KB of bytes"),
        (b'{"a": [1]}', '10 B of JSON: {"a":[1]}'),
        (b"{broken", '7 B of text: "{broken"'),
        ("x" * 300, f'"{"x" * 75}..." (300 letters)'),
        ((), "[]"),
        ({}, "{}"),
    ],
)
def test_a_part_is_told_on_one_line(value, line):
    """Bytes by what they hold, text by its beginning."""
    assert values.shortened(value) == line


def test_too_many_fields_are_cut_off_and_counted():
    """The rest is a number, and --full shows it."""
    value = {f"field{at}": at for at in range(100)}

    assert values.lines(value)[-1] == "... and 76 more fields"
    assert len(values.lines(value, full=True)) == 102


def test_bytes_that_are_a_document_are_shown_as_one():
    """The dashboard is stored encoded; an operator wants to see its fields."""
    assert values.lines(b'{"state": "live", "age": 2}') == ["27 B of JSON:", 'state  "live"', "age    2"]
