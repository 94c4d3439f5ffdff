from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from market.candles import merge
from market.errors import BadAnswer, Banned, ExchangeUnavailable, NotSupported, RateLimited, SymbolUnknown
from tests.support.replay import made_market as market
from tests.support.replay import replayed_exchange

MINUTE_MS = 60_000
START_MS = 1_800_000_000_000
STARTED = START_MS / 1000


MARKETS = {
    one["symbol"]: one
    for one in (
        market("BTC/USDT:USDT", id="BTCUSDT"),
        market("ETH/USDT:USDT", id="ETHUSDT"),
        market("OLD/USDT:USDT", id="OLDUSDT", active=False),
        market("BTC/USDC:USDC", id="BTCPERP"),
        market("BTC/USDT", id="BTCUSDT", kind="spot"),
    )
}


class Bybit:
    """Answers like Bybit's candles do: newest first, at most 1000, the running one included."""

    def __init__(self, minute: float = 100.5, since: int = 0) -> None:
        self.minute = minute
        self.since = since
        self.left_out: set[int] = set()
        self.limits: list[int] = []

    def now(self) -> float:
        """Unix seconds."""
        return STARTED + self.minute * 60

    def close(self, minute: int) -> float:
        """The close of a minute."""
        return 100.0 + minute % 7

    def __call__(self, url: str) -> dict[str, object]:
        """Answer a request for candles."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.limits.append(int(asked["limit"]))
        minutes = [m for m in range(self.since, int(self.minute) + 1) if m not in self.left_out]
        first = (int(asked["start"]) - START_MS) // MINUTE_MS if "start" in asked else None
        if first is not None:
            minutes = [m for m in minutes if m >= first][: int(asked["limit"])]
        rows = [
            [str(START_MS + m * MINUTE_MS), *[str(self.close(m))] * 4, "1", "1"]
            for m in minutes[-int(asked["limit"]) :]
        ]
        return {"retCode": 0, "result": {"list": rows[::-1]}}


def edge(answer, *, clock=None, markets=None):
    """An exchange with this answer to every request."""
    return replayed_exchange(
        "bybit", MARKETS if markets is None else markets, answer, clock=clock or answer.now
    )


def test_the_running_candle_is_not_among_the_newest():
    """Five bars asked, five closed ones given, from one call for six rows."""
    bybit = Bybit()
    exchange, client, _ = edge(bybit)

    candles = exchange.candles("BTC/USDT:USDT", "1m", bars=5)

    assert len(candles) == 5
    assert candles.closed_at == STARTED + 100 * 60
    assert bybit.limits == [6]
    assert len(client.session.urls) == 1


def test_a_candle_that_closed_while_the_answer_was_on_its_way_still_runs_in_it():
    """The time of asking decides: the exchange may have written the row down before its last trade."""
    bybit = Bybit(minute=99.999)
    moments = [bybit.now(), bybit.now(), bybit.now(), bybit.now() + 5]
    exchange, _, _ = edge(bybit, clock=lambda: moments.pop(0) if len(moments) > 1 else moments[0])

    candles = exchange.candles("BTC/USDT:USDT", "1m", bars=5)

    assert candles.closed_at == STARTED + 99 * 60


def test_more_bars_than_one_call_gives_are_fetched_in_pages():
    """1200 bars from an exchange that gives 1000 a call: two calls, one contiguous series."""
    bybit = Bybit(minute=1500.5)
    exchange, _, _ = edge(bybit)

    candles = exchange.candles("BTC/USDT:USDT", "1m", bars=1200)

    assert len(candles) == 1200
    assert bybit.limits == [1000, 201]
    assert not candles.filled.any()
    assert candles.close[-1] == bybit.close(1499)


def test_a_young_market_gives_what_it_has():
    """Paging stops where the market begins."""
    bybit = Bybit(minute=1100.5, since=50)
    exchange, _, _ = edge(bybit)

    candles = exchange.candles("BTC/USDT:USDT", "1m", bars=1200)

    assert len(candles) == 1050
    assert bybit.limits == [1000, 201, 150]


def test_a_market_without_a_closed_candle_gives_an_empty_series():
    """Nothing closed yet is a true answer: closed_at is where the first candle opened."""
    exchange, _, _ = edge(Bybit(minute=0.5))

    candles = exchange.candles("BTC/USDT:USDT", "1m", bars=5)

    assert len(candles) == 0
    assert candles.closed_at == STARTED


def test_candles_of_the_future_are_a_bad_answer():
    """Rows that have not begun on the exchange's own clock cannot be true."""
    bybit = Bybit(minute=3.5)
    exchange, _, _ = edge(bybit, clock=lambda: STARTED - 86_400)

    with pytest.raises(BadAnswer, match="future"):
        exchange.candles("BTC/USDT:USDT", "1m", bars=5)


