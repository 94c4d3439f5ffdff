from __future__ import annotations

import random
import unicodedata
from itertools import count

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cache import Kind, Put, TieredCache, make_tiers
from cache.graph import Catalogue
from tests.support.shapes import NAMES, VALUES, bounded
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

SMALL_MEMORY_MB = 1
_numbers = count()


@pytest.fixture
def tiers(make):
    """A writer, and for each tier a reader that can only answer from it."""
    writer, near = make.proved(), make.proved("l2 l3")
    return {"l1": writer, "l2": near, "l3": make.proved("l3")}


def canonical(value):
    """The one spelling of a value: NaN is not equal to itself, its bytes are."""
    return msgspec.msgpack.encode(msgspec.msgpack.decode(msgspec.msgpack.encode(value)))


@bounded
@given(names=st.lists(NAMES, min_size=1, max_size=8, unique=True))
def test_any_unicode_is_a_key_and_no_two_are_one(tiers, chain, names):
    """Each keeps its own value in every tier; equal letters in another normal form are another key."""
    number = next(_numbers)
    keys = {chain[0].key(name=name): [number, name] for name in names}

    tiers["l1"].put_many([Put(key, value) for key, value in keys.items()])

    for tier, reader in tiers.items():
        found = reader.get_many(keys)
        assert {key: list(entry.value) for key, entry in found.items()} == keys
        assert {entry.tier for entry in found.values()} == {tier}
        assert all(key.name == name for key, (_, name) in keys.items())


def test_normal_forms_are_different_keys(tiers, chain):
    """Nobody normalises on the way."""
    one, other = (chain[0].key(name=unicodedata.normalize(form, "é")) for form in ("NFC", "NFD"))

    tiers["l1"].put_many([Put(one, "composed"), Put(other, "decomposed")])

    assert [tiers["l3"].get(key).value for key in (one, other)] == ["composed", "decomposed"]


@bounded
@example(value=b"")
@example(value=b"\xff" * 2000)
@example(value="")
@example(value={"nan": float("nan"), "inf": [float("inf"), float("-inf")], "-0": -0.0})
@example(value=[2**64 - 1, -(2**63), {}, [], None, True])
@given(value=VALUES)
def test_any_value_comes_back_from_every_tier(tiers, chain, value):
    """Of whatever shape msgpack carries, bit by bit."""
    key = chain[0].key(name=f"v{next(_numbers)}")

    tiers["l1"].put(key, value)

    for tier, reader in tiers.items():
        entry = reader.get(key)
        assert (canonical(entry.value), entry.tier) == (canonical(value), tier)


@pytest.fixture
def small(make):
    """A cache with little memory, so that all three tiers have a limit that can be met."""
    kind = Kind("sized", ("name",), ttl=60)
    cache = TieredCache(
        tiers=make_tiers(
            clock=make.clock,
            redis_url=f"{make.redis.url}/0",
            memcached_servers=(make.memcached.address,),
            prefix=make.prefix,
            memory_mb=SMALL_MEMORY_MB,
        ),
        clock=make.clock,
        catalogue=Catalogue((kind,)),
    )
    make.made.append(cache)
    eventually(lambda: cache.health()["coherence"] == "proved", within_s=10)
    return cache, kind


MB = 1024 * 1024
SIZES = (0, 1, 1023, 1024, 1025, 999_000, 1_000_000, MB - 500, MB - 100, MB, 16 * MB - 200, 16 * MB, 17 * MB)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", ["noise", "zeros"])
def test_a_value_of_any_size_is_kept_or_skipped_but_never_leaves_the_one_before(small, size, shape):
    """Each tier has the new value or none; what the write said of a tier is what is found there."""
    cache, kind = small
    key = kind.key(name="a")
    cache.put(key, "before")
    body = random.Random(size).randbytes(size) if shape == "noise" else bytes(size)

    result = cache.put(key, body)

    tiers, generation = cache._engine.tiers, cache.stats()["generation"]
    held = {
        "l1": tiers.memory.peek(key.text) is not None,
        "l2": key.text in tiers.near.fetch([key.text], generation),
        "l3": key.text in (tiers.far.fetch([key.text]) or {}),
    }
    assert {tier: outcome == "stored" for tier, outcome in result.tiers.items()} == held
    assert set(result.tiers.values()) <= {"stored", "skipped"}
    found = cache.get(key)
    assert found is None if not any(held.values()) else found.value == body
