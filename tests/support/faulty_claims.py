"""What holds of an exchange that a fault has left, and how to find one line of what is shown."""

from __future__ import annotations

from market.model import Candles
from tests.support.faulty_world import BARS, BTC, ETH, EXCHANGE, OF_THE_SCORE, SOURCES


def row(document, symbol=BTC):
    """The line of a symbol, or None."""
    return next((one for one in document["symbols"] if one["symbol"] == symbol), None)


def input_of(world, source, symbol=BTC):
    """What the score of a symbol says of the input that comes from a source."""
    name = OF_THE_SCORE.get(source, source)
    return next(one for one in world.score(symbol)["inputs"] if one["name"] == name)


def assert_all_is_well(world):
    """Everything can be fetched again, is newer, complete, and nothing of the fault is left."""
    before = {source: world.kept(source)[1] for source in SOURCES}

    assert world.recover() == {}

    shown = world.shown()
    assert (shown["state"], shown["reason"]) == ("live", None)
    (exchange,) = shown["exchanges"]
    assert (exchange["state"], exchange["reason"], exchange["retry_at"]) == ("ok", None, None)
    assert [one["symbol"] for one in shown["symbols"]] == [BTC, ETH]
    for one in shown["symbols"]:
        assert (one["state"], one["reason"], one["missing"]) == ("live", None, [])
        assert all(part["used"] and not part["stale"] for part in world.score(one["symbol"])["inputs"])
    for source in ("tickers", "order_book", "trades", "funding"):
        assert world.kept(source)[1] > before[source] or before[source] > world.clock()


def truth(world, timeframe="1m"):
    """The candles as the exchange has them, asked for anew."""
    return world.house.exchange(EXCHANGE).candles(BTC, timeframe, bars=BARS)


def assert_candles_are_true(world):
    """Bar by bar what is kept is what the exchange says, at the latest when one more candle has closed."""
    world.clock.move(62)
    assert world.ask_all() == {}
    kept, real = Candles.from_plain(world.kept("candles")[0]), truth(world)
    common = min(len(kept), len(real)) - 2
    assert common > 240
    shift = (real.first_open_ms - kept.first_open_ms) // 60_000
    for name in ("open", "high", "low", "close", "volume"):
        ours, theirs = getattr(kept, name)[shift:], getattr(real, name)
        length = min(len(ours), len(theirs))
        assert (ours[:length] == theirs[:length]).all(), name
