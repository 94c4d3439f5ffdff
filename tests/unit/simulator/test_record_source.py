from __future__ import annotations

import ccxt
import pytest

from simulator.record.refused import RecordRefused, Unreachable
from simulator.record.source import connect, secrets_of
from tests.support.recorder import Client, source_of


@pytest.mark.parametrize(
    "trouble", [ccxt.NetworkError("gone"), ccxt.RateLimitExceeded("slow down"), TypeError("rows of None")]
)
def test_trouble_is_waited_out_with_growing_pauses(trouble):
    """Whatever ccxt makes of it."""
    client = Client(fetch_time=[trouble] * 3 + [7])
    source, said, now = source_of(client)

    assert source.ask(client.fetch_time) == 7
    assert now[0] == 1 + 2 + 4
    assert len(said) == 3


def test_patience_ends():
    """With what went wrong last."""
    client = Client(fetch_time=[ccxt.NetworkError("gone")] * 9)
    source, _, now = source_of(client, patience_s=20)

    with pytest.raises(Unreachable, match="made: NetworkError gone"):
        source.ask(client.fetch_time)

    assert now[0] <= 20


def test_an_empty_result_of_something_that_is_not_json_is_no_result():
    """Of a page of HTML ccxt makes one."""
    client = Client()
    client.fetch_nothing = list
    source, said, _ = source_of(client, patience_s=3)

    with pytest.raises(Unreachable, match="not JSON"):
        source.ask(client.fetch_nothing)
    assert said


def test_what_waiting_does_not_help_is_told_at_once():
    """A symbol that is not there will not be there in a minute."""
    client = Client(fetch_time=[ccxt.BadSymbol("no such thing")])

    with pytest.raises(RecordRefused, match="no such thing"):
        source_of(client)[0].ask(client.fetch_time)


def test_another_address_stands_in_for_all_of_an_exchange():
    """Nothing goes to the real one."""
    client = connect("okx", url="http://127.0.0.1:1/")

    assert set(client.urls["api"].values()) == {"http://127.0.0.1:1"}
    with pytest.raises(RecordRefused, match="ccxt knows no 'okex1'"):
        connect("okex1", url=None)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://me:pa%2Fss@gate:1/", "bybit GET http://me:pa%2Fss@gate:1/v5"),
        ("http://me:pa%2Fss@gate:1/", "no route to me:pa/ss@gate"),
        ("http://me:päss@gate", "http://me:p%C3%A4ss@gate/v5 refused"),
        ("https://pa%2Fss@gate", "login pa/ss refused"),
        ("http://me:pa%2Fss@gate", "x" * 195 + "pa%2Fss"),
    ],
)
def test_trouble_is_told_without_the_login_of_the_address(url, said):
    """In no spelling, and no half of it."""
    client = Client(fetch_time=[ccxt.NetworkError(said)] * 2)
    source, lines, _ = source_of(client, patience_s=1.5, secrets=secrets_of(url))

    with pytest.raises(Unreachable) as ended:
        source.ask(client.fetch_time)

    for line in (*lines, str(ended.value)):
        assert not any(word in line for word in ("pa%2F", "pa/ss", "päss", "%C3%A4"))
    assert len(lines) == 1


@pytest.mark.parametrize("url", [None, "http://gate:1/v5"])
def test_an_address_without_a_login_hides_nothing(url):
    """Its errors are told as they are."""
    assert secrets_of(url) == ()
