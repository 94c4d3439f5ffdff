"""Claims about fetching a series of candles whole: closed ones alone, in pages, by the exchange's clock."""

from __future__ import annotations

import pytest

from market.candles import merge
from market.errors import BadAnswer, NotSupported
from tests.support.made_bybit import BTC, MINUTE_MS, STARTED, Bybit, made_exchange


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


@pytest.mark.parametrize("minutes", [2, 60])
def test_candles_that_are_dated_too_late_are_a_bad_answer_also_where_some_seem_closed(minutes):
    """With one time of the future the others are wrong as well: nothing is taken for a closed candle."""
    bybit = Bybit()
    exchange, _, _ = made_exchange(bybit)
    known = exchange.candles(BTC, "1m", bars=50)
    bybit.minute += 1
    late = made_exchange(lambda url: dated_later(bybit(url), minutes), clock=bybit.now)[0]

    with pytest.raises(BadAnswer, match="candles of the future"):
        late.candles(BTC, "1m", bars=99)
    with pytest.raises(BadAnswer, match="candles of the future"):
        late.newer_candles(known, BTC, bars=50)


def test_a_candle_that_began_while_the_clocks_differ_by_some_seconds_is_no_future():
    """Ten seconds are left for clocks; a `Date` that lies behind ours does not count."""
    bybit = Bybit(minute=100.1)
    behind, _, _ = made_exchange(bybit, clock=lambda: bybit.now() - 9)
    date = "Fri, 15 Jan 2027 08:00:00 GMT"
    lying, _, _ = made_exchange(lambda url: (bybit(url), 200, {"Date": date}), clock=bybit.now)

    assert behind.candles(BTC, "1m", bars=5).closed_at == STARTED + 99 * 60
    assert lying.candles(BTC, "1m", bars=200).closed_at == STARTED


def test_a_gap_is_filled_and_flagged():
    """A candle that the exchange left out carries the close before it."""
    bybit = Bybit()
    bybit.left_out = {98}
    exchange, _, _ = made_exchange(bybit)

    candles = exchange.candles(BTC, "1m", bars=5)

    assert candles.filled.tolist() == [False, False, False, True, False]
    assert candles.close[-2] == bybit.close(97)


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


def dated_later(answer, minutes):
    """The same candles under times that are so many minutes later."""
    later = minutes * MINUTE_MS
    rows = [[str(int(row[0]) + later), *row[1:]] for row in answer["result"]["list"]]
    return {**answer, "result": {"list": rows}}
