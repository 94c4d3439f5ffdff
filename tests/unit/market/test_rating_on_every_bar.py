"""TechnicalRating v3 beside its rules, on every bar of real candles.

All 14 symbols of the 15 minute candles by default; ALL_RATINGS=1 adds the minutes (16 symbols), the five
minutes (14) and the hours (9), in about a minute.
"""

import os
from collections import Counter

import pytest
from talipp import indicators as talipp
from talipp.ohlcv import OHLCV

from market import indicators
from market.series import Series
from market.technical_rating import ITEMS, technical_rating
from market.weights import MEANS
from tests.support.every_bar import cut, departures, in_ticks
from tests.support.rating_by_hand import ByHand
from tests.support.recorded_candles import FIVE_MINUTES, HOURS, MINUTES, QUARTERS, recorded

# Wilder's means are seeded differently in talipp: so many bars later nothing is left of it.
WARM = 350
ALL = os.environ.get("ALL_RATINGS") == "1"
SYMBOLS = (
    "ADA", "ALGO", "BCH", "BNB", "BSV", "BTC", "ETC", "ETH", "LINK", "LTC", "SOL", "SUI", "XMR", "XRP",
)  # fmt: skip
# What a tie decides, in 773,136 votes: 12 of them. The two numbers that are compared are equal; computed,
# they differ in their last digit, which the rule to the letter takes for an order, and ours does not.
WHY = {
    "rsi14": "the close did not move: gains and losses shrink by the same factor, and the index stands still",
    "cci20": "the index is exactly 100 or -100",
    "stochastic": "K, a mean of three, equals D, a mean of three Ks",
    "stochastic_rsi": "the index stands at an end of its range for five bars: K and D are both 0 or 100",
    "hma9": "the mean is the close",
}
DECIDED_BY_A_TIE = {
    "ALGO": {"rsi14": 2, "stochastic_rsi": 2},
    "BSV": {"rsi14": 1, "stochastic_rsi": 2},
    "ETC": {"stochastic_rsi": 2},
    "SOL": {"stochastic_rsi": 3},
}
IN_OTHER_FILES = {
    MINUTES: {"rsi14": 23, "stochastic_rsi": 42, "hma9": 1, "cci20": 1},
    FIVE_MINUTES: {"rsi14": 36, "stochastic_rsi": 32, "stochastic": 4, "cci20": 2},
    HOURS: {},
}


def series(file, symbol):
    """One recorded series."""
    return recorded(file)[f"{symbol}/USDT:USDT"]


def decided_by_a_tie(found):
    """How many departures each item has: all where we see two equal numbers and abstain."""
    assert {each.item for each in found} <= set(WHY), found
    assert all(each.ties < 1 and each.ours == 0 for each in found), found
    return Counter(each.item for each in found)


@pytest.fixture(scope="module")
def of_quarters():
    """What departs from the rules in the candles of 15 minutes, by symbol."""
    several = {symbol: series(QUARTERS, symbol) for symbol in SYMBOLS}
    assert {len(candles) for candles in several.values()} == {2124}
    return departures(several)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_vote_on_every_bar_is_what_the_rule_says(symbol, of_quarters):
    """2,124 bars, 26 items, the first bars included; what a tie decides is counted."""
    assert decided_by_a_tie(of_quarters[symbol]) == DECIDED_BY_A_TIE.get(symbol, {})


@pytest.mark.skipif(not ALL, reason="ALL_RATINGS=1 looks at every recorded bar")
@pytest.mark.parametrize("file", IN_OTHER_FILES)
def test_every_recorded_bar_is_rated_by_the_rules(file):
    """All symbols of the other recorded timeframes: nothing but ties is decided otherwise."""
    found = sum(map(decided_by_a_tie, departures(recorded(file)).values()), Counter())

    assert found == IN_OTHER_FILES[file]


def test_no_item_is_silent_on_the_recorded_bars():
    """Every item votes both ways somewhere: rules that never fire would agree as well."""
    seen = {item: set() for item in ITEMS}
    for symbol in ("ADA", "BSV", "SOL"):
        candles = series(QUARTERS, symbol)
        for end in range(300, len(candles), 11):
            for item, vote in technical_rating(cut(candles, end - 300, end)).votes.items():
                seen[item].add(vote)

    assert all({-1, 1} <= votes for votes in seen.values()), seen


