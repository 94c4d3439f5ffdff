from __future__ import annotations

import ccxt
import pytest
from structlog.testing import capture_logs

from market.derivatives import hours_of
from market.errors import BadAnswer, NotSupported, SymbolUnknown
from market.inputs import OpenInterest
from tests.support.made_bybit import BTC, MARKETS, STARTED, made_exchange
from tests.support.replay import made_market

ETH = "ETH/USDT:USDT"
FIVE = 300.0


def bybit(raw, *, markets=None, now: float = STARTED):
    """An exchange, its client and its limiter, that answers this."""
    return made_exchange(lambda _url: raw, clock=lambda: now, markets=markets)


def interest_rows(*rows: tuple[float, object]):
    """Bybit's answer, newest first; seconds from the start."""
    made = [
        {"openInterest": amount, "timestamp": str(round((STARTED + time) * 1000))} for time, amount in rows
    ]
    return {"retCode": 0, "result": {"symbol": "BTCUSDT", "category": "linear", "list": made[::-1]}}


def test_an_hour_of_open_interest_comes_with_one_call():
    """Rows of five minutes, true as of the newest."""
    rows = [(-FIVE * number, str(1000 + number)) for number in range(14, 0, -1)]
    exchange, client, _ = bybit(interest_rows(*rows))

    found = exchange.open_interest(BTC, None)

    assert found.time == tuple(STARTED + time for time, _ in rows)
    assert found.amount == tuple(float(amount) for _, amount in rows)
    assert found.as_of == STARTED - FIVE
    assert found.time[-1] - found.time[0] == 65 * 60
    (url,) = client.session.urls
    assert "intervalTime=5min" in url
    assert "limit=14" in url


def test_what_was_known_is_kept_for_an_hour_and_corrected():
    """An answer with fewer rows than before takes none away; a row that comes again counts as it is now."""
    previous = OpenInterest(
        "bybit", BTC, tuple(STARTED - FIVE * n for n in range(16, 0, -1)), (5.0,) * 16, STARTED
    )
    exchange, _, _ = bybit(interest_rows((-FIVE, "7"), (-1.0, "8")))

    found = exchange.open_interest(BTC, previous)

    assert found.amount[-3:] == (5.0, 7.0, 8.0)
    assert found.time[-1] - found.time[0] <= 70 * 60
    assert found.time[0] == STARTED - FIVE * 14


def snapshots(*moments: tuple[float, str]):
    """What is known after reading the present value at these moments."""
    found = None
    for moment, amount in moments:
        exchange, client, _ = bybit(interest_rows((moment, amount)), now=STARTED + moment)
        client.has["fetchOpenInterestHistory"] = False
        found = exchange.open_interest(BTC, found)
    return found


def test_without_a_history_the_present_value_is_appended():
    """An hour later there is an hour of it."""
    found = snapshots(*((FIVE * number, str(100 + number)) for number in range(20)))

    assert len(found.time) == 15
    assert found.amount == tuple(float(100 + number) for number in range(5, 20))


def test_of_one_minute_only_the_newest_value_is_kept():
    """Whoever reads more often does not push the hour out."""
    found = snapshots((0, "1"), (20, "2"), (40, "3"), (60, "4"))

    assert (found.time, found.amount) == ((STARTED + 40, STARTED + 60), (3.0, 4.0))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (interest_rows(), "no open interest"),
        (interest_rows((-FIVE, "0")), "not positive"),
        (interest_rows((-FIVE, "-3")), "not positive"),
        (interest_rows((-FIVE, "x")), "not positive"),
        (interest_rows((-FIVE, None)), "not positive"),
        (interest_rows((3600.0, "3")), "time that cannot be"),
        (interest_rows((-7200.0, "3")), "back in time"),
    ],
)
def test_impossible_open_interest_is_refused(raw, reason):
    """The value before it stays."""
    previous = OpenInterest("bybit", BTC, (STARTED - 3600.0,), (5.0,), STARTED - 3600.0)

    with pytest.raises(BadAnswer, match=reason):
        bybit(raw)[0].open_interest(BTC, previous)


