from __future__ import annotations

import copy
import math

import ccxt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.lean import LEAN, lean
from market.validation import number
from tests.support.fixtures import cases, markets_of
from tests.support.replay import made_market

ODD_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.just([]), st.just({}),
    st.decimals(allow_nan=False, places=3).map(str),
)  # fmt: skip
READ_OF_A_TRADE = ("id", "timestamp", "side", "price", "amount", "symbol")
MARKET = made_market("BTC/USDT:USDT", id="BTCUSDT")
TRADE = {
    "execId": "7b1a3d7e-2b0e-5a4e-8f3c-1f2e3d4c5b6a", "symbol": "BTCUSDT", "price": "69437.10",
    "size": "0.012", "side": "Buy", "time": "1779969600123", "isBlockTrade": False, "isRPITrade": False,
    "seq": "17",
}  # fmt: skip
CANDLE = ["1779969600000", "1.10", "1.30", "1.00", "1.20", "12.5", "14.7"]


def pair(exchange):
    """A client as ccxt has it, and a lean one."""
    of = getattr(ccxt, exchange)
    return of(), lean(of)()


@pytest.fixture(scope="module")
def bybit():
    """Both clients of Bybit, with one market."""
    both = pair("bybit")
    for client in both:
        client.set_markets([copy.deepcopy(MARKET), made_market("ETH/USDT:USDT", id="ETHUSDT")])
    return both


def read_of(trades):
    """What the edge reads of each trade."""
    return [{name: trade.get(name) for name in READ_OF_A_TRADE} for trade in trades]


def outcome(of):
    """What a call returns, or the class of what it raises."""
    try:
        return of()
    except Exception as error:  # noqa: BLE001 - whatever ccxt raises
        return type(error)


@pytest.mark.parametrize("method", ["fetchTrades", "fetchOHLCV", "fetchOrderBook", "fetchTickers"])
def test_recorded_answers_of_all_exchanges_mean_the_same(method):
    """Number for number, whatever an exchange's own parser does with them."""
    compared = 0
    for case in cases(method):
        found = []
        for client in pair(case.exchange):
            client.set_markets(copy.deepcopy(markets_of(case.exchange)))
            client.enableRateLimit = False
            client.fetch = lambda *_args, raw=case.raw, **_options: copy.deepcopy(raw)
            if case.unified:
                client.options["uta"] = True
            named = "".join(f"_{one.lower()}" if one.isupper() else one for one in method).replace(
                "_o_h_l_c_v", "_ohlcv"
            )
            found.append(
                outcome(lambda named=named, client=client, case=case: getattr(client, named)(*case.arguments))
            )
        plain, ours = map(read_of, found) if method == "fetchTrades" else found
        assert ours == plain, case
        compared += 1
    assert compared >= 2


@given(ODD_VALUES)
def test_a_number_is_read_as_ccxt_reads_it(value):
    """Of a text, an int or a float, and of nothing else."""
    plain, ours = PLAIN.safe_number({"a": value}, "a", 7.5), LEAN_CLIENT.safe_number({"a": value}, "a", 7.5)

    assert ours == plain or (math.isnan(ours) and math.isnan(plain))
    assert type(ours) is type(plain)


@given(ODD_VALUES | st.integers(0, 4_102_444_800_000) | st.integers(8_640_000_000_000_000 - 5))
def test_a_time_is_written_as_ccxt_writes_it(value):
    """Also where it is none, and beyond the end of the calendar."""
    assert LEAN_CLIENT.iso8601(value) == PLAIN.iso8601(value)


@settings(max_examples=12, deadline=None)
@pytest.mark.parametrize("name", [*TRADE, "category", "isBuyer", "execPrice", "createType", "tradeId"])
@given(
    value=ODD_VALUES | st.sampled_from(["", "Sell", "ETHUSDT", "1e3", " 1 ", "-1", "spot", "1779969600123.0"])
)
def test_an_odd_trade_means_what_it_means_to_ccxt(bybit, name, value):
    """Alone among others that are as documented, or one of many: the whole answer goes ccxt's way then."""
    documented = [TRADE, {**TRADE, "execId": "other"}, {**TRADE, "execId": "a", "time": "1779969600122"}]
    odd = [{**trade, name: value} for trade in documented]

    for rows in ([documented[0], odd[1], documented[2]], odd):
        plain, ours = (
            outcome(
                lambda client=client, rows=rows: read_of(
                    client.parse_trades(copy.deepcopy(rows), client.market("BTC/USDT:USDT"))
                )
            )
            for client in bybit
        )
        if plain is ValueError:  # it cannot tell what the trade is worth; we refuse the missing number
            assert any(number(trade[of]) is None for trade in ours for of in ("price", "amount"))
        else:
            assert repr(ours) == repr(plain)  # so that NaN is equal to itself


@settings(max_examples=12, deadline=None)
@pytest.mark.parametrize("place", range(len(CANDLE)))
@given(value=ODD_VALUES | st.sampled_from(["", "1e3", " 1 ", "-1", "nan", "1779969600000.0"]))
def test_an_odd_candle_means_what_it_means_to_ccxt(bybit, place, value):
    """A text that is no number, no text at all, or a row of another length."""
    odd = [*CANDLE[:place], value, *CANDLE[place + 1 :]]
    rows = [["1779969660000", *CANDLE[1:]], odd, CANDLE[:place], CANDLE]

    for some in (rows, [rows[0], odd, CANDLE]):
        plain, ours = (
            outcome(
                lambda client=client, some=some: client.parse_ohlcvs(
                    some, client.market("BTC/USDT:USDT"), "1m"
                )
            )
            for client in bybit
        )
        assert repr(ours) == repr(plain)


def test_documented_rows_do_not_go_ccxts_way(bybit, monkeypatch):
    """Else nothing would be saved."""
    client = bybit[1]
    monkeypatch.setattr(client, "parse_trade", None)
    monkeypatch.setattr(client, "parse_ohlcv", None)

    assert len(client.parse_trades([TRADE], MARKET)) == 1
    assert client.parse_ohlcvs([CANDLE], MARKET) == [[1779969600000, 1.1, 1.3, 1.0, 1.2, 12.5]]


def test_the_fees_that_an_exchange_names_are_kept():
    """A trade of an account has them."""
    trade = {"amount": "2", "price": "3", "fee": {"cost": "0.1", "currency": "USDT"}}

    plain, ours = (client.safe_trade(copy.deepcopy(trade), None) for client in (PLAIN, LEAN_CLIENT))

    assert ours == plain


@pytest.mark.parametrize("said", ["", "0", "0.00", None])
def test_a_last_price_that_nobody_said_is_not_reckoned_from_the_day_s_change(bybit, said):
    """It would be shown as a price of now; all else that the row says stays."""
    row = {"symbol": "BTCUSDT", "lastPrice": said, "prevPrice24h": "100", "price24hPcnt": "0.05"}

    plain, ours = (client.parse_ticker(dict(row), MARKET) for client in bybit)

    assert plain["last"] == 105.0
    assert ours == {**plain, "last": None, "close": None}


@pytest.mark.parametrize("exchange", sorted(LEAN))
def test_a_lean_client_is_one_of_ccxts(exchange):
    """By its class and its name; a second one is of the same class."""
    of = getattr(ccxt, exchange)

    assert issubclass(lean(of), of)
    assert lean(of) is lean(of)
    assert lean(of)().id == of().id


PLAIN, LEAN_CLIENT = pair("okx")
