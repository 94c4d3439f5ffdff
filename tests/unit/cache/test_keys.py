from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache import KeyMismatch, Kind, parse
from cache.catalogue import CANDLES, CATALOGUE
from cache.keys import timeframe_seconds
from cache.tiers.memcached import MemcachedTier

PAIR = Kind("pair", ("one", "two"), ttl=1)
WORDS = st.text(alphabet=st.characters(exclude_categories=["Cs"]))


def test_a_key_reads_well():
    """Its text, its parameters by name and by attribute."""
    key = CANDLES.key(exchange="simulated", symbol="BTC/USDT:USDT", timeframe="1m")

    assert str(key) == "candles|simulated|BTC/USDT:USDT|1m"
    assert (key.symbol, key.params["timeframe"], key.kind) == ("BTC/USDT:USDT", "1m", CANDLES)
    assert repr(key) == "<candles|simulated|BTC/USDT:USDT|1m>"
    assert repr(CANDLES) == "Kind('candles')"


def test_equal_keys_are_one():
    """As dict keys, too, and after a trip through pickle's protocol."""
    first, second = PAIR.key(one="a", two="b"), PAIR.key(two="b", one="a")

    assert {first: 1}[second] == 1
    assert first != PAIR.key(one="b", two="a")
    assert first.__reduce__()[0](*first.__reduce__()[1]) == first
    assert pickle.HIGHEST_PROTOCOL


@given(WORDS, WORDS, WORDS, WORDS)
def test_different_parameters_never_make_the_same_key(one, two, three, four):
    """Whatever they contain; and the text can be read back."""
    first, second = PAIR.key(one=one, two=two), PAIR.key(one=three, two=four)

    assert (first == second) == ((one, two) == (three, four))
    assert parse(first.text, {"pair": PAIR}) == first


@given(WORDS)
def test_memcached_can_carry_every_key(symbol):
    """At most 250 bytes, no spaces, no control characters, and no two the same."""
    tier = MemcachedTier(servers=("127.0.0.1:1",), prefix="p", clock=lambda: 0.0)
    key, other = PAIR.key(one=symbol, two=""), PAIR.key(one=symbol, two="x")

    wire = tier.wire_key(key.text, 1_800_000_000_000_000)

    assert len(wire) <= 250
    assert all(byte > 0x20 and byte != 0x7F for byte in wire)
    assert wire != tier.wire_key(other.text, 1_800_000_000_000_000)


def test_wrong_parameters_are_refused():
    """The message says what is wanted."""
    with pytest.raises(KeyMismatch, match="pair wants one, two; got one"):
        PAIR.key(one="a")
    with pytest.raises(KeyMismatch, match="a parameter is text"):
        PAIR.key(one="a", two=3)
    with pytest.raises(KeyMismatch, match="not valid Unicode"):
        PAIR.key(one="a", two="\ud800")


def test_a_key_cannot_be_changed():
    """Nor does it have what its kind does not name."""
    key = PAIR.key(one="a", two="b")

    with pytest.raises(AttributeError, match="immutable"):
        key.text = "x"
    with pytest.raises(AttributeError):
        _ = key.three


def test_what_is_no_key_of_ours_is_not_parsed():
    """An unknown kind, or another number of parameters."""
    assert parse("nonsense|a", CATALOGUE.kinds) is None
    assert parse("tickers|a|b", CATALOGUE.kinds) is None


def test_timeframes_have_lengths():
    """And other words have not."""
    assert [timeframe_seconds(word) for word in ("1m", "4h", "1d", "2w")] == [60, 14400, 86400, 1209600]
    with pytest.raises(KeyMismatch, match="'soon' is not a timeframe"):
        timeframe_seconds("soon")
