from __future__ import annotations

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.simulator import running_simulator

pytestmark = pytest.mark.integration
PERPETUAL, SPOT = "BTC/USDT:USDT", "BTC/USDT"
RECORDING = "recordings/binance-usdm-2025-05"


def client_of(simulator):
    """Unmodified ccxt, pointed at the simulator."""
    import ccxt

    client = ccxt.bybit({"timeout": 10_000, "enableRateLimit": False})
    client.urls["api"] = dict.fromkeys(client.urls["api"], simulator.url)
    client.load_markets()
    return client


@pytest.fixture(scope="module")
def simulator():
    """A synthetic exchange of thirty symbols."""
    with running_simulator(symbols=30) as running:
        yield running


@pytest.fixture(scope="module")
def client(simulator):
    """A client with loaded markets."""
    return client_of(simulator)


def test_markets_are_loaded_with_precision_and_limits(client):
    """Perpetuals and spot pairs, active, with ticks and steps."""
    perpetual, spot = client.market(PERPETUAL), client.market(SPOT)

    assert len(client.markets) == 30 + 12
    assert perpetual["swap"]
    assert perpetual["linear"]
    assert perpetual["active"]
    assert perpetual["precision"] == {"amount": 0.001, "price": 0.1} | {
        key: value for key, value in perpetual["precision"].items() if key not in {"amount", "price"}
    }
    assert spot["spot"]
    assert spot["precision"]["price"] == 0.1


def test_the_universe_fits_in_any_size():
    """More symbols than a page holds are all loaded."""
    with running_simulator(symbols=1100) as large:
        client = client_of(large)

        assert sum(1 for market in client.markets.values() if market["swap"]) == 1100
        assert len(client.fetch_tickers()) == 1100


@pytest.mark.parametrize(("category", "count"), [("linear", 30), ("spot", 12)])
def test_all_tickers_come_in_one_call(client, category, count):
    """Positive, ordered prices for every symbol."""
    tickers = client.fetch_tickers(params={"category": category})

    assert len(tickers) == count
    for ticker in tickers.values():
        assert 0 < ticker["bid"] < ticker["ask"]
        assert ticker["low"] <= ticker["last"] <= ticker["high"]
        assert ticker["quoteVolume"] > 0
        assert ticker["open"] > 0


def test_one_ticker_by_symbol(client):
    """The percentage agrees with open and last."""
    ticker = client.fetch_ticker(PERPETUAL)

    assert ticker["percentage"] == pytest.approx((ticker["last"] / ticker["open"] - 1) * 100, abs=0.001)


@pytest.mark.parametrize("symbol", [PERPETUAL, SPOT])
@pytest.mark.parametrize("timeframe", ["1m", "5m", "30m", "4h", "1d", "1w", "1M"])
def test_candles_in_every_timeframe(client, symbol, timeframe):
    """The newest hundred (or what there is), oldest first, the running one last."""
    rows = client.fetch_ohlcv(symbol, timeframe, limit=100)

    assert len(rows) == 100 or timeframe == "1M"
    assert rows == sorted(rows)
    assert rows[-1][0] <= time.time() * 1000
    assert all(row[3] <= min(row[1], row[4]) <= max(row[1], row[4]) <= row[2] for row in rows)


def test_candles_since_a_time(client):
    """`since` and `limit` as ccxt means them; deep history can be paged through."""
    since = int(time.time() * 1000) // 60_000 * 60_000 - 3000 * 60_000

    first = client.fetch_ohlcv(PERPETUAL, "1m", since=since, limit=1000)
    more = client.fetch_ohlcv(PERPETUAL, "1m", since=first[-1][0] + 60_000, limit=1000)

    assert [row[0] for row in first] == [since + place * 60_000 for place in range(1000)]
    assert more[0][0] == first[-1][0] + 60_000
    assert more[0][1] == first[-1][4]


@pytest.mark.parametrize("symbol", [PERPETUAL, SPOT])
def test_order_books(client, symbol):
    """Fifty levels a side that do not cross."""
    book = client.fetch_order_book(symbol, limit=50)

    assert len(book["bids"]) == len(book["asks"]) == 50
    assert book["bids"][0][0] < book["asks"][0][0]
    assert book["timestamp"] <= time.time() * 1000 + 1000


@pytest.mark.parametrize(("symbol", "count"), [(PERPETUAL, 1000), (SPOT, 60)])
def test_trades(client, symbol, count):
    """As many as the exchange gives, oldest first."""
    trades = client.fetch_trades(symbol, limit=count)

    assert len(trades) == count
    assert all(trade["amount"] > 0 and trade["side"] in {"buy", "sell"} for trade in trades)
    assert len({trade["id"] for trade in trades}) == count


def test_funding_open_interest_and_account_ratio(client):
    """The statistics ccxt knows."""
    rates = client.fetch_funding_rate_history(PERPETUAL, limit=10)
    since = client.fetch_funding_rate_history(PERPETUAL, since=rates[3]["timestamp"], limit=2)
    interest = client.fetch_open_interest_history(PERPETUAL, "5m", limit=10)
    ratio = client.fetch_long_short_ratio_history(PERPETUAL, "1h", limit=10)

    assert len(rates) == len(interest) == len(ratio) == 10
    assert len(since) == 2
    assert {rate["timestamp"] for rate in since} <= {rate["timestamp"] for rate in rates[3:6]}
    assert client.fetch_funding_rate(PERPETUAL)["fundingRate"] is not None
    assert client.fetch_open_interest(PERPETUAL)["openInterestAmount"] > 0
    assert all(one["openInterestAmount"] > 0 for one in interest)
    assert all(one["longShortRatio"] > 0 for one in ratio)


