"""Claims about markets that another process has loaded: what is handed on, and when it is taken over."""

from __future__ import annotations

import json

import pytest

from market.plain_markets import plain_markets
from market.shared_markets import SharedMarkets
from tests.support.made_bybit import BTC, MARKETS, STARTED, Bybit, made_exchange
from tests.support.market_lists import Client, listed


def test_adopted_markets_need_no_call():
    """A new process takes what another has loaded, and asks for prices at once."""
    bybit = Bybit()
    first, _, _ = made_exchange(bybit)
    first.candles(BTC, "1m", bars=5)
    plain = json.loads(json.dumps(first.plain_markets()))
    second, client, _ = made_exchange(bybit, markets={})

    second.adopt_markets(plain, as_of=STARTED)
    candles = second.candles(BTC, "1m", bars=5)

    assert len(candles) == 5
    assert [url.split("?")[0].rpartition("/")[2] for url in client.session.urls] == ["kline"]
    assert second.markets_as_of() == STARTED
    assert second.plain_markets() == plain


def test_only_the_tracked_kind_of_markets_is_handed_on():
    """Perpetuals in USDT that are traded; nothing else is ever asked for."""
    assert [one["symbol"] for one in plain_markets(MARKETS)] == ["BTC/USDT:USDT", "ETH/USDT:USDT"]


def test_handed_on_markets_are_small():
    """A thousand of them take less than half of what memcached takes as one value."""
    thousand = plain_markets(listed(*(f"NAME{number}" for number in range(1000))))

    assert len(thousand) == 1000
    assert len(json.dumps(thousand)) < 500_000


@pytest.mark.parametrize("as_of", [50.0, 40.0])
def test_markets_that_are_no_younger_are_not_adopted(as_of):
    """What another process loaded before us would take new listings away."""
    shared, client = SharedMarkets("x"), Client("A", "B")
    shared.fit(client, now=50.0)
    before = client.markets

    shared.adopt(plain_markets(listed("A")), as_of=as_of)
    shared.fit(client)

    assert client.markets is before


def test_younger_markets_are_adopted_by_all_clients():
    """A listing that another process found is known here without a call."""
    shared, first, second = SharedMarkets("x"), Client("A"), Client("A")
    shared.fit(first, now=50.0)

    shared.adopt(plain_markets(listed("A", "NEW")), as_of=60.0)
    shared.fit(second)
    shared.fit(first)

    assert "NEW/USDT:USDT" in first.markets
    assert first.markets is second.markets
    assert shared.as_of == 60.0


def test_an_empty_list_is_not_adopted():
    """Nothing known is no knowledge."""
    shared, client = SharedMarkets("x"), Client("A")

    shared.adopt([], as_of=60.0)
    shared.fit(client)

    assert client.loads == 1


def test_a_market_that_was_adopted_can_be_replaced_by_a_fresh_list():
    """The hourly refresh follows an adopted list as it follows a loaded one."""
    shared, client = SharedMarkets("x"), Client("A", "B", "C")
    shared.adopt(plain_markets(listed("A", "B")), as_of=60.0)
    shared.fit(client)

    shared.reload(client, now=70.0)

    assert set(client.markets) == set(listed("A", "B", "C"))
    assert shared.as_of == 70.0
