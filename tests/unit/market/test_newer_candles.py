"""Claims about carrying candles on: few are asked for, corrections are taken over, no gap is made up."""

from __future__ import annotations

import pytest

from market.errors import BadAnswer
from tests.support.made_bybit import BTC, STARTED, Bybit, made_exchange


def test_candles_that_an_exchange_left_out_are_asked_for_again_within_a_quarter_of_an_hour():
    """What was filled for them gives way, and a series without gaps costs no such call."""
    bybit = Bybit()
    bybit.left_out = {70}
    exchange, _, _ = made_exchange(bybit)
    series = exchange.candles(BTC, "1m", bars=50)
    bybit.left_out = set()

    for _ in range(15):
        bybit.minute += 1
        series = exchange.newer_candles(series, BTC, bars=50)

    assert sorted(bybit.limits) == [5] * 14 + [51] * 2
    assert not series.filled.any()
    assert series.close.tolist() == exchange.candles(BTC, "1m", bars=50).close.tolist()


def test_newer_candles_ask_for_the_few_that_are_missing():
    """Three closed since: three, three that are read again and the running one are asked for."""
    bybit = Bybit()
    exchange, _, _ = made_exchange(bybit)
    before = exchange.candles(BTC, "1m", bars=50)
    bybit.minute += 3

    after = exchange.newer_candles(before, BTC, bars=50)

    assert bybit.limits == [51, 7]
    assert len(after) == 50
    assert after.close.tolist() == exchange.candles(BTC, "1m", bars=50).close.tolist()


def test_nothing_is_asked_while_no_candle_has_closed():
    """The same minute twice costs one call."""
    bybit = Bybit()
    exchange, _, _ = made_exchange(bybit)
    before = exchange.candles(BTC, "1m", bars=50)

    after = exchange.newer_candles(before, BTC, bars=50)

    assert bybit.limits == [51]
    assert after.closed_at == before.closed_at


def test_a_late_correction_of_the_newest_candle_is_taken_over():
    """The overlap reads the newest known candle again."""
    bybit = Bybit()
    exchange, _, _ = made_exchange(bybit)
    before = exchange.candles(BTC, "1m", bars=5)
    bybit.minute += 1
    bybit.close = lambda _minute: 555.0

    after = exchange.newer_candles(before, BTC, bars=5)

    assert after.close.tolist()[-2:] == [555.0, 555.0]


@pytest.mark.parametrize("back", [1, 2, 3])
def test_a_late_correction_a_few_candles_back_is_taken_over(back):
    """The newest three that are known are read again."""
    bybit = Bybit()
    exchange, _, _ = made_exchange(bybit)
    before = exchange.candles(BTC, "1m", bars=50)
    bybit.minute += 1
    corrected, close = 100 - back, bybit.close
    bybit.close = lambda minute: 555.0 if minute == corrected else close(minute)

    after = exchange.newer_candles(before, BTC, bars=50)

    assert after.close[-1 - back] == 555.0
    assert after.close.tolist() == exchange.candles(BTC, "1m", bars=50).close.tolist()


def test_a_correction_that_may_reach_further_back_loads_the_series_anew():
    """The oldest candle that was read again is another: nobody knows how many before it are."""
    bybit = Bybit()
    exchange, _, _ = made_exchange(bybit)
    before = exchange.candles(BTC, "1m", bars=50)
    bybit.minute += 1
    bybit.close = lambda minute: 700.0 + minute % 7

    after = exchange.newer_candles(before, BTC, bars=50)

    assert bybit.limits == [51, 5, 51]
    assert after.close.min() >= 700.0


def test_a_candle_that_the_exchange_sends_late_takes_its_place():
    """It was filled; now it is there."""
    bybit = Bybit()
    bybit.left_out = {98}
    exchange, _, _ = made_exchange(bybit)
    before = exchange.candles(BTC, "1m", bars=50)
    bybit.left_out, bybit.minute = set(), bybit.minute + 1

    after = exchange.newer_candles(before, BTC, bars=50)

    assert before.filled.any()
    assert not after.filled.any()
    assert after.close[-3] == bybit.close(98)


def test_an_answer_from_a_server_that_is_behind_is_refused():
    """Its newest candle is older than what is known."""
    bybit = Bybit()
    exchange, _, _ = made_exchange(bybit, clock=lambda: STARTED + 102 * 60)
    before = exchange.candles(BTC, "1m", bars=50)
    bybit.minute -= 2

    with pytest.raises(BadAnswer, match="back in time"):
        exchange.newer_candles(before, BTC, bars=50)


def test_a_closed_candle_does_not_shrink_into_a_running_one():
    """A server that is behind sends ours before all of its trades were in."""
    bybit = Bybit()
    exchange, _, _ = made_exchange(bybit, clock=lambda: STARTED + 102.5 * 60)
    before = exchange.candles(BTC, "1m", bars=50)
    behind = {"retCode": 0, "result": {"list": bybit("http://x/?limit=5")["result"]["list"]}}
    behind["result"]["list"][0][5] = "0.25"
    stale, _, _ = made_exchange(lambda _url: behind, clock=lambda: STARTED + 102.5 * 60)

    with pytest.raises(BadAnswer, match="shrank"):
        stale.newer_candles(before, BTC, bars=50)


@pytest.mark.parametrize("away_minutes", [49, 5000])
def test_after_a_long_pause_the_whole_series_is_loaded(away_minutes):
    """Where the few would be more than the bars wanted, the old series is of no use."""
    bybit = Bybit()
    exchange, _, _ = made_exchange(bybit)
    before = exchange.candles(BTC, "1m", bars=50)
    bybit.minute += away_minutes

    after = exchange.newer_candles(before, BTC, bars=50)

    assert bybit.limits == [51, 51]
    assert (len(after), after.filled_share) == (50, 0.0)


def test_a_hole_between_old_and_new_is_loaded_not_filled():
    """An answer shorter than asked must not make up what the exchange would tell."""
    bybit = Bybit()
    exchange, _, _ = made_exchange(bybit)
    before = exchange.candles(BTC, "1m", bars=50)
    bybit.minute += 10
    answers = [{"retCode": 0, "result": {"list": bybit("http://x/?limit=2")["result"]["list"]}}]
    broken, client, _ = made_exchange(lambda url: answers.pop() if answers else bybit(url), clock=bybit.now)

    after = broken.newer_candles(before, BTC, bars=50)

    assert len(client.session.urls) == 2
    assert not after.filled.any()


def test_an_empty_series_is_loaded_whole():
    """There is nothing to add to."""
    bybit = Bybit(minute=0.5)
    exchange, _, _ = made_exchange(bybit)
    before = exchange.candles(BTC, "1m", bars=5)
    bybit.minute = 3.5

    assert len(exchange.newer_candles(before, BTC, bars=5)) == 3