def test_a_gap_is_filled_and_flagged():
    """A candle that the exchange left out carries the close before it."""
    bybit = Bybit()
    bybit.left_out = {98}
    exchange, _, _ = edge(bybit)

    candles = exchange.candles("BTC/USDT:USDT", "1m", bars=5)

    assert candles.filled.tolist() == [False, False, False, True, False]
    assert candles.close[-2] == bybit.close(97)


def test_newer_candles_ask_for_the_few_that_are_missing():
    """Three closed since: three, one overlap and the running one are asked for."""
    bybit = Bybit()
    exchange, _, _ = edge(bybit)
    before = exchange.candles("BTC/USDT:USDT", "1m", bars=50)
    bybit.minute += 3

    after = exchange.newer_candles(before, "BTC/USDT:USDT", bars=50)

    assert bybit.limits == [51, 5]
    assert len(after) == 50
    assert after.close.tolist() == exchange.candles("BTC/USDT:USDT", "1m", bars=50).close.tolist()


def test_nothing_is_asked_while_no_candle_has_closed():
    """The same minute twice costs one call."""
    bybit = Bybit()
    exchange, _, _ = edge(bybit)
    before = exchange.candles("BTC/USDT:USDT", "1m", bars=50)

    after = exchange.newer_candles(before, "BTC/USDT:USDT", bars=50)

    assert bybit.limits == [51]
    assert after.closed_at == before.closed_at


def test_a_late_correction_of_the_newest_candle_is_taken_over():
    """The overlap reads the newest known candle again."""
    bybit = Bybit()
    exchange, _, _ = edge(bybit)
    before = exchange.candles("BTC/USDT:USDT", "1m", bars=5)
    bybit.minute += 1
    bybit.close = lambda _minute: 555.0

    after = exchange.newer_candles(before, "BTC/USDT:USDT", bars=5)

    assert after.close.tolist()[-2:] == [555.0, 555.0]


@pytest.mark.parametrize("away_minutes", [49, 5000])
def test_after_a_long_pause_the_whole_series_is_loaded(away_minutes):
    """Where the few would be more than the bars wanted, the old series is of no use."""
    bybit = Bybit()
    exchange, _, _ = edge(bybit)
    before = exchange.candles("BTC/USDT:USDT", "1m", bars=50)
    bybit.minute += away_minutes

    after = exchange.newer_candles(before, "BTC/USDT:USDT", bars=50)

    assert bybit.limits == [51, 51]
    assert (len(after), after.filled_share) == (50, 0.0)


def test_a_hole_between_old_and_new_is_loaded_not_filled():
    """An answer shorter than asked must not make up what the exchange would tell."""
    bybit = Bybit()
    exchange, _, _ = edge(bybit)
    before = exchange.candles("BTC/USDT:USDT", "1m", bars=50)
    bybit.minute += 10
    answers = [{"retCode": 0, "result": {"list": bybit("http://x/?limit=2")["result"]["list"]}}]
    broken, client, _ = edge(lambda url: answers.pop() if answers else bybit(url), clock=bybit.now)

    after = broken.newer_candles(before, "BTC/USDT:USDT", bars=50)

    assert len(client.session.urls) == 2
    assert not after.filled.any()


def test_an_empty_series_is_loaded_whole():
    """There is nothing to add to."""
    bybit = Bybit(minute=0.5)
    exchange, _, _ = edge(bybit)
    before = exchange.candles("BTC/USDT:USDT", "1m", bars=5)
    bybit.minute = 3.5

    assert len(exchange.newer_candles(before, "BTC/USDT:USDT", bars=5)) == 3


def test_a_stale_series_is_returned_with_its_true_age():
    """Old candles are a true answer; closed_at tells."""
    bybit = Bybit()
    exchange, _, _ = edge(bybit, clock=lambda: bybit.now() + 3600)

    candles = exchange.candles("BTC/USDT:USDT", "1m", bars=5)

    assert candles.closed_at == STARTED + 101 * 60
    assert merge(candles, candles).closed_at == candles.closed_at


@pytest.mark.parametrize("symbol", ["OLD/USDT:USDT", "NEW/USDT:USDT"])
def test_a_symbol_that_is_not_traded_is_refused_without_asking(symbol):
    """Delisted or never heard of: no call is wasted."""
    exchange, client, _ = edge(Bybit())

    for ask in (lambda: exchange.candles(symbol, "1m", bars=5), lambda: exchange.order_book(symbol)):
        with pytest.raises(SymbolUnknown) as refused:
            ask()
        assert refused.value.symbol == symbol
    with pytest.raises(SymbolUnknown):
        exchange.tickers(["NEW/USDT:USDT"])
    assert client.session.urls == []


