"""TechnicalRating v3 beside its rules, on every bar of real candles.

All 14 symbols of the 15 minute candles by default; ALL_RATINGS=1 adds the minutes (16 symbols), the five
minutes (14) and the hours (9), in about a minute.
"""

import os
from collections import Counter

import pytest
from talipp import indicators as talipp
from talipp.ohlcv import OHLCV

from market.technical_rating import ITEMS, technical_rating
from tests.support.every_bar import cut, departures, in_ticks
from tests.support.rating_by_hand import ByHand
from tests.support.recorded_candles import FIVE_MINUTES, HOURS, MINUTES, QUARTERS, recorded

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


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_vote_on_every_bar_is_what_the_rule_says(symbol):
    """2,124 bars, 26 items, the first bars included; what a tie decides is counted."""
    candles = series(QUARTERS, symbol)

    found = departures(candles)

    assert len(candles) == 2124
    assert decided_by_a_tie(found) == DECIDED_BY_A_TIE.get(symbol, {})


@pytest.mark.skipif(not ALL, reason="ALL_RATINGS=1 looks at every recorded bar")
@pytest.mark.parametrize("file", IN_OTHER_FILES)
def test_every_recorded_bar_is_rated_by_the_rules(file):
    """All symbols of the other recorded timeframes: nothing but ties is decided otherwise."""
    found = sum((decided_by_a_tie(departures(candles)) for candles in recorded(file).values()), Counter())

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


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_columns_of_the_rules_are_those_of_talipp(symbol):
    """What the votes were compared with is not ours alone: each column agrees with talipp to a billionth."""
    candles = in_ticks(series(QUARTERS, symbol).tail(400))
    rules = ByHand(candles)
    closes = candles.close.tolist()
    bars = [OHLCV(*row) for row in zip(closes, rules.high, rules.low, closes, rules.volume, strict=True)]
    of_closes = [OHLCV(close, close, close, close, 1.0) for close in closes]

    same(rules.hma, talipp.HMA(9, closes))
    for length in (10, 50, 200):
        same(rules.sma[length], talipp.SMA(length, closes))
        same(rules.ema[length], talipp.EMA(length, closes))
    for length in (9, 26, 52):
        same(rules.middles[length], [each and each.cb for each in talipp.DonchianChannels(length, bars)])
    same(rules.rsi, talipp.RSI(14, closes))
    stochastic = talipp.Stoch(14, 3, bars)
    same(rules.raw, [each and each.k for each in stochastic])
    same(rules.k, [each and each.d for each in stochastic])
    same(rules.rsi_k, [each and each.k for each in talipp.StochRSI(14, 14, 3, 3, closes)])
    same(rules.rsi_d, [each and each.d for each in talipp.StochRSI(14, 14, 3, 3, closes)])
    same(rules.williams, talipp.Williams(14, bars))
    same(rules.cci, talipp.CCI(20, of_closes))
    same(rules.ao, talipp.AO(5, 34, bars))
    same(rules.uo, talipp.UO(7, 14, 28, bars))
    macd = talipp.MACD(12, 26, 9, closes)
    same(rules.macd, [each and each.macd for each in macd])
    same(rules.signal, [each and each.signal for each in macd])
    # Wilder's means are seeded differently: 350 bars later nothing is left of it.
    movement = talipp.ADX(14, 14, bars)
    same(rules.plus[350:], [each.plus_di for each in movement[350:]])
    same(rules.minus[350:], [each.minus_di for each in movement[350:]])
    same(rules.adx[350:], [each.adx for each in movement[350:]])


def same(ours, theirs):
    """Both have a number on the same bars but for a seed, and the numbers are equal to a billionth."""
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
    assert len(pairs) >= len(ours) - 200
    assert [a for a, _ in pairs] == pytest.approx([b for _, b in pairs], rel=1e-9, abs=1e-9)
