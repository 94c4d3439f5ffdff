from __future__ import annotations

import pytest
import requests

from market.errors import BadAnswer, Banned, ExchangeUnavailable, FewerMarkets, RateLimited, SymbolUnknown
from tests.support.made_bybit import BTC, MARKETS, STARTED, Bybit, made_exchange
from tests.support.replay import made_market


@pytest.mark.parametrize("symbol", ["OLD/USDT:USDT", "NEW/USDT:USDT"])
def test_a_symbol_that_is_not_traded_is_refused_without_asking(symbol):
    """Delisted or never heard of: no call is wasted."""
    exchange, client, _ = made_exchange(Bybit())

    for ask in (lambda: exchange.candles(symbol, "1m", bars=5), lambda: exchange.order_book(symbol)):
        with pytest.raises(SymbolUnknown) as refused:
            ask()
        assert refused.value.symbol == symbol
    with pytest.raises(SymbolUnknown):
        exchange.tickers(["NEW/USDT:USDT"])
    assert client.session.urls == []


def ticker(symbol: str, last: str, turnover: str = "1000", *, spot: bool = False) -> dict[str, str]:
    """One of Bybit's rows."""
    return {
        "symbol": symbol, "lastPrice": last, "prevPrice24h": "90", "highPrice24h": "110", "lowPrice24h": "80",
        "bid1Price": "", "ask1Price": "", "turnover24h": turnover, "volume24h": "10",
        **({} if spot else {"openInterestValue": "1"}),  # by which ccxt tells a contract from a spot market
    }  # fmt: skip


def tickers(*rows: dict[str, str]):
    """An answer with these rows."""
    return lambda _url: {"retCode": 0, "result": {"category": "linear", "list": list(rows)}}


def test_broken_rows_are_dropped_while_others_are_true():
    """One symbol's nonsense does not take the other prices away."""
    exchange, _, _ = made_exchange(
        tickers(ticker("BTCUSDT", "100"), ticker("ETHUSDT", "-5")), clock=lambda: STARTED
    )

    found = exchange.tickers()

    assert list(found) == ["BTC/USDT:USDT"]
    assert found["BTC/USDT:USDT"].as_of == STARTED


@pytest.mark.parametrize(
    ("rows", "reason"), [([ticker("BTCUSDT", ""), ticker("ETHUSDT", "0")], "2 broken"), ([], "no tickers")]
)
def test_no_true_row_at_all_is_a_bad_answer(rows, reason):
    """An empty or all-broken answer never replaces good prices."""
    exchange, _, _ = made_exchange(tickers(*rows), clock=lambda: STARTED)

    with pytest.raises(BadAnswer, match=reason):
        exchange.tickers()


def universe(*rows: dict[str, str], markets=None, limit: int = 10, known=None):
    """The universe when these rows are the tickers; `known` are those that were tracked."""
    listed = list((MARKETS if markets is None else markets).values())
    exchange, client, _ = made_exchange(tickers(*rows), clock=lambda: STARTED, markets={})
    client.fetch_markets = lambda _params=None: listed
    return exchange.universe(limit, known)


def test_the_universe_is_live_usdt_perpetuals_by_turnover():
    """Spot, USDC and delisted markets stay out; the symbol decides between equals."""
    rows = [
        ticker(name, "100", turnover)
        for name, turnover in (("ETHUSDT", "7"), ("BTCUSDT", "7"), ("OLDUSDT", "9"))
    ]

    found = universe(*rows, ticker("BTCPERP", "100", "99"))

    assert [one.symbol for one in found] == ["BTC/USDT:USDT", "ETH/USDT:USDT"]
    assert (found[0].base, found[0].quote, found[0].type, found[0].turnover_24h) == (
        "BTC",
        "USDT",
        "swap",
        7.0,
    )


def test_the_universe_is_cut_to_its_limit():
    """Only the top counts."""
    found = universe(ticker("BTCUSDT", "100", "1"), ticker("ETHUSDT", "100", "2"), limit=1)

    assert [one.symbol for one in found] == ["ETH/USDT:USDT"]


def test_without_perpetuals_the_universe_is_spot():
    """An exchange with spot only is tracked by its USDT and USD markets."""
    spot = [
        made_market("BTC/USDT", id="BTCUSDT", kind="spot"),
        made_market("ETH/USD", id="ETHUSD", kind="spot"),
        made_market("ETH/EUR", id="ETHEUR", kind="spot"),
    ]
    answer = {
        "retCode": 0,
        "result": {
            "category": "spot",
            "list": [ticker("BTCUSDT", "100", spot=True), ticker("ETHUSD", "90", spot=True)],
        },
    }
    exchange, client, _ = made_exchange(lambda _url: answer, clock=lambda: STARTED, markets={})
    client.fetch_markets = lambda _params=None: spot

    found = exchange.universe(10)

    assert [(one.symbol, one.type) for one in found] == [("BTC/USDT", "spot"), ("ETH/USD", "spot")]
    assert "category=spot" in client.session.urls[-1]