class Talipp:
    """Columns of talipp over the same bars, None where it has none yet."""

    def __init__(self, candles) -> None:
        closes, volumes = candles.close.tolist(), candles.volume.tolist()
        rows = zip(closes, candles.high.tolist(), candles.low.tolist(), closes, volumes, strict=True)
        bars = [OHLCV(*row) for row in rows]
        of_closes = [OHLCV(close, close, close, close, 1.0) for close in closes]
        stochastic, macd = talipp.Stoch(14, 3, bars), talipp.MACD(12, 26, 9, closes)
        of_rsi, movement = talipp.StochRSI(14, 14, 3, 3, closes), talipp.ADX(14, 14, bars)
        self.sma = {length: talipp.SMA(length, closes) for length in (10, 50, 200)}
        self.ema = {length: talipp.EMA(length, closes) for length in (10, 50, 200)}
        self.middles = {length: part(talipp.DonchianChannels(length, bars), "cb") for length in (9, 26, 52)}
        self.hma, self.vwma = talipp.HMA(9, closes), talipp.VWMA(20, bars)
        self.rsi, self.cci = talipp.RSI(14, closes), talipp.CCI(20, of_closes)
        self.raw, self.k = part(stochastic, "k"), part(stochastic, "d")
        self.rsi_k, self.rsi_d = part(of_rsi, "k"), part(of_rsi, "d")
        self.williams, self.ao = talipp.Williams(14, bars), talipp.AO(5, 34, bars)
        self.uo, self.atr = talipp.UO(7, 14, 28, bars), talipp.ATR(14, bars)
        self.macd, self.signal, self.histogram = (
            part(macd, name) for name in ("macd", "signal", "histogram")
        )
        self.adx, self.plus, self.minus = (part(movement, name) for name in ("adx", "plus_di", "minus_di"))


def part(column, name):
    """One of the numbers that an indicator has for each bar."""
    return [each and getattr(each, name) for each in column]


@pytest.fixture(scope="module", params=SYMBOLS)
def candles(request):
    """The newest 400 candles of 15 minutes of each symbol, prices in whole ticks."""
    return in_ticks(series(QUARTERS, request.param).tail(400))


@pytest.fixture(scope="module")
def theirs(candles):
    """What talipp makes of them."""
    return Talipp(candles)


def test_the_columns_of_the_rules_are_those_of_talipp(candles, theirs):
    """What the votes were compared with is not ours alone: each column agrees with talipp to a billionth."""
    rules = ByHand(candles)

    for name in ("sma", "ema", "middles"):
        for length, column in getattr(theirs, name).items():
            same(getattr(rules, name)[length], column)
    for name in ("hma", "rsi", "raw", "k", "rsi_k", "rsi_d", "williams", "cci", "ao", "uo", "macd", "signal"):
        same(getattr(rules, name), getattr(theirs, name))
    for name in ("adx", "plus", "minus"):
        same(getattr(rules, name)[WARM:], getattr(theirs, name)[WARM:])


@pytest.mark.parametrize("end", [WARM + 10, WARM + 30, 400])
def test_our_indicators_are_those_of_talipp(candles, theirs, end):
    """After warm-up each of our own numbers agrees to a billionth, whatever the series' unit is."""
    ours, at = Series.of([cut(candles, 0, end)]), end - 1
    unit = candles.close[at]
    adx, _, plus, minus = indicators.directional(ours.high, ours.low, ours.atr, 14)
    means = {name: (ours.newest(name) + 1) * unit for name in ("hma9", *MEANS)}
    numbers = {
        "hma": means["hma9"],
        "vwma": (1 - indicators.volume_weighted_gap(ours.moved, ours.volume, 20)) * unit,
        "rsi": ours.rsi[:, -1],
        "raw": ours.position[:, -1],
        "williams": ours.position[:, -1] - 100,
        "cci": indicators.commodity_channel(ours.close, 20)[0],
        "uo": indicators.ultimate(ours.high, ours.low, ours.close),
        "histogram": ours.newest("histogram") * unit,
        "atr": ours.atr * unit,
        "adx": adx,
        "plus": plus,
        "minus": minus,
    }

    assert numbers == {name: pytest.approx(getattr(theirs, name)[at], rel=1e-9, abs=1e-9) for name in numbers}
    for length in (10, 50, 200):
        assert means[f"sma{length}"] == pytest.approx(theirs.sma[length][at], rel=1e-9)
        assert means[f"ema{length}"] == pytest.approx(theirs.ema[length][at], rel=1e-9)
    for length in (9, 26, 52):
        middle = (ours.highest[:, length - 1] + ours.lowest[:, length - 1]) / 2
        assert middle * unit == pytest.approx(theirs.middles[length][at], rel=1e-9)


def same(ours, theirs):
    """Both have a number on the same bars but for a seed, and the numbers are equal to a billionth."""
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
    assert len(pairs) >= len(ours) - 200
    assert [a for a, _ in pairs] == pytest.approx([b for _, b in pairs], rel=1e-9, abs=1e-9)