def test_funding_rates_come_with_their_interval_and_the_next_settlement(client):
    """One call for all; a rate is of eight hours, and settles within the next eight."""
    now_ms = time.time() * 1000
    rates = client.fetch_funding_rates([PERPETUAL, "ETH/USDT:USDT"])
    took_ms = time.time() * 1000 - now_ms

    assert set(rates) == {PERPETUAL, "ETH/USDT:USDT"}
    for rate in rates.values():
        assert abs(rate["fundingRate"]) < 0.005
        assert rate["interval"] == "8h"
        assert rate["fundingTimestamp"] % 28_800_000 == 0
        assert 0 < rate["fundingTimestamp"] - now_ms <= 28_800_000 + took_ms
        assert rate["timestamp"] == pytest.approx(now_ms, abs=20_000)


def test_open_interest_comes_in_steps_of_five_minutes_up_to_the_ticker_s_own(client):
    """Base units, rising times, the newest of the last five minutes."""
    rows = client.fetch_open_interest_history(PERPETUAL, "5m", None, 14)
    times = [row["timestamp"] for row in rows]

    assert times == list(range(times[0], times[0] + 14 * 300_000, 300_000))
    assert 0 <= time.time() * 1000 - times[-1] < 330_000
    assert rows[-1]["openInterestAmount"] == pytest.approx(
        float(client.fetch_ticker(PERPETUAL)["info"]["openInterest"]), rel=0.02
    )
    steps = [two["openInterestAmount"] / one["openInterestAmount"] for one, two in pairwise(rows)]
    assert max(steps) < 1.02
    assert min(steps) > 0.98


def test_the_newest_ratio_of_accounts_is_of_the_last_five_minutes(client):
    """Long accounts for one that is short, from shares that add up to one."""
    (row,) = client.fetch_long_short_ratio_history(PERPETUAL, "5min", None, 1)
    long, short = float(row["info"]["buyRatio"]), float(row["info"]["sellRatio"])

    assert row["longShortRatio"] == pytest.approx(long / short, rel=1e-6)
    assert long + short == pytest.approx(1, abs=1e-9)
    assert 0 <= time.time() * 1000 - row["timestamp"] < 330_000


def test_the_clock_is_the_machines(client):
    """Within a second."""
    began = time.time()
    told = client.fetch_time()
    ended = time.time()

    assert began * 1000 - 1000 < told < ended * 1000 + 1000


def test_errors_reach_the_caller_as_ccxts_own(client, simulator):
    """Bad symbol, bad parameter, a delisted symbol, the rate limit."""
    import ccxt

    with pytest.raises(ccxt.BadSymbol):
        client.fetch_ohlcv("NOPE/USDT:USDT")
    with pytest.raises(ccxt.BadRequest, match="Invalid period"):
        client.fetch_ohlcv(PERPETUAL, "1m", params={"interval": "9"})
    simulator.fault("delisted", symbol="ETHUSDT")
    with pytest.raises(ccxt.BadRequest, match="symbol invalid"):
        client.fetch_ohlcv("ETH/USDT:USDT")
    assert not client_of(simulator).market("ETH/USDT:USDT")["active"]
    simulator.clear_faults()


def test_a_recording_plays_through_ccxt():
    """Sixteen real symbols, forty-eight hours and more of history, exact closes."""
    root = os.environ.get("RECORDINGS_DIR")
    if not root:
        pytest.skip("RECORDINGS_DIR is not set")
    with running_simulator(recordings=Path(root) / RECORDING) as simulator:
        client, state = client_of(simulator), simulator.state()

        rows = client.fetch_ohlcv(PERPETUAL, "1m", since=state["history_from_ms"], limit=3)

        assert state["source"] == "recordings"
        assert state["shift_ms"] % (4 * 3_600_000) == 0
        assert len(client.fetch_tickers()) == 16
        assert state["now_ms"] - state["history_from_ms"] >= 48 * 3_600_000
        assert rows[0][0] - state["shift_ms"] == 1_747_699_200_000
        assert [row[0] for row in rows] == [state["history_from_ms"] + place * 60_000 for place in range(3)]


def test_a_recording_of_five_minutes_has_real_funding_rates():
    """The folder's own 8 h rates come back with their times moved."""
    root = os.environ.get("RECORDINGS_DIR")
    if not root:
        pytest.skip("RECORDINGS_DIR is not set")
    with running_simulator(recordings=Path(root) / "recordings/binance-usdm-2025-03") as simulator:
        client = client_of(simulator)

        rates = client.fetch_funding_rate_history(PERPETUAL, limit=20)

        recorded = (Path(root) / "recordings/binance-usdm-2025-03/funding-8h.csv.gz").read_bytes()
        import gzip

        known = {float(line.split(",")[2]) for line in gzip.decompress(recorded).decode().splitlines()[1:]}
        assert {rate["fundingRate"] for rate in rates} <= known
        assert len(client.fetch_ohlcv(PERPETUAL, "1m", limit=500)) == 500
