import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.signals import band_of, next_signal

quick = settings(max_examples=60, deadline=None)
OPPOSITE = {None: None, "long": "short", "short": "long", "neutral": "neutral"}


@pytest.mark.parametrize(
    ("previous", "score", "expected"),
    [
        (None, 70.0, "long"), (None, 69.99, "neutral"),
        ("neutral", 30.0, "short"), ("neutral", 30.01, "neutral"),
        ("long", 65.0, "long"), ("long", 64.99, "neutral"),
        ("short", 35.0, "short"), ("short", 35.01, "neutral"),
        ("short", 66.0, "neutral"), ("long", 34.0, "neutral"),
        ("long", 20.0, "short"), ("short", 90.0, "long"),
    ],
)  # fmt: skip
def test_a_signal_is_entered_at_its_edge_and_left_five_points_later(previous, score, expected):
    """70 and 30 to enter, 65 and 35 to stay; the other side is entered directly."""
    assert next_signal(previous, score, 0.3) == expected


@pytest.mark.parametrize("previous", [None, "long", "neutral"])
def test_there_is_no_signal_below_the_least_confidence(previous):
    """Neither entered nor kept."""
    assert next_signal(previous, 90.0, 0.299) == "neutral"


def test_there_is_no_signal_without_a_score():
    """Nothing known is not neutral."""
    assert next_signal("long", None, None) is None
    assert band_of(None) is None


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (0.0, "strong_bearish"), (29.99, "strong_bearish"), (30.0, "bearish"), (44.99, "bearish"),
        (45.0, "neutral"), (50.0, "neutral"), (55.0, "neutral"), (55.01, "bullish"), (70.0, "bullish"),
        (70.01, "strong_bullish"), (100.0, "strong_bullish"),
    ],
)  # fmt: skip
def test_bands_have_the_edges_of_the_contract(score, band):
    """<30, <45, <=55, <=70, above."""
    assert band_of(score) == band


@quick
@given(st.lists(st.floats(0, 100), min_size=1, max_size=30), st.floats(0, 1))
def test_mirrored_scores_have_the_opposite_signals(scores, confidence):
    """100 - score all the way gives short for long; quarters of a point are the same on both sides."""
    there = back = None
    for score in (round(each * 4) / 4 for each in scores):
        there, back = next_signal(there, score, confidence), next_signal(back, 100 - score, confidence)
        assert back == OPPOSITE[there]


@quick
@given(st.lists(st.floats(60.5, 69.5), max_size=30))
def test_a_score_that_wavers_below_the_edge_is_no_signal_until_it_was_reached(scores):
    """Without 70 never long; after it long for as long as 65 holds."""
    never, held = None, next_signal(None, 70.0, 1.0)
    for score in scores:
        never, held = next_signal(never, score, 1.0), next_signal(held, score, 1.0)
        assert never == "neutral"
    assert held == ("long" if min(scores, default=70.0) >= 65.0 else "neutral")