def test_open_interest_in_contracts_of_unknown_size_is_not_guessed():
    """Where nobody says which unit an exchange counts in, contracts of one are the only safe case."""
    markets = {**MARKETS, BTC: made_market(BTC, id="BTCUSDT", contractSize=0.01)}
    exchange, client, _ = bybit(interest_rows((-FIVE, "3")), markets=markets)
    client.id = "elsewhere"
    rows = [{"openInterestAmount": 3.0, "openInterestValue": 9.0, "timestamp": (STARTED - FIVE) * 1000}]
    client.fetch_open_interest_history = lambda *_: rows

    with pytest.raises(NotSupported, match="quote units"):
        exchange.open_interest(BTC, None)


def rate_rows(**rates: object):
    """Bybit's tickers with these rates."""
    rows = [
        {"symbol": name, "fundingRate": rate, "nextFundingTime": str(round((STARTED + 1800) * 1000))}
        for name, rate in rates.items()
    ]
    return {"retCode": 0, "result": {"category": "linear", "list": rows}, "time": STARTED * 1000}


def test_all_funding_rates_come_with_one_call():
    """Each with its interval, from what the market says, and the coming settlement."""
    markets = {
        **MARKETS,
        BTC: made_market(BTC, id="BTCUSDT", info={"fundingInterval": 480}),
        ETH: made_market(ETH, id="ETHUSDT", info={"fundingInterval": "240"}),
    }
    exchange, client, _ = bybit(rate_rows(BTCUSDT="0.0001", ETHUSDT="-0.0002"), markets=markets)

    found = exchange.funding([BTC, ETH])

    assert (found[BTC].rate, found[BTC].interval_h, found[BTC].rate_8h) == (0.0001, 8.0, 0.0001)
    assert (found[ETH].rate, found[ETH].interval_h, found[ETH].rate_8h) == (-0.0002, 4.0, -0.0004)
    assert (found[BTC].next_at, found[BTC].as_of) == (STARTED + 1800, STARTED)
    assert len(client.session.urls) == 1


def test_without_an_interval_there_is_no_rate_of_eight_hours():
    """It is not said, and not guessed."""
    (found,) = bybit(rate_rows(BTCUSDT="0.0001"))[0].funding([BTC]).values()

    assert (found.interval_h, found.rate_8h) == (None, None)


def test_a_symbol_without_a_rate_is_left_out():
    """A new listing has none yet, a spot market never, and neither takes the others' away."""
    exchange, _, _ = bybit(rate_rows(BTCUSDT="0.0001", ETHUSDT=""))

    assert list(exchange.funding([BTC, ETH, "BTC/USDT", "NEW/USDT:USDT"])) == [BTC]


@pytest.mark.parametrize("rate", ["7", "-0.6"])
def test_an_impossible_rate_is_left_out_and_told(rate):
    """A slip of the decimal point takes nobody else's rate away; where all are wrong, that is no answer."""
    exchange, _, _ = bybit(rate_rows(BTCUSDT=rate, ETHUSDT="0.0001"))

    with capture_logs() as logs:
        assert list(exchange.funding([BTC, ETH])) == [ETH]
    assert [(one["event"], one["dropped"]) for one in logs] == [("funding_dropped", 1)]
    with pytest.raises(BadAnswer, match="1 broken"):
        exchange.funding([BTC])


def test_no_rate_at_all_is_a_bad_answer():
    """Rates that were known stay."""
    with pytest.raises(BadAnswer, match="no funding rates"):
        bybit(rate_rows(ETHUSDT="0.1"))[0].funding([BTC])


@pytest.mark.parametrize(
    ("symbols", "kind"),
    [(["BTC/USDT"], NotSupported), (["NEW/USDT:USDT"], SymbolUnknown), ([], SymbolUnknown)],
)
def test_rates_of_nothing_are_not_asked_for(symbols, kind):
    """Spot has none, and what is not traded neither."""
    exchange, client, _ = bybit(rate_rows())

    with pytest.raises(kind):
        exchange.funding(symbols)
    assert client.session.urls == []


def test_where_there_is_no_call_for_all_each_rate_is_asked_for():
    """One call per symbol."""
    exchange, client, _ = bybit({})
    client.has["fetchFundingRates"] = False
    client.fetch_funding_rate = lambda symbol: {
        "fundingRate": 0.0003, "interval": "14400000", "symbol": symbol,
        "fundingTimestamp": (STARTED - 7200) * 1000, "nextFundingTimestamp": (STARTED + 7200) * 1000,
    }  # fmt: skip

    found = exchange.funding([BTC, ETH])

    assert {(one.rate, one.interval_h, one.next_at) for one in found.values()} == {
        (0.0003, 4.0, STARTED + 7200)
    }
    assert list(found) == [BTC, ETH]