def test_a_symbol_whose_row_is_untrue_just_now_stays_where_it_was():
    """One crossed quote at the wrong moment must not cost a symbol all that is known of it."""
    rows = ticker("BTCUSDT", "-1"), ticker("ETHUSDT", "100", "7")

    found = universe(*rows, known={"BTC/USDT:USDT": 9.0, "ETH/USDT:USDT": 7.0, "OLD/USDT:USDT": 99.0})

    assert [(one.symbol, one.turnover_24h) for one in found] == [
        ("BTC/USDT:USDT", 9.0), ("ETH/USDT:USDT", 7.0),
    ]  # fmt: skip
    assert [one.symbol for one in universe(*rows)] == ["ETH/USDT:USDT"]


def test_an_answer_without_most_of_the_tracked_symbols_is_not_believed():
    """Half an answer must not throw symbols out; a single one that is gone leaves."""
    markets = {name: made_market(f"{name}/USDT:USDT", id=f"{name}USDT") for name in ("BTC", "ETH", "SOL")}
    known = {market["symbol"]: 1.0 for market in markets.values()}

    with pytest.raises(BadAnswer, match="no tickers of 2 of the 3 symbols known"):
        universe(ticker("BTCUSDT", "100"), markets=markets, known=known)

    two = [ticker("BTCUSDT", "100"), ticker("ETHUSDT", "100")]
    assert len(universe(*two, markets=markets, known=known)) == 2


def test_a_list_of_markets_that_shrank_by_half_is_not_believed_at_first():
    """A truncated list must not throw symbols out; what was known stays until whoever asks believes it."""
    exchange, client, _ = made_exchange(tickers(ticker("BTCUSDT", "100")), clock=lambda: STARTED)
    exchange.tickers()
    client.fetch_markets = lambda _params=None: [MARKETS["BTC/USDT"]]

    with pytest.raises(FewerMarkets, match="0 markets to track where 2 were known") as refused:
        exchange.universe(10)
    assert len(client.markets) == 5

    assert [one.symbol for one in exchange.universe(10, believed=refused.value.listed)] == ["BTC/USDT"]


def test_a_book_without_a_time_is_as_of_the_moment_of_asking():
    """Never younger than it is."""
    raw = {"retCode": 0, "result": {"s": "BTCUSDT", "b": [["1", "2"]], "a": [["3", "4"]]}}
    exchange, _, limiter = made_exchange(lambda _url: raw, clock=lambda: STARTED)

    book = exchange.order_book("BTC/USDT:USDT", depth=50)

    assert book.as_of == STARTED
    assert limiter.costs == [5.0]


@pytest.mark.parametrize(
    ("answer", "kind", "closure"),
    [
        (("{}", 429, {"Retry-After": "7"}), RateLimited, (7.0, "rate_limited")),
        (("<html>", 403, {}), Banned, (600.0, "banned")),
        (("{}", 503, {"Retry-After": "30"}), ExchangeUnavailable, (30.0, "unreachable")),
        (({"retCode": 10006, "retMsg": "Too many visits!"}, 200, {}), RateLimited, (10.0, "rate_limited")),
    ],
)
def test_a_request_to_stay_away_closes_the_limiter_for_all(answer, kind, closure):
    """The other threads stop too, for as long as the exchange says."""
    exchange, _, limiter = made_exchange(lambda _url: answer, clock=lambda: STARTED)

    with pytest.raises(kind):
        exchange.order_book("BTC/USDT:USDT")

    assert limiter.closures == [(STARTED + closure[0], closure[1])]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (("{}", 503, {}), ExchangeUnavailable),
        (requests.exceptions.ConnectTimeout("slow"), ExchangeUnavailable),
        (requests.exceptions.ReadTimeout("slow"), ExchangeUnavailable),
        (requests.exceptions.ConnectionError("refused"), ExchangeUnavailable),
        (requests.exceptions.ChunkedEncodingError("cut"), ExchangeUnavailable),
        (({"retCode": 0, "result": {"list": [None]}}, 200, {}), BadAnswer),
        (({"retCode": 0, "result": None}, 200, {}), BadAnswer),
        (("<html>", 200, {}), BadAnswer),
    ],
)
def test_other_failures_leave_the_limiter_open_and_keep_their_cause(answer, kind):
    """Only who is asked to wait waits; the original error stays behind ours."""
    exchange, _, limiter = made_exchange(lambda _url: answer, clock=lambda: STARTED)

    with pytest.raises(kind) as failed:
        exchange.candles(BTC, "1m", bars=5)

    assert limiter.closures == []
    assert failed.value.exchange == "bybit"
    if kind is ExchangeUnavailable:
        assert failed.value.__cause__ is not None


def test_a_failure_of_ours_is_not_taken_for_the_exchange_s():
    """A programming error in a collaborator is not dressed up as a bad answer."""
    exchange, client, _ = made_exchange(Bybit())
    client.fetch_order_book = lambda *_: (_ for _ in ()).throw(AssertionError("ours"))

    with pytest.raises(AssertionError, match="ours"):
        exchange.order_book("BTC/USDT:USDT")
