"""Claims about bars that stand out: on the threshold, on flat, short and broken series, told late."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import alert_bars
from market.alert_bars import MOST_LATE, closed_at, of_candles, of_return, of_volume
from tests.support.made_candles import flat, made, rising, scaled, walk

LAST = -1
BARS = 320


def candles(bars=BARS, **options: int):
    """A calm walk of five minutes."""
    return walk(bars, timeframe="5m", **options)


def with_last(series, **columns: float):
    """The series with another last bar."""
    changed = {name: np.append(getattr(series, name)[:-1], value) for name, value in columns.items()}
    return replace(series, **changed)


def with_filled(series, *places: int):
    """The series with bars that the exchange did not send."""
    filled = series.filled.copy()
    filled[list(places)] = True
    return replace(series, filled=filled)


def with_z(series, z):
    """The series whose last return lies that many deviations from the mean of the 288 before it."""
    before = np.diff(np.log(series.close))[-289:-1]
    newest = before.mean() + z * before.std(ddof=1)
    return with_last(series, close=series.close[-2] * np.exp(newest))


def newest(judge, series):
    """What is said of the last bar."""
    return judge("okx", "BTC/USDT", series, len(series) - 1)


def named(sightings, kind):
    """Place in the series (by its close), level and whether it is past, of one kind."""
    return [(one.mark, one.level, one.past) for one in sightings if one.kind == kind]


def test_a_rise_beyond_all_numbers_is_not_judged() -> None:
    """Both prices are positive and finite; their quotient is not."""
    series = candles()
    broken = with_last(scaled(series, 1e-20), close=1e300)

    assert newest(of_return, broken) is None


@pytest.mark.parametrize(
    ("z", "level"), [(4.0001, "up"), (3.9999, ""), (-4.0001, "down"), (-3.9999, ""), (0.0, ""), (25.0, "up")]
)
def test_a_return_counts_from_four_deviations(z, level) -> None:
    """Of the 288 returns before it: its own is not among them."""
    seen = newest(of_return, with_z(candles(), z))

    assert seen.level == level
    if level:
        assert seen.data["z"] == pytest.approx(z, rel=1e-9)
        assert seen.data["returns"] == 288


@pytest.mark.parametrize(("ratio", "level"), [(5.0, ""), (5.0001, "up"), (0.0, ""), (1.0, ""), (400.0, "up")])
def test_a_volume_counts_above_five_times_the_mean(ratio, level) -> None:
    """Exactly five times is not more than five times."""
    series = with_last(flat(21, volume=8.0, timeframe="5m"), volume=8.0 * ratio)

    seen = newest(of_volume, series)

    assert (seen.level, seen.data.get("ratio", ratio)) == (level, pytest.approx(ratio))


def test_the_mean_of_a_volume_is_that_of_the_twenty_bars_before() -> None:
    """Neither the bar itself nor anything earlier has a say."""
    series = flat(40, volume=1.0, timeframe="5m")
    series.volume[:-21] = 1e9

    assert newest(of_volume, with_last(series, volume=5.1)).data["mean"] == 1.0


def test_a_series_that_does_not_move_has_no_deviation() -> None:
    """Nothing is divided by zero, also where every return is the same."""
    still = flat(BARS, timeframe="5m")
    closes = 100 * 1.001 ** np.arange(BARS)
    growing = made(closes, closes, closes, closes, np.ones(BARS), timeframe="5m")

    assert newest(of_return, with_last(still, close=120.0)) is None
    assert newest(of_return, growing) is None


@pytest.mark.parametrize(("bars", "judged"), [(0, False), (1, False), (31, False), (32, True), (290, True)])
def test_too_few_bars_are_not_judged(bars, judged) -> None:
    """Thirty returns before the one, at least."""
    series = candles(400, seed=3).tail(bars)

    assert bool(named(of_candles("okx", "BTC/USDT", series), "return")) is judged


@pytest.mark.parametrize("bars", [0, 1, 20])
def test_a_volume_wants_twenty_bars_before_it(bars) -> None:
    """With one more it is judged."""
    assert not named(of_candles("okx", "BTC/USDT", candles(bars)), "volume")
    assert named(of_candles("okx", "BTC/USDT", candles(21)), "volume")


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 0.0, -1.0])
def test_a_price_that_cannot_be_is_not_judged(wrong) -> None:
    """Neither as the newest nor among those before it."""
    series = candles()
    series.close[-40] = wrong

    assert newest(of_return, series) is None
    assert newest(of_return, with_last(candles(), close=wrong)) is None


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_a_volume_that_cannot_be_is_not_judged(wrong) -> None:
    """Too large to be added up counts as such."""
    assert newest(of_volume, with_last(candles(), volume=wrong)) is None
    assert newest(of_volume, flat(30, volume=1e308, timeframe="5m")) is None


def test_nothing_traded_before_makes_no_volume_large() -> None:
    """There is no mean to hold it against."""
    assert newest(of_volume, with_last(flat(30, volume=0.0, timeframe="5m"), volume=5.0)) is None


def test_a_bar_that_was_not_sent_is_not_judged_and_not_passed_over() -> None:
    """A correction may still bring it: the newest that is told is the one before."""
    series = with_filled(candles(), LAST)

    marks = {mark for mark, _, past in named(of_candles("okx", "BTC/USDT", series), "return") if not past}

    assert marks == {closed_at(series, BARS - 2)}


@pytest.mark.parametrize(("gaps", "judged"), [(14, True), (15, False)])
def test_more_than_one_bar_in_twenty_missing_is_too_much(gaps, judged) -> None:
    """Of the 289 closes before a return, 5 % are 14."""
    series = with_filled(candles(), *range(-280, -280 + gaps))

    assert (newest(of_return, series) is not None) is judged


@pytest.mark.parametrize(("gaps", "judged"), [(1, True), (2, False)])
def test_the_same_holds_for_the_twenty_before_a_volume(gaps, judged) -> None:
    """One is 5 %."""
    series = with_filled(candles(), *range(-10, -10 + gaps))

    assert (newest(of_volume, series) is not None) is judged


def test_bars_of_the_last_hour_are_told_late() -> None:
    """Each that stands out, what ends it, and the newest; what is older is history."""
    series = flat(60, volume=1.0, timeframe="5m")
    series.volume[[-MOST_LATE - 1, -9, -4]] = 900.0

    told = named(of_candles("okx", "BTC/USDT", series), "volume")

    at = {place: closed_at(series, 60 + place) for place in (-9, -8, -4, -3, -1)}
    assert told == [
        (at[-9], "up", True), (at[-8], "", True),
        (at[-4], "up", True), (at[-3], "", True), (at[-1], "", False),
    ]  # fmt: skip


def test_what_was_judged_before_is_not_told_again() -> None:
    """Nothing newer, nothing to tell."""
    series = candles()

    marks = {one.mark for one in of_candles("okx", "X", series, after=closed_at(series, BARS - 3))}

    assert marks == {closed_at(series, BARS - 1)}
    assert of_candles("okx", "X", series, after=series.closed_at) == []


@given(st.integers(0, 5), st.sampled_from([0.001, 1000.0]))
def test_the_unit_of_price_and_volume_changes_nothing(seed, factor) -> None:
    """Levels are of ratios."""
    series = candles(120, seed=seed)
    other = replace(scaled(series, factor), volume=series.volume * factor)

    assert [(one.kind, one.mark, one.level) for one in of_candles("okx", "X", series)] == [
        (one.kind, one.mark, one.level) for one in of_candles("okx", "X", other)
    ]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=60), st.randoms())
def test_whatever_an_exchange_sends_is_judged_or_left_out(numbers, random) -> None:
    """No exception, no warning, and no number that is none."""
    volumes = numbers.copy()
    random.shuffle(volumes)
    filled = [random.random() < 0.02 for _ in numbers]
    series = made(numbers, numbers, numbers, numbers, volumes, timeframe="5m", filled=filled)

    for one in of_candles("okx", "X", series):
        assert all(np.isfinite(value) for value in one.data.values())


def test_a_steady_rise_stands_out_nowhere() -> None:
    """Its returns change slowly and hardly."""
    assert not [one for one in of_candles("okx", "X", rising(BARS, timeframe="5m")) if one.level]
    assert alert_bars.TIMEFRAME == "5m"
