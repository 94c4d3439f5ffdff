"""Claims about a list of markets beside the one that is known: which is believed, and what has changed."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from market.errors import BadAnswer, FewerMarkets
from market.plain_markets import changes, fingerprint, plain_markets
from market.shared_markets import SharedMarkets
from tests.support.market_lists import Client, listed
from tests.support.replay import made_market


@pytest.mark.parametrize("offered", [{}, listed("A"), listed("A", "B", "C", "D", kind="spot")])
def test_a_list_that_lost_more_than_half_is_refused(offered):
    """What is known stays known, also when spot markets would take the perpetuals' place."""
    shared, client = SharedMarkets("x"), Client("A", "B", "C")
    shared.fit(client)
    before, client.offered = client.markets, offered

    with pytest.raises(BadAnswer, match="where 3 were known"):
        shared.reload(client)

    assert client.markets is before


def test_a_short_list_is_believed_when_whoever_asks_has_seen_it_before():
    """That one, by whatever order; not another that is as short."""
    shared, client = SharedMarkets("x"), Client("A", "B", "C", "D", "E")
    shared.fit(client)
    client.offered = listed("A", "B")
    with pytest.raises(FewerMarkets, match="2 markets to track where 5 were known") as refused:
        shared.reload(client)
    client.offered = listed("A", "C")
    with pytest.raises(FewerMarkets) as other:
        shared.reload(client, believed=refused.value.listed)
    assert other.value.listed != refused.value.listed

    client.offered = listed("B", "A")
    with capture_logs() as logs:
        shared.reload(client, now=70.0, believed=refused.value.listed)

    assert set(client.markets) == set(listed("A", "B"))
    assert shared.as_of == 70.0
    assert [(line["event"], line["markets"], line["known"]) for line in logs] == [("markets_believed", 2, 5)]


def test_spot_markets_take_the_place_of_perpetuals_once_they_are_believed():
    """An exchange may stop to trade them; one that lists nothing at all is never believed."""
    shared, client = SharedMarkets("x"), Client("A", "B", "C")
    shared.fit(client)
    client.offered = listed("A", "B", "C", "D", kind="spot")
    with pytest.raises(FewerMarkets) as refused:
        shared.reload(client)

    shared.reload(client, believed=refused.value.listed)
    assert set(client.markets) == set(client.offered)

    client.offered = listed("A", "B")
    shared.reload(client)
    assert set(client.markets) == set(client.offered)  # perpetuals are back: nothing is lost by them

    client.offered = {}
    with pytest.raises(BadAnswer) as empty:
        shared.reload(client, believed=fingerprint([]))
    assert not isinstance(empty.value, FewerMarkets)


def test_a_process_that_starts_holds_a_short_list_against_what_it_was_offered():
    """Else a restart would believe whatever the exchange lists at that moment."""
    shared, client = SharedMarkets("x"), Client("A")
    shared.adopt(plain_markets(listed("A", "B", "C", "D")), as_of=60.0)

    with pytest.raises(FewerMarkets, match="1 markets to track where 4 were known"):
        shared.reload(client, now=70.0)

    shared.fit(client)
    assert set(client.markets) == set(listed("A", "B", "C", "D"))


def test_a_rename_is_told_from_a_delisting_and_a_new_listing():
    """The exchange's own name stays when ccxt's symbol changes."""
    before = plain_markets(listed("A", "OLD", "GONE"))
    renamed = made_market("BETTER/USDT:USDT", id="OLDUSDT")
    after = plain_markets({**listed("A", "NEW"), "BETTER/USDT:USDT": renamed})

    found = changes(before, after)

    assert found.renamed == {"OLD/USDT:USDT": "BETTER/USDT:USDT"}
    assert found.gone == ("GONE/USDT:USDT",)
    assert found.new == ("NEW/USDT:USDT",)


def test_a_symbol_that_another_market_takes_over_begins_anew():
    """Its candles are another market's from now on: it is gone, and it is new."""
    before = plain_markets(listed("A"))
    after = plain_markets({"A/USDT:USDT": made_market("A/USDT:USDT", id="1000AUSDT")})

    found = changes(before, after)

    assert (found.renamed, found.gone, found.new) == ({}, ("A/USDT:USDT",), ("A/USDT:USDT",))


def test_a_spot_market_and_a_perpetual_of_one_name_are_not_a_rename():
    """Bybit calls both BTCUSDT."""
    found = changes(plain_markets(listed("A", kind="spot")), plain_markets(listed("A")))

    assert (found.renamed, found.gone, found.new) == ({}, ("A/USDT",), ("A/USDT:USDT",))
