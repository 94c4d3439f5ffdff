from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from market.errors import BadAnswer, NotSupported
from market.inputs import Trades
from market.trade_fetching import FEWEST, OVERLAP, likely_missing
from tests.support.made_bybit import BTC, STARTED, made_exchange


class Tape:
    """A Bybit on which one trade happens every `every_s` seconds, from its first second on."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self.second = 0.0
        self.limits: list[int] = []

    def now(self) -> float:
        """Unix seconds."""
        return STARTED + self.second

    def __call__(self, url: str) -> dict:
        """The newest trades, the newest first."""
        limit = int(parse_qs(urlsplit(url).query)["limit"][0])
        self.limits.append(limit)
        happened = int(self.second / self.every_s)
        rows = [
            {
                "execId": str(number), "symbol": "BTCUSDT", "price": "100", "size": "2",
                "side": "Buy" if number % 2 else "Sell",
                "time": str(round((STARTED + number * self.every_s) * 1000)),
            }
            for number in range(max(0, happened - limit), happened)
        ]  # fmt: skip
        return {"retCode": 0, "result": {"list": rows[::-1]}}


def reading(tape: Tape, seconds, *, window_s: float = 900.0):
    """What is known after reading at these moments."""
    exchange, _, _ = made_exchange(tape)
    trades = None
    for tape.second in seconds:
        trades = exchange.trades(BTC, trades, window_s=window_s)
    return trades


def test_the_first_answer_is_as_long_as_the_exchange_gives():
    """Bybit's 1000; how fast its trades come is not known yet."""
    tape = Tape(every_s=1.0)

    trades = reading(tape, [800.0])

    assert tape.limits == [1000]
    assert len(trades) == 799  # of the oldest instant there may be more


def test_later_answers_are_only_as_long_as_is_likely_missing():
    """Ten a second for 15 seconds: one and a half times 150, and a few that are known."""
    tape = Tape(every_s=0.1)

    trades = reading(tape, [100.0, 115.0, 130.0])

    assert tape.limits[0] == 1000
    assert all(200 <= limit <= 250 for limit in tape.limits[1:])
    assert len(trades) == trades.time.size == 1299  # the oldest instant of a cut answer is left out
    assert np.all(np.diff(trades.time) > 0)


def test_a_quiet_market_is_asked_for_the_fewest():
    """Fifty reach back far enough to join what is known."""
    tape = Tape(every_s=5.0)

    reading(tape, [500.0, 515.0, 530.0])

    assert tape.limits == [1000, FEWEST, FEWEST]


def test_an_answer_that_does_not_reach_back_is_asked_for_again_in_full():
    """The market became twenty times faster: a second call, and no trade is missing."""
    tape = Tape(every_s=5.0)
    exchange, _, _ = made_exchange(tape)
    tape.second = 500.0
    before = exchange.trades(BTC, None)
    tape.every_s, tape.second = 0.25, 515.0

    after = exchange.trades(BTC, before)

    assert tape.limits == [1000, FEWEST, 1000]
    assert after.since == before.since


def test_a_hole_that_cannot_be_closed_is_told():
    """More was traded than one call gives: known is what came after."""
    tape = Tape(every_s=0.01)

    trades = reading(tape, [100.0, 115.0])

    assert tape.limits == [1000, 1000]
    assert trades.since == pytest.approx(STARTED + 105.01)
    assert len(trades) == 999


def test_an_answer_without_trades_keeps_what_was_known():
    """It is refused; the value before it stays."""
    exchange, _, _ = made_exchange(lambda _url: {"retCode": 0, "result": {"list": []}}, clock=lambda: STARTED)

    with pytest.raises(BadAnswer, match="no trades"):
        exchange.trades(BTC, None)


def test_an_exchange_without_trades_is_not_asked():
    """Named once, missing in the scores."""
    exchange, client, _ = made_exchange(Tape(1.0))
    client.has["fetchTrades"] = False

    with pytest.raises(NotSupported, match="no trades"):
        exchange.trades(BTC, None)
    assert "trades" not in exchange.inputs()
    assert client.session.urls == []


def trades_at(*ages_s: float, as_of: float = 1000.0, since: float = 100.0) -> Trades:
    """Known trades of these ages."""
    times = as_of - np.array(sorted(ages_s, reverse=True))
    ones = np.ones(len(times))
    return Trades("x", "A/B", times, ones, ones, ones.astype(np.int8), since, (), as_of)


def test_the_busiest_of_the_whole_stretch_and_the_last_minute_counts():
    """A market that just woke up is asked for what its last minute makes likely."""
    sleepy = trades_at(*range(0, 900, 9))
    awake = trades_at(*np.arange(0, 60, 0.1))

    assert likely_missing(sleepy, 1060.0, most=1000) == FEWEST
    assert likely_missing(awake, 1060.0, most=1000) == 900 + OVERLAP
    assert likely_missing(awake, 5000.0, most=1000) == 1000


def test_nothing_known_asks_for_everything():
    """No stretch, no rate."""
    assert likely_missing(None, 1000.0, most=500) == 500
    assert likely_missing(trades_at(since=1000.0), 1000.0, most=500) == 500