def test_a_timeframe_that_the_exchange_has_not_is_not_supported():
    """Nothing is sent that the exchange would misread."""
    exchange, client, _ = edge(Bybit())

    with pytest.raises(NotSupported, match="7m"):
        exchange.candles("BTC/USDT:USDT", "7m", bars=5)
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
    exchange, _, _ = edge(tickers(ticker("BTCUSDT", "100"), ticker("ETHUSDT", "-5")), clock=lambda: STARTED)

    found = exchange.tickers()

    assert list(found) == ["BTC/USDT:USDT"]
    assert found["BTC/USDT:USDT"].as_of == STARTED


@pytest.mark.parametrize(
    ("rows", "reason"), [([ticker("BTCUSDT", ""), ticker("ETHUSDT", "0")], "2 broken"), ([], "no tickers")]
)
def test_no_true_row_at_all_is_a_bad_answer(rows, reason):
    """An empty or all-broken answer never replaces good prices."""
    exchange, _, _ = edge(tickers(*rows), clock=lambda: STARTED)

    with pytest.raises(BadAnswer, match=reason):
        exchange.tickers()


def universe(*rows: dict[str, str], markets=None, limit: int = 10):
    """The universe when these rows are the tickers."""
    known = list((MARKETS if markets is None else markets).values())
    exchange, client, _ = edge(tickers(*rows), clock=lambda: STARTED, markets={})
    client.fetch_markets = lambda _params=None: known
    return exchange.universe(limit)


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
        market("BTC/USDT", id="BTCUSDT", kind="spot"),
        market("ETH/USD", id="ETHUSD", kind="spot"),
        market("ETH/EUR", id="ETHEUR", kind="spot"),
    ]
    answer = {
        "retCode": 0,
        "result": {
            "category": "spot",
            "list": [ticker("BTCUSDT", "100", spot=True), ticker("ETHUSD", "90", spot=True)],
        },
    }
    exchange, client, _ = edge(lambda _url: answer, clock=lambda: STARTED, markets={})
    client.fetch_markets = lambda _params=None: spot

    found = exchange.universe(10)

    assert [(one.symbol, one.type) for one in found] == [("BTC/USDT", "spot"), ("ETH/USD", "spot")]
    assert "category=spot" in client.session.urls[-1]


def test_a_list_of_markets_that_shrank_by_half_is_not_believed():
    """A truncated list must not throw symbols out; what was known stays."""
    exchange, client, _ = edge(tickers(ticker("BTCUSDT", "100")), clock=lambda: STARTED)
    exchange.tickers()
    client.fetch_markets = lambda _params=None: [MARKETS["BTC/USDT"]]

    with pytest.raises(BadAnswer, match="1 markets where 5 were known"):
        exchange.universe(10)
    assert len(client.markets) == 5


def test_a_book_without_a_time_is_as_of_the_moment_of_asking():
    """Never younger than it is."""
    raw = {"retCode": 0, "result": {"s": "BTCUSDT", "b": [["1", "2"]], "a": [["3", "4"]]}}
    exchange, _, limiter = edge(lambda _url: raw, clock=lambda: STARTED)

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
    exchange, _, limiter = edge(lambda _url: answer, clock=lambda: STARTED)

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
    exchange, _, limiter = edge(lambda _url: answer, clock=lambda: STARTED)

    with pytest.raises(kind) as failed:
        exchange.candles("BTC/USDT:USDT", "1m", bars=5)

    assert limiter.closures == []
    assert failed.value.exchange == "bybit"
    if kind is ExchangeUnavailable:
        assert failed.value.__cause__ is not None


def test_a_failure_of_ours_is_not_taken_for_the_exchange_s():
    """A programming error in a collaborator is not dressed up as a bad answer."""
    exchange, client, _ = edge(Bybit())
    client.fetch_order_book = lambda *_: (_ for _ in ()).throw(AssertionError("ours"))

    with pytest.raises(AssertionError, match="ours"):
        exchange.order_book("BTC/USDT:USDT")


def test_the_exchange_s_clock_counts_not_ours():
    """Our clock runs an hour ahead: the running candle is still running."""
    bybit = Bybit()
    date = "Fri, 15 Jan 2027 09:40:30 GMT"  # minute 100.5
    exchange, _, _ = edge(lambda url: (bybit(url), 200, {"Date": date}), clock=lambda: bybit.now() + 3600)
    assert exchange.now() == bybit.now() + 3600

    candles = exchange.candles("BTC/USDT:USDT", "1m", bars=5)

    assert candles.closed_at == STARTED + 100 * 60
    assert exchange.now() == pytest.approx(bybit.now(), abs=1)