@pytest.mark.parametrize("wrong", [ccxt.BadSymbol("gone"), TypeError("null")])
def test_one_that_is_asked_for_by_itself_and_has_none_costs_no_other_its_rate(wrong):
    """It is told of; with nothing but such ones the answer is bad."""
    exchange, client, _ = bybit({})
    client.has["fetchFundingRates"] = False

    def rate(symbol):
        if symbol == BTC:
            raise wrong
        return {"fundingRate": 0.0003, "interval": "8h", "symbol": symbol}

    client.fetch_funding_rate = rate

    with capture_logs() as logs:
        assert list(exchange.funding([BTC, ETH])) == [ETH]
    assert [(one["event"], one["dropped"]) for one in logs] == [("funding_dropped", 1)]
    with pytest.raises(BadAnswer, match="1 broken"):
        exchange.funding([BTC])


@pytest.mark.parametrize(
    ("said", "hours"),
    [("8h", 8.0), ("1h", 1.0), ("21600000", 6.0), ("0h", None), (None, None), ("", None), ("daily", None)],
)
def test_an_interval_is_hours_or_milliseconds(said, hours):
    """As ccxt writes it; anything else is not known."""
    assert hours_of(said) == hours


def ratio_rows(*rows: tuple[float, str, str]):
    """Bybit's account ratios; seconds from the start."""
    made = [
        {
            "symbol": "BTCUSDT",
            "buyRatio": buy,
            "sellRatio": sell,
            "timestamp": str(round((STARTED + at) * 1000)),
        }
        for at, buy, sell in rows
    ]
    return {"retCode": 0, "result": {"list": made}}


def test_the_newest_account_ratio_counts():
    """Of whatever comes, in whatever order."""
    exchange, client, _ = bybit(ratio_rows((-FIVE, "0.6", "0.4"), (-2 * FIVE, "0.5", "0.5")))

    found = exchange.long_short(BTC)

    assert found.ratio == pytest.approx(1.5)
    assert found.as_of == STARTED - FIVE
    assert "period=5min&" in client.session.urls[0]
    assert client.session.urls[0].endswith("limit=1")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (ratio_rows(), "no account ratio"),
        (ratio_rows((-FIVE, "0", "1")), "not positive"),
        (ratio_rows((-FIVE, "x", "1")), "not positive|cannot be read"),
        (ratio_rows((3600.0, "0.5", "0.5")), "time that cannot be"),
    ],
)
def test_an_impossible_account_ratio_is_refused(raw, reason):
    """The value before it stays."""
    with pytest.raises(BadAnswer, match=reason):
        bybit(raw)[0].long_short(BTC)


@pytest.mark.parametrize(
    ("call", "ask"),
    [
        (("fetchOpenInterestHistory", "fetchOpenInterest"), lambda one: one.open_interest(BTC, None)),
        (("fetchFundingRates", "fetchFundingRate"), lambda one: one.funding([BTC])),
        (("fetchLongShortRatioHistory",), lambda one: one.long_short(BTC)),
    ],
)
def test_what_an_exchange_lacks_is_not_supported_and_not_among_its_inputs(call, ask):
    """Told without a call."""
    exchange, client, _ = bybit({})
    assert len(exchange.inputs()) == 7
    client.has.update(dict.fromkeys(call, False))

    with pytest.raises(NotSupported):
        ask(exchange)
    assert len(exchange.inputs()) == 6
    assert client.session.urls == []


@pytest.mark.parametrize(
    "ask", [lambda one: one.open_interest("BTC/USDT", None), lambda one: one.long_short("BTC/USDT")]
)
def test_a_spot_market_has_none_of_it(ask):
    """Told without a call."""
    exchange, client, _ = bybit({})

    with pytest.raises(NotSupported, match="spot market"):
        ask(exchange)
    assert client.session.urls == []


def test_an_exchange_that_is_followed_on_spot_has_no_inputs_of_perpetuals():
    """Once its markets are known to be spot, whatever ccxt could ask it for."""
    exchange, _, _ = bybit({}, markets={"BTC/USDT": MARKETS["BTC/USDT"]})

    assert exchange.inputs() == ("candles", "order_book", "trades", "breadth")
