"""The edge against the simulated exchange: a real process, unmodified ccxt, the real limiter."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from market.candles import aggregate, closed_only
from market.clients import Clients, make_client
from market.errors import MarketError
from market.exchanges import Exchanges, connect
from market.score_inputs import INPUTS
from tests.support.replay import FreeLimiter
from tests.support.simulated_edge import BTC, edge
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def test_the_universe_has_every_perpetual_ranked_by_turnover(sim):
    """Twelve symbols, all swaps against USDT, each with its price."""
    exchange = edge(sim)

    universe = exchange.universe(175)
    found = exchange.tickers([one.symbol for one in universe])

    assert len(universe) == 12
    turnovers = [one.turnover_24h for one in universe]
    assert turnovers == sorted(turnovers, reverse=True)
    assert set(found) == {one.symbol for one in universe}
    assert all(one.bid < one.last * 1.01 and one.ask > one.last * 0.99 for one in found.values())
    assert all(abs(one.as_of - time.time()) < 5 for one in found.values())


@pytest.mark.parametrize(("timeframe", "seconds"), [("1m", 60), ("5m", 300), ("30m", 1800), ("4h", 14400)])
def test_candles_are_closed_contiguous_and_the_newest(sim, timeframe, seconds):
    """500 of them, the last one closed less than one timeframe ago."""
    exchange = edge(sim)

    candles = exchange.candles(BTC, timeframe, bars=500)

    assert len(candles) == 500
    assert not candles.filled.any()
    assert -1 <= exchange.now() - candles.closed_at < seconds + 2


def test_newer_candles_equal_a_full_load(sim):
    """Old series plus the few that closed since, against the same asked for at once."""
    exchange = edge(sim)
    whole = exchange.candles(BTC, "1m", bars=200)
    previous = closed_only(whole, whole.closed_at - 180)

    newer = exchange.newer_candles(previous, BTC, bars=200)

    assert newer.closed_at >= whole.closed_at
    later = closed_only(newer, whole.closed_at)
    for column in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(later, column), getattr(whole, column)[-len(later) :])


def test_coarse_candles_are_those_aggregated_from_fine_ones(sim):
    """What the exchange says about 5 minutes is what its minutes add up to."""
    exchange = edge(sim)

    coarse = exchange.candles(BTC, "5m", bars=20)
    made = aggregate(exchange.candles(BTC, "1m", bars=120), "5m")

    shared = min(coarse.closed_at, made.closed_at)
    theirs, ours = (one.tail(len(one) - int((one.closed_at - shared) // 300)) for one in (coarse, made))
    for column in ("high", "low"):
        assert np.allclose(getattr(theirs, column)[-10:], getattr(ours, column)[-10:])


def test_a_book_has_the_depth_that_was_asked_for(sim):
    """Fifty levels a side, apart, of this moment."""
    book = edge(sim).order_book(BTC, depth=50)

    assert book.bids.shape == book.asks.shape == (50, 2)
    assert book.bids[0, 0] < book.asks[0, 0]
    assert abs(book.as_of - time.time()) < 5


def test_trades_read_in_portions_are_those_of_one_answer(sim):
    """Joined again and again, against everything asked for at once: no trade twice, none lost."""
    exchange = edge(sim)
    known = [exchange.trades(BTC, None, window_s=10_000)]

    def more() -> bool:
        known.append(exchange.trades(BTC, known[-1], window_s=10_000))
        return len(known[-1]) > len(known[0])

    eventually(more, within_s=15, every_s=0.2)
    joined, once = known[-1], exchange.trades(BTC, None, window_s=10_000)

    since, until = max(joined.since, once.since), min(joined.time[-1], once.time[-1])
    of_joined, of_once = ((one.time >= since) & (one.time < until) for one in (joined, once))
    assert np.count_nonzero(of_once) > 900
    for column in ("time", "price", "amount", "side"):
        assert np.array_equal(getattr(joined, column)[of_joined], getattr(once, column)[of_once])


def test_what_a_perpetual_has_besides_comes_from_the_simulator_as_from_bybit(sim):
    """An hour of open interest, the funding of all with its interval, and the newest ratio of accounts."""
    exchange = edge(sim)
    symbols = [one.symbol for one in exchange.universe(12)]

    interest, funding = exchange.open_interest(BTC, None), exchange.funding(symbols)
    ratio = exchange.long_short(BTC)

    assert interest.time[-1] - interest.time[0] == 65 * 60
    assert -1 <= exchange.now() - interest.as_of < 301
    assert set(funding) == set(symbols)
    assert all(one.interval_h and one.next_at > exchange.now() for one in funding.values())
    assert 0.25 <= ratio.ratio <= 4
    assert exchange.inputs() == INPUTS


def test_a_process_that_adopts_the_markets_asks_for_no_list(sim):
    """Its first request is for what it wants."""
    first, second = edge(sim), edge(sim)
    first.universe(12)
    sim.reset_requests()

    second.adopt_markets(first.plain_markets(), as_of=first.markets_as_of())
    second.tickers([BTC])

    assert list(sim.requests()["paths"]) == ["/v5/market/tickers"]


def work_of_eight(exchanges, *, for_s):
    """How many calls eight threads make in so many seconds of work without an end; and what failed."""
    failures: list[Exception] = []
    calls = [0] * 8
    over = time.monotonic() + for_s

    def work(thread: int) -> None:
        exchange = exchanges.get()
        while time.monotonic() < over:
            try:
                exchange.order_book(BTC, depth=1)
            except MarketError as exc:
                failures.append(exc)
                return
            calls[thread] += 1

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(calls), failures


def test_eight_threads_use_the_allowed_rate_and_are_never_refused(sim):
    """Eight seconds of work without an end: at least 90 % of 120 calls a second, no 403.

    A machine that can do no more than twice as many is asked for less: see how many there are freely.
    """
    clients = Clients("simulated", make=lambda: make_client("simulated", simulator_url=sim.url, timeout_s=5))
    free = Exchanges(id="simulated", clients=clients, limiter=FreeLimiter(), clock=time.time)
    free.get().tickers()
    sim.limit(requests=0)
    freely, _ = work_of_eight(free, for_s=1.0)
    sim.limit(requests=600, window_s=5, ban_s=600, mode="403")
    exchanges = connect("simulated", simulator_url=sim.url, timeout_s=5, clock=time.time)
    exchanges.get().tickers()

    calls, failures = work_of_eight(exchanges, for_s=8.0)

    assert failures == []
    assert calls / 8 <= 120
    assert calls / 8 >= 0.9 * min(120, freely / 2)


def test_threads_share_markets_and_ask_for_them_once(sim):
    """Six threads that start together ask for the markets as often as one."""
    sim.reset_requests()
    edge(sim).order_book(BTC)
    once = sim.requests()["paths"]["/v5/market/instruments-info"]["requests"]
    sim.reset_requests()
    clients = Clients("simulated", make=lambda: make_client("simulated", simulator_url=sim.url, timeout_s=5))
    exchanges = Exchanges(id="simulated", clients=clients, limiter=FreeLimiter(), clock=time.time)
    books: list[object] = []

    threads = [
        threading.Thread(target=lambda: books.append(exchanges.get().order_book(BTC))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(books) == 6
    assert sim.requests()["paths"]["/v5/market/instruments-info"]["requests"] == once
