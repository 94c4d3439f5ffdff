"""A test for each trap of pymemcache 4.0's keys, values, lifetimes and answers."""

from __future__ import annotations

import os
import time

import pytest
from pymemcache.client.base import Client

from cache.tiers.base import Sealed
from cache.tiers.memcached import LONGEST_LIFE_S
from tests.support.lone_memcached import body_of, forbidden, put
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

DAY_S = 86_400


@pytest.mark.usefixtures("patient_memcached")
def test_noreply_a_refused_value_is_not_reported_as_stored(tier, monkeypatch):
    """2 MB: the server says no, we hear it, and the value before does not stay in its place."""
    monkeypatch.setattr("cache.tiers.memcached.MOST_BYTES", 8_000_000)
    assert put(tier, "a", b"small") == "stored"

    outcome = put(tier, "a", os.urandom(2_000_000))

    assert outcome == "failed"
    assert body_of(tier, "a") is None
    assert put(tier, "a", b"again") == "stored"
    assert tier.nodes[0].breaker.openings == 0


@pytest.mark.usefixtures("patient_memcached")
def test_noreply_a_refused_value_spoils_nothing_else_of_its_batch(tier, monkeypatch):
    """Its neighbours are stored, and each gets its own answer."""
    monkeypatch.setattr("cache.tiers.memcached.MOST_BYTES", 8_000_000)
    bodies = {"a": b"1", "b": os.urandom(2_000_000), "c": b"3"}
    until = time.time() + 60

    outcomes = tier.store([Sealed(text, body, until) for text, body in bodies.items()], 1, fill=False)

    assert outcomes == {"a": "stored", "b": "failed", "c": "stored"}
    assert tier.fetch(["a", "b", "c"], 1) == {"a": b"1", "c": b"3"}


def test_whole_seconds_the_envelope_decides_when_an_entry_ends(make, clock, chain):
    """Memcached still holds what has ended by our own time, and it is neither fresh nor served."""
    cache = make("l2")
    key = chain[0].key(name="a")
    cache.put(key, 1)

    clock.move(55)
    first = cache.get(key).state
    clock.move(6)
    second = cache.get(key).state
    clock.move(600)

    assert (first, second, cache.get(key)) == ("fresh", "stale", None)
    assert cache._engine.tiers.near.fetch([key.text], cache.stats()["generation"])


@pytest.mark.usefixtures("patient_memcached")
def test_whole_seconds_a_life_of_less_is_not_taken_for_endless(tier):
    """Rounded down to 0 it would never end."""
    put(tier, "a", b"1", life_s=0.2)

    eventually(lambda: body_of(tier, "a") is None, within_s=8)


@pytest.mark.usefixtures("patient_memcached")
@pytest.mark.parametrize("life_s", [30 * DAY_S - 1, 30 * DAY_S + 1, 400 * DAY_S])
def test_thirty_days_a_longer_life_is_not_taken_for_a_date(tier, life_s):
    """It would be one in January 1970, and the entry gone at once."""
    put(tier, "a", b"1", life_s=life_s)

    assert body_of(tier, "a") == b"1"
    assert LONGEST_LIFE_S == 30 * DAY_S


NASTY = (
    "a b",
    "a\nb",
    "a\r\nflush_all\r\n",
    "\x00",
    "\x7f",
    "ü" * 126,
    "x" * 240,
    "x" * 251,
    "比特币/USDT",
    "",
)


@pytest.mark.usefixtures("patient_memcached")
@pytest.mark.parametrize("text", NASTY)
def test_keys_of_any_length_and_letters_are_carried(tier, text):
    """250 bytes, no spaces, no control characters: nothing of a key can become a command."""
    wire_key = tier.wire_key(text, 1)

    assert put(tier, "witness", b"here") == put(tier, text, b"1") == "stored"

    assert len(wire_key) <= 250
    assert not any(byte <= 0x20 or byte == 0x7F for byte in wire_key)
    assert (body_of(tier, text), body_of(tier, "witness")) == (b"1", b"here")


def test_keys_are_as_long_as_their_bytes_and_not_their_letters(tier):
    """The library's own check would come too late: it raises."""
    assert len("ü" * 126) < 250 < len(("ü" * 126).encode())
    assert tier.wire_key("ü" * 126, 1).rpartition(b":")[2].startswith(b"#")


def test_keys_that_are_hashed_are_compared_with_the_original(make, chain, monkeypatch):
    """Two that fell on one hash: one gets its value, the other a miss, never the wrong one."""
    cache = make("l2")
    one, other = chain[0].key(name="a b"), chain[0].key(name="c d")
    monkeypatch.setattr("cache.tiers.memcached.hashlib.blake2b", lambda *_args, **_options: _OneHash())
    cache.put(one, 1)

    assert cache.get(other) is None
    assert cache.get(one).value == 1


VALUES = (
    b"",
    b"\r\n",
    b"END\r\n",
    b"VALUE t:1:a 0 5\r\nhello\r\nEND\r\n",
    b"\r\nERROR\r\n",
    bytes(range(256)) * 900,
)


@pytest.mark.usefixtures("patient_memcached")
def test_the_parser_takes_a_value_for_nothing_but_a_value(tier):
    """Ours reads whole batches; lengths decide where a value ends, and not what is in it."""
    bodies = {f"k{i}": body for i, body in enumerate(VALUES * 40)}
    until = time.time() + 60
    tier.store([Sealed(text, body, until) for text, body in bodies.items()], 1, fill=False)

    assert tier.fetch([*bodies, "absent"], 1) == bodies


@pytest.mark.usefixtures("patient_memcached")
def test_the_parser_of_the_library_is_not_in_the_way(tier, monkeypatch):
    """It took nine tenths of the time of a batch."""
    for name in ("get", "get_many", "get_multi", "gets_many", "_extract_value"):
        monkeypatch.setattr(Client, name, forbidden)
    put(tier, "a", b"1")

    assert tier.fetch(["a", "b"], 1) == {"a": b"1"}


class _OneHash:
    """A hash on which everything falls."""

    def hexdigest(self):
        """The same for all."""
        return "0" * 48

    def digest(self):
        """The same for all."""
        return b"0" * 8
