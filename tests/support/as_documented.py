"""Answers as documented, not recorded: written by hand with the field names of the exchanges' own pages.

They show that units, signs and times come out of the edge as those pages say they are; what the
exchanges really send they cannot show.
"""

from __future__ import annotations

from tests.support.replay import made_market, replayed_exchange

NOW = 1_700_000_400.0  # a multiple of five minutes, as exchanges' own rows are
NOW_MS = round(NOW * 1000)
BTC = "BTC/USDT:USDT"
IDS = {
    "binance": ("BTCUSDT", 1.0),
    "kucoin": ("XBTUSDTM", 0.001),
    "gate": ("BTC_USDT", 0.0001),
    "okx": ("BTC-USDT-SWAP", 0.01),
    "bitget": ("BTCUSDT", 1.0),
}


def edge(exchange: str, answers):
    """An exchange with one perpetual that gives these answers, each by a part of its address."""
    name, size = IDS[exchange]
    market = made_market(BTC, id=name, contractSize=size, settleId="usdt" if exchange == "gate" else "USDT")

    def answer(url: str):
        (found,) = [raw for part, raw in answers.items() if part.replace("_", "-") in url.replace("_", "-")]
        return found

    made, client, _ = replayed_exchange(exchange, {BTC: market}, answer, clock=lambda: NOW)
    client.milliseconds = lambda: NOW_MS  # ccxt asks kucoin for a stretch of time
    return made


def kucoin(payload):
    """The frame of its answers."""
    return {"code": "200000", "data": payload}


def okx(payload):
    """The frame of its answers."""
    return {"code": "0", "msg": "", "data": payload}


def bitget(payload):
    """The frame of its answers."""
    return {"code": "00000", "msg": "success", "requestTime": NOW_MS, "data": payload}
