from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.operators import units


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.000241, "241 µs"),
        (0.0009996, "1 ms"),
        (0.012, "12 ms"),
        (0.9996, "1 s"),
        (8.2, "8.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (182, "3 min 2 s"),
        (3599.7, "1 h"),
        (7200, "2 h"),
        (86_399.9, "1 d"),
        (100_800, "1 d 4 h"),
        (-3, "-3 s"),
        (float("inf"), "for ever"),
    ],
)
def test_a_length_of_time_is_told_in_its_two_largest_units(seconds, text):
    """Nobody counts 100,800 seconds, and rounding never gives 60 of anything."""
    assert units.duration(seconds) == text


@given(st.floats(min_value=0, max_value=10**9))
def test_no_length_of_time_is_told_with_a_unit_that_is_full(seconds):
    """The second unit carries into the first: never 59 min 60 s."""
    text = units.duration(seconds)

    assert not {"60 s", "60 min", "24 h", "1000 ms", "1000 µs"} & {text, text.partition(" min ")[2]}
    assert " 60 " not in f" {text} "


def test_what_is_yet_to_come_is_not_told_as_past():
    """Clocks of two machines differ, and a future time says so."""
    assert units.ago(3) == "3 s ago"
    assert units.ago(-3) == "in 3 s"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), (1_048_575, "1.0 MB"), (5 * 1024**4, "5,120.0 GB")],
)
def test_bytes_are_told_in_the_unit_that_fits(count, text):
    """What rounds to 1,024 KB is a megabyte."""
    assert units.size(count) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "-"), (0, 5, "0.0 %"), (1, 3, "33.3 %"), (99_999, 100_000, "99.9 %"), (5, 5, "100 %")],
)
def test_a_share_is_all_only_where_it_is_all(part, whole, text):
    """One miss in 100,000 is not told as 100 %."""
    assert units.share(part, whole) == text


def test_a_moment_of_another_day_comes_with_its_date():
    """Within a day the time is enough."""
    assert units.moment(1_700_000_000.25, 1_700_000_100) == "22:13:20.250"
    assert units.moment(1_700_000_000.25, 1_700_100_000) == "2023-11-14 22:13:20.250"
    assert units.moment(float("inf"), 0) == "inf"


def test_what_is_stored_cannot_steer_a_terminal():
    """Escape sequences, line ends and turned writing direction are spelled out."""
    shown = units.visible("a\x1b[31mb\r\n\u202ec\ud800")

    assert shown == "a\\x1b[31mb\\r\\n\\u202ec\\ud800"


def test_only_readable_bytes_are_text():
    """A column of noughts is valid UTF-8 and still no text."""
    assert units.as_text(b"two\nlines") == "two\nlines"
    assert units.as_text(b"\0\0") is None
    assert units.as_text(b"\xff") is None
