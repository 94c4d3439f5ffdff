"""The edge against the simulated exchange: a real process, unmodified ccxt, the real limiter."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from market.candles import aggregate, closed_only
from market.clients import Clients, make_client
from market.errors import BadAnswer, Banned, ExchangeUnavailable, MarketError, RateLimited, SymbolUnknown
from market.exchange import Exchange
from market.exchanges import Exchanges, connect
from market.limiter import rate_of
from market.score_inputs import INPUTS
from market.token_bucket import TokenBucket
from tests.support.replay import FreeLimiter
from tests.support.simulator import running_simulator
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

BTC = "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def simulator():
    """One synthetic market for the module."""
    with running_simulator(symbols=12, seed=7) as running:
        yield running


@pytest.fixture
def sim(simulator):
    """The module's simulator without anybody's faults, limits or clock."""
    simulator.clear_faults()
    simulator.limit(requests=600, window_s=5, ban_s=600, mode="403")
    simulator.move_clock(0)
    return simulator


def edge(sim, *, limiter=None, timeout_s: float = 5.0) -> Exchange:
    """An exchange of this thread, without patience."""
    client = make_client("simulated", simulator_url=sim.url, timeout_s=timeout_s)
    bucket = limiter or TokenBucket(exchange="simulated", rate=rate_of("simulated", rate_limit_ms=20))
    return Exchange(id="simulated", client=client, limiter=bucket, clock=time.time, patience_s=0.5)


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


@pytest.mark.parametrize(
    ("fault", "fields", "kind"),
    [
        ("429", {"retry_after_s": 3}, RateLimited),
        ("403", {}, Banned),
        ("418", {}, Banned),
        ("500", {}, ExchangeUnavailable),
        ("502", {}, ExchangeUnavailable),
        ("503", {}, ExchangeUnavailable),
        ("timeout", {"seconds": 3}, ExchangeUnavailable),
        ("reset", {}, ExchangeUnavailable),
        ("html", {}, BadAnswer),
        ("truncated", {}, BadAnswer),
        ("null", {}, BadAnswer),
        ("empty", {}, BadAnswer),
    ],
)
def test_each_fault_has_its_name_and_goes_away(sim, fault, fields, kind):
    """All calls alike; afterwards everything works again."""
    exchange = edge(sim, limiter=FreeLimiter(), timeout_s=0.1)
    exchange.tickers()
    sim.fault(fault, path="*", **fields)

    for ask in (
        lambda: exchange.candles(BTC, "1m", bars=5),
        lambda: exchange.order_book(BTC),
        lambda: exchange.trades(BTC, None),
        lambda: exchange.open_interest(BTC, None),
        lambda: exchange.funding([BTC]),
        lambda: exchange.long_short(BTC),
        exchange.tickers,
    ):
        with pytest.raises(kind) as failed:
            ask()
        assert type(failed.value) is kind
    sim.clear_faults()

    assert len(exchange.candles(BTC, "1m", bars=5)) == 5


def test_markets_that_cannot_be_loaded_are_tried_again(sim):
    """A start into an outage: an error of ours, then the markets."""
    exchange = edge(sim, limiter=FreeLimiter())
    sim.fault("html", path="*")

    with pytest.raises(BadAnswer):
        exchange.candles(BTC, "1m", bars=5)
    sim.clear_faults()

    assert len(exchange.candles(BTC, "1m", bars=5)) == 5


def test_a_delisted_symbol_is_unknown_and_leaves_the_universe(sim):
    """First its calls fail, then the next universe is without it."""
    exchange = edge(sim)
    gone = exchange.universe(12)[-1].symbol
    sim.fault("delisted", path="*", symbol=gone.split("/")[0] + "USDT")

    with pytest.raises(SymbolUnknown):
        exchange.candles(gone, "1m", bars=5)

    assert gone not in {one.symbol for one in exchange.universe(12)}
    with pytest.raises(SymbolUnknown):
        exchange.order_book(gone)


def test_stale_candles_keep_their_true_age(sim):
    """An exchange whose candles stand still gives what it has; closed_at tells."""
    exchange = edge(sim)
    now = exchange.candles(BTC, "1m", bars=5).closed_at
    sim.fault("stale_candles", path="*", at_ms=(now - 600) * 1000)

    assert exchange.candles(BTC, "1m", bars=5).closed_at <= now - 540


def test_a_gap_is_filled_from_the_close_before_it(sim):
    """Three candles that the exchange does not send are flagged."""
    exchange = edge(sim)
    last = exchange.candles(BTC, "1m", bars=20).closed_at
    begin = (last - 10 * 60) * 1000
    sim.fault("gap", path="*", from_ms=begin, to_ms=begin + 3 * 60_000)

    candles = exchange.candles(BTC, "1m", bars=20)

    where = np.flatnonzero(candles.filled)
    assert len(where) == 3
    assert np.all(candles.close[where] == candles.close[where[0] - 1])


def test_the_exchange_s_clock_is_followed(sim):
    """The exchange lives 20 minutes ahead: candles that are closed there are closed."""
    sim.move_clock(1200)
    exchange = edge(sim)

    candles = exchange.candles(BTC, "1m", bars=5)

    assert exchange.now() == pytest.approx(time.time() + 1200, abs=1.5)
    assert 1200 - 62 <= candles.closed_at - time.time() <= 1200


def test_a_date_that_lies_makes_no_candle_of_a_running_one(sim):
    """A `Date` ten minutes slow shows an older series, never a half-done candle."""
    true = edge(sim).candles(BTC, "1m", bars=60)
    sim.fault("clock", path="*", offset_s=-600)

    candles = edge(sim).candles(BTC, "1m", bars=30)

    assert candles.closed_at <= time.time() - 540
    place = int((candles.closed_at * 1000 - true.first_open_ms) // 60_000)
    assert candles.close[-1] == true.close[place - 1]


def test_after_a_ban_nothing_reaches_the_exchange(sim):
    """The simulator counts what arrives: one 403, then silence."""
    exchange = edge(sim)
    exchange.tickers()
    sim.fault("403", path="*")
    sim.reset_requests()

    for _ in range(5):
        with pytest.raises(Banned):
            exchange.order_book(BTC)

    assert sim.requests()["total"] == 1
    with pytest.raises(MarketError):
        exchange.candles(BTC, "1m", bars=5)


def test_eight_threads_use_the_allowed_rate_and_are_never_refused(sim):
    """Eight seconds of work without an end: at least 95 % of 120 calls a second, no 403."""
    exchanges = connect("simulated", simulator_url=sim.url, timeout_s=5, clock=time.time)
    exchanges.get().tickers()
    failures: list[Exception] = []
    calls = [0] * 8
    over = time.monotonic() + 8

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

    assert failures == []
    assert sum(calls) / 8 <= 120
    assert sum(calls) / 8 >= 0.9 * 120  # 95 % on an idle machine; tests share theirs


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
