import json
import math

import numpy as np
import pytest

from market.model import Candles
from market.timeframe_view import TimeframeView, view_of
from tests.support.made_candles import flat, made, walk

NAMES = {
    "rating", "range", "trend", "break", "slope", "money_flow", "delta", "balance", "vwap",
}  # fmt: skip


def holes(candles, share):
    """The same candles with their first ones marked as filled."""
    filled = np.zeros(len(candles), dtype=bool)
    filled[: round(share * len(candles))] = True
    columns = (getattr(candles, name) for name in ("open", "high", "low", "close", "volume"))
    return made(*columns, filled=filled)


def test_a_view_says_what_it_was_made_from():
    """Bars, closing time and the newest close are the candles' own."""
    candles = walk(500)
    view = view_of(candles)

    assert (view.timeframe, view.bars, view.filled, view.reason) == ("1m", 500, 0, None)
    assert view.closed_at == candles.closed_at
    assert view.close == candles.close[-1]
    assert view.spark == tuple(candles.close[-32:])
    assert view.missing == {}


def test_a_view_survives_being_stored():
    """to_plain gives what JSON can carry, and from_plain the same view again."""
    view = view_of(walk(120))
    plain = view.to_plain()

    assert TimeframeView.from_plain(json.loads(json.dumps(plain, allow_nan=False))) == view


def test_the_stored_form_is_the_agreed_one():
    """Exactly the keys that the cache's readers know."""
    plain = view_of(walk(500)).to_plain()

    assert set(plain) == {
        "timeframe", "bars", "filled", "closed_at", "close", "reason", "technical", "volume",
        "price_structure", "missing", "spark", "change_1h",
    }  # fmt: skip
    assert set(plain["technical"]) == {"rating", "averages", "oscillators", "votes"}
    assert set(plain["price_structure"]) == {"range", "trend", "break", "slope"}
    assert set(plain["volume"]) == {"money_flow", "delta", "balance", "vwap"}
    assert len(plain["technical"]["votes"]) == 26


def test_values_are_read_by_component_and_name():
    """The technical component has the rating, the others their sub-scores, anything else nothing."""
    view = view_of(walk(500))

    assert view.value("technical", "rating") == view.technical.rating
    assert view.value("price_structure", "slope") == view.sub_scores["price_structure"]["slope"]
    assert view.value("volume", "delta") == view.sub_scores["volume"]["delta"]
    assert view.value("orderflow", "cvd") is None


def test_a_series_with_too_many_filled_bars_is_not_scored():
    """Five percent is still scored, more is not; price and spark stay, for they are real."""
    scored, unscored = view_of(holes(walk(500), 0.05)), view_of(holes(walk(500), 0.052))

    assert scored.reason is None
    assert scored.filled == 25
    assert unscored.reason == "5.2% of the bars were filled, more than 5%"
    assert unscored.technical.rating is None
    assert set(unscored.sub_scores["price_structure"].values()) == {None}
    assert set(unscored.sub_scores["volume"].values()) == {None}
    assert set(unscored.missing) == NAMES
    assert unscored.close is not None
    assert unscored.change_1h is None


def test_a_short_series_has_fewer_sub_scores_with_reasons():
    """Sixty bars are enough for all but the trend."""
    view = view_of(walk(60))

    assert view.reason is None
    assert view.technical.rating is not None
    assert view.missing == {"trend": "needs 200 bars, has 60"}


def test_a_series_too_short_for_anything_names_every_sub_score():
    """One bar has a price and nine reasons."""
    view = view_of(walk(1))

    assert view.missing["rating"] == "not one item of the rating can be computed from 1 bars"
    assert set(view.missing) == NAMES


@pytest.mark.parametrize(
    ("candles", "reason"),
    [
        (walk(10).tail(0), "no candles"),
        (made([1.0], [math.nan], [1.0], [1.0], [1.0]), "a price or volume is too large or not a number"),
        (made([1.0], [1.0], [1.0], [1.0], [math.inf]), "a price or volume is too large or not a number"),
        (made([math.nan], [1.0], [1.0], [1.0], [1.0]), "a price or volume is too large or not a number"),
        (made([1.0], [1.0], [0.0], [1.0], [1.0]), "a price is not positive"),
    ],
)
def test_candles_that_cannot_be_read_give_a_reason(candles, reason):
    """No price, no spark, no scores: a reason, and never an exception."""
    view = view_of(candles)

    assert view.reason == reason
    assert (view.close, view.spark) == (None, ())
    json.dumps(view.to_plain(), allow_nan=False)


@pytest.mark.parametrize("candles", [flat(500), flat(500, price=1e-9), flat(500, price=1e9)])
def test_prices_that_never_move_are_neutral(candles):
    """What can be compared is equal, what cannot be divided is absent."""
    view = view_of(candles)

    assert view.technical.rating == 0
    assert view.sub_scores["price_structure"]["trend"] == 0
    assert view.sub_scores["volume"] == {"money_flow": 0, "delta": 0, "balance": 0, "vwap": None}
    assert set(view.missing) == {"range", "break", "slope", "vwap"}


def test_prices_that_never_move_without_volume_have_less_still():
    """Nothing was traded: the volume has no side at all."""
    view = view_of(flat(500, volume=0.0))

    assert view.technical.rating == 0
    assert set(view.sub_scores["volume"].values()) == {None}


@pytest.mark.parametrize(
    ("timeframe", "ago"), [("1m", 60), ("5m", 12), ("30m", 2), ("1h", 1), ("4h", None), ("1d", None)]
)
def test_the_change_of_an_hour_is_that_of_so_many_bars(timeframe, ago):
    """Close now over the close an hour ago, where the timeframe divides an hour."""
    candles = walk(100, timeframe=timeframe)
    expected = None if ago is None else candles.close[-1] / candles.close[-1 - ago] - 1

    assert view_of(candles).change_1h == expected
    if ago is not None:
        assert view_of(candles.tail(ago + 1)).change_1h == expected
        assert view_of(candles.tail(ago)).change_1h is None


def test_a_view_stored_before_there_was_an_hour_change_is_still_read():
    """An older process may have written it."""
    plain = view_of(walk(100)).to_plain()
    del plain["change_1h"]

    assert TimeframeView.from_plain(plain).change_1h is None


def test_stored_candles_give_the_view_of_the_original_ones():
    """The read-only columns that come out of the cache score alike."""
    candles = walk(500)

    assert view_of(Candles.from_plain(candles.to_plain())) == view_of(candles)
