from __future__ import annotations

import pytest

from market.candles import merge
from market.errors import BadAnswer, NotSupported
from tests.support.made_bybit import BTC, STARTED, Bybit, made_exchange


def test_the_running_candle_is_not_among_the_newest():
    """Five bars asked, five closed ones given, from one call for six rows."""
    bybit = Bybit()
    exchange, client, _ = made_exchange(bybit)

    candles = exchange.candles(BTC, "1m", bars=5)

    assert len(candles) == 5
    assert candles.closed_at == STARTED + 100 * 60
    assert bybit.limits == [6]
    assert len(client.session.urls) == 1


def test_a_candle_that_closed_while_the_answer_was_on_its_way_still_runs_in_it():
    """The time of asking decides: the exchange may have written the row down before its last trade."""
    bybit = Bybit(minute=99.999)
    moments = [bybit.now(), bybit.now(), bybit.now(), bybit.now() + 5]
    exchange, _, _ = made_exchange(bybit, clock=lambda: moments.pop(0) if len(moments) > 1 else moments[0])

    candles = exchange.candles(BTC, "1m", bars=5)

    assert candles.closed_at == STARTED + 99 * 60


def test_more_bars_than_one_call_gives_are_fetched_in_pages():
    """1200 bars from an exchange that gives 1000 a call: two calls, one contiguous series."""
    bybit = Bybit(minute=1500.5)
    exchange, _, _ = made_exchange(bybit)

    candles = exchange.candles(BTC, "1m", bars=1200)

    assert len(candles) == 1200
    assert bybit.limits == [1000, 201]
    assert not candles.filled.any()
    assert candles.close[-1] == bybit.close(1499)


def test_a_young_market_gives_what_it_has():
    """Paging stops where the market begins."""
    bybit = Bybit(minute=1100.5, since=50)
    exchange, _, _ = made_exchange(bybit)

    candles = exchange.candles(BTC, "1m", bars=1200)

    assert len(candles) == 1050
    assert bybit.limits == [1000, 201, 150]


def test_a_market_without_a_closed_candle_gives_an_empty_series():
    """Nothing closed yet is a true answer: closed_at is where the first candle opened."""
    exchange, _, _ = made_exchange(Bybit(minute=0.5))

    candles = exchange.candles(BTC, "1m", bars=5)

    assert len(candles) == 0
    assert candles.closed_at == STARTED


def test_candles_of_the_future_are_a_bad_answer():
    """Rows that have not begun on the exchange's own clock cannot be true."""
    bybit = Bybit(minute=3.5)
    exchange, _, _ = made_exchange(bybit, clock=lambda: STARTED - 86_400)

    with pytest.raises(BadAnswer, match="future"):
        exchange.candles(BTC, "1m", bars=5)


def test_a_gap_is_filled_and_flagged():
    """A candle that the exchange left out carries the close before it."""
    bybit = Bybit()
    bybit.left_out = {98}
    exchange, _, _ = made_exchange(bybit)

    candles = exchange.candles(BTC, "1m", bars=5)

    assert candles.filled.tolist() == [False, False, False, True, False]
    assert candles.close[-2] == bybit.close(97)


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


def test_a_stale_series_is_returned_with_its_true_age():
    """Old candles are a true answer; closed_at tells."""
    bybit = Bybit()
    exchange, _, _ = made_exchange(bybit, clock=lambda: bybit.now() + 3600)

    candles = exchange.candles(BTC, "1m", bars=5)

    assert candles.closed_at == STARTED + 101 * 60
    assert merge(candles, candles).closed_at == candles.closed_at


def test_the_exchange_s_clock_counts_not_ours():
    """Our clock runs an hour ahead: the running candle is still running."""
    bybit = Bybit()
    date = "Fri, 15 Jan 2027 09:40:30 GMT"  # minute 100.5
    exchange, _, _ = made_exchange(
        lambda url: (bybit(url), 200, {"Date": date}), clock=lambda: bybit.now() + 3600
    )
    assert exchange.now() == bybit.now() + 3600

    candles = exchange.candles(BTC, "1m", bars=5)

    assert candles.closed_at == STARTED + 100 * 60
    assert exchange.now() == pytest.approx(bybit.now(), abs=1)


def test_a_timeframe_that_the_exchange_has_not_is_not_supported():
    """Nothing is sent that the exchange would misread."""
    exchange, client, _ = made_exchange(Bybit())

    with pytest.raises(NotSupported, match="7m"):
        exchange.candles(BTC, "7m", bars=5)
    assert client.session.urls == []
