"""Every call of every claimed exchange, given a 200 that is no answer: an error of ours, never another."""

from __future__ import annotations

import pytest

from market.errors import BadAnswer, MarketError
from market.exchange_table import CLAIMED
from tests.support.replay import made_market, replayed_exchange

PERPETUAL, SPOT = "BTC/USDT:USDT", "BTC/USDT"
ON_SPOT = ("kraken", "coinbase")
LACKING = {
    **dict.fromkeys(ON_SPOT, ("open_interest", "funding", "long_short")),
    **dict.fromkeys(("kucoin", "gate"), ("long_short",)),
    "coinbase": ("trades", "open_interest", "funding", "long_short"),
}

CALLS = {
    "trades": lambda edge, symbol: edge.trades(symbol, None),
    "open_interest": lambda edge, symbol: edge.open_interest(symbol, None),
    "funding": lambda edge, symbol: edge.funding([symbol]),
    "long_short": lambda edge, symbol: edge.long_short(symbol),
    "order_book": lambda edge, symbol: edge.order_book(symbol),
    "candles": lambda edge, symbol: edge.candles(symbol, "1m", bars=5),
    "breadth": lambda edge, symbol: edge.tickers([symbol]),
}

ODD = (
    "",
    "null",
    "<html><body>Just a moment...</body></html>",
    '{"retCode":0,"code":"0","result":{"list":[["17',
    "OK",
    "7",
    {},
    [],
    [None],
    [0],
    [[]],
    [{}],
    {"retCode": 0, "result": {}, "data": []},
    {"retCode": 0, "result": {"list": []}, "data": None},
    {"retCode": 0, "code": "0", "result": {"list": [None]}, "data": [None]},
    {"retCode": 0, "code": "0", "result": {"list": [{}]}, "data": [{}]},
    {"code": "00000", "data": {"openInterestList": [], "ts": "x"}},
    {"code": "200000", "data": [{"symbol": "BTCUSDT"}]},
    {"trades": [{}], "products": [{}], "pricebook": {}},
)


@pytest.mark.parametrize(
    ("exchange", "call"),
    [(exchange, call) for exchange in CLAIMED for call in CALLS if call not in LACKING.get(exchange, ())],
)
def test_what_is_no_answer_becomes_an_error_of_ours(exchange, call):
    """The parsers make empty results, rows of None or plain Python errors of these."""
    spot = exchange in ON_SPOT
    symbol = SPOT if spot else PERPETUAL
    market = made_market(symbol, id="BTCUSDT", kind="spot" if spot else "swap")
    body = None
    edge, _, limiter = replayed_exchange(exchange, {symbol: market}, lambda _url: (body, 200, {}))
    assert call in edge.inputs()

    for body in ODD:
        with pytest.raises(MarketError) as refused:
            CALLS[call](edge, symbol)
        assert isinstance(refused.value, BadAnswer), (body, refused.value)

    assert set(limiter.outcomes) == {"succeeded"}
