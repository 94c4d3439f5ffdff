from __future__ import annotations

from datetime import UTC, datetime

import pytest

from simulator.intervals import INTERVALS, open_of


def ms(text):
    """UTC milliseconds of an ISO time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("interval", "opened"),
    [
        ("1", "2025-05-21T13:47"),
        ("15", "2025-05-21T13:45"),
        ("240", "2025-05-21T12:00"),
        ("D", "2025-05-21T00:00"),
        ("W", "2025-05-19T00:00"),
        ("M", "2025-05-01T00:00"),
    ],
)
def test_candles_open_on_their_straight_times(interval, opened):
    """Weeks open on Mondays, months on their first day, all in UTC."""
    assert open_of(ms("2025-05-21T13:47:12"), interval) == ms(opened)


def test_the_intervals_are_bybits():
    """Thirteen names, minutes as numbers."""
    assert list(INTERVALS) == ["1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M"]
