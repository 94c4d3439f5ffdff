import numpy as np
import pytest

from market.technical_rating import ITEMS, NO_RATING, Rating, technical_rating
from tests.support.made_candles import flat, made, mirrored, rising, walk
from tests.support.rating_by_hand import ByHand
from tests.support.recorded_candles import MINUTES, recorded


def disagreements(candles, *, bars, step):
    """(bar, item, ours, by hand) for each vote that differs."""
    by_hand = ByHand(candles)
    wrong = []
    for at in range(bars[0], bars[1], step):
        prefix = first(candles, at + 1)
        votes = dict(technical_rating(prefix).votes)
        expected = by_hand.votes(at)
        wrong += [(at, item, votes[item], expected[item]) for item in ITEMS if votes[item] != expected[item]]
    return wrong


def first(candles, bars):
    """The oldest candles."""
    columns = (getattr(candles, name)[:bars] for name in ("open", "high", "low", "close", "volume"))
    return made(*columns, timeframe=candles.timeframe)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_vote_follows_its_rule_on_a_walk(seed):
    """The 26 votes equal those of plain loops, from one bar up to warm columns."""
    candles = walk(600, seed=seed)

    wrong = disagreements(candles, bars=(0, 600), step=3)

    assert wrong == []


@pytest.mark.parametrize("symbol", ["ADA", "BTC", "ETH", "SOL", "SUI", "XMR"])
def test_every_vote_follows_its_rule_on_recorded_minutes(symbol):
    """The same on real candles of one minute, every seventh bar."""
    candles = first(recorded(MINUTES)[f"{symbol}/USDT:USDT"], 1500)

    wrong = disagreements(candles, bars=(0, 1500), step=7)

    assert wrong == []


def test_the_rating_is_the_mean_of_the_two_groups():
    """Each group is the mean of the votes that are there, the rating that of the groups."""
    rating = technical_rating(walk(500))

    averages = [rating.votes[item] for item in ITEMS[:15]]
    oscillators = [rating.votes[item] for item in ITEMS[15:]]
    assert rating.averages == sum(averages) / 15
    assert rating.oscillators == sum(oscillators) / 11
    assert rating.rating == (rating.averages + rating.oscillators) / 2


def test_a_group_without_votes_leaves_the_rating_to_the_other():
    """Ten bars have two means and no oscillator: the rating is that of the means."""
    rating = technical_rating(rising(10))

    assert {item for item, vote in rating.votes.items() if vote is not None} == {"sma10", "ema10"}
    assert (rating.averages, rating.oscillators, rating.rating) == (1.0, None, 1.0)


def test_items_join_as_soon_as_they_have_their_bars():
    """One bar fewer than its rule needs, and an item is absent."""
    needs = {
        "sma200": 200, "ema200": 200, "hma9": 11, "vwma20": 20, "ichimoku": 78, "rsi14": 16, "stochastic": 18,
        "cci20": 21, "adx14": 29, "awesome": 36, "momentum10": 12, "macd": 34, "stochastic_rsi": 50,
        "williams_r14": 15, "bull_bear_power13": 50, "ultimate": 29,
    }  # fmt: skip
    candles = walk(200)

    for item, bars in needs.items():
        assert technical_rating(first(candles, bars - 1)).votes[item] is None, item
        assert technical_rating(first(candles, bars)).votes[item] is not None, item


def test_prices_that_never_move_make_ratios_absent_and_comparisons_neutral():
    """Whatever divides by a range is absent; what compares equal prices votes 0, not rounding's sign."""
    rating = technical_rating(flat(500, price=0.1))

    absent = {item for item, vote in rating.votes.items() if vote is None}
    assert absent == {
        "rsi14", "stochastic", "cci20", "adx14", "stochastic_rsi", "williams_r14", "ultimate",
    }  # fmt: skip
    assert {vote for vote in rating.votes.values() if vote is not None} == {0}
    assert rating.rating == 0


def test_without_volume_only_the_volume_weighted_mean_is_absent():
    """A zero denominator takes its own item away and no other."""
    candles = walk(500)
    silent = made(candles.open, candles.high, candles.low, candles.close, candles.volume * 0)

    votes = technical_rating(silent).votes

    assert [item for item, vote in votes.items() if vote is None] == ["vwma20"]


def test_an_index_over_bars_that_did_not_move_yet_is_absent():
    """The relative strength of a flat beginning is undefined, so its stochastic waits for 18 moving bars."""
    moving = walk(60, price=100.0)
    held = [
        np.concatenate((np.full(40, moving.open[0]), getattr(moving, name)[:17]))
        for name in ("open", "high", "low", "close")
    ]

    votes = technical_rating(made(*held, np.ones(57))).votes

    assert votes["rsi14"] is not None
    assert votes["stochastic_rsi"] is None


def test_only_losses_are_not_taken_for_no_moves():
    """TA-Lib answers 0 to both; a fall without a single gain has an index of 0 and a vote."""
    falling = mirrored(rising(60))

    votes = technical_rating(falling).votes

    assert votes["rsi14"] == 0
    assert votes["momentum10"] == 0
    assert votes["sma50"] == -1


def test_candles_that_cannot_be_rated_have_no_rating():
    """No bars, or a price that is not a number: every item is absent."""
    assert technical_rating(walk(500).tail(0)) == NO_RATING
    assert technical_rating(made([1.0], [np.nan], [1.0], [1.0], [1.0])) == NO_RATING


@pytest.mark.parametrize(
    ("rating", "band"),
    [
        (1.0, "strong buy"), (0.5, "buy"), (0.11, "buy"), (0.1, "neutral"), (0.0, "neutral"),
        (-0.1, "neutral"), (-0.11, "sell"), (-0.5, "sell"), (-0.51, "strong sell"), (None, None),
    ],
)  # fmt: skip
def test_bands_have_the_edges_of_the_published_rule(rating, band):
    """Above .5 strong buy, above .1 buy, down to -.1 neutral, down to -.5 sell."""
    assert Rating({}, None, None, rating).band == band
